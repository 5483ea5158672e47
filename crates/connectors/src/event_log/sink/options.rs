//! Options of a sink table; names and meanings are those of Flink's connectors `kafka` and `upsert-kafka`.

use std::collections::BTreeMap;

use sql::error::Diagnostic;
use sql::plan::SinkTable;
use storage::log::is_internal;

use super::super::keys::{Fields, KeyOptions};
use super::super::{metadata, options};
use crate::format::changelog::Envelope;
use crate::format::json::WriteOptions;
use crate::format::{only_value_format, read_format};
use crate::options::OptionReader;

/// The options of a sink table.
#[derive(Debug, Clone, PartialEq)]
pub struct EventLogSinkOptions {
    pub topic: String,
    pub mode: Mode,
    /// The options `properties.*` without the prefix, for the log's client.
    pub properties: BTreeMap<String, String>,
    pub key: Option<KeyOptions>,
    pub json: WriteOptions,
    /// The format of changes that wraps rows.
    pub envelope: Envelope,
}

/// The meaning of a record for readers of the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `kafka`: a row, or a change in a format that has kinds.
    Append,
    /// `upsert-kafka`: the new row of a key.
    Upsert,
}

impl EventLogSinkOptions {
    /// Reads the options of a table with the connector `kafka` or `upsert-kafka`.
    pub fn read(table: &SinkTable, mode: Mode) -> Result<EventLogSinkOptions, Vec<Diagnostic>> {
        let mut reader = OptionReader::new(&table.name, &table.options);
        reader.get("connector");
        let topic = topic(&mut reader, mode);
        let properties = options::properties(&mut reader, &table.options);
        guarantee(&mut reader);

        let parallelism = reader.parsed("sink.parallelism", 1_u32, "a whole number");
        if parallelism == 0 {
            reader.reject(
                "sink.parallelism",
                "at least one subtask writes",
                "rows are written where they are computed",
            );
        }

        let (key, json, envelope) = match mode {
            Mode::Append => {
                // The same declaration may be read from.
                reader.accept_prefix("scan.");
                let (json, envelope) = read_format(&mut reader);
                let key = KeyOptions::read(&mut reader, &table.columns, Fields::Optional);
                partitioner(&mut reader, key.is_some());
                match envelope {
                    Envelope::Debezium { schema_include: true } => no_schema(&mut reader),
                    Envelope::Plain => no_primary_key(&mut reader, table),
                    _ => {}
                }
                (key, json.writing, envelope)
            }
            Mode::Upsert => {
                let (key, json) = upsert(&mut reader, table);
                (key, json, Envelope::Upsert)
            }
        };

        reader.errors.extend(table.columns.iter().filter_map(metadata::check_written));
        reader.finish()?;
        Ok(EventLogSinkOptions { topic, mode, properties, key, json, envelope })
    }

    /// Returns whether a column is in the body of records.
    pub(crate) fn is_in_value(&self, column: &str) -> bool {
        !self.key.as_ref().is_some_and(|key| key.holds_alone(column))
    }
}

/// Reads the topic, which must be exactly one.
fn topic(reader: &mut OptionReader<'_>, mode: Mode) -> String {
    if mode == Mode::Append && reader.get("topic-pattern").is_some() {
        let message = "a table that is written needs the option 'topic'";
        reader.reject(
            "topic-pattern",
            message,
            "set 'topic' = 'results', and declare another table to read several topics",
        );
    }

    let topic = reader.required("topic", "results").trim().to_owned();
    if topic.contains(';') {
        let message = "a table that is written has one topic";
        reader.reject("topic", message, "declare a table for each topic, and INSERT into each");
    } else if is_internal(&topic) {
        reader.reject(
            "topic",
            format!("topic `{topic}` is Weir's own, and tables only read it"),
            "write to another topic, for example 'topic' = 'results'",
        );
    }

    topic
}

fn guarantee(reader: &mut OptionReader<'_>) {
    let guarantees = ["at-least-once", "exactly-once", "none"];
    if reader.constant("sink.delivery-guarantee", "at-least-once", &guarantees) == "exactly-once" {
        reader.reject(
            "sink.delivery-guarantee",
            "transactions are not supported: rows are written as they arrive",
            "use 'at-least-once': after a restart, the topic may contain rows since the last checkpoint twice; with \
             'upsert-kafka', the second replaces the first",
        );
    }
    // These options name transactions, which are not used.
    reader.get("sink.transactional-id-prefix");
    reader.get("sink.transaction-naming-strategy");
}

/// Checks the partitioner: the log distributes records by key, and records without a key in turn.
fn partitioner(reader: &mut OptionReader<'_>, has_key: bool) {
    let Some(option) = reader.get("sink.partitioner") else { return };
    let (message, hint) = match option.value.as_str() {
        "default" => return,
        "round-robin" if !has_key => return,
        "round-robin" => (
            "rows with a key are partitioned by their key".to_owned(),
            "leave out 'sink.partitioner', or the key",
        ),
        other => (
            format!("'sink.partitioner' cannot be '{other}'"),
            "use 'default': by the key, or to all partitions in turn if there is no key",
        ),
    };
    reader.reject("sink.partitioner", message, hint);
}

/// Refuses a schema: Debezium's own writers put a schema before each change. Flink reads such records, but
/// does not write them either.
fn no_schema(reader: &mut OptionReader<'_>) {
    let key = ["debezium-json.schema-include", "value.debezium-json.schema-include"]
        .into_iter()
        .find(|key| reader.get(key).is_some());
    reader.reject(
        key.unwrap_or("format"),
        "changes are written without a schema",
        "leave out 'debezium-json.schema-include'",
    );
}

/// Refuses a primary key: an append-only table cannot guarantee one row for each key.
fn no_primary_key(reader: &mut OptionReader<'_>, table: &SinkTable) {
    if table.primary_key.is_empty() {
        return;
    }
    let message = format!("the kafka table `{}` cannot have a primary key", table.name);
    let error = Diagnostic::error(table.span, message);
    let hint = "every row becomes a new record; 'connector' = 'upsert-kafka' writes rows by their key";
    reader.errors.push(error.with_hint(hint));
}

fn upsert(reader: &mut OptionReader<'_>, table: &SinkTable) -> (Option<KeyOptions>, WriteOptions) {
    if table.primary_key.is_empty() {
        let message = format!("the upsert-kafka table `{}` has no primary key", table.name);
        let error = Diagnostic::error(table.span, message);
        let hint = "declare PRIMARY KEY (…) NOT ENFORCED: a row replaces the row with the same key";
        reader.errors.push(error.with_hint(hint));
    }

    options::reject_what_the_key_says(reader);
    reader.required("key.format", "json");
    // Changes are written at once instead of buffered, which gives the same final rows.
    reader.parsed("sink.buffer-flush.max-rows", 0_u64, "a number of rows");
    if let Some(interval) = reader.get("sink.buffer-flush.interval")
        && sql::parse_duration(&interval.value).is_none()
    {
        reader.reject("sink.buffer-flush.interval", "this is no duration", "for example '1 s'");
    }

    let key = match reader.get("key.format") {
        Some(_) => KeyOptions::read(reader, &table.columns, Fields::Primary(&table.primary_key)),
        None => None,
    };

    (key, only_value_format(reader).writing)
}
