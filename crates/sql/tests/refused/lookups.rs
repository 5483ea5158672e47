//! Invalid lookup joins, and hints that name nothing.

use super::{PRELUDE, check, findings};

/// Lookup tables, and a stream with a processing time.
const TABLES: &str = "
CREATE TABLE o (id BIGINT, k STRING, proctime AS PROCTIME()) WITH ('connector' = 'x');
CREATE TABLE c (id BIGINT, k STRING, big AS id * 2) WITH ('connector' = 'redis', 'key' = 'c:{id}');
CREATE VIEW v AS SELECT id, k FROM c WHERE id > 1;
";

fn joins(cases: &[(&'static str, &'static str, &'static str)]) {
    let with_tables = |marked: &str| -> &'static str { format!("{TABLES}{marked}").leak() };
    let cases: Vec<_> =
        cases.iter().map(|(marked, what, hint)| (with_tables(marked), *what, *hint)).collect();
    check(&cases);
}

#[test]
fn joins_that_are_no_lookups() {
    joins(&[
        (
            "INSERT INTO one SELECT o.id FROM o «JOIN» c FOR SYSTEM_TIME AS OF o.proctime AS c ON o.id > c.id",
            "requires an equality condition on a column of `c`",
            "ON a.id = b.id",
        ),
        (
            "INSERT INTO one SELECT o.id FROM o «LEFT JOIN» c FOR SYSTEM_TIME AS OF o.proctime AS c ON TRUE",
            "requires an equality condition",
            "",
        ),
        (
            "INSERT INTO one SELECT o.id FROM o «JOIN» v FOR SYSTEM_TIME AS OF o.proctime AS c ON o.id = c.id",
            "only read a table, not a query",
            "into ON or WHERE",
        ),
        (
            "INSERT INTO one SELECT c.big FROM o «JOIN» c FOR SYSTEM_TIME AS OF o.proctime AS c ON o.id = c.id",
            "only have physical columns",
            "in the SELECT",
        ),
        (
            "INSERT INTO one SELECT o.id FROM o «JOIN» uq FOR SYSTEM_TIME AS OF o.proctime AS c ON o.id = c.big",
            "`uq` cannot be looked up",
            "'redis', 'filesystem' and 'jdbc'",
        ),
        (
            "INSERT INTO one SELECT o.id FROM o «RIGHT JOIN» c FOR SYSTEM_TIME AS OF o.proctime AS c ON o.id = c.id",
            "INNER or LEFT JOIN",
            "",
        ),
        (
            "INSERT INTO one SELECT o.id FROM o JOIN c FOR SYSTEM_TIME AS OF «o.k» AS c ON o.id = c.id",
            "neither an event time nor a processing time",
            "",
        ),
    ]);
}

#[test]
fn hints_that_name_nothing() {
    let hinted = |options: &str| -> &'static str {
        format!(
            "INSERT INTO one SELECT /*+ {options} */ o.id FROM o JOIN c FOR SYSTEM_TIME AS OF o.proctime AS d ON o.id = d.id"
        )
        .leak()
    };

    joins(&[
        (hinted("«LOOKUP»('table' = 'x')"), "this SELECT looks up no such table", "the alias"),
        (hinted("«LOOKUP»('async' = 'true')"), "needs the option 'table'", "LOOKUP('table' = 'c'"),
        (hinted("LOOKUP('table' = 'd', «'asink'» = 'true')"), "no option 'asink'", "did you mean `async`"),
        (hinted("LOOKUP('table' = 'd', 'async' = «'yes'»)"), "cannot be 'yes'", "true, false"),
        (hinted("LOOKUP('table' = 'd', 'output-mode' = «'any'»)"), "cannot be 'any'", "allow_unordered"),
        (hinted("LOOKUP('table' = 'd', 'capacity' = «'0'»)"), "not a number of rows", "'1000'"),
        (hinted("LOOKUP('table' = 'd', 'timeout' = «'soon'»)"), "not a duration", "'5 s'"),
        (
            hinted("«LOOKUP»('table' = 'd', 'max-attempts' = '3')"),
            "only some of the retry options",
            "'retry-strategy'",
        ),
        (
            hinted(
                "LOOKUP('table' = 'd', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', \
                 'fixed-delay' = '1s', 'max-attempts' = «'0'»)",
            ),
            "not a number of attempts",
            "from 1",
        ),
        ("SET 'table.exec.async-lookup.buffer-capacity' = «'much'»", "not a number of rows", ""),
    ]);
}

#[test]
fn a_hint_counts_for_its_own_select() {
    let of = |select: &str| findings(&format!("{PRELUDE}{TABLES}INSERT INTO one {select}")).len();
    let join = "FROM o JOIN c FOR SYSTEM_TIME AS OF o.proctime AS d ON o.id = d.id";
    let hint = "/*+ LOOKUP('table' = 'd', 'capacity' = '5') */";
    assert_eq!(of(&format!("SELECT {hint} o.id {join}")), 0);
    assert_eq!(of(&format!("SELECT id FROM (SELECT {hint} o.id {join})")), 0);
    assert_eq!(
        of(&format!("SELECT {hint} id FROM (SELECT o.id {join})")),
        1,
        "it names a table of another SELECT"
    );
}
