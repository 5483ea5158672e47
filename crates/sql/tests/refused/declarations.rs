//! Tables, views and columns that are declared wrong, and what cannot be read of a column as it is declared.

use super::check;

#[test]
fn declarations_that_do_not_hold() {
    let table = |columns: &str| -> &'static str {
        format!("CREATE TABLE t ({columns}) WITH ('connector' = 'x')").leak()
    };
    check(&[
        ("CREATE TABLE «uq» (n INT) WITH ('connector' = 'x')", "`uq` exists already", ""),
        (
            table("a INT, WATERMARK FOR «zz» AS zz"),
            "no column `zz` for the watermark the columns are `a`",
            "",
        ),
        (
            table("«a» STRING, WATERMARK FOR a AS a")
                .replace("«a» STRING", "a STRING")
                .replace("FOR a", "FOR «a»")
                .leak(),
            "the event time `a` is STRING",
            "TIMESTAMP(3)",
        ),
        (table("a TIMESTAMP(6), WATERMARK FOR «a» AS a"), "TIMESTAMP(6)", "TIMESTAMP(3)"),
        (table("a TIMESTAMP(3), WATERMARK FOR a AS «5»"), "the watermark is INT", "INTERVAL"),
        (table("a INT, b AS «c» + 1"), "no column `c`", ""),
        (table("a INT, b AS a + 1, c AS «b» + 1"), "no column `b`", ""),
        (table("a INT, «a» INT"), "declared twice", ""),
        (table("a INT, «PRIMARY KEY (a)»"), "NOT ENFORCED", "NOT ENFORCED"),
        (table("a INT, PRIMARY KEY («b») NOT ENFORCED"), "`b` is not a physical column", ""),
        (table("m «MAP<STRING, INT>»"), "columns of type MAP<STRING, INT> are not", "in a ROW"),
        (table("m «ROW<a ARRAY<MAP<STRING, INT>>>»"), "MAP<STRING, INT>", ""),
        (
            table("m «MAP<INT, BYTES>» METADATA"),
            "columns of type MAP<INT, BYTES> are not",
            "MAP<STRING, BYTES>",
        ),
        ("CREATE TABLE t (a INT) «PARTITIONED» BY (a) WITH ('connector' = 'x')", "partitioned", ""),
        ("CREATE TABLE t (a INT) WITH ('k' = '1', «'k'» = '2')", "given twice", ""),
        ("CREATE VIEW «v» (a, b) AS SELECT n FROM uq", "2 names for 1 columns", ""),
        ("INSERT INTO one («b») SELECT big FROM uq", "`one` has no column `b`", ""),
    ]);
}

#[test]
fn maps_are_read_value_by_value() {
    check(&[
        (
            "INSERT INTO text_out SELECT UPPER(«h») FROM carried",
            "`h` is a MAP, and only its values",
            "`h`['name']",
        ),
        ("INSERT INTO text_out SELECT «h» FROM carried", "`h` is not a scalar value", "`h`['name']"),
        (
            "INSERT INTO text_out SELECT CAST(h[«n»] AS STRING) FROM carried",
            "must be written out",
            "headers['name']",
        ),
        ("INSERT INTO text_out SELECT CAST(h[«1»] AS STRING) FROM carried", "must be written out", ""),
        ("INSERT INTO text_out SELECT h.«name» FROM carried", "`h` is not a ROW", ""),
        (
            "INSERT INTO text_out SELECT «h['a']» FROM carried",
            "`a` is STRING, and BYTES is written",
            "CAST(… AS STRING)",
        ),
        ("INSERT INTO text_out SELECT «n['a']» FROM carried", "not supported here", "behind a MAP"),
        ("INSERT INTO carried («p») SELECT n FROM uq", "`p` is VIRTUAL", "without VIRTUAL"),
    ]);
}
