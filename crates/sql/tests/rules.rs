//! Each rewrite rule changes a plan, and wrong rule names are refused.

use sql::rules::Rule;

const SCRIPT: &str = "
CREATE TABLE a (k INT, v INT, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');
CREATE TABLE b (k INT, w INT, more STRING) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');
CREATE TABLE counts (k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'redis', 'key' = 'counts:{k}');
CREATE TABLE windows (k INT, n BIGINT, window_start TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE joined (v INT, w INT, t TIMESTAMP(3)) WITH ('connector' = 'print');
INSERT INTO counts SELECT k, COUNT(*) FROM a GROUP BY k;
INSERT INTO windows SELECT k, COUNT(*), window_start
  FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) WHERE v > 1 + 1 GROUP BY k, window_start, window_end;
INSERT INTO joined SELECT v, w, TRY_CAST(REPLACE(s, 'T', ' ') AS TIMESTAMP(3)) FROM a, b WHERE a.k = b.k AND v > 3;
";

/// A script in which two queries of one scan share a condition.
const SHARED: &str = "
CREATE TABLE a (k INT, v INT) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');
CREATE TABLE x (k INT) WITH ('connector' = 'print');
CREATE TABLE y (v INT) WITH ('connector' = 'print');
INSERT INTO x SELECT k FROM a WHERE v > 3;
INSERT INTO y SELECT v FROM a WHERE v > 3;
";

fn plan(script: &str) -> String {
    let plan = sql::compile(script, &|_| None).unwrap_or_else(|found| panic!("{found:?}"));
    format!("{:?}{:?}", plan.pipelines, plan.operators)
}

#[test]
fn each_rule_changes_a_plan() {
    for rule in Rule::ALL {
        let changes = [SCRIPT, SHARED].into_iter().any(|script| {
            let without = format!("{script}SET 'weir.optimizer.disabled-rules' = '{rule}';\n");
            let other = format!("{script}SET 'weir.memory' = '1 gb';                      \n");
            plan(&without) != plan(&other)
        });
        assert!(changes, "{rule}");
    }
}

#[test]
fn a_name_that_is_no_rule_is_refused_with_the_names() {
    let found = sql::compile("SET 'weir.optimizer.disabled-rules' = 'prune-field';", &|_| None).unwrap_err();
    let error = found.iter().find(|found| found.message.contains("prune-field")).expect("an error about it");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("prune-fields")), "{error:?}");
}
