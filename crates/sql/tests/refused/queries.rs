//! Queries that streams cannot answer or tables do not accept, and similar valid ones.

use super::{check, compiles, findings};

#[test]
fn updates_into_a_table_of_new_rows() {
    let refused = "takes new rows only";
    check(&[
        ("«INSERT INTO one SELECT COUNT(*) FROM uq GROUP BY n»", refused, "aggregate in windows"),
        (
            "«INSERT INTO one SELECT big FROM uq INTERSECT SELECT big FROM uq»",
            refused,
            "'connector' = 'print'",
        ),
        ("«INSERT INTO one SELECT uq.big FROM uq LEFT JOIN no_time ON uq.n = no_time.n»", refused, ""),
        ("«INSERT INTO one SELECT MAX(big) FROM uq WHERE EXISTS (SELECT 1 FROM no_time)»", refused, ""),
        ("«INSERT INTO one SELECT COUNT(*) FROM uq GROUP BY ROLLUP (n)»", refused, ""),
        ("«INSERT INTO one SELECT big FROM uq ORDER BY big LIMIT 3»", refused, ""),
        (
            "«INSERT INTO one SELECT SUM(c) FROM (SELECT COUNT(*) AS c, window_start FROM \
             TABLE(TUMBLE(TABLE uq, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end)»",
            refused,
            "",
        ),
    ]);
}

#[test]
fn updates_into_a_table_of_an_unknown_connector() {
    // The registry of connectors refuses the name. An error about its changes would hide that one.
    compiles(
        "CREATE TABLE misspelt (c BIGINT) WITH ('connector' = 'upsert-kafak');\n\
         INSERT INTO misspelt SELECT COUNT(*) FROM uq GROUP BY n",
    );
}

#[test]
fn updates_whose_key_is_not_the_tables() {
    let tables = "CREATE TABLE r (a BIGINT, n INT) WITH ('connector' = 'redis', 'key' = 'r:{a}');\n";
    let script = |insert: &str| -> &'static str { format!("{tables}{insert}").leak() };
    let message = "same key of `r`";

    check(&[
        (
            script("«INSERT INTO r SELECT COUNT(*), n FROM uq GROUP BY n»"),
            message,
            "ON CONFLICT DO DEDUPLICATE",
        ),
        (
            script("«INSERT INTO r SELECT COUNT(*), n FROM uq GROUP BY n»"),
            "the key of the query's rows is (n), but the table's key is (a)",
            "",
        ),
        (
            "CREATE TABLE o (a BIGINT, n INT) WITH ('connector' = 'redis', 'key' = 'o');\n\
             «INSERT INTO o SELECT COUNT(*), n FROM uq GROUP BY n»",
            "the table has only one row",
            "",
        ),
        (
            "CREATE TABLE k (a BIGINT) WITH ('connector' = 'kafka', 'topic' = 'k', 'format' = 'json');\n\
             «INSERT INTO k SELECT COUNT(*) FROM uq GROUP BY n»",
            "table `k` takes new rows only, but this query updates rows GroupAggregate[COUNT(*)] retracts rows",
            "'upsert-kafka'",
        ),
    ]);

    // An expression has equal values for different rows, another value in another row, or another value each time.
    let numbered = |partition: &str| {
        format!(
            "(SELECT *, ROW_NUMBER() OVER (PARTITION BY {partition} ORDER BY big DESC) AS rn FROM uq WHERE n > 0)"
        )
    };
    for query in [
        "SELECT big / 2, MAX(n) FROM uq GROUP BY big".to_owned(),
        "SELECT big / 2, MAX(n) FROM uq GROUP BY big, big / 2".to_owned(),
        format!("SELECT big / 3, n FROM {} WHERE rn = 1", numbered("big / 2")),
        format!(
            "SELECT l.big / 2, r.n FROM {0} l JOIN {0} r ON l.n = r.n WHERE l.rn = 1 AND r.rn = 1",
            numbered("big / 2")
        ),
        format!("SELECT UNIX_TIMESTAMP(), n FROM {} WHERE rn = 1", numbered("UNIX_TIMESTAMP()")),
        "SELECT r.big, l.n FROM (SELECT big, MAX(n) AS n FROM uq GROUP BY big) l \
         LEFT JOIN (SELECT big, MAX(n) AS n FROM uq GROUP BY big) r ON l.big = r.big"
            .to_owned(),
    ] {
        check(&[(script(&format!("«INSERT INTO r {query}»")), message, "ON CONFLICT DO DEDUPLICATE")]);
    }

    for fine in [
        "INSERT INTO r SELECT MAX(big), n FROM uq GROUP BY n ON CONFLICT DO NOTHING",
        "INSERT INTO r SELECT CAST(n AS BIGINT), MAX(n) FROM uq GROUP BY n",
        &format!("INSERT INTO r SELECT big / 2, n FROM {} WHERE rn = 1", numbered("big / 2")),
        "SET 'table.exec.sink.require-on-conflict' = 'false';INSERT INTO r SELECT MAX(big), n FROM uq GROUP BY n",
        "INSERT INTO r SELECT big, n FROM uq",
    ] {
        compiles(script(fine));
    }
}

#[test]
fn queries_of_new_rows_alone() {
    for query in [
        "SELECT DISTINCT big FROM uq",
        "SELECT big FROM uq UNION ALL SELECT big FROM uq",
        "SELECT uq.big FROM uq JOIN no_time ON uq.n = no_time.n",
        "SELECT uq.big FROM uq, no_time",
        "SELECT uq.big FROM (uq NATURAL JOIN no_time)",
        "SELECT big FROM uq LIMIT 3",
        "SELECT big FROM uq FETCH FIRST ROW ONLY",
        "SELECT COUNT(*) OVER (ORDER BY ts) FROM uq",
        "SELECT COUNT(*) OVER w FROM uq WINDOW w AS (PARTITION BY n ORDER BY ts)",
        "SELECT COUNT(*) FROM uq GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)",
        "SELECT COUNT(*) FROM uq GROUP BY n, SESSION(ts, INTERVAL '1' HOUR)",
        "SELECT big FROM uq QUALIFY ROW_NUMBER() OVER (PARTITION BY n ORDER BY ts) = 1",
        "SELECT big FROM TABLE(TUMBLE(TABLE uq, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
        "SELECT COUNT(*) FROM TABLE(SESSION(TABLE uq PARTITION BY n, DESCRIPTOR(ts), INTERVAL '1' HOUR)) \
         GROUP BY n, window_start, window_end",
        "SELECT MAX(big) FROM TABLE(TUMBLE(TABLE uq, DESCRIPTOR(ts), INTERVAL '1' HOUR)) \
         GROUP BY window_start, window_end, GROUPING SETS ((n), ())",
        "SELECT a.big FROM uq AS a JOIN uq AS b ON a.n = b.n AND a.ts BETWEEN b.ts - INTERVAL '1' HOUR AND b.ts",
    ] {
        compiles(&format!("INSERT INTO one {query}"));
    }
}

#[test]
fn orders_and_limits() {
    check(&[
        ("INSERT INTO one «SELECT big FROM uq» ORDER BY big", "sorted by its time", "LIMIT"),
        ("INSERT INTO one SELECT big FROM uq «OFFSET 3 ROWS»", "OFFSET without", "FETCH NEXT"),
        ("INSERT INTO one SELECT big FROM uq «MINUS» SELECT big FROM uq", "MINUS is not supported", "EXCEPT"),
        ("INSERT INTO one SELECT «COUNT(*) OVER (ORDER BY n, s)» FROM uq", "ordered by one column", ""),
        (
            "INSERT INTO one SELECT big FROM (SELECT big, «RANK() OVER (PARTITION BY n ORDER BY big DESC)» AS r FROM uq) \
             WHERE r <= 2",
            "ordered ascending",
            "ROW_NUMBER()",
        ),
        ("INSERT INTO one SELECT COUNT(*) OVER («w») FROM uq", "there is no window `w`", "WINDOW w AS"),
        (
            "INSERT INTO one SELECT «LEAD(big) OVER (ORDER BY ts)» FROM uq",
            "LEAD needs rows that have not come yet",
            "LAG",
        ),
    ]);
}

#[test]
fn sides_that_do_not_fit() {
    check(&[
        ("INSERT INTO one SELECT big, n FROM uq «UNION ALL» SELECT big FROM uq", "2 and 1 columns", ""),
        (
            "INSERT INTO one SELECT big FROM uq «UNION ALL» SELECT s FROM uq",
            "column 1 of UNION is BIGINT and STRING",
            "CAST",
        ),
        ("INSERT INTO one SELECT «big» FROM uq AS a, uq AS b", "the name of several columns", "`a`.`big`"),
        (
            "INSERT INTO one SELECT big FROM uq WHERE «n IN (SELECT n, s FROM uq)»",
            "1 values are compared with 2 columns",
            "",
        ),
    ]);
}

#[test]
fn forms_without_a_plan() {
    check(&[
        ("INSERT INTO one SELECT big FROM uq WHERE «(n, s) < (n, s)»", "has no order", "`=`"),
        ("INSERT INTO one SELECT «MAP['a', 1]» FROM uq", "`a` is BIGINT, but the value is MAP<", "CAST"),
        ("INSERT INTO one SELECT («n»).x FROM uq", "only a ROW has fields", ""),
        ("INSERT INTO one SELECT ABS(«x» => big) FROM uq", "named arguments are not supported", ""),
        (
            "INSERT INTO one SELECT «MAX»(big) WITHIN GROUP (ORDER BY n) FROM uq",
            "WITHIN GROUP is not",
            "PERCENTILE",
        ),
        (
            "INSERT INTO one SELECT «MAX»(big) IGNORE NULLS FROM uq",
            "IGNORE NULLS and RESPECT NULLS",
            "FILTER",
        ),
        (
            "CREATE TABLE computed (n INT, r AS «COUNT(n) OVER (ORDER BY n)») WITH ('connector' = 'x')",
            "not allowed in a table's declaration",
            "",
        ),
        (
            "INSERT INTO one SELECT big FROM TABLE(TUMBLE(TABLE uq PARTITION BY «s», DESCRIPTOR(ts), INTERVAL '1' HOUR))",
            "PARTITION BY in a window is not supported",
            "group by the keys",
        ),
    ]);
}

#[test]
fn a_view_that_is_refused_is_not_unknown_too() {
    let script = "CREATE TABLE o (a INT) WITH ('connector' = 'x');
         CREATE VIEW v AS SELECT b FROM o;
         INSERT INTO o SELECT a FROM v;";
    assert_eq!(findings(script).len(), 1);
}

#[test]
fn a_subquery_that_groups() {
    let printed = "CREATE TABLE printed (c BIGINT) WITH ('connector' = 'print');\n";
    let script = |query: &str| -> &'static str { format!("{printed}INSERT INTO printed {query}").leak() };
    let refused = "a query is not allowed in GROUP BY";
    check(&[
        (script("SELECT COUNT(*) FROM uq GROUP BY «(SELECT MIN(n) FROM no_time)»"), refused, "in FROM"),
        (
            script(
                "SELECT (SELECT MAX(n) FROM uq) + COUNT(*) FROM uq GROUP BY n + «(SELECT MIN(n) FROM no_time)»",
            ),
            refused,
            "in FROM",
        ),
        (script("SELECT COUNT(*) FROM uq GROUP BY «n IN (SELECT n FROM no_time)»"), refused, "in FROM"),
        (
            script("SELECT COUNT(*) FROM uq GROUP BY GROUPING SETS ((«(SELECT MIN(n) FROM no_time)»))"),
            refused,
            "",
        ),
    ]);
    compiles(script(
        "SELECT COUNT(*) FROM (SELECT n, (SELECT MIN(n) FROM no_time) AS least FROM uq) GROUP BY least",
    ));
}

#[test]
fn a_subquery_on_the_left_of_in_is_a_value() {
    let printed = "CREATE TABLE printed (c INT) WITH ('connector' = 'print');\n";
    for condition in [
        "(SELECT MIN(n) FROM no_time) IN (SELECT n FROM uq)",
        "(SELECT MIN(n) FROM no_time) NOT IN (SELECT n FROM uq)",
        "n + (SELECT MIN(n) FROM no_time) IN (SELECT n FROM uq) AND n > (SELECT MAX(n) FROM no_time)",
        "(n, (SELECT MIN(n) FROM no_time)) IN (SELECT n, n FROM uq)",
    ] {
        compiles(format!("{printed}INSERT INTO printed SELECT n FROM uq WHERE {condition}").leak());
    }
}

#[test]
fn calls_over_rows_of_the_enclosing_query() {
    let printed = "CREATE TABLE printed (c BIGINT) WITH ('connector' = 'print');\n";
    let script = |query: &str| -> &'static str { format!("{printed}INSERT INTO printed {query}").leak() };
    let refused = "reads a column of the enclosing query";
    check(&[
        (script("SELECT big FROM uq WHERE EXISTS (SELECT «SUM(uq.n)» FROM no_time)"), refused, "WHERE"),
        (
            script("SELECT big FROM uq WHERE big > (SELECT «COUNT(DISTINCT uq.n)» FROM no_time)"),
            refused,
            "join the tables",
        ),
        (
            script("SELECT big FROM uq WHERE big > (SELECT «SUM(n) FILTER (WHERE uq.n > 0)» FROM no_time)"),
            refused,
            "",
        ),
        (
            script("SELECT big FROM uq WHERE n IN (SELECT «ROW_NUMBER() OVER (ORDER BY uq.n)» FROM no_time)"),
            refused,
            "",
        ),
        (
            script("SELECT big FROM uq WHERE EXISTS (SELECT COUNT(*) FROM no_time GROUP BY «uq.n»)"),
            refused,
            "leave it out",
        ),
        (
            script("SELECT SUM(«LAG(n) OVER (ORDER BY ts)») FROM uq GROUP BY s"),
            "LAG OVER (…) is not allowed inside another aggregate",
            "in a subquery",
        ),
    ]);
    compiles(script("SELECT big FROM uq WHERE EXISTS (SELECT SUM(n) FROM no_time WHERE no_time.n = uq.n)"));
}

#[test]
fn a_subquery_whose_values_do_not_compare() {
    let printed = "CREATE TABLE printed (c BIGINT) WITH ('connector' = 'print');\n";
    let script = |query: &str| -> &'static str { format!("{printed}INSERT INTO printed {query}").leak() };
    for condition in ["n NOT IN (SELECT t FROM no_time)", "n <> ALL (SELECT t FROM no_time)"] {
        let found = findings(&format!(
            "{}{}",
            super::PRELUDE,
            script(&format!("SELECT big FROM uq WHERE {condition}"))
        ));
        assert!(found.iter().any(|one| one.message.contains("compare")), "{condition}: {found:?}");
    }
}

#[test]
fn the_left_side_of_in_is_known_before_the_join() {
    let printed = "CREATE TABLE printed (c BIGINT) WITH ('connector' = 'print');\n";
    let script = |query: &str| -> &'static str { format!("{printed}INSERT INTO printed {query}").leak() };
    let outer = "the left side reads a column of the enclosing query";
    check(&[
        (
            script(
                "SELECT big FROM uq WHERE EXISTS (SELECT 1 FROM no_time WHERE «(uq.n, s) NOT IN (SELECT n, 'a' FROM carried)»)",
            ),
            outer,
            "join the tables",
        ),
        (
            script(
                "SELECT big FROM uq WHERE EXISTS (SELECT 1 FROM no_time WHERE n = 1 OR «uq.n IN (SELECT n FROM carried)»)",
            ),
            outer,
            "",
        ),
        (
            script(
                "SELECT big FROM uq WHERE (SELECT «uq.n IN (SELECT n FROM carried)» FROM no_time) IS NULL",
            ),
            outer,
            "",
        ),
        (
            script(
                "SELECT big FROM uq WHERE big IN (SELECT CASE WHEN «ROW_NUMBER() OVER (ORDER BY ts) IN (SELECT n FROM no_time)» THEN 1 END FROM uq)",
            ),
            "the left side reads the result of OVER",
            "in a subquery in FROM",
        ),
    ]);
    // A condition with another subquery may compare it with the enclosing query.
    compiles(script(
        "SELECT big FROM uq WHERE EXISTS (SELECT 1 FROM no_time WHERE uq.n > (SELECT MAX(p) FROM carried))",
    ));
}

#[test]
fn subqueries_in_aggregates_and_beside_groups() {
    let printed = "CREATE TABLE printed (c BOOLEAN) WITH ('connector' = 'print');\n";
    let script = |query: &str| -> &'static str { format!("{printed}INSERT INTO printed {query}").leak() };
    for query in [
        // A left side with a subquery: in an aggregate, beside groups, and behind a WHERE with other subqueries.
        "SELECT MAX((SELECT MIN(n) FROM no_time) IN (SELECT n FROM carried)) FROM uq GROUP BY s",
        "SELECT MAX((SELECT MIN(x.n) FROM no_time x WHERE x.n = uq.n) < ALL (SELECT n FROM carried)) FROM uq GROUP BY s",
        "SELECT ((SELECT MIN(n) FROM no_time), s) IN (SELECT n, 'a' FROM carried) FROM uq GROUP BY s",
        "SELECT ((SELECT MIN(n) FROM no_time), s) IN (SELECT n, 'a' FROM carried) FROM uq \
         WHERE CASE WHEN n > (SELECT MAX(n) FROM no_time) THEN (SELECT MAX(n) > 1 FROM carried) ELSE b END",
    ] {
        compiles(script(query));
    }
    check(&[(
        script("SELECT COUNT(*) > «(SELECT MAX(x.n) FROM no_time x WHERE x.n = uq.n)» FROM uq GROUP BY s"),
        "`n` is not grouped",
        "GROUP BY",
    )]);
}
