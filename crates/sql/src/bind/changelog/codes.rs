//! `op_mapping`: maps codes to kinds of change.
//!
//! A key may list several names separated by commas. In `FROM_CHANGELOG`, `MAP['c, r', 'INSERT']` maps two
//! codes to one kind of change; in `TO_CHANGELOG`, `MAP['INSERT, UPDATE_AFTER', 'u']` maps two kinds of
//! change to one code.

use types::Value;

use super::arguments::Mapping;
use crate::error::{Diagnostic, Span};
use crate::parse::ast::{Expr, ExprKind};
use crate::plan::operator::ChangeKind;

type Found<T> = Result<T, Box<Diagnostic>>;

/// One entry of the map.
struct Entry<'a> {
    key: (&'a str, Span),
    value: (&'a str, Span),
}

/// Returns each code of `FROM_CHANGELOG` with its kind of change. Without a map, the codes are the kinds'
/// names.
pub(super) fn meanings(mapping: Option<Mapping<'_>>) -> Found<Vec<(String, ChangeKind)>> {
    let Some(mapping) = mapping else {
        return Ok(ChangeKind::ALL.map(|kind| (kind.name().to_owned(), kind)).to_vec());
    };

    let mut meanings: Vec<(String, ChangeKind)> = vec![];
    let mut kinds = vec![];
    for Entry { key, value } in entries(mapping)? {
        let kind = kind(value)?;
        if kinds.contains(&kind) {
            let error =
                Diagnostic::error(value.1, format!("{} is there twice", kind.name())).with_hint(format!(
                    "write its codes into one key, with commas between them: MAP['c, r', '{}']",
                    kind.name()
                ));
            return Err(Box::new(error));
        }
        kinds.push(kind);

        for code in names(key.0) {
            if meanings.iter().any(|(known, _)| known == code) {
                let error = Diagnostic::error(key.1, format!("the code `{code}` occurs twice"));
                return Err(Box::new(error.with_hint("a code has one meaning")));
            }
            meanings.push((code.to_owned(), kind));
        }
    }

    let has = |kind| kinds.contains(&kind);
    if has(ChangeKind::UpdateAfter) && !has(ChangeKind::UpdateBefore) {
        let error = Diagnostic::error(mapping.span, "a code for UPDATE_AFTER needs one for UPDATE_BEFORE")
            .with_detail("an update is two rows: the row before it, which is retracted, and the row after it")
            .with_hint(
                "also map the code of the row before the update; read a topic that has only the row after it by key, with \
                 'connector' = 'upsert-kafka'",
            );
        return Err(Box::new(error));
    }
    Ok(meanings)
}

/// Returns the code of each kind of change for `TO_CHANGELOG`. Without a map, the codes are the kinds' names.
pub(super) fn codes(mapping: Option<Mapping<'_>>) -> Found<Vec<(ChangeKind, String)>> {
    let Some(mapping) = mapping else {
        return Ok(ChangeKind::ALL.map(|kind| (kind, kind.name().to_owned())).to_vec());
    };

    let mut codes: Vec<(ChangeKind, String)> = vec![];
    for Entry { key, value } in entries(mapping)? {
        for name in names(key.0) {
            let kind = kind((name, key.1))?;
            if codes.iter().any(|(known, _)| *known == kind) {
                let error = Diagnostic::error(key.1, format!("{} is there twice", kind.name()));
                return Err(Box::new(error.with_hint("a change has one code")));
            }
            codes.push((kind, value.0.to_owned()));
        }
    }
    Ok(codes)
}

pub(super) fn not_written_out(span: Span) -> Box<Diagnostic> {
    let error = Diagnostic::error(span, "op_mapping is a map of literals");
    Box::new(error.with_hint("write it like MAP['c, r', 'INSERT', 'd', 'DELETE']"))
}

/// Reads the entries of the map. A later entry replaces an earlier one with the same key.
fn entries(mapping: Mapping<'_>) -> Found<Vec<Entry<'_>>> {
    let mut entries: Vec<Entry<'_>> = vec![];
    for (key, value) in mapping.entries {
        let entry = Entry { key: text(key)?, value: text(value)? };
        match entries.iter_mut().find(|known| known.key.0 == entry.key.0) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
    }
    Ok(entries)
}

fn text(expr: &Expr) -> Found<(&str, Span)> {
    match &expr.kind {
        ExprKind::Literal { value: Value::Text(text), .. } => Ok((text, expr.span)),
        _ => Err(not_written_out(expr.span)),
    }
}

/// Splits a key into names. A trailing comma is allowed; an empty key holds one empty name.
fn names(key: &str) -> impl Iterator<Item = &str> {
    key.trim_end_matches(',').split(',').map(str::trim)
}

fn kind((name, span): (&str, Span)) -> Found<ChangeKind> {
    ChangeKind::ALL.into_iter().find(|kind| kind.name() == name.trim()).ok_or_else(|| {
        let error = Diagnostic::error(span, format!("`{name}` is not a kind of change"));
        Box::new(error.with_hint("there are INSERT, UPDATE_BEFORE, UPDATE_AFTER and DELETE, in upper case"))
    })
}
