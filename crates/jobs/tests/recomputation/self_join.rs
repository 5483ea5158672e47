//! A join of a table with an aggregate of the same table, from several files: some batches of changes have
//! additions only.

use crate::support::run;

const SCRIPT: &str = "
CREATE TABLE a (id BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'a', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE o (n BIGINT, id BIGINT) WITH ('connector' = 'print');
INSERT INTO o SELECT l.n, r.id FROM (SELECT COUNT(*) AS n, 2 AS j FROM a) l JOIN a r ON l.j = r.id;
";

#[test]
fn the_final_rows_are_the_same_for_one_file_and_for_several() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, ids: &[i64]| {
        let lines: Vec<String> = ids.iter().map(|id| format!("{{\"id\":{id}}}")).collect();
        let path = directory.path().join(name);
        std::fs::write(&path, lines.join("\n")).expect("the file is written");
        path
    };
    let (all, most, last) = (file("all", &[26, 20, 2]), file("most", &[26, 20]), file("last", &[2]));

    for parallelism in [1, 2] {
        for paths in [&[all.as_path()][..], &[&most, &last], &[&last, &most]] {
            let (output, _) = run(SCRIPT, &[("a", paths)], parallelism, 100);
            let expected = r#"{"table":"o","key":null,"value":{"n":3,"id":2},"ttl":null}"#;
            assert_eq!(output.trim_end(), expected, "{paths:?}, {parallelism} subtasks");
        }
    }
}
