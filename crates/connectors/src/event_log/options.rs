//! Options of a source table about its topics; names and meanings are those of Flink's Kafka connector.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::connector::Reads;
use regex::Regex;
use sql::error::Diagnostic;
use sql::plan::operator::Changes;
use sql::plan::{SourceTable, TableOptions};
use storage::log::{EventLog, is_internal};
use types::{Offset, PartitionId, Timestamp};

use super::keys::{Fields, KeyOptions};
use super::metadata;
use crate::format::changelog::Envelope;
use crate::format::json::JsonOptions;
use crate::format::{only_value_format, read_format};
use crate::options::OptionReader;

/// The options of a source table.
#[derive(Debug, Clone)]
pub struct EventLogOptions {
    pub topics: Topics,
    pub startup: Startup,
    /// The options `properties.*` without the prefix, for the log's client.
    pub properties: BTreeMap<String, String>,
    pub json: JsonOptions,
    pub envelope: Envelope,
    pub key: Option<KeyOptions>,
}

/// The topics that a table reads.
#[derive(Debug, Clone)]
pub enum Topics {
    Named(Vec<String>),
    /// All topics whose complete name matches, including topics created later.
    Matching(Regex),
}

/// The start position of a table without a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum Startup {
    Earliest,
    Latest,
    /// The committed offsets of the group; partitions without offsets start at `otherwise`.
    Group {
        otherwise: Reset,
    },
    Time(Timestamp),
    /// Given offsets; other partitions start like a group without offsets.
    At(Vec<(PartitionId, Offset)>),
}

/// `properties.auto.offset.reset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    Earliest,
    Latest,
}

/// Options that only matter if the table is written to.
const SINK_OPTIONS: [&str; 5] = [
    "sink.partitioner",
    "sink.delivery-guarantee",
    "sink.transactional-id-prefix",
    "sink.transaction-naming-strategy",
    "sink.parallelism",
];

const PREFIX: &str = "properties.";

impl EventLogOptions {
    /// Reads the options of a table with the connector `kafka` or `upsert-kafka`.
    pub fn read(table: &SourceTable) -> Result<EventLogOptions, Vec<Diagnostic>> {
        let mut reader = OptionReader::new(&table.name, &table.options);
        let connector = reader.get("connector").map(|option| option.value.clone());
        let topics = topics(&mut reader);
        let properties = properties(&mut reader, &table.options);
        let is_upsert = connector.as_deref() == Some("upsert-kafka");
        let startup = match is_upsert {
            true => whole_topic(&mut reader),
            false => startup(&mut reader, &properties),
        };

        reader.constant("scan.bounded.mode", "unbounded", &["unbounded"]);
        // The interval is a setting of the log.
        reader.get("scan.topic-partition-discovery.interval");
        // Weir takes the idle timeout from the job's settings; its watermarks are exact to the row anyway.
        reader.accept_prefix("scan.watermark.");
        // The same declaration may be written to.
        reader.accept(&SINK_OPTIONS);

        let (json, envelope) = match is_upsert {
            true => (only_value_format(&mut reader).reading, Envelope::Upsert),
            false => {
                let (json, envelope) = read_format(&mut reader);
                (json.reading, envelope)
            }
        };
        let key = match is_upsert {
            true => upsert_key(&mut reader, table),
            false => KeyOptions::read(&mut reader, &table.columns, Fields::Optional),
        };

        reader.errors.extend(table.columns.iter().filter_map(metadata::check_read));
        reader.finish()?;
        Ok(EventLogOptions { topics, startup, properties, json, envelope, key })
    }

    /// Returns what a table with these options reads of a log.
    pub fn reads(&self, log: &dyn EventLog) -> Reads {
        let topics = self.topics.clone();
        let includes = move |topic: &str| match &topics {
            Topics::Named(names) => names.iter().any(|name| name == topic),
            Topics::Matching(pattern) => !is_internal(topic) && pattern.is_match(topic),
        };
        Reads { system: log.name(), what: self.topics.describe(), includes: Arc::new(includes) }
    }

    /// Returns the topic of the records, if it is known without the log.
    pub fn only_topic(&self) -> Option<&str> {
        match &self.topics {
            Topics::Named(names) => names.first().map(String::as_str),
            Topics::Matching(_) => None,
        }
    }

    /// Returns the group to which offsets are committed.
    pub fn group(&self) -> Option<&str> {
        self.properties.get("group.id").map(String::as_str)
    }
}

impl Topics {
    /// Describes the topics in messages.
    pub fn describe(&self) -> String {
        match self {
            Topics::Named(names) if names.len() == 1 => format!("topic `{}`", names[0]),
            Topics::Named(names) => format!("topics `{}`", names.join("`, `")),
            Topics::Matching(pattern) => format!("topics matching `{pattern}`"),
        }
    }
}

fn topics(reader: &mut OptionReader<'_>) -> Topics {
    let Some(pattern) = reader.get("topic-pattern").map(|option| option.value.clone()) else {
        let names = reader.required("topic", "user-queries");
        let names = names.split(';').map(str::trim).filter(|name| !name.is_empty());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        return Topics::Named(names);
    };

    if reader.get("topic").is_some() {
        reader.reject("topic", "'topic' and 'topic-pattern' exclude each other", "keep one of them");
    }

    // The complete name has to match, as in Flink.
    match Regex::new(&format!("^(?:{pattern})$")) {
        Ok(pattern) => Topics::Matching(pattern),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            reader.reject(
                "topic-pattern",
                format!("'topic-pattern' is no regular expression: {why}"),
                "for example 'queries-.*'",
            );
            Topics::Named(Vec::new())
        }
    }
}

pub(super) fn properties(reader: &mut OptionReader<'_>, options: &TableOptions) -> BTreeMap<String, String> {
    reader.accept_prefix(PREFIX);
    let of = options
        .entries
        .iter()
        .filter_map(|(key, option)| Some((key.strip_prefix(PREFIX)?.to_owned(), option.value.clone())));
    of.collect()
}

/// Requires a start at the beginning of the topic, as in Flink: a row that has not changed lately is a record
/// far back.
fn whole_topic(reader: &mut OptionReader<'_>) -> Startup {
    let mode = "scan.startup.mode";
    if reader.get(mode).is_some_and(|of| !of.value.eq_ignore_ascii_case("earliest-offset")) {
        let message = "an upsert-kafka table is read from the beginning of its topic";
        reader.reject(
            mode,
            message,
            "leave it out; with 'connector' = 'kafka', every record of the topic is a row",
        );
    }
    Startup::Earliest
}

/// Reads the key options of an upsert table, whose primary key gives the key columns.
fn upsert_key(reader: &mut OptionReader<'_>, table: &SourceTable) -> Option<KeyOptions> {
    reject_what_the_key_says(reader);
    // The same declaration may be written to.
    reader.accept(&["sink.buffer-flush.max-rows", "sink.buffer-flush.interval"]);
    reader.required("key.format", "json");
    reader.get("key.format")?;

    let Changes::Upsert(fields) = &table.changes else { return None };
    let names: Vec<String> = fields.iter().map(|&field| table.columns[field].name.clone()).collect();
    KeyOptions::read(reader, &table.columns, Fields::Primary(&names))
}

/// Rejects options of `kafka` tables that conflict with a primary key.
pub(super) fn reject_what_the_key_says(reader: &mut OptionReader<'_>) {
    for (wrong, right) in [("format", "value.format"), ("key.fields", "")] {
        if reader.get(wrong).is_some() {
            let hint = match right {
                "" => "the primary key names them".to_owned(),
                right => format!("use '{right}', and 'key.format' for the key"),
            };
            reader.reject(wrong, format!("an upsert-kafka table has no '{wrong}'"), hint);
        }
    }
}

fn startup(reader: &mut OptionReader<'_>, properties: &BTreeMap<String, String>) -> Startup {
    let modes = ["earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"];
    let mode = reader.constant("scan.startup.mode", "group-offsets", &modes);
    let millis: i64 = reader.parsed("scan.startup.timestamp-millis", 0, "milliseconds since 1970");
    let offsets = reader.get("scan.startup.specific-offsets").map(|option| option.value.clone());

    match mode.as_str() {
        "earliest-offset" => Startup::Earliest,
        "latest-offset" => Startup::Latest,
        "timestamp" => {
            if reader.get("scan.startup.timestamp-millis").is_none() {
                reader.reject(
                    "scan.startup.mode",
                    "the startup mode 'timestamp' needs a time",
                    "add 'scan.startup.timestamp-millis' = '1765290000000', milliseconds since 1970",
                );
            }
            Startup::Time(Timestamp(millis))
        }
        "specific-offsets" => match offsets.as_deref().map(specific) {
            Some(Some(offsets)) => Startup::At(offsets),
            Some(None) => {
                let hint = "for example 'partition:0,offset:42;partition:1,offset:300'";
                reader.reject("scan.startup.specific-offsets", "these are not offsets", hint);
                Startup::Earliest
            }
            None => {
                let hint =
                    "add 'scan.startup.specific-offsets' = 'partition:0,offset:42;partition:1,offset:300'";
                reader.reject("scan.startup.mode", "the startup mode 'specific-offsets' needs offsets", hint);
                Startup::Earliest
            }
        },
        // Kafka's clients treat groups without offsets the same way, except for the default: Weir reads from
        // the beginning, so that nothing from before the first start is missed.
        _ => Startup::Group {
            otherwise: match properties.get("auto.offset.reset").map(String::as_str) {
                Some("latest" | "largest" | "end") => Reset::Latest,
                _ => Reset::Earliest,
            },
        },
    }
}

/// Parses `partition:0,offset:42;partition:1,offset:300`.
fn specific(text: &str) -> Option<Vec<(PartitionId, Offset)>> {
    let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
    let offsets = entries.map(|entry| {
        let (partition, offset) = entry.split_once(',')?;
        let partition = partition.trim().strip_prefix("partition:")?.trim().parse().ok()?;
        let offset = offset.trim().strip_prefix("offset:")?.trim().parse().ok()?;
        Some((PartitionId(partition), Offset(offset)))
    });
    offsets.collect::<Option<Vec<_>>>().filter(|offsets| !offsets.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_as_flink_writes_them() {
        let expected = vec![(PartitionId(0), Offset(42)), (PartitionId(1), Offset(300))];
        assert_eq!(specific("partition:0,offset:42;partition:1,offset:300"), Some(expected.clone()));
        assert_eq!(specific(" partition:0 , offset:42 ; partition:1,offset:300; "), Some(expected));
        for wrong in
            ["", "42", "partition:0", "partition:a,offset:1", "offset:1,partition:0", "partition:0,offset:-1"]
        {
            assert_eq!(specific(wrong), None, "{wrong}");
        }
    }
}
