//! Connectors: sources, sinks and record formats for tables, chosen by their `WITH (…)` options.
//!
//! Connectors have Flink's names, because scripts run there too. `kafka` reads and writes the event log, of
//! any kind, and so does `upsert-kafka`, by keys. `redis` writes the result store and looks rows up in it.
//! `filesystem` looks rows up in files. `blackhole` discards rows, and `print` shows them. Two connectors
//! have no name: one reads the literal rows of a script, the other collects a query's rows for the client
//! that fetches them.

mod blackhole;
pub mod collect;
pub mod dead_letter;
pub mod event_log;
pub mod file;
pub mod flink;
pub mod format;
pub mod local;
pub mod lookup;
mod options;
mod print;
pub mod result_store;
pub mod retry;
mod values;

use sql::error::Diagnostic;
use sql::plan::operator::LookupJoin;
use sql::plan::{Plan, SinkTable, SourceTable};

pub use blackhole::BlackholeTable;
pub use print::{PrintOptions, PrintTable};
pub use values::ValuesTable;

use event_log::{EventLogOptions, EventLogSinkOptions, Mode};
use lookup::{LookupSystem, lookup_options};
use result_store::ResultStoreOptions;

/// The options of a source table.
#[derive(Debug, Clone)]
pub enum SourceOptions {
    EventLog(EventLogOptions),
    /// Literal rows in the script, without options.
    Values(ValuesTable),
}

/// The options of a sink table.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkOptions {
    ResultStore(ResultStoreOptions),
    EventLog(EventLogSinkOptions),
    Blackhole,
    Print(PrintOptions),
}

/// Reads a source table's options, or returns everything that is wrong with them.
pub fn source_options(table: &SourceTable) -> Result<SourceOptions, Vec<Diagnostic>> {
    if let Some(values) = ValuesTable::of(table) {
        return Ok(SourceOptions::Values(values));
    }
    options::connector(&table.name, &table.options, &["kafka", "upsert-kafka"])?;
    EventLogOptions::read(table).map(SourceOptions::EventLog)
}

/// Reads a sink table's options, or returns everything that is wrong with them.
pub fn sink_options(table: &SinkTable) -> Result<SinkOptions, Vec<Diagnostic>> {
    let known = ["redis", "kafka", "upsert-kafka", "blackhole", "print"];
    let (connector, _) = options::connector(&table.name, &table.options, &known)?;

    let mode = match connector {
        "kafka" => Some(Mode::Append),
        "upsert-kafka" => Some(Mode::Upsert),
        _ => None,
    };
    if let Some(mode) = mode {
        return EventLogSinkOptions::read(table, mode).map(SinkOptions::EventLog);
    }

    let wrong = table.columns.iter().filter_map(|column| event_log::check_none(column, connector));
    let wrong: Vec<Diagnostic> = wrong.collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }

    match connector {
        "redis" => ResultStoreOptions::read(table).map(SinkOptions::ResultStore),
        "print" => PrintOptions::read(table).map(SinkOptions::Print),
        _ => {
            let mut reader = options::OptionReader::new(&table.name, &table.options);
            reader.get("connector");
            reader.finish().map(|()| SinkOptions::Blackhole)
        }
    }
}

/// Returns everything that is wrong with the options of a plan's tables.
pub fn check(plan: &Plan) -> Vec<Diagnostic> {
    let mut wrong = check_tables(plan);
    wrong.extend(wrong_lookups(plan, |system| match system {
        LookupSystem::Jdbc(error) => Some(*error),
        LookupSystem::ResultStore(_) | LookupSystem::File(_) => None,
    }));
    wrong
}

/// Like [`check`], for a local run.
pub fn check_local(plan: &Plan) -> Vec<Diagnostic> {
    let mut wrong = check_tables(plan);
    wrong.extend(wrong_lookups(plan, |_| None));
    wrong
}

/// Returns what is wrong with lookup tables. For tables with valid options, `refused` returns an error if
/// their system is not available.
fn wrong_lookups(plan: &Plan, refused: impl Fn(LookupSystem) -> Option<Diagnostic>) -> Vec<Diagnostic> {
    let of = |(place, join): (usize, &LookupJoin)| match lookup_options(join, plan.operators[place].span) {
        Ok(options) => refused(options.system).into_iter().collect(),
        Err(wrong) => wrong,
    };
    plan.lookups().flat_map(of).collect()
}

fn check_tables(plan: &Plan) -> Vec<Diagnostic> {
    let sources = plan.pipelines.iter().map(|pipeline| source_options(&pipeline.source).err());
    let sinks = plan.sinks.iter().map(|sink| sink_options(sink).err());
    sources.chain(sinks).flatten().flatten().collect()
}
