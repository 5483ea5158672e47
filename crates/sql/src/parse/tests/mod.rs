//! Parser tests: texts and their trees, and errors for texts that do not parse.
//!
//! Trees are compared by their [`shape`], a short textual form. Joins and operators are in parentheses, which
//! shows the precedence.

mod bounds;
mod expressions;
mod grouping;
#[path = "../../../tests/support/marked.rs"]
mod marked;
mod matching;
mod queries;
mod shape;
mod statements;
mod tables;
mod windows;

use marked::Marked;

use super::ast::{Query, Statement};
use crate::error::Diagnostic;
use crate::variables::{self, Filled};

fn filled(script: &str) -> Filled {
    variables::fill(script, &|_| None)
}

/// Returns the statements of a script and all findings.
fn script(text: &str) -> (Vec<Statement>, Vec<Diagnostic>) {
    let script = super::parse(&filled(text));
    (script.statements, script.diagnostics)
}

/// Returns the only statement of a script without findings.
fn statement(text: &str) -> Statement {
    let (mut statements, diagnostics) = script(text);
    assert!(
        diagnostics.is_empty(),
        "{text}\n{}",
        crate::error::render(&diagnostics, text, "test.sql", false)
    );
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0)
}

fn query(text: &str) -> Query {
    match statement(text) {
        Statement::Query(top) => top.query,
        other => panic!("{text} is no query but {other:?}"),
    }
}

/// Checks pairs of a query and its shape.
fn reads(cases: &[(&str, &str)]) {
    let mut wrong = vec![];
    for (text, wanted) in cases {
        let got = shape::query(&query(text));
        if got != *wanted {
            wrong.push(format!("{text}\n  wanted: {wanted}\n  got:    {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Checks pairs of an expression and its shape.
fn reads_exprs(cases: &[(&str, &str)]) {
    let queries: Vec<(String, String)> =
        cases.iter().map(|(text, shape)| (format!("SELECT {text}"), format!("select[{shape}]"))).collect();
    let queries: Vec<(&str, &str)> = queries.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    reads(&queries);
}

/// Checks texts with the place of the first finding in «…», with words of its message and words of its hint.
fn refuses(cases: &[(&str, &str, &str)]) {
    let mut wrong = vec![];
    for (marked, message, hint) in cases {
        let Marked { text, place } = Marked::read(marked);
        let (_, diagnostics) = script(&text);
        let fits = diagnostics.first().is_some_and(|d| {
            let whole = format!("{} {}", d.message, d.detail.as_deref().unwrap_or_default());
            let words = whole.contains(message) && d.hint.as_deref().unwrap_or_default().contains(hint);
            d.is_error() && (d.span.start..d.span.end) == place && words
        });
        if !fits {
            let drawn = crate::error::render(&diagnostics, &text, "test.sql", false);
            wrong.push(format!("{marked}\n  wants: {message} | {hint}\n{drawn}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
