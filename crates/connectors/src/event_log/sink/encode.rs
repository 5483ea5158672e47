//! Encodes rows as records: a JSON object, with the key and time that the table's options define.

use engine::connector::Rows;
use sql::plan::SinkTable;
use types::{DataType, Scalar, Timestamp};

use super::super::keys::{KeyFormat, KeyOptions};
use super::EventLogSinkOptions;
use crate::format::json::WriteOptions;
use crate::format::json::write::{write_string, write_value};

/// Encodes the rows of one table.
pub struct RecordEncoder {
    key: Option<Key>,
    value: Object,
    /// The column with the record's time.
    time: Option<usize>,
    key_bytes: Vec<u8>,
    value_bytes: Vec<u8>,
}

/// The record for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    pub key: Option<&'a [u8]>,
    pub value: &'a [u8],
    pub time: Option<Timestamp>,
}

enum Key {
    /// The bytes of a column; no key if it is null.
    Raw(usize),
    Json(Object),
}

/// A JSON object of some columns.
struct Object {
    fields: Vec<Field>,
    options: WriteOptions,
}

struct Field {
    column: usize,
    /// The encoded name, `"name":`.
    name: Vec<u8>,
    data_type: DataType,
}

impl RecordEncoder {
    pub fn new(table: &SinkTable, options: &EventLogSinkOptions) -> RecordEncoder {
        let physical = table.columns.iter().enumerate().filter(|(_, column)| column.metadata.is_none());
        let in_value = physical.filter(|(_, column)| options.is_in_value(&column.name));
        let fields = in_value.map(|(at, column)| Field::new(at, &column.name, &column.column_type.data_type));
        RecordEncoder {
            key: options.key.as_ref().map(|key| Key::new(table, key)),
            value: Object { fields: fields.collect(), options: options.json },
            // The timestamp is the only metadata that can be written.
            time: table.columns.iter().position(|column| column.metadata.is_some()),
            key_bytes: Vec::new(),
            value_bytes: Vec::new(),
        }
    }

    /// Calls `each` with the place and the record of every row.
    pub fn encode(&mut self, rows: &Rows<'_>, mut each: impl FnMut(usize, Record<'_>)) {
        let RecordEncoder { key, value, time, key_bytes, value_bytes } = self;
        rows.rows.for_each(|_, row| {
            let of = |column: usize| rows.columns[column].get(row);
            key_bytes.clear();
            let has_key = key.as_ref().is_some_and(|key| key.write(key_bytes, of));
            value_bytes.clear();
            value.write(value_bytes, of);
            let time = time.and_then(|column| millis(of(column)));
            each(row, Record { key: has_key.then_some(key_bytes.as_slice()), value: value_bytes, time });
        });
    }
}

impl Key {
    fn new(table: &SinkTable, options: &KeyOptions) -> Key {
        let place = |name: &str| {
            let at = table.columns.iter().position(|column| column.name == name);
            at.expect("the options were read for this table")
        };
        match options.format {
            KeyFormat::Raw => Key::Raw(place(&options.fields[0].column)),
            KeyFormat::Json(json) => {
                let fields = options.fields.iter().map(|field| {
                    let column = place(&field.column);
                    Field::new(column, &field.name, &table.columns[column].column_type.data_type)
                });
                Key::Json(Object { fields: fields.collect(), options: json.writing })
            }
        }
    }

    /// Appends a row's key; returns false if it has none.
    fn write<'v>(&self, out: &mut Vec<u8>, value: impl Fn(usize) -> Scalar<'v>) -> bool {
        match self {
            Key::Json(object) => object.write(out, value),
            Key::Raw(column) => match value(*column) {
                Scalar::Text(text) => out.extend_from_slice(text.as_bytes()),
                Scalar::Bytes(bytes) => out.extend_from_slice(bytes),
                _ => return false,
            },
        }
        true
    }
}

impl Field {
    fn new(column: usize, name: &str, data_type: &DataType) -> Field {
        let mut quoted = Vec::new();
        write_string(&mut quoted, name);
        quoted.push(b':');
        Field { column, name: quoted, data_type: data_type.clone() }
    }
}

impl Object {
    fn write<'v>(&self, out: &mut Vec<u8>, value: impl Fn(usize) -> Scalar<'v>) {
        out.push(b'{');
        let start = out.len();
        for field in &self.fields {
            let value = value(field.column);
            if self.options.ignore_null_fields && value.is_null() {
                continue;
            }
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(&field.name);
            write_value(out, value, &field.data_type, &self.options);
        }
        out.push(b'}');
    }
}

fn millis(value: Scalar<'_>) -> Option<Timestamp> {
    match value {
        Scalar::Int(millis) => Some(Timestamp(millis)),
        Scalar::Wide(nanos) => i64::try_from(nanos.div_euclid(1_000_000)).ok().map(Timestamp),
        _ => None,
    }
}
