//! What Flink's connectors and formats say of changes.
//!
//! The planner must know which kinds of rows a table gives and takes. In Flink SQL its `WITH` clause says so, by the names
//! of connectors and formats that Flink's manual defines. How a connector works is not known here.

use crate::catalog::Table;
use crate::plan::TableOptions;
use crate::plan::operator::Changes;

/// What a table takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// New rows only.
    Inserts,
    /// All changes.
    Changes,
    /// Rows by their key: an addition is the row of its key from now on, and what is taken back leaves the key without one.
    Upserts,
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
        Some("redis" | "upsert-kafka") => Accepts::Upserts,
        _ if format(options).is_some_and(carries_changes) => Accepts::Changes,
        _ => Accepts::Inserts,
    }
}

/// The columns by which a table tells its rows apart, by place among those that are written; `None`: it does not.
pub(crate) fn sink_key(table: &Table) -> Option<Vec<usize>> {
    let place = |name: &str| table.sink_columns().position(|column| column.name == name);
    if option(&table.options, "connector") == Some("redis") {
        let template = option(&table.options, "key")?;
        let mut key: Vec<usize> = columns_of(template).filter_map(place).collect();
        key.sort_unstable();
        key.dedup();
        return Some(key);
    }
    (!table.primary_key.is_empty()).then(|| table.primary_key.iter().filter_map(|name| place(name)).collect())
}

/// The columns that a template names: `top:{rank}`.
fn columns_of(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// Whether a table that is looked up has one row at most under each key.
pub(crate) fn has_one_row_a_key(options: &TableOptions) -> bool {
    option(options, "connector") == Some("redis")
}

/// Whether a table is something that rows are looked up in, and not a stream.
pub(crate) fn is_lookup(options: &TableOptions) -> bool {
    matches!(option(options, "connector"), Some("jdbc" | "redis" | "filesystem" | "hbase-2.2"))
}
