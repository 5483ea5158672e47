//! Changelog formats, whose records describe changes of rows.
//!
//! | format | contents of a record | changes |
//! | --- | --- | --- |
//! | `debezium-json` | `before`, `after`, `op` | `c`, `r`: `+I`; `u`: `-U`, `+U`; `d`: `-D` |
//! | `canal-json` | `data`, `old`, `type` | `INSERT`, `CREATE`: `+I`; `UPDATE`: `-U`, `+U`; `DELETE`: `-D` |
//! | upsert | a key and a value | a value: `+U`; no value: `-D` of the key |
//!
//! The envelope is parsed first; each row in it is then decoded like a record of its own. Names and rules are
//! those of Flink's manual, "Debezium Format", "Canal Format" and "Upsert Kafka SQL Connector".

use std::borrow::Cow;
use std::collections::BTreeMap;

use engine::batch::{Batch, RecordSpan, Reject};
use engine::operator::changes::RowKind;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{Decoder, RecordError};
use crate::event_log::add_record;

/// The structure around the rows of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// The record is a new row.
    Plain,
    Debezium {
        /// `debezium-json.schema-include`: the envelope is the `payload` of the record.
        schema_include: bool,
    },
    Canal,
    /// The record's value replaces the row of its key.
    Upsert,
    /// Like [`Envelope::Upsert`] in files, where a line holds both key and value: `{"key": …, "value": …}`.
    UpsertLine,
}

#[derive(Deserialize)]
struct Debezium<'a> {
    #[serde(borrow, default)]
    before: Option<&'a RawValue>,
    #[serde(borrow, default)]
    after: Option<&'a RawValue>,
    #[serde(borrow, default)]
    op: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Canal<'a> {
    #[serde(borrow, default)]
    data: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    old: Option<Vec<&'a RawValue>>,
    #[serde(borrow, rename = "type", default)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct UpsertLine<'a> {
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// A row of a record, and the kind of its change.
type Row<'a> = (RowKind, Cow<'a, str>);

impl Envelope {
    /// Decodes a record into the batch, or rejects it.
    ///
    /// # Errors
    /// The record is wrong, and the table's options make this an error.
    pub fn add(
        self,
        decoder: &mut Decoder,
        batch: &mut Batch,
        body: &[u8],
        span: RecordSpan,
    ) -> Result<(), RecordError> {
        let rows = match self {
            Envelope::Plain => return add_record(decoder, batch, body, span),
            Envelope::Upsert => {
                let before = batch.rows;
                add_record(decoder, batch, body, span)?;
                batch.kinds.resize(before, RowKind::UpdateAfter);
                batch.kinds.resize(batch.rows, RowKind::UpdateAfter);
                return Ok(());
            }
            Envelope::Debezium { schema_include } => debezium(body, schema_include),
            Envelope::Canal => canal(body),
            Envelope::UpsertLine => upsert_line(body),
        };

        let rows = match rows {
            Ok(rows) => rows,
            Err(reason) => {
                batch.rejects.push(Reject { record: span, reason: reason.into() });
                return Ok(());
            }
        };
        for (kind, row) in rows {
            let before = batch.rows;
            batch.kinds.resize(before, RowKind::Insert);
            add_record(decoder, batch, row.as_bytes(), span)?;
            batch.kinds.resize(batch.rows, kind);
        }
        Ok(())
    }
}

/// Adds the row of a tombstone. Its fields are null; the key's columns are filled in later.
///
/// # Errors
/// In practice none, because an object without fields can always be decoded.
pub(crate) fn tombstone(
    decoder: &mut Decoder,
    batch: &mut Batch,
    span: RecordSpan,
) -> Result<(), RecordError> {
    batch.kinds.resize(batch.rows, RowKind::UpdateAfter);
    add_record(decoder, batch, b"{}", span)?;
    batch.kinds.resize(batch.rows, RowKind::Delete);
    Ok(())
}

/// Returns the rejection reason for a record without a valid envelope.
fn malformed(what: impl std::fmt::Display) -> String {
    format!("malformed: {what}")
}

fn debezium(body: &[u8], schema_include: bool) -> Result<Vec<Row<'_>>, String> {
    let mut envelope: Debezium<'_> = serde_json::from_slice(body).map_err(malformed)?;
    if schema_include {
        let payload = envelope.payload.ok_or_else(|| malformed("the record has no `payload`"))?;
        envelope = serde_json::from_str(payload.get()).map_err(malformed)?;
    }

    let row = |image: Option<&'_ RawValue>, name: &str| match image {
        Some(image) if image.get() != "null" => Ok(image.get().to_owned()),
        _ => Err(malformed(format_args!("the record has no `{name}`"))),
    };
    let (before, after) = (envelope.before, envelope.after);
    Ok(match envelope.op.as_deref() {
        Some("c" | "r") => vec![(RowKind::Insert, row(after, "after")?.into())],
        Some("u") => vec![
            (RowKind::UpdateBefore, row(before, "before")?.into()),
            (RowKind::UpdateAfter, row(after, "after")?.into()),
        ],
        Some("d") => vec![(RowKind::Delete, row(before, "before")?.into())],
        Some(other) => return Err(malformed(format_args!("there is no `op` {other:?}"))),
        None => return Err(malformed("the record has no `op`")),
    })
}

fn canal(body: &[u8]) -> Result<Vec<Row<'_>>, String> {
    let envelope: Canal<'_> = serde_json::from_slice(body).map_err(malformed)?;

    let data = envelope.data.unwrap_or_default();

    let kind = match envelope.kind.as_deref() {
        Some("INSERT") => RowKind::Insert,
        Some("DELETE") => RowKind::Delete,
        Some("UPDATE") => {
            let old = envelope.old.unwrap_or_default();
            if old.len() != data.len() {
                return Err(malformed("`old` and `data` hold different numbers of rows"));
            }
            let mut rows = Vec::with_capacity(data.len() * 2);
            for (new, old) in data.into_iter().zip(old) {
                rows.push((RowKind::UpdateBefore, overlaid(new, old)?.into()));
                rows.push((RowKind::UpdateAfter, new.get().into()));
            }
            return Ok(rows);
        }

        // These are statements about the table itself.
        Some("CREATE" | "QUERY" | "ALTER" | "ERASE" | "TRUNCATE" | "RENAME" | "CINDEX" | "DINDEX") => {
            return Ok(Vec::new());
        }
        Some(other) => return Err(malformed(format_args!("there is no `type` {other:?}"))),
        None => return Err(malformed("the record has no `type`")),
    };

    Ok(data.into_iter().map(|row| (kind, row.get().into())).collect())
}

/// Returns the row before an update: the new row with the old values of the changed columns.
fn overlaid(new: &RawValue, old: &RawValue) -> Result<String, String> {
    let mut row: BTreeMap<String, &RawValue> = serde_json::from_str(new.get()).map_err(malformed)?;
    let changed: BTreeMap<String, &RawValue> = serde_json::from_str(old.get()).map_err(malformed)?;
    row.extend(changed);
    serde_json::to_string(&row).map_err(malformed)
}

fn upsert_line(body: &[u8]) -> Result<Vec<Row<'_>>, String> {
    let line: UpsertLine<'_> = serde_json::from_slice(body).map_err(malformed)?;
    match (line.key, line.value) {
        (_, Some(value)) if value.get() != "null" => Ok(vec![(RowKind::UpdateAfter, value.get().into())]),
        (Some(key), _) => {
            // The key may be the text of a record's key, or an object of its fields.
            let key = match serde_json::from_str::<String>(key.get()) {
                Ok(text) => text.into(),
                Err(_) => key.get().into(),
            };
            Ok(vec![(RowKind::Delete, key)])
        }
        (None, _) => Err(malformed("the line has neither `key` nor `value`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rows: Result<Vec<Row<'_>>, String>) -> String {
        match rows {
            Ok(rows) => rows.iter().map(|(kind, row)| format!("{}{row} ", kind.code())).collect(),
            Err(reason) => reason,
        }
    }

    #[test]
    fn a_debezium_record_is_one_row_or_two() {
        let read = |text: &'static str| shown(debezium(text.as_bytes(), false));
        assert_eq!(read(r#"{"before":null,"after":{"a":1},"op":"c"}"#), r#"+I{"a":1} "#);
        assert_eq!(read(r#"{"before":{"a":1},"after":{"a":2},"op":"u"}"#), r#"-U{"a":1} +U{"a":2} "#);
        assert_eq!(read(r#"{"before":{"a":2},"op":"d"}"#), r#"-D{"a":2} "#);
        assert!(read(r#"{"before":null,"after":{"a":2},"op":"u"}"#).contains("no `before`"));
        assert!(read(r#"{"after":{"a":2},"op":"x"}"#).contains("there is no `op`"));
        let wrapped = br#"{"schema":{},"payload":{"after":{"a":1},"op":"r"}}"#;
        assert_eq!(shown(debezium(wrapped, true)), r#"+I{"a":1} "#);
    }

    #[test]
    fn a_canal_update_names_the_changed_columns_alone() {
        let read = |text: &'static str| shown(canal(text.as_bytes()));
        assert_eq!(
            read(r#"{"data":[{"a":1,"b":2}],"old":[{"b":1}],"type":"UPDATE"}"#),
            r#"-U{"a":1,"b":1} +U{"a":1,"b":2} "#
        );
        assert_eq!(read(r#"{"data":[{"a":1},{"a":2}],"type":"DELETE"}"#), r#"-D{"a":1} -D{"a":2} "#);
        assert_eq!(read(r#"{"data":null,"type":"CREATE"}"#), "");
    }

    #[test]
    fn a_line_without_a_value_deletes_its_key() {
        let read = |text: &'static str| shown(upsert_line(text.as_bytes()));
        assert_eq!(read(r#"{"key":{"id":3},"value":{"id":3,"n":1}}"#), r#"+U{"id":3,"n":1} "#);
        assert_eq!(read(r#"{"key":{"id":3},"value":null}"#), r#"-D{"id":3} "#);
        assert_eq!(read(r#"{"key":"{\"id\":3}","value":null}"#), r#"-D{"id":3} "#);
    }
}
