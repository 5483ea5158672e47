//! Statements that contain queries.

use super::{refuses, shape, statement};
use crate::parse::ast::{ConflictAction, Insert, Statement};

fn insert(text: &str) -> Insert {
    match statement(text) {
        Statement::Insert(insert) => insert,
        other => panic!("{text} is no INSERT but {other:?}"),
    }
}

#[test]
fn an_insert_takes_any_query() {
    for (text, columns, wanted) in [
        ("INSERT INTO o SELECT 1", 0, "select[1]"),
        ("INSERT INTO o VALUES (1), (2)", 0, "values[1, 2]"),
        ("INSERT INTO o (a, b) SELECT 1, 2", 2, "select[1, 2]"),
        ("INSERT INTO o (SELECT 1)", 0, "select[1]"),
        ("INSERT INTO o ((SELECT 1) UNION ALL SELECT 2)", 0, "(select[1] union all select[2])"),
        ("INSERT INTO o (SELECT 1) UNION ALL SELECT 2", 0, "(select[1] union all select[2])"),
        ("INSERT INTO o (a) (VALUES (1))", 1, "values[1]"),
        ("INSERT INTO o WITH x AS (SELECT 1) SELECT * FROM x", 0, "with x = (select[1]) select[*] from x"),
        ("EXECUTE INSERT INTO o SELECT a FROM t ORDER BY a LIMIT 3", 0, "select[a] from t order[a] limit 3"),
    ] {
        let insert = insert(text);
        assert_eq!(insert.columns.len(), columns, "{text}");
        assert_eq!(shape::query(&insert.query), wanted, "{text}");
        assert!(insert.on_conflict.is_none(), "{text}");
    }
}

#[test]
fn a_conflict_has_an_action() {
    for (text, action) in [
        ("INSERT INTO o SELECT 1 ON CONFLICT DO DEDUPLICATE", ConflictAction::Deduplicate),
        ("INSERT INTO o SELECT * FROM a CROSS JOIN b ON CONFLICT DO NOTHING", ConflictAction::Nothing),
        ("INSERT INTO o SELECT * FROM a JOIN b ON a.k = b.k ON CONFLICT DO ERROR", ConflictAction::Error),
        ("INSERT INTO o SELECT a FROM t GROUP BY a LIMIT 3 ON CONFLICT DO ERROR", ConflictAction::Error),
    ] {
        let conflict = insert(text).on_conflict.unwrap();
        assert_eq!(conflict.action, action, "{text}");
    }
}

#[test]
fn views_and_sets_hold_queries() {
    let Statement::CreateView(view) = statement("CREATE VIEW v (a) AS SELECT 1 UNION SELECT 2") else {
        panic!("this is a view")
    };
    assert_eq!(shape::query(&view.query), "(select[1] union select[2])");

    let (statements, diagnostics) = super::script(
        "BEGIN STATEMENT SET; INSERT INTO a SELECT 1 UNION ALL SELECT 2 ON CONFLICT DO NOTHING; INSERT INTO b SELECT 3; END;",
    );
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(statements.len(), 2);
}

#[test]
fn every_form_in_one_script_is_read() {
    let text = include_str!("every_form.sql");
    let (statements, diagnostics) = super::script(text);
    assert!(diagnostics.is_empty(), "{}", crate::error::render(&diagnostics, text, "every_form.sql", false));
    assert_eq!(statements.len(), 3);
}

#[test]
fn what_is_no_insert_is_told_at_its_place() {
    refuses(&[
        ("INSERT INTO o SELECT 1 ON CONFLICT «NOTHING»", "expected `DO`", ""),
        (
            "INSERT INTO o SELECT 1 ON CONFLICT DO «UPDATE»",
            "expected `DEDUPLICATE`, `NOTHING` or `ERROR`",
            "",
        ),
        ("INSERT INTO o SELECT 1 «ON» CONFLICTS DO NOTHING", "expected `;`", ""),
        ("INSERT INTO o «SELECTS» 1", "expected `SELECT`", "did you mean"),
        ("INSERT INTO o «TABLESS»", "expected `SELECT`", ""),
    ]);
}
