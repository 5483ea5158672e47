//! Columns read from record keys: all keys of a run are decoded before its bodies, into a separate batch.
//!
//! In an upsert table, key columns may also be in the values and are then read from there. A record without a
//! value has them only in its key.

use std::borrow::Cow;
use std::ops::Range;

use engine::batch::{Batch, Encoding, LeafRequest, RecordSpan, Reject};
use engine::connector::ConnectorError;
use engine::operator::changes::RowKind;
use storage::log::{Fetched, Span};
use types::{Offset, Scalar};

use super::keys::{KeyFormat, KeyOptions};
use crate::format::json::{Decoder, RecordError};

/// Decodes the keys of one source subtask.
pub(crate) struct KeyColumns {
    /// Places of the columns of `keys` in the table's batch.
    places: Vec<usize>,
    /// Whether record values contain the key columns too.
    in_value: bool,
    format: Format,
    /// The current keys, one row for each record with a key.
    keys: Batch,
}

enum Format {
    Raw,
    Json(Box<Decoder>),
}

impl KeyColumns {
    /// Returns `None` if no requested column is only in the keys. `are_upserts` says whether a record without
    /// a value is a row with its key's columns.
    pub(crate) fn new(
        options: Option<&KeyOptions>,
        requests: &[LeafRequest],
        are_upserts: bool,
    ) -> Option<KeyColumns> {
        let options = options?;
        let mut places = Vec::new();
        let mut of_keys = Vec::new();

        let of_key = |request: &LeafRequest| {
            reads(options, request) || are_upserts && options.field(column_of(request)).is_some()
        };
        for (place, request) in requests.iter().enumerate().filter(|(_, request)| of_key(request)) {
            let mut request = request.clone();
            if let Some(field) = options.field(&request.leaf.path[0]) {
                request.leaf.path[0].clone_from(&field.name);
            }
            // Texts get their codes in the table's batch.
            if matches!(request.encoding, Encoding::Coded | Encoding::CodedWhileRepeated) {
                request.encoding = Encoding::Plain;
            }
            places.push(place);
            of_keys.push(request);
        }

        let format = match options.format {
            _ if places.is_empty() => return None,
            KeyFormat::Raw => Format::Raw,
            KeyFormat::Json(json) => Format::Json(Box::new(Decoder::new(&of_keys, json.reading))),
        };

        Some(KeyColumns { places, in_value: options.in_value, format, keys: Batch::new(&of_keys) })
    }

    /// Decodes the keys of some records; `place` formats a record's position for errors.
    pub(crate) fn decode(
        &mut self,
        fetched: &Fetched,
        some: Range<usize>,
        place: &dyn Fn(Offset) -> String,
    ) -> Result<(), ConnectorError> {
        let failed = |offset, error| super::undecodable(&format!("the key of {}", place(offset)), error);
        let KeyColumns { format, keys, .. } = self;

        match format {
            Format::Raw => keys.clear(some.len()),
            Format::Json(decoder) => decoder.begin(keys, some.len()),
        }

        for at in some {
            let record = &fetched.records[at];
            let Some(Span { start, end }) = fetched.attributes.get(at).and_then(|of| of.key) else {
                continue;
            };
            let key = &fetched.data[start as usize..end as usize];
            let span = RecordSpan { offset: record.offset, appended: record.appended, start, end };
            match format {
                Format::Raw => {
                    let row = keys.rows;
                    let text = String::from_utf8_lossy(key);
                    for column in &mut keys.columns {
                        let value = match column {
                            engine::column::Column::Bytes(_) => Scalar::Bytes(key),
                            engine::column::Column::Bool(_) => Scalar::Bool(true),
                            _ => Scalar::Text(&text),
                        };
                        column.set(row, value);
                    }
                    keys.rows += 1;
                    keys.origin.records.push(span);
                }
                Format::Json(decoder) => match decoder.record(keys, key) {
                    Ok(added) => keys.origin.records.extend(std::iter::repeat_n(span, added.rows)),
                    Err(RecordError::Rejected(reason)) => keys.rejects.push(Reject { record: span, reason }),
                    Err(error @ RecordError::Fatal(_)) => return Err(failed(span.offset, error)),
                },
            }
        }

        if let Format::Json(decoder) = format {
            decoder.finish(keys).map_err(|(span, error)| failed(span.offset, error))?;
            keys.rejects.sort_by_key(|reject| reject.record.offset);
        }

        Ok(())
    }

    /// Returns the reason why a record's key cannot be decoded, if it cannot.
    pub(crate) fn rejection(&self, offset: Offset) -> Option<Cow<'static, str>> {
        let rejects = &self.keys.rejects;
        let at = rejects.binary_search_by_key(&offset, |reject| reject.record.offset).ok()?;
        Some(format!("key {}", rejects[at].reason).into())
    }

    /// Fills the key columns of a batch that has all its rows; they stay null for records without a key.
    pub(crate) fn fill(&self, batch: &mut Batch) {
        let Batch { columns, origin, kinds, .. } = batch;
        let of_keys = &self.keys.origin.records;
        let mut key = 0;
        for (row, record) in origin.records.iter().enumerate() {
            // Columns that were read from the value are kept.
            if self.in_value && kinds.get(row) != Some(&RowKind::Delete) {
                continue;
            }
            while of_keys.get(key).is_some_and(|of| of.offset < record.offset) {
                key += 1;
            }
            if of_keys.get(key).is_some_and(|of| of.offset == record.offset) {
                for (column, place) in self.keys.columns.iter().zip(&self.places) {
                    columns[*place].set(row, column.get(key));
                }
            }
        }
    }

    /// Reports the number of values that were null because of a wrong type, since the last call.
    pub(crate) fn take_wrong_types(&mut self, each: &mut dyn FnMut(&str, u64)) {
        if let Format::Json(decoder) = &mut self.format {
            decoder.take_type_errors(each);
        }
    }
}

/// Returns whether a leaf is read only from keys.
pub(crate) fn reads(options: &KeyOptions, request: &LeafRequest) -> bool {
    options.holds_alone(column_of(request))
}

/// Returns the physical column of a leaf; empty for metadata, which is never in a key.
fn column_of(request: &LeafRequest) -> &str {
    let path = request.leaf.path.first().filter(|_| request.leaf.metadata.is_none());
    path.map_or("", String::as_str)
}
