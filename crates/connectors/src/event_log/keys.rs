//! Key columns of records: which columns form the key, and how they are written. Names and rules are those of
//! Flink's Kafka connector.

use std::collections::BTreeSet;

use sql::plan::TableColumn;
use types::DataType;

use crate::format::{self, Json};
use crate::options::{OptionReader, closest};

/// The key options of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOptions {
    pub format: KeyFormat,
    /// At least one field, in the key's order.
    pub fields: Vec<KeyField>,
    /// True for `'value.fields-include' = 'ALL'`: the columns are in the value too, and are read from there.
    pub in_value: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFormat {
    /// The bytes of the only field.
    Raw,
    Json(Json),
}

/// A column of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyField {
    pub column: String,
    /// Name in the key: the column's name without `'key.fields-prefix'`.
    pub name: String,
}

/// Where the list of key columns comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fields<'a> {
    /// The option `'key.fields'`, if the table has a key.
    Optional,
    /// The primary key.
    Primary(&'a [String]),
}

impl KeyOptions {
    /// Reads the key options of a table with these columns; `None` if the table has no key.
    pub(crate) fn read(
        reader: &mut OptionReader<'_>,
        columns: &[TableColumn],
        fields: Fields<'_>,
    ) -> Option<KeyOptions> {
        let include = reader.constant("value.fields-include", "ALL", &["ALL", "EXCEPT_KEY"]);
        let in_value = include == "ALL";
        let prefix = reader.get("key.fields-prefix").map_or("", |option| option.value.as_str());

        let names = match fields {
            Fields::Primary(names) => names.to_vec(),
            Fields::Optional => match named(reader) {
                Some(names) => names,
                None if reader.get("key.format").is_none() => {
                    if !in_value {
                        let hint = "say which columns are in the key: 'key.format' and 'key.fields'";
                        reader.reject("value.fields-include", "there is no key to leave out", hint);
                    }
                    return None;
                }
                None => {
                    let hint = "name its columns: 'key.fields' = 'user_id;tenant'";
                    reader.reject("key.format", "'key.format' needs 'key.fields'", hint);
                    Vec::new()
                }
            },
        };

        let format = key_format(reader)?;
        if !prefix.is_empty() && in_value {
            let message = "'key.fields-prefix' is not allowed while the value contains the key's columns";
            reader.reject("key.fields-prefix", message, "add 'value.fields-include' = 'EXCEPT_KEY'");
        }

        let mut fields = Vec::new();
        for column in &names {
            check_column(reader, columns, column);
            let name = column.strip_prefix(prefix).unwrap_or_else(|| {
                let message = format!("the key's column `{column}` does not begin with '{prefix}'");
                reader.reject(
                    "key.fields-prefix",
                    message,
                    "begin the names of all key columns with the prefix, or leave it out",
                );
                column
            });
            fields.push(KeyField { column: column.clone(), name: name.to_owned() });
        }

        if format == KeyFormat::Raw {
            check_raw(reader, columns, &fields);
        }
        Some(KeyOptions { format, fields, in_value })
    }

    /// Returns whether only the key contains a column.
    pub(crate) fn holds_alone(&self, column: &str) -> bool {
        !self.in_value && self.field(column).is_some()
    }

    pub(crate) fn field(&self, column: &str) -> Option<&KeyField> {
        self.fields.iter().find(|field| field.column == column)
    }
}

/// Reads `'key.fields' = 'a;b'`.
fn named(reader: &mut OptionReader<'_>) -> Option<Vec<String>> {
    let fields = reader.get("key.fields")?;
    let names = fields.value.split(';').map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(str::to_owned).collect();
    if names.is_empty() {
        reader.reject("key.fields", "'key.fields' names no column", "for example 'user_id;tenant'");
    }
    if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
        reader.reject("key.fields", "'key.fields' names a column twice", "name each once");
    }
    Some(names)
}

/// Reads `'key.format'` and its options; `None` after an error.
fn key_format(reader: &mut OptionReader<'_>) -> Option<KeyFormat> {
    if reader.get("key.format").is_none() {
        let message = "a key needs a format: 'key.format'";
        reader.reject("key.fields", message, "add 'key.format' = 'json', or 'raw' for a single text");
        return None;
    }
    Some(match reader.word("key.format", "json", &["json", "raw"]).as_str() {
        "raw" => {
            reader.constant("key.raw.charset", "UTF-8", &["UTF-8"]);
            reader.word("key.raw.endianness", "big-endian", &["big-endian", "little-endian"]);
            KeyFormat::Raw
        }
        _ => KeyFormat::Json(format::json(reader, "key.")),
    })
}

fn check_column(reader: &mut OptionReader<'_>, columns: &[TableColumn], name: &str) {
    let physical = || columns.iter().filter(|column| column.metadata.is_none());
    if physical().any(|column| column.name == name) {
        return;
    }
    let is_metadata = columns.iter().any(|column| column.name == name);
    let message = if is_metadata {
        format!("`{name}` is metadata and cannot be part of the key")
    } else {
        format!("the key names a column `{name}` that the table does not have")
    };
    let names = || physical().map(|column| column.name.as_str());
    let hint = match closest(name, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the physical columns are {}", names().collect::<Vec<_>>().join(", ")),
    };
    reader.reject("key.fields", message, hint);
}

fn check_raw(reader: &mut OptionReader<'_>, columns: &[TableColumn], fields: &[KeyField]) {
    let [field] = fields else {
        let message = format!("a raw key is one column, not {}", fields.len());
        reader.reject("key.format", message, "'key.format' = 'json' takes several");
        return;
    };
    let column = columns.iter().find(|column| column.name == field.column);
    if let Some(data_type) = column.map(|column| &column.column_type.data_type)
        && !is_raw(data_type)
    {
        let message = format!("`{}` is {data_type}, and a raw key is STRING or BYTES", field.column);
        reader.reject("key.format", message, "CAST the value AS STRING, or use 'key.format' = 'json'");
    }
}

fn is_raw(data_type: &DataType) -> bool {
    data_type.is_text() || matches!(data_type, DataType::Binary(_) | DataType::Varbinary(_))
}
