//! Metadata columns: properties of a record besides its body, with the names of Flink's Kafka connector.
//!
//! The decoder does not know them; they are filled for each batch after it.

use engine::batch::{Batch, LeafRequest};
use engine::column::{Column, tri};
use sql::error::Diagnostic;
use sql::plan::TableColumn;
use storage::log::{Attributes, RecordRef, Span, TimeKind};
use types::{DataType, Scalar};

use crate::options::{closest, quoted};

const TOPIC: &str = "topic";
const PARTITION: &str = "partition";
const HEADERS: &str = "headers";
const OFFSET: &str = "offset";
const TIMESTAMP: &str = "timestamp";
const TIMESTAMP_TYPE: &str = "timestamp-type";

/// Readable metadata keys and their types.
const READABLE: [(&str, &str); 6] = [
    (TOPIC, "STRING"),
    (PARTITION, "INT"),
    (HEADERS, "MAP<STRING, BYTES>"),
    (OFFSET, "BIGINT"),
    (TIMESTAMP, "TIMESTAMP_LTZ(3)"),
    (TIMESTAMP_TYPE, "STRING"),
];

/// Returns the error of a metadata column in a source table, if there is one.
pub(crate) fn check_read(column: &TableColumn) -> Option<Diagnostic> {
    let metadata = column.metadata.as_ref()?;
    let Some((key, expected)) = READABLE.iter().find(|(key, _)| *key == metadata.key) else {
        return Some(unknown(column, READABLE.iter().map(|(key, _)| *key)));
    };
    let data_type = &column.column_type.data_type;
    let fits = match (*key, data_type) {
        (TOPIC | TIMESTAMP_TYPE, data_type) => *data_type == DataType::STRING,
        (PARTITION, DataType::Int | DataType::BigInt) | (OFFSET, DataType::BigInt) => true,
        (TIMESTAMP, DataType::TimestampLtz(_)) => true,
        (HEADERS, DataType::Map(key, value)) => {
            key.data_type == DataType::STRING && value.data_type == DataType::BYTES
        }
        _ => false,
    };
    (!fits).then(|| of_another_type(column, expected))
}

/// Returns the error of a metadata column in a sink table, if there is one. Only the timestamp can be
/// written.
pub(crate) fn check_written(column: &TableColumn) -> Option<Diagnostic> {
    let metadata = column.metadata.as_ref()?;
    match (metadata.key.as_str(), &column.column_type.data_type) {
        (TIMESTAMP, DataType::TimestampLtz(_)) => None,
        (TIMESTAMP, _) => Some(of_another_type(column, "TIMESTAMP_LTZ(3)")),
        (key, _) if READABLE.iter().any(|(known, _)| *known == key) => {
            let message = format!("the metadata '{key}' can be read, and not written");
            let error = Diagnostic::error(metadata.key_span, message);
            Some(
                error.with_hint(format!(
                    "declare it VIRTUAL: `{}` … METADATA FROM '{key}' VIRTUAL",
                    column.name
                )),
            )
        }
        _ => Some(unknown(column, [TIMESTAMP].into_iter())),
    }
}

/// Returns an error for a metadata column of a connector that writes no metadata.
pub(crate) fn check_none(column: &TableColumn, connector: &str) -> Option<Diagnostic> {
    let metadata = column.metadata.as_ref()?;
    let message = format!("`{}` is metadata, and connector '{connector}' writes none", column.name);
    Some(Diagnostic::error(metadata.key_span, message).with_hint("declare it VIRTUAL, or without METADATA"))
}

fn unknown<'a>(column: &TableColumn, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let metadata = column.metadata.as_ref().expect("asked of metadata columns alone");
    let message = format!("there is no metadata '{}' for `{}`", metadata.key, column.name);
    let hint = match closest(&metadata.key, known.clone()) {
        Some(meant) => format!("did you mean METADATA FROM '{meant}'?"),
        None => format!("one of {}", quoted(known)),
    };
    Diagnostic::error(metadata.key_span, message).with_hint(hint)
}

fn of_another_type(column: &TableColumn, expected: &str) -> Diagnostic {
    let metadata = column.metadata.as_ref().expect("asked of metadata columns alone");
    let (name, declared) = (&column.name, &column.column_type.data_type);
    let message = format!("`{name}` is {declared}, and the metadata '{}' is {expected}", metadata.key);
    let error = Diagnostic::error(metadata.type_span, message);
    error.with_hint(format!("declare it as {expected}, and CAST where another type is needed"))
}

/// The metadata columns that a plan reads of a table.
#[derive(Debug)]
pub(crate) struct MetadataColumns {
    /// Metadata parts with their columns' places in the batch.
    columns: Vec<(usize, MetadataPart)>,
}

#[derive(Debug)]
enum MetadataPart {
    Topic,
    Partition,
    Offset,
    /// A timestamp with this number of fraction digits at most.
    Time(u8),
    TimeKind,
    Header(String),
}

/// The origin of a batch's records.
pub(crate) struct Described<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
    /// `None` if records have no time.
    pub(crate) time_kind: Option<TimeKind>,
    /// The records of the rows, possibly with others.
    pub(crate) records: &'a [RecordRef],
    /// One for each record, if headers are wanted.
    pub(crate) attributes: &'a [Attributes],
    pub(crate) data: &'a [u8],
}

impl MetadataColumns {
    pub(crate) fn new(requests: &[LeafRequest]) -> MetadataColumns {
        let part = |request: &LeafRequest| {
            let metadata = request.leaf.metadata.as_ref()?;
            Some(match (metadata.key.as_str(), &request.leaf.column_type.data_type, &metadata.entry) {
                (TOPIC, ..) => MetadataPart::Topic,
                (PARTITION, ..) => MetadataPart::Partition,
                (OFFSET, ..) => MetadataPart::Offset,
                (TIMESTAMP, DataType::TimestampLtz(digits), _) => MetadataPart::Time(*digits),
                (TIMESTAMP_TYPE, ..) => MetadataPart::TimeKind,
                (HEADERS, _, Some(name)) => MetadataPart::Header(name.clone()),
                // Other keys were refused when the table's options were read.
                _ => return None,
            })
        };
        let columns = requests.iter().enumerate().filter_map(|(at, request)| Some((at, part(request)?)));
        MetadataColumns { columns: columns.collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Fills the metadata columns of a batch that has all its rows.
    pub(crate) fn fill(&self, batch: &mut Batch, of: &Described<'_>) {
        let Batch { columns, rows, origin, .. } = batch;
        for (at, part) in &self.columns {
            let column = &mut columns[*at];
            match part {
                MetadataPart::Topic => fill_with(column, *rows, Scalar::Text(of.topic)),
                MetadataPart::Partition => fill_with(column, *rows, Scalar::Int(of.partition.into())),
                MetadataPart::TimeKind => {
                    let kind = match of.time_kind {
                        None => "NoTimestampType",
                        Some(TimeKind::Created) => "CreateTime",
                        Some(TimeKind::Appended) => "LogAppendTime",
                    };
                    fill_with(column, *rows, Scalar::Text(kind));
                }
                MetadataPart::Offset => {
                    for (row, record) in origin.records.iter().enumerate() {
                        set(column, row, Scalar::Int(record.offset.0 as i64));
                    }
                }
                MetadataPart::Time(digits) => {
                    for (row, record) in origin.records.iter().enumerate() {
                        set(column, row, time(record.appended.0, *digits));
                    }
                }
                MetadataPart::Header(name) => {
                    let mut records = of.records.iter().zip(of.attributes);
                    let mut value = None;

                    let mut known = None;
                    for (row, record) in origin.records.iter().enumerate() {
                        if known != Some(record.offset) {
                            let found = records.find(|(of, _)| of.offset == record.offset);
                            value = found.and_then(|(_, attributes)| header(attributes, name, of.data));
                            known = Some(record.offset);
                        }
                        set(column, row, value.map_or(Scalar::Null, Scalar::Bytes));
                    }
                }
            }
        }
    }
}

/// Returns milliseconds, or nanoseconds if the type has more than three digits.
fn time(millis: i64, digits: u8) -> Scalar<'static> {
    match digits {
        0..3 => {
            let unit = 10_i64.pow(3 - u32::from(digits));
            Scalar::Int(millis - millis.rem_euclid(unit))
        }
        3 => Scalar::Int(millis),
        _ => Scalar::Wide(i128::from(millis) * 1_000_000),
    }
}

/// Returns the value of a header; the last one if the name repeats, as in a map.
fn header<'d>(attributes: &Attributes, name: &str, data: &'d [u8]) -> Option<&'d [u8]> {
    let bytes = |span: Span| data.get(span.start as usize..span.end as usize);
    let last = attributes.headers.iter().rev().find(|(of, _)| bytes(*of) == Some(name.as_bytes()));
    last.and_then(|(_, value)| bytes((*value)?))
}

/// Sets a value, or its presence for a column of [`engine::batch::Encoding::Presence`].
fn set(column: &mut Column, row: usize, value: Scalar<'_>) {
    match column {
        Column::Bool(values) => values[row] = if value.is_null() { tri::NULL } else { tri::TRUE },
        column => column.set(row, value),
    }
}

fn fill_with(column: &mut Column, rows: usize, value: Scalar<'_>) {
    match (column, value) {
        (Column::Coded(coded), Scalar::Text(text)) => {
            let code = coded.dictionary.code_str(text);
            (0..rows).for_each(|row| coded.set_code(row, code));
        }
        (column, value) => (0..rows).for_each(|row| set(column, row, value)),
    }
}
