//! Identities of operators must be stable, because a restart compiles the script again and finds state by
//! them.

use sql::plan::operator::OperatorKind;

const SCRIPT: &str = "
CREATE TABLE a (k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'x');
CREATE TABLE b (k STRING, n INT) WITH ('connector' = 'x');
CREATE TABLE sums (k STRING, n BIGINT) WITH ('connector' = 'print');
INSERT INTO sums
  SELECT a.k, SUM(a.n + b.n * 2) FROM a JOIN b ON a.k = b.k AND a.n + b.n > 3 AND a.n * 2 < b.n + 7 GROUP BY a.k;
INSERT INTO sums SELECT k, CAST(s AS BIGINT) FROM a MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY ts MEASURES SUM(B.n * 2) + A.n - FIRST(n) AS s
  PATTERN (A B C) DEFINE A AS A.n > 1 AND A.n < 5, B AS B.n > A.n OR B.n = LAST(n, 1) + 2);
";

#[test]
fn they_are_the_same_in_every_compilation() {
    let identities = || -> Vec<String> {
        let plan = sql::compile(SCRIPT, &|_| None).unwrap_or_else(|found| panic!("{found:?}"));
        plan.operators.into_iter().map(|operator| operator.identity).collect()
    };
    let first = identities();
    assert!(first.len() > 4, "{first:?}");
    for _ in 0..5 {
        assert_eq!(identities(), first);
    }
}

#[test]
fn a_limit_means_nothing_to_exists() {
    let plan = |limit: &str| {
        let query = format!("SELECT k, n FROM b WHERE EXISTS (SELECT n FROM a WHERE a.k = b.k {limit})");
        let script = SCRIPT.split("INSERT").next().expect("declarations").to_owned()
            + &format!("INSERT INTO sums {query};{}", " ".repeat(40 - limit.len()));
        let plan = sql::compile(&script, &|_| None).unwrap_or_else(|found| panic!("{limit}: {found:?}"));
        sql::explain::explain(&plan)
    };
    assert_eq!(plan("ORDER BY n LIMIT 1"), plan(""));
    assert_eq!(plan("LIMIT 3"), plan(""));
}

#[test]
fn keys_that_follow_from_equal_values_do_not_change_the_state_of_joins() {
    let side = |name: &str| format!("(SELECT k, MAX(v) AS v FROM e GROUP BY k) AS {name}");
    let script = format!(
        "CREATE TABLE e (k STRING, v INT) WITH ('connector' = 'x');
         CREATE TABLE o (k STRING, v INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');
         INSERT INTO o SELECT c.k, a.v FROM {} JOIN {} ON a.k = b.k JOIN {} ON b.k = c.k",
        side("a"),
        side("b"),
        side("c"),
    );
    let plan = sql::compile(&script, &|_| None).expect("the key of the rows is a.k, which equals c.k");
    let unique = plan.operators.iter().filter_map(|operator| match &operator.kind {
        OperatorKind::Join(join) => Some(join.unique),
        _ => None,
    });
    // The left side of the second join is unique by b.k, but earlier versions did not know it.
    assert_eq!(unique.collect::<Vec<_>>(), [[true, true], [false, true]]);
}
