//! `FROM_CHANGELOG` and `TO_CHANGELOG`: calls that Flink refuses, and arguments that Flink accepts and
//! ignores.

use super::{check, compiles};

/// Returns a statement that is valid except for the call.
fn from(args: &str) -> &'static str {
    let tables = "CREATE TABLE changes (op STRING, n INT, kind STRING) WITH ('connector' = 'x'); \
                  CREATE TABLE shown (a BIGINT) WITH ('connector' = 'print');";
    format!(
        "{tables} INSERT INTO shown SELECT CAST(n AS BIGINT) FROM {}",
        args.replace('@', "FROM_CHANGELOG")
    )
    .leak()
}

fn to(args: &str) -> &'static str {
    format!("INSERT INTO text_out SELECT s FROM {}", args.replace('@', "TO_CHANGELOG")).leak()
}

#[test]
fn arguments_that_are_none() {
    check(&[
        (from("«@()»"), "FROM_CHANGELOG needs the argument `input`", "input => TABLE t"),
        (from("«@(op => DESCRIPTOR(op))»"), "FROM_CHANGELOG needs the argument `input`", "input => TABLE t"),
        (from("@(«1»)"), "the input of FROM_CHANGELOG is a table", ""),
        (from("@(«INPUT» => TABLE changes)"), "has no argument `INPUT`", "did you mean `input`"),
        (
            from("@(input => TABLE changes, «error_handling» => 'SKIP')"),
            "has no argument `error_handling`",
            "input, op, op_mapping, on_time, uid",
        ),
        (from("@(TABLE changes, «op => DESCRIPTOR(op)»)"), "some have none", "name all"),
        (from("@(TABLE changes, NULL, NULL, NULL, 'u', «6»)"), "does not take 6 arguments", ""),
        (
            from("@(input => TABLE changes, op => DESCRIPTOR(op), «op => DESCRIPTOR(kind)»)"),
            "has the argument `op` twice",
            "",
        ),
        (from("@(input => TABLE changes PARTITION BY «n»)"), "PARTITION BY is not allowed", "leave it out"),
        (to("@(input => TABLE uq ORDER BY «ts»)"), "ORDER BY is not allowed in TO_CHANGELOG", "leave it out"),
        (from("@(input => TABLE changes, «uid => 'a b'»)"), "a uid is a literal of letters", ""),
        (from("@(input => TABLE changes, «op => 'op'»)"), "names a column", "DESCRIPTOR(column)"),
        (from("@(input => TABLE changes, «op => DESCRIPTOR(op, kind)»)"), "the codes are in one column", ""),
        (from("@(input => TABLE «nosuch»)"), "no table or view `nosuch`", ""),
        (
            "INSERT INTO one SELECT big FROM «NOSUCH(input => TABLE uq)»",
            "no table function `NOSUCH`",
            "TUMBLE",
        ),
    ]);
}

#[test]
fn columns_that_do_not_fit() {
    check(&[
        (from("@(input => TABLE changes, op => DESCRIPTOR(«OP»))"), "no column `OP`", "did you mean `op`"),
        (from("«@(input => (SELECT n, kind FROM changes))»"), "no column `op`", "op => DESCRIPTOR(column)"),
        (from("@(input => TABLE changes, op => DESCRIPTOR(«n»))"), "must be text, and this is INT", "CAST"),
        (from("«@(input => (SELECT op FROM changes))»"), "no column besides `op`", "other columns"),
        (
            from("@(input => TABLE changes, «on_time => DESCRIPTOR(n)»)"),
            "FROM_CHANGELOG does not take on_time for updated rows",
            "leave it out",
        ),
        (to("@(input => TABLE uq, op => DESCRIPTOR(«s»))"), "has a column `s` already", "DESCRIPTOR(kind)"),
        (to("«@(input => (SELECT s, s AS op FROM uq))»"), "has a column `op` already", ""),
        (
            to("@(input => TABLE uq, on_time => DESCRIPTOR(«n»))"),
            "needs a TIMESTAMP or TIMESTAMP_LTZ, `n` is INT",
            "`ts`",
        ),
        (
            to("@(input => (SELECT s, MAX(ts) AS ts FROM uq GROUP BY s), on_time => DESCRIPTOR(«ts»))"),
            "`ts` is not an event time",
            "",
        ),
        (
            "INSERT INTO text_out SELECT op FROM TO_CHANGELOG(input => (SELECT ts, n FROM FROM_CHANGELOG(\
             input => TABLE uq, op => DESCRIPTOR(s))), «on_time => DESCRIPTOR(ts)»)",
            "on_time takes new rows only",
            "leave it out",
        ),
        (
            from("«@(input => (SELECT op, COUNT(*) AS n FROM changes GROUP BY op))»"),
            "FROM_CHANGELOG takes new rows only",
            "",
        ),
    ]);
}

#[test]
fn codes_that_mean_nothing() {
    let from = |map: &str| from(&format!("@(input => TABLE changes, op_mapping => {map})"));
    let to = |map: &str| to(&format!("@(input => TABLE uq, op_mapping => {map})"));

    check(&[
        (from("«'x'»"), "op_mapping is a map of literals", "MAP['c, r', 'INSERT'"),
        (from("MAP['c', «UPPER('insert')»]"), "op_mapping is a map of literals", ""),
        (from("MAP[«CAST(NULL AS STRING)», 'INSERT']"), "op_mapping is a map of literals", ""),
        (from("MAP[«1», 'INSERT']"), "op_mapping is a map of literals", ""),
        (from("MAP['c', «'insert'»]"), "`insert` is not a kind of change", "in upper case"),
        (from("MAP['c', «'+I'»]"), "`+I` is not a kind of change", "UPDATE_BEFORE"),
        (from("MAP['c', 'INSERT', 'r', «'INSERT'»]"), "INSERT is there twice", "MAP['c, r', 'INSERT']"),
        (from("MAP['c, r', 'INSERT', «'d, c'», 'DELETE']"), "the code `c` occurs twice", ""),
        (from("MAP[«'c,c'», 'INSERT']"), "the code `c` occurs twice", ""),
        (
            from("«MAP['c', 'INSERT', 'u', 'UPDATE_AFTER', 'd', 'DELETE']»"),
            "UPDATE_AFTER needs one for UPDATE_BEFORE",
            "upsert-kafka",
        ),
        (to("MAP[«'insert'», 'c']"), "`insert` is not a kind of change", ""),
        (to("MAP[«'INSERT, nothing'», 'c']"), "`nothing` is not a kind of change", ""),
        (to("MAP['INSERT', 'c', «'DELETE, INSERT'», 'd']"), "INSERT is there twice", "one code"),
        (to("MAP['INSERT', «'a' || 'b'»]"), "op_mapping is a map of literals", ""),
    ]);
}

#[test]
fn calls_that_are_right() {
    for fine in [
        from("@(TABLE changes)"),
        from("TABLE(@(input => TABLE changes)) AS c"),
        from("LATERAL TABLE(@(input => TABLE changes))"),
        from("@(input => (SELECT n, kind FROM changes), op => DESCRIPTOR(kind))"),
        from("@(TABLE changes, NULL, CAST(NULL AS MAP<STRING, STRING>), NULL, 'my-changes_1')"),
        from("@(input => TABLE changes, op_mapping => MAP['c', 'INSERT', 'c', 'DELETE', 'x,', 'INSERT '])"),
        from("@(input => TABLE changes, op_mapping => MAP['', 'INSERT', 'ub', 'UPDATE_BEFORE'])"),
        to("@(TABLE uq)"),
        to("@(input => TABLE uq, op_mapping => MAP['INSERT,', '', 'UPDATE_AFTER, DELETE', 'x'])"),
        to("@(input => TABLE uq, on_time => DESCRIPTOR(ts)) WHERE rowtime = ts"),
        to("@(input => TABLE uq, op => DESCRIPTOR(rowtime), on_time => DESCRIPTOR(ts)) WHERE rowtime0 = ts"),
        to("@(input => (SELECT s, COUNT(*) AS n FROM uq GROUP BY s))"),
    ] {
        compiles(fine);
    }
}

#[test]
fn a_keyed_table_takes_a_changelog_that_is_written_out() {
    let keyed = "CREATE TABLE r (n INT, kind STRING, PRIMARY KEY (n) NOT ENFORCED) \
                 WITH ('connector' = 'upsert-kafka', 'topic' = 'r', 'key.format' = 'json', 'value.format' = 'json');\
                 CREATE TABLE changes (op STRING, n INT, kind STRING) WITH ('connector' = 'x');";
    compiles(&format!("{keyed} INSERT INTO r SELECT n, UPPER(kind) FROM FROM_CHANGELOG(TABLE changes)"));

    let grouped = "«INSERT INTO r SELECT MAX(n), kind FROM FROM_CHANGELOG(TABLE changes) GROUP BY kind»";
    check(&[(format!("{keyed}{grouped}").leak(), "same key of `r`", "ON CONFLICT")]);

    let new_rows =
        "CREATE TABLE k (n INT, kind STRING) WITH ('connector' = 'kafka', 'topic' = 'k', 'format' = 'json');";
    check(&[(
        format!("{keyed}{new_rows}«INSERT INTO k SELECT n, kind FROM FROM_CHANGELOG(TABLE changes)»").leak(),
        "table `k` takes new rows only, but this query updates rows FromChangelog[op] retracts rows",
        "'upsert-kafka'",
    )]);
}
