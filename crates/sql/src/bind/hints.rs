//! Hints: `OPTIONS` changes the options of one use of a table; most others are checked and ignored.

use std::collections::BTreeMap;

use super::{Bound, report};
use crate::catalog::{Catalog, MAX_HINTED};
use crate::error::{Diagnostic, Span, did_you_mean};
use crate::parse::ast::{Hint, Ident};
use crate::plan::TableOption;

/// Join and aggregate hints of Flink that have no effect, because queries here have no such choice.
const MEANINGLESS: &[&str] =
    &["BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP", "MULTI_JOIN", "EARLY_FIRE", "LATE_FIRE"];

/// Returns the table with the options of the hints; the unchanged table if the hints give none.
pub(super) fn hinted(
    catalog: &mut Catalog,
    diagnostics: &mut Vec<Diagnostic>,
    index: usize,
    hints: &[Hint],
) -> Bound<usize> {
    let mut options: BTreeMap<String, TableOption> = BTreeMap::new();
    for hint in hints {
        check_hint(diagnostics, hint)?;
        if hint.name != "OPTIONS" {
            continue;
        }
        for (key, value) in &hint.options {
            let option =
                TableOption { value: value.value.clone(), key_span: key.span, value_span: value.span };
            options.insert(key.value.clone(), option);
        }
    }

    if options.is_empty() {
        return Ok(index);
    }
    match catalog.with_options(index, options) {
        Some(place) => Ok(place),
        None => {
            let span = hints.first().map_or_else(Span::default, |hint| hint.span);
            let message = format!("these are more than {MAX_HINTED} different OPTIONS of tables");
            let error = Diagnostic::error(span, message);
            Err(report(diagnostics, error.with_hint("declare tables with these options")))
        }
    }
}

/// Checks hints behind a view's name: a view has no options.
pub(super) fn hinted_view(diagnostics: &mut Vec<Diagnostic>, name: &Ident, hints: &[Hint]) -> Bound<()> {
    for hint in hints {
        check_hint(diagnostics, hint)?;
        if hint.name == "OPTIONS" {
            let message = format!("`{}` is a view, and only a table has options", name.value);
            let error = Diagnostic::error(hint.span, message);
            return Err(report(
                diagnostics,
                error.with_hint("put the hint behind the table's name in the view"),
            ));
        }
    }
    Ok(())
}

/// Checks hints behind `SELECT`.
pub(super) fn check_select_hints(diagnostics: &mut Vec<Diagnostic>, hints: &[Hint]) -> Bound<()> {
    for hint in hints.iter().filter(|hint| !["LOOKUP", "STATE_TTL"].contains(&hint.name.as_str())) {
        check_hint(diagnostics, hint)?;
        if hint.name == "OPTIONS" {
            let notice = Diagnostic::notice(hint.span, "OPTIONS behind SELECT has no effect, as in Flink");
            report(diagnostics, notice.with_hint("write it behind a table's name: FROM t /*+ OPTIONS(…) */"));
        }
    }
    Ok(())
}

fn check_hint(diagnostics: &mut Vec<Diagnostic>, hint: &Hint) -> Bound<()> {
    if hint.name == "OPTIONS" {
        return Ok(());
    }
    if hint.name == "LOOKUP" {
        let notice = Diagnostic::notice(hint.span, "LOOKUP has an effect only behind SELECT, as in Flink");
        report(diagnostics, notice.with_hint("SELECT /*+ LOOKUP('table' = 'c', …) */"));
        return Ok(());
    }
    if hint.name == "STATE_TTL" {
        let notice = Diagnostic::notice(hint.span, "STATE_TTL has an effect only behind SELECT, as in Flink");
        report(diagnostics, notice.with_hint("SELECT /*+ STATE_TTL('t' = '1 d') */"));
        return Ok(());
    }
    if MEANINGLESS.contains(&hint.name.as_str()) {
        let message = format!("the hint {} of Flink has no meaning here and is not used", hint.name);
        report(diagnostics, Diagnostic::notice(hint.span, message));
        return Ok(());
    }

    let mut error = Diagnostic::error(hint.span, format!("there is no hint `{}`", hint.name));
    error.hint =
        did_you_mean(&hint.name, MEANINGLESS.iter().copied().chain(["OPTIONS", "LOOKUP", "STATE_TTL"]));
    Err(report(diagnostics, error))
}
