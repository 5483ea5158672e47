//! Change kinds of Flink's connectors and formats.
//!
//! The planner must know which kinds of changes a table gives and accepts. In Flink SQL this follows from the
//! connector and format in its `WITH` clause. How a connector works is not known here.

use std::collections::HashMap;

use crate::catalog::Table;
use crate::plan::TableOptions;
use crate::plan::operator::Changes;

/// The kinds of changes that a sink accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// New rows only.
    Inserts,
    /// All changes.
    Changes,
    /// Upserts by key: an insert or update replaces the key's row, a delete removes it.
    Upserts,
}

fn option<'a>(options: &'a TableOptions, key: &str) -> Option<&'a str> {
    options.entries.get(key).map(|option| option.value.as_str())
}

fn format(options: &TableOptions) -> Option<&str> {
    option(options, "format").or_else(|| option(options, "value.format"))
}

/// Returns whether a format carries the change kind of each row.
fn carries_changes(format: &str) -> bool {
    matches!(format, "debezium-json" | "canal-json" | "maxwell-json" | "ogg-json" | "debezium-avro-confluent")
}

/// Returns the kinds of changes that a source gives; `key` holds the fields of its primary key.
pub(crate) fn source_changes(options: &TableOptions, key: &[usize]) -> Changes {
    match option(options, "connector") {
        Some("upsert-kafka") => Changes::Upsert(key.to_vec()),
        _ if format(options).is_some_and(carries_changes) => Changes::Retract,
        _ => Changes::Append,
    }
}

/// Returns the kinds of changes that a sink accepts.
pub(crate) fn sink_accepts(options: &TableOptions) -> Accepts {
    match option(options, "connector") {
        // A fetched query (no connector) passes every change on to its client.
        Some("print" | "blackhole") | None => Accepts::Changes,
        Some("redis" | "upsert-kafka") => Accepts::Upserts,
        _ if format(options).is_some_and(carries_changes) => Accepts::Changes,
        Some("kafka" | "filesystem") => Accepts::Inserts,
        // The registry of connectors refuses a name that it does not know, and lists those that it knows. What an
        // unknown connector accepts must not be refused before.
        Some(_) => Accepts::Changes,
    }
}

/// Returns the columns that identify a sink's rows, as indices into its written columns; `None` if it has no
/// key.
pub(crate) fn sink_key(table: &Table) -> Option<Vec<usize>> {
    let names = table.sink_columns().enumerate();
    let places: HashMap<&str, usize> = names.map(|(place, column)| (column.name.as_str(), place)).collect();
    let place = |name: &str| places.get(name).copied();
    if option(&table.options, "connector") == Some("redis") {
        let template = option(&table.options, "key")?;
        let mut key: Vec<usize> = columns_of(template).filter_map(place).collect();
        key.sort_unstable();
        key.dedup();
        return Some(key);
    }
    (!table.primary_key.is_empty()).then(|| table.primary_key.iter().filter_map(|name| place(name)).collect())
}

/// Returns the columns that a template such as `top:{rank}` names.
fn columns_of(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// Returns whether a lookup table has at most one row for each key.
pub(crate) fn has_one_row_a_key(options: &TableOptions) -> bool {
    option(options, "connector") == Some("redis")
}

/// Returns whether a table is looked up by key instead of read as a stream.
pub(crate) fn is_lookup(options: &TableOptions) -> bool {
    matches!(option(options, "connector"), Some("jdbc" | "redis" | "filesystem" | "hbase-2.2"))
}
