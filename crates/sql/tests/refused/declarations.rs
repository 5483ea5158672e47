//! Wrong declarations of tables, views and columns, and declared columns that cannot be read.

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
        (table("m RAW(«VARIANT»)"), "expected the name of a class", ""),
        (table("m STRUCTURED<'a.B', n INT, «n» INT>"), "declared twice", ""),
        (
            table("m «MAP<INT, BYTES>» METADATA"),
            "metadata of type MAP<INT, BYTES> is not",
            "MAP<STRING, BYTES>",
        ),
        ("CREATE TABLE t (a INT) «PARTITIONED» BY (a) WITH ('connector' = 'x')", "partitioned", ""),
        ("CREATE TABLE t (a INT) WITH ('k' = '1', «'k'» = '2')", "given twice", ""),
        ("CREATE VIEW «v» (a, b) AS SELECT n FROM uq", "2 names for 1 column", ""),
        ("INSERT INTO one («b») SELECT big FROM uq", "`one` has no column `b`", ""),
    ]);
}

#[test]
fn columns_of_any_type_are_declared_and_not_read() {
    const MAPS: &str = "CREATE TABLE maps (a ARRAY<INT>, m MAP<STRING, INT>, s MULTISET<STRING>, t INT MULTISET, \
         r ROW<x ARRAY<MAP<STRING, MULTISET<INT>>>, n INT, v VARIANT>, n INT, v VARIANT NOT NULL, b BITMAP, \
         of_java RAW('org.example.Point', 'AAA='), k MAP<ROW<n INT>, VARIANT>, \
         u STRUCTURED<'org.example.User', name STRING NOT NULL 'who', age INT, tags ARRAY<VARIANT>>, \
         WATERMARK FOR p AS p, p TIMESTAMP(3)) \
         WITH ('connector' = 'x');\n";
    let script = |select: &str| -> &'static str { format!("{MAPS}{select}").leak() };

    for fine in [
        "INSERT INTO one SELECT n + r.n FROM maps",
        "CREATE VIEW all_maps AS SELECT *, m AS again FROM maps; INSERT INTO one SELECT n FROM all_maps",
        "INSERT INTO one SELECT SUM(n) FROM TABLE(TUMBLE(TABLE maps, DESCRIPTOR(p), INTERVAL '1' DAY)) \
         GROUP BY window_start, window_end",
    ] {
        super::compiles(script(fine));
    }

    check(&[
        (script("INSERT INTO one SELECT «m» FROM maps"), "the value is MAP<STRING, INT>", "CAST"),
        (script("INSERT INTO one SELECT «COALESCE(m, 1)» FROM maps"), "no type in common", "CAST"),
        (
            script("INSERT INTO one SELECT «CHAR_LENGTH(s)» FROM maps"),
            "applied to MULTISET<STRING>",
            "<text>",
        ),
        (script("INSERT INTO one SELECT «m < m» FROM maps"), "MAP<STRING, INT> has no order", "`=`"),
        (
            script("INSERT INTO one SELECT «MAX»(a) FROM maps").replace("«MAX»(a)", "MAX(«a»)").leak(),
            "an order",
            "",
        ),
        (script("INSERT INTO one SELECT «a[0]» FROM maps"), "counted from 1", ""),
        (script("INSERT INTO one SELECT r.«z» FROM maps"), "there is no `z` in `r`", ""),
        (script("INSERT INTO one SELECT «ARRAY[]» FROM maps"), "with only NULL values has no type", ""),
        (script("INSERT INTO one SELECT ABS(«v») FROM maps"), "a VARIANT, which can be declared", ""),
        (script("INSERT INTO one SELECT ABS(«b») FROM maps"), "a BITMAP, which can be declared", ""),
        (script("INSERT INTO one SELECT ABS(«of_java») FROM maps"), "a RAW type, which can be declared", ""),
        (script("INSERT INTO one SELECT ABS(«u») FROM maps"), "a STRUCTURED type, which can be declared", ""),
        (script("INSERT INTO one SELECT u.«age» FROM maps"), "`u` is not a ROW", ""),
        (script("INSERT INTO one SELECT «UPPER(a)» FROM maps"), "applied to ARRAY<INT>", "<text>"),
        (script("INSERT INTO one SELECT «m[1]» FROM maps"), "cannot be applied", "<map>[<key>]"),
        (
            script("INSERT INTO one SELECT «r.x» FROM maps"),
            "the value is ARRAY<MAP<STRING, MULTISET<INT>>>",
            "",
        ),
        (script("INSERT INTO one SELECT «r» FROM maps"), "`r` cannot be read as a whole", "fields"),
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
        ("INSERT INTO text_out SELECT «h» FROM carried", "`h` cannot be read as a whole", "`h`['name']"),
        (
            "INSERT INTO text_out SELECT CAST(h[«n»] AS STRING) FROM carried",
            "must be a literal",
            "headers['name']",
        ),
        ("INSERT INTO text_out SELECT CAST(h[«1»] AS STRING) FROM carried", "must be a literal", ""),
        ("INSERT INTO text_out SELECT h.«name» FROM carried", "`h` is not a ROW", ""),
        (
            "INSERT INTO text_out SELECT «h['a']» FROM carried",
            "`a` is STRING, but the value is BYTES",
            "CAST(… AS STRING)",
        ),
        ("INSERT INTO text_out SELECT «n['a']» FROM carried", "stands behind an ARRAY or a MAP", ""),
        ("INSERT INTO carried («p») SELECT n FROM uq", "`p` is VIRTUAL", "without VIRTUAL"),
    ]);
}
