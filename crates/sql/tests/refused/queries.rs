//! Queries of Flink that are read and have no plan yet: each is refused once, where it begins.

use super::{check, findings};

#[test]
fn clauses_of_queries() {
    check(&[
        (
            "INSERT INTO one SELECT /* all */ «DISTINCT» big FROM uq",
            "SELECT DISTINCT is not supported",
            "GROUP BY",
        ),
        ("INSERT INTO one (SELECT big FROM uq) «INTERSECT» SELECT big FROM uq", "INTERSECT is not", "WHERE"),
        ("INSERT INTO one SELECT big FROM uq «EXCEPT» ALL SELECT big FROM uq", "EXCEPT is not", "WHERE"),
        ("INSERT INTO one SELECT big FROM uq «MINUS» SELECT big FROM uq", "MINUS is not supported", "EXCEPT"),
        ("INSERT INTO one SELECT big FROM uq «OFFSET» 3 ROWS", "OFFSET is not supported", "readers"),
        ("INSERT INTO one SELECT big FROM uq «fetch» FIRST ROW ONLY", "FETCH is not supported", "readers"),
        (
            "INSERT INTO one SELECT big FROM (SELECT big FROM uq «LIMIT» 3)",
            "LIMIT is not supported",
            "readers",
        ),
        (
            "INSERT INTO one SELECT big FROM uq «QUALIFY» big = 1",
            "QUALIFY is not supported",
            "window table function",
        ),
        (
            "INSERT INTO one SELECT big FROM uq «WINDOW» w AS (ORDER BY ts)",
            "named OVER windows",
            "window table function",
        ),
        (
            "INSERT INTO one SELECT big FROM uq «ON CONFLICT DO NOTHING»",
            "ON CONFLICT is not supported",
            "replace",
        ),
        (
            "CREATE VIEW w AS SELECT big FROM uq «UNION» SELECT big FROM uq; INSERT INTO one SELECT a FROM w",
            "UNION",
            "",
        ),
        (
            "INSERT INTO one WITH w AS (SELECT big FROM uq «ORDER» BY big) SELECT big FROM w",
            "ORDER BY is not",
            "",
        ),
        (
            "EXPLAIN INSERT INTO one SELECT big FROM uq «UNION» SELECT big FROM uq",
            "UNION is not supported",
            "",
        ),
    ]);
}

#[test]
fn groupings() {
    check(&[
        (
            "INSERT INTO one SELECT COUNT(*) FROM uq GROUP BY «ROLLUP» (n)",
            "ROLLUP is not supported",
            "each grouping",
        ),
        (
            "INSERT INTO one SELECT COUNT(*) FROM uq GROUP BY n, «GROUPING» SETS ((n), ())",
            "GROUPING is not",
            "",
        ),
        ("INSERT INTO one SELECT COUNT(*) FROM uq GROUP BY «(n, s)»", "a row of values", "one by one"),
        (
            "INSERT INTO one SELECT COUNT(*) FROM uq GROUP BY n, «SESSION(ts, INTERVAL '1' HOUR)»",
            "GROUP BY SESSION(…) is the old form",
            "FROM TABLE(TUMBLE(TABLE t",
        ),
    ]);
}

#[test]
fn tables() {
    check(&[
        ("INSERT INTO one SELECT uq.big FROM uq «LEFT» JOIN no_time ON TRUE", "joins are not supported", ""),
        ("INSERT INTO one SELECT uq.big FROM (uq «NATURAL» JOIN no_time)", "joins are not supported", ""),
        ("INSERT INTO one SELECT uq.big FROM uq«,» UNNEST(tags) AS x", "joins are not supported", ""),
        (
            "INSERT INTO one SELECT x FROM «UNNEST»(ARRAY[1]) AS t (x)",
            "UNNEST and LATERAL are not supported",
            "",
        ),
        ("INSERT INTO one SELECT big FROM «LATERAL» (SELECT big FROM uq)", "UNNEST and LATERAL", ""),
        (
            "INSERT INTO one SELECT big FROM uq «FOR» SYSTEM_TIME AS OF uq.ts AS x",
            "FOR SYSTEM_TIME is not",
            "",
        ),
        ("INSERT INTO one SELECT big FROM TABLE(«f»(1))", "the window F is not supported", "TUMBLE, HOP"),
        (
            "INSERT INTO one SELECT big FROM «TO_CHANGELOG»(input => TABLE uq)",
            "table function TO_CHANGELOG",
            "",
        ),
        (
            "INSERT INTO one SELECT big FROM TABLE(TUMBLE(TABLE uq «ORDER» BY ts, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
            "ORDER BY in a window is not supported",
            "",
        ),
    ]);
}

#[test]
fn expressions() {
    check(&[
        (
            "INSERT INTO one SELECT «(»SELECT MAX(big) FROM uq) FROM uq",
            "query inside an expression",
            "view in FROM",
        ),
        ("INSERT INTO one SELECT big FROM uq WHERE «EXISTS» (SELECT 1)", "query inside an expression", ""),
        ("INSERT INTO one SELECT big FROM uq WHERE n > ALL «(»SELECT 1)", "query inside an expression", ""),
        (
            "INSERT INTO one SELECT big FROM uq WHERE «(n, s)» = (1, 'a')",
            "a row of values has no place here",
            "",
        ),
        ("INSERT INTO one SELECT «ROW»(1, 2) FROM uq", "ROW values are not supported", "scalar"),
        ("INSERT INTO one SELECT «MAP»['a', 1] FROM uq", "MAP values are not supported", "scalar"),
        ("INSERT INTO one SELECT tags[1].«f» FROM uq", "a field of a computed value", ""),
        ("INSERT INTO one SELECT ABS(«x» => big) FROM uq", "named arguments are not supported", ""),
        (
            "INSERT INTO one SELECT MAX(big) «WITHIN» GROUP (ORDER BY n) FROM uq",
            "WITHIN GROUP is not",
            "PERCENTILE",
        ),
        (
            "INSERT INTO one SELECT «MAX»(big) IGNORE NULLS FROM uq",
            "IGNORE NULLS and RESPECT NULLS",
            "FILTER",
        ),
        (
            "CREATE TABLE computed (n INT, r AS COUNT(n) «OVER» (ORDER BY n)) WITH ('connector' = 'x')",
            "OVER windows are not supported",
            "TUMBLE",
        ),
    ]);
}

#[test]
fn the_first_of_several_is_told() {
    check(&[(
        "INSERT INTO one SELECT «DISTINCT» big FROM uq JOIN no_time ON TRUE WHERE n IN (SELECT 1) ORDER BY big LIMIT 3",
        "SELECT DISTINCT is not supported",
        "",
    )]);
}

#[test]
fn a_view_that_is_refused_is_not_unknown_too() {
    let script = "CREATE TABLE o (a INT) WITH ('connector' = 'x');
         CREATE VIEW v AS SELECT DISTINCT a FROM o;
         INSERT INTO o SELECT a FROM v;";
    assert_eq!(findings(script).len(), 1);
}
