//! Key templates such as `analytics:faculty:{faculty}:{window_end}`: the key of a row, as its writer makes it.
//!
//! `storage::store::key` has the rules. Here is what only a writer needs: how a value is shortened, and that no key is
//! empty or one of Weir's own.

use std::borrow::Cow;

use sql::plan::TableColumn;
use storage::store::key::{
    self, INTERNAL_PREFIX, KeyPart, NULL, VALUE_BYTES_MAX, WINDOW_COLUMNS, push_escaped,
};
use types::{DataType, Scalar};

use crate::format::json::write::write_scalar;

#[derive(Debug, Clone, PartialEq)]
pub struct KeyTemplate {
    parts: Vec<TemplatePart>,
}

#[derive(Debug, Clone, PartialEq)]
enum TemplatePart {
    Text(String),
    /// A column, by its index.
    Column {
        column: usize,
        data_type: DataType,
        is_bound: bool,
    },
}

/// The error of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error(transparent)]
    Unclosed(#[from] key::Unclosed),
    #[error("the key names a column `{name}` that the table does not have")]
    UnknownColumn { name: String },
    #[error("keys that begin with `{INTERNAL_PREFIX}` are Weir's own")]
    Internal,
}

impl KeyTemplate {
    pub fn parse(template: &str, columns: &[TableColumn]) -> Result<KeyTemplate, TemplateError> {
        let part = |part: KeyPart<'_>| match part {
            KeyPart::Text(text) => Ok(TemplatePart::Text(text.to_owned())),
            KeyPart::Column(name) => {
                let column = columns
                    .iter()
                    .position(|column| column.name == name)
                    .ok_or_else(|| TemplateError::UnknownColumn { name: name.to_owned() })?;
                let data_type = columns[column].column_type.data_type.clone();
                let is_bound = WINDOW_COLUMNS.contains(&name) || data_type.is_timestamp();
                Ok(TemplatePart::Column { column, data_type, is_bound })
            }
        };
        let parts = key::parts(template)?.into_iter().map(part).collect::<Result<Vec<_>, TemplateError>>()?;

        match parts.first() {
            Some(TemplatePart::Text(text)) if text.starts_with(INTERNAL_PREFIX) => {
                Err(TemplateError::Internal)
            }
            _ => Ok(KeyTemplate { parts }),
        }
    }

    /// Returns the columns in the key.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Column { column, .. } => Some(*column),
            TemplatePart::Text(_) => None,
        })
    }

    /// Appends a row's key; `value` returns the row's values by column, `scratch` is overwritten.
    pub fn write<'v>(&self, key: &mut String, scratch: &mut Vec<u8>, value: impl Fn(usize) -> Scalar<'v>) {
        let start = key.len();
        for part in &self.parts {
            match part {
                TemplatePart::Text(text) => key.push_str(text),
                TemplatePart::Column { column, data_type, is_bound } => match value(*column) {
                    Scalar::Null => key.push_str(NULL),
                    Scalar::Text(text) if *is_bound => key.push_str(&shortened(text)),
                    Scalar::Text(text) => push_escaped(key, &shortened(text)),
                    other => {
                        let text = written(scratch, other, data_type);
                        if *is_bound { key.push_str(&text) } else { push_escaped(key, &text) }
                    }
                },
            }
        }

        self.keep_apart(key, start);
        // Many long values with many escapes can exceed the limit.
        if key.len() - start > KEY_BYTES_MAX {
            let whole = shortened_to(&key[start..], KEY_BYTES_MAX).into_owned();
            key.truncate(start);
            key.push_str(&whole);
        }
    }
}

impl KeyTemplate {
    /// Prevents keys that are empty or reserved for Weir. The empty key becomes `%`, and the `w` of `weir:`
    /// becomes `%77`; no other value is written this way, since a `%` in a value is `%25`.
    fn keep_apart(&self, key: &mut String, start: usize) {
        if key.len() == start {
            key.push('%');
        } else if key[start..].starts_with(INTERNAL_PREFIX) {
            key.replace_range(start..start + 1, "%77");
        }
    }
}

/// Returns a non-text value as in rows, without quotes. `scratch` is overwritten.
pub(super) fn written(scratch: &mut Vec<u8>, value: Scalar<'_>, data_type: &DataType) -> String {
    scratch.clear();
    write_scalar(scratch, value, data_type);
    String::from_utf8_lossy(scratch).trim_matches('"').to_owned()
}

/// Largest size of a key in bytes: below the limit of the embedded store.
const KEY_BYTES_MAX: usize = 60_000;

/// Shortens a text that is too long for a key to its beginning, a `~`, and a hash of the whole text
/// (XXH3-128, 32 hexadecimal digits). So no value exceeds the limits of a store, and different texts still
/// have different keys.
fn shortened(text: &str) -> Cow<'_, str> {
    shortened_to(text, VALUE_BYTES_MAX)
}

fn shortened_to(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let kept = text.floor_char_boundary(most - 33);
    Cow::Owned(format!("{}~{:032x}", &text[..kept], xxhash_rust::xxh3::xxh3_128(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<TableColumn> {
        let column = |name: &str, data_type: DataType| TableColumn {
            name: name.to_owned(),
            column_type: data_type.nullable(),
            metadata: None,
        };
        vec![
            column("faculty", DataType::STRING),
            column("year", DataType::Int),
            column("window_end", DataType::STRING),
        ]
    }

    fn key(template: &str, row: [Scalar<'_>; 3]) -> String {
        let mut key = String::new();
        KeyTemplate::parse(template, &columns())
            .unwrap()
            .write(&mut key, &mut Vec::new(), |column| row[column]);
        key
    }

    #[test]
    fn values_stand_where_their_columns_are_named() {
        let row = [Scalar::Text("Sinh viên"), Scalar::Int(3), Scalar::Text("2025-12-09T11:30:00")];
        assert_eq!(key("a:{faculty}:{year}:{window_end}", row), "a:Sinh viên:3:2025-12-09T11:30:00");
    }

    #[test]
    fn what_would_split_the_key_is_escaped_and_null_is_unknown() {
        let row = [Scalar::Text("a:b%c"), Scalar::Null, Scalar::Null];
        assert_eq!(key("x:{faculty}:{year}:y", row), "x:a%3Ab%25c:unknown:y");
    }

    #[test]
    fn no_value_makes_a_key_that_no_store_takes() {
        let (one, other) = ("ê".repeat(40_000), format!("{}!", "ê".repeat(40_000)));
        let key = |text: &str| key("a:{faculty}:{year}", [Scalar::Text(text), Scalar::Int(1), Scalar::Null]);
        assert!((4_000..4_200).contains(&key(&one).len()) && key(&one).ends_with(":1"));
        assert_ne!(key(&one), key(&other));
        let percents = "%".repeat(VALUE_BYTES_MAX);
        let row = [Scalar::Text(percents.as_str()), Scalar::Null, Scalar::Null];
        assert_eq!(self::key(&"{faculty}".repeat(9), row).len(), KEY_BYTES_MAX);
        let longest = "x".repeat(VALUE_BYTES_MAX);
        assert_eq!(key(&longest), format!("a:{longest}:1"));
    }

    #[test]
    fn no_value_makes_an_empty_key_or_one_of_weirs_own() {
        let key = |text: &str| key("{faculty}", [Scalar::Text(text), Scalar::Null, Scalar::Null]);
        assert_eq!((&*key(""), &*key("%")), ("%", "%25"));
        let stores = [Scalar::Text("weir"), Scalar::Null, Scalar::Text("stores")];
        assert_eq!(self::key("{faculty}:{window_end}", stores), "%77eir:stores");
        let internal = KeyTemplate::parse("weir:stores", &columns());
        assert_eq!(internal, Err(TemplateError::Internal));
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(KeyTemplate::parse("a:{faculty", &columns()), Err(TemplateError::Unclosed(key::Unclosed)));
        let unknown = TemplateError::UnknownColumn { name: "nosuch".to_owned() };
        assert_eq!(KeyTemplate::parse("a:{nosuch}", &columns()), Err(unknown));
    }
}
