//! Scripts of thousands of statements, names and findings.

use sql::error::{Diagnostic, render};
use sql::plan::operator::OperatorKind;

use super::{TABLES, compile};

fn script(statements: &dyn Fn(usize) -> String, many: usize) -> String {
    (0..many).map(statements).collect()
}

/// Returns the findings about a script that is refused.
fn findings(statements: &str) -> Vec<Diagnostic> {
    sql::compile(&format!("{TABLES}{statements}"), &|_| None).unwrap_err()
}

#[test]
fn thousands_of_statements_are_compiled() {
    for statement in [
        &|n: usize| format!("SET 'state.option{n}' = 'x';") as String,
        &|n| format!("SET 'unknown.option{n}' = 'x';"),
        &|n| format!("CREATE TABLE t{n} (a INT) WITH ('connector' = 'x');"),
        &|n| format!("CREATE VIEW v{n} AS SELECT n FROM t WHERE n > {n};"),
        &|n| format!("INSERT INTO o SELECT s FROM t WHERE n = {n};"),
        &|n| format!("INSERT INTO changes SELECT MAX(s) FROM t WHERE n = {n} GROUP BY n;"),
        &|n| format!("INSERT INTO o SELECT '${{NAME:{n}}}' FROM t;"),
    ] as [&dyn Fn(usize) -> String; 7]
    {
        let plan = compile(&format!("{} INSERT INTO o SELECT s FROM t", script(statement, 3_000)));
        assert!(plan.is_ok(), "{}: {:?}", statement(0), plan.err());
    }
}

#[test]
fn operators_that_mean_the_same_are_numbered() {
    let branches = ["SELECT MAX(n) FROM t GROUP BY s"; 3].join(" UNION ALL ");
    let plan = compile(&format!("INSERT INTO numbers {branches}")).unwrap();
    let groups = plan.operators.iter().filter(|of| matches!(of.kind, OperatorKind::GroupAggregate(_)));
    let identities: Vec<&str> = groups.map(|operator| operator.identity.as_str()).collect();
    let first = identities[0];
    assert_eq!(identities, [first, &format!("{first}#2"), &format!("{first}#3")]);
}

#[test]
fn thousands_of_unknown_names_are_reported() {
    let many = 9_000;
    let known = script(&|n| format!("n AS known{n}, "), many);
    let unknown = script(&|n| format!("knwn{n}, "), many);
    let found = findings(&format!("INSERT INTO numbers SELECT {unknown} 1 FROM (SELECT {known} n FROM t)"));
    assert_eq!(found.len(), many);
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `known0`?"));
    // Each search compares a name with all others.
    assert_eq!(found.iter().filter(|finding| finding.hint.is_some()).count(), 100);

    let tables = script(&|n| format!("CREATE TABLE table{n} (a INT) WITH ('connector' = 'x');"), many);
    let inserts = script(&|n| format!("INSERT INTO o SELECT s FROM tble{n};"), many);
    let found = findings(&format!("{tables}{inserts}"));
    assert_eq!(found.len(), many);
    assert_eq!(found.iter().filter(|finding| finding.hint.is_some()).count(), 100);
}

#[test]
fn names_are_found_among_thousands() {
    let many = 5_000;
    let columns = script(&|n| format!("c{n} INT, "), many);
    let wide = |name: &str| {
        format!(
            "CREATE TABLE {name} ({columns} k INT, headers MAP<STRING, BYTES> METADATA, PRIMARY KEY (k) NOT ENFORCED)
             WITH ('connector' = 'x');"
        )
    };
    let names = script(&|n| format!("c{n}, "), many);
    let sum = (0..many).map(|n| format!("b.c{n}")).collect::<Vec<_>>().join(" + ");
    let headers = script(&|n| format!("CAST(headers['h{n}'] AS STRING) AS h{n}, "), many);
    for statement in [
        format!("INSERT INTO b ({names} k) SELECT {names} k FROM a"),
        format!("INSERT INTO numbers SELECT {sum} FROM a JOIN b ON a.k = b.k"),
        format!("INSERT INTO numbers SELECT 1 FROM a NATURAL JOIN (SELECT {names} k FROM b)"),
        format!("INSERT INTO numbers SELECT k FROM (SELECT {headers} k FROM a)"),
        format!("INSERT INTO numbers SELECT MAX(k) FROM a GROUP BY {names} k"),
        format!("INSERT INTO numbers SELECT k FROM (SELECT DISTINCT {names} k FROM a)"),
        format!("INSERT INTO numbers SELECT k FROM a ORDER BY {names} k LIMIT 3"),
    ] {
        let plan = compile(&format!("{}{} {statement}", wide("a"), wide("b")));
        assert!(plan.is_ok(), "{}: {:?}", &statement[..60], plan.err());
    }
}

#[test]
fn the_first_findings_are_drawn_and_the_others_counted() {
    let drawn = |errors: usize, notices: usize| {
        let script = script(&|n| format!("SET 'unknown{n}' = 'x';\n"), notices)
            + &script(&|_| "SELEKT 1;\n".to_owned(), errors);
        let found = sql::compile(&script, &|_| None).unwrap_err();
        let drawn = render(&found, &script, "x.sql", false);
        let more = drawn.lines().find(|line| line.contains("not shown")).unwrap_or_default().to_owned();
        (drawn.matches("Error: ").count(), drawn.matches("Advice: ").count(), more)
    };
    assert_eq!(drawn(40, 60), (40, 60, String::new()));
    assert_eq!(drawn(40, 61), (40, 60, "1 more finding is not shown".to_owned()));
    assert_eq!(drawn(5_000, 5_000), (100, 0, "9900 more findings are not shown".to_owned()));
}
