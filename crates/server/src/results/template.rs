//! Key templates from the reader's side: which keys belong to a table, and the key of a row.
//!
//! `storage::store::key` has the rules by which the writer makes a key. By them, a key belongs to a template if its
//! texts stand in their places, and what stands between them can be values:
//!
//! ```text
//! template   analytics:heatmap:{faculty}:{year}:{window_end}
//! key        analytics:heatmap:Sinh viên:2:2025-12-09T11:30:00
//!            ───── text ───── ── no `:` ── int ──── a time ────
//! ```
//!
//! A key may belong to several templates: `analytics:heatmap:hourly:13:…` also fits the one above. The
//! template with the most text counts.

use jobs::{ColumnKind, ResultTable};
use storage::store::key::{self, KeyPart, NULL, VALUE_BYTES_MAX, WINDOW_COLUMNS, push_escaped};

use super::cell::Cell;
use super::time::{parse_time, write_time};
use crate::analytics::intern::TextPages;

/// Text for a null in a key. Jobs of the system before Weir wrote `None`.
const NULLS: [&str; 2] = [NULL, "None"];

/// A parsed template.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Column { column: usize, form: Form },
}

/// The form of a column's values in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Integer,
    /// Written without escapes.
    Bound,
}

impl Template {
    /// Parses the template of a table. Columns that the table does not have stay as text, which no key
    /// matches; the job's own check refuses such templates.
    pub(super) fn of(table: &ResultTable) -> Template {
        let part = |part: KeyPart<'_>| {
            let name = match part {
                KeyPart::Text(text) => return Part::Text(text.to_owned()),
                KeyPart::Column(name) => name,
            };
            let Some(column) = table.columns.iter().position(|column| column.name == name) else {
                return Part::Text(format!("{{{name}}}"));
            };
            let form = match table.columns[column].kind {
                _ if WINDOW_COLUMNS.contains(&name) => Form::Bound,
                ColumnKind::Time => Form::Bound,
                ColumnKind::Integer => Form::Integer,
                ColumnKind::Boolean | ColumnKind::Number | ColumnKind::Text | ColumnKind::Json => Form::Text,
            };
            Part::Column { column, form }
        };
        let parts = key::parts(&table.key).unwrap_or_else(|_| vec![KeyPart::Text(&table.key)]);
        Template { parts: parts.into_iter().map(part).collect() }
    }

    /// Returns the text with which every key begins.
    pub(super) fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            Some(Part::Column { .. }) | None => "",
        }
    }

    /// Returns the bytes of text outside of columns.
    pub(super) fn text_bytes(&self) -> usize {
        let texts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.len(),
            Part::Column { .. } => 0,
        });
        texts.sum()
    }

    /// Returns the columns in the key.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column { column, .. } => Some(*column),
            Part::Text(_) => None,
        })
    }

    /// Returns whether a key can be the key of a row.
    pub(super) fn matches(&self, key: &str) -> bool {
        let mut splits = SPLITS_MAX;
        fits(&self.parts, key, &mut splits)
    }

    /// Appends the key of a row, as the writer writes it. Returns false if only the writer can: for long
    /// texts and nested values.
    pub(super) fn write(&self, key: &mut String, cells: &[Cell], texts: &TextPages) -> bool {
        for part in &self.parts {
            let (column, form) = match part {
                Part::Text(text) => {
                    key.push_str(text);
                    continue;
                }
                Part::Column { column, form } => (*column, *form),
            };
            match cells[column] {
                Cell::Null => key.push_str(NULL),
                Cell::Text(code) => {
                    let text = texts.get(code);
                    if text.len() > VALUE_BYTES_MAX {
                        return false;
                    }
                    if form == Form::Bound { key.push_str(text) } else { push_escaped(key, text) }
                }
                Cell::Time { micros, form: written } if form == Form::Bound => {
                    write_time(micros, written, key);
                }
                Cell::Int(value) => key.push_str(&value.to_string()),
                Cell::Bool(value) => key.push_str(if value { "true" } else { "false" }),
                Cell::Time { .. } | Cell::Float(_) | Cell::Decimal { .. } | Cell::Json(_) => return false,
            }
        }
        true
    }
}

/// Splits of a key that are tried. Beyond it, a key with very many separators counts as matching.
const SPLITS_MAX: u32 = 10_000;

/// Matches parts against a key by trying its splits. `splits` counts down to 0, where the answer is true.
fn fits(parts: &[Part], key: &str, splits: &mut u32) -> bool {
    let Some((part, rest)) = parts.split_first() else { return key.is_empty() };
    let form = match part {
        Part::Text(text) => {
            return key.strip_prefix(text.as_str()).is_some_and(|key| fits(rest, key, splits));
        }
        Part::Column { form, .. } => *form,
    };
    let mut is_split = |at: usize| {
        *splits = splits.saturating_sub(1);
        *splits == 0 || form.takes(&key[..at]) && fits(rest, &key[at..], splits)
    };
    match rest.first() {
        None => form.takes(key),
        Some(Part::Text(text)) => key.match_indices(text.as_str()).any(|(at, _)| is_split(at)),
        // Two columns without a text between them.
        Some(Part::Column { .. }) => key.char_indices().map(|(at, _)| at).chain([key.len()]).any(is_split),
    }
}

impl Form {
    fn takes(self, value: &str) -> bool {
        match self {
            _ if NULLS.contains(&value) => true,
            Form::Text => !value.contains(':'),
            Form::Integer => {
                let digits = value.strip_prefix('-').unwrap_or(value);
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
            Form::Bound => parse_time(value).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;
    use super::*;
    use crate::analytics::intern::Texts;

    fn template(key: &str) -> Template {
        let columns =
            [("faculty", ColumnKind::Text), ("year", ColumnKind::Integer), ("window_end", ColumnKind::Text)];
        Template::of(&table("t", key, &columns))
    }

    #[test]
    fn keys_are_told_apart_by_texts_and_by_the_types_of_values() {
        let heatmap = template("analytics:heatmap:{faculty}:{year}:{window_end}");
        for key in [
            "analytics:heatmap:Sinh viên:2:2025-12-09T11:30:00",
            "analytics:heatmap:a%3Ab:unknown:2025-12-09T11:30:00.123456",
            "analytics:heatmap:None:-1:2025-12-09 11:30:00",
            "analytics:heatmap::0:2025-12-09T11:30:00Z",
        ] {
            assert!(heatmap.matches(key), "{key}");
        }
        for key in [
            "analytics:heatmap:x:two:2025-12-09T11:30:00",
            "analytics:heatmap:x:2:yesterday",
            "analytics:heatmap:x:2:2025-12-09T11:30:00:more",
            "analytics:heatmap:a:b:2:2025-12-09T11:30:00",
            "analytics:heatmap",
            "",
        ] {
            assert!(!heatmap.matches(key), "{key}");
        }
        assert!(template("{faculty}{year}").matches("abc12"));
        // No key takes for ever.
        let dashes = "-".repeat(60_000);
        let many = template(&"{faculty}-{year}{window_end}".repeat(9));
        assert!(many.matches(&dashes), "beyond the tried splits a key counts as matching");
        assert!(template("all").matches("all") && !template("all").matches("all:x"));
    }

    #[test]
    fn a_row_has_the_key_that_its_writer_gave_it() {
        let mut texts = Texts::default();
        let name = Cell::Text(texts.code("a:b%c"));
        let end = Cell::read(br#""2025-12-09 11:30:00""#, ColumnKind::Text, &mut texts);
        let key = |cells: &[Cell]| {
            let mut key = String::new();
            template("x:{faculty}:{year}:{window_end}").write(&mut key, cells, texts.pages()).then_some(key)
        };
        assert_eq!(key(&[name, Cell::Null, end]).as_deref(), Some("x:a%3Ab%25c:unknown:2025-12-09 11:30:00"));
        assert_eq!(
            key(&[Cell::Null, Cell::Int(-3), end]).as_deref(),
            Some("x:unknown:-3:2025-12-09 11:30:00")
        );
        assert_eq!(key(&[Cell::Float(1.5), Cell::Null, end]), None);
    }
}
