//! Flink's own hints, settings and forms: errors in them, or the finding that they are not supported.

use super::check;

#[test]
fn hints_settings_and_forms_of_flink() {
    check(&[
        ("INSERT INTO one SELECT big FROM uq /*+ «NOSUCH»('a' = '1') */", "no hint `NOSUCH`", ""),
        ("INSERT INTO one SELECT /*+ «OPTION» */ big FROM uq", "no hint `OPTION`", "did you mean `OPTIONS`"),
        ("INSERT INTO one /*+ «OPTIONS» */ SELECT big FROM uq", "OPTIONS takes keys and values", "earliest"),
        ("INSERT INTO one SELECT big FROM uq /*+ OPTIONS('a' «,» 'b') */", "expected `=`", ""),
        (
            "INSERT INTO one SELECT big FROM uq /*+ OPTIONS('a' = «b») */",
            "the option's value in single quotes",
            "",
        ),
        (
            "CREATE VIEW v2 AS SELECT big FROM uq; INSERT INTO one SELECT big FROM v2 /*+ «OPTIONS('a' = 'b')» */",
            "`v2` is a view",
            "in the view",
        ),
        ("INSERT INTO one SELECT big «/*+» OPTIONS('a' = 'b') */ FROM uq", "expected `,` or `FROM`", ""),
        ("INSERT INTO text_out SELECT «JSON(s)» FROM uq", "JSON is only allowed inside", "JSON_OBJECT"),
        (
            "INSERT INTO one SELECT JSON_VALUE(s, '$' RETURNING «BIGINT») FROM uq",
            "JSON_VALUE does not return BIGINT",
            "INTEGER",
        ),
        ("INSERT INTO text_out SELECT «U»&'a' FROM uq", "U&'…' texts are not supported", ""),
        (
            "CREATE TABLE ct (a INT) WITH ('connector' = 'x') «AS» SELECT n FROM uq",
            "CREATE TABLE … AS is not",
            "",
        ),
        ("CREATE TABLE ct (a INT) WITH ('connector' = 'x') «LIKE» uq", "CREATE TABLE … LIKE is not", ""),
        ("CREATE TABLE ct «WITH» ('connector' = 'x') AS SELECT n FROM uq", "made from another", ""),
        ("SET 'table.exec.sink.not-null-enforcer' = «'NOPE'»", "'NOPE' is not supported", "'ERROR', 'DROP'"),
        ("SET 'table.exec.sink.type-length-enforcer' = «'NOPE'»", "'NOPE' is not supported", "'TRIM_PAD'"),
        ("SET 'table.exec.legacy-cast-behaviour' = «'ENABLED'»", "'ENABLED' is not supported", "'DISABLED'"),
        (
            "EXPLAIN «PLAN_ADVICE» INSERT INTO one SELECT big FROM uq",
            "EXPLAIN PLAN_ADVICE is not supported",
            "PLAN FOR",
        ),
    ]);
}
