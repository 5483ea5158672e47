//! What Flink's connectors and formats say of changes.
//!
//! The planner must know which kinds of rows a table gives and takes. In Flink SQL its `WITH` clause says so, by the names
//! of connectors and formats that Flink's manual defines. How a connector works is not known here.

use crate::plan::TableOptions;
use crate::plan::operator::Changes;

/// What a table takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// New rows only.
    Inserts,
    /// All changes.
    Changes,
}

fn option<'a>(options: &'a TableOptions, key: &str) -> Option<&'a str> {
    options.entries.get(key).map(|option| option.value.as_str())
}

fn format(options: &TableOptions) -> Option<&str> {
    option(options, "format").or_else(|| option(options, "value.format"))
}

/// Whether a format carries the kind of each row.
fn carries_changes(format: &str) -> bool {
    matches!(format, "debezium-json" | "canal-json" | "maxwell-json" | "ogg-json" | "debezium-avro-confluent")
}

/// Which kinds of rows a table gives; `key`: the fields of its primary key.
pub(crate) fn source_changes(options: &TableOptions, key: &[usize]) -> Changes {
    match option(options, "connector") {
        Some("upsert-kafka") => Changes::Upsert(key.to_vec()),
        _ if format(options).is_some_and(carries_changes) => Changes::Retract,
        _ => Changes::Append,
    }
}

/// Which kinds of rows a table takes.
pub(crate) fn sink_accepts(options: &TableOptions) -> Accepts {
    match option(options, "connector") {
        // Whoever fetches the rows of a query is told what each does.
        Some("print" | "blackhole") | None => Accepts::Changes,
        _ => Accepts::Inserts,
    }
}

/// Whether a table is something that rows are looked up in, and not a stream.
pub(crate) fn is_lookup(options: &TableOptions) -> bool {
    matches!(option(options, "connector"), Some("jdbc" | "redis" | "filesystem" | "hbase-2.2"))
}
