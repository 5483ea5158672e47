//! Result tables: what the `redis` sinks of jobs declare.
//!
//! A declaration says how to read the rows that a job writes to the result store: columns with their types,
//! the template of the keys, and who writes them. A job declares its tables before it writes the first row.
//! Declarations stay after the end of the job and over restarts, since its rows stay in the store.
//!
//! A table is identified by its SQL name and its key template. If another table has the same SQL name with
//! another template, the one declared last keeps the plain name:
//!
//! ```text
//! declared first   clicks  a:{page}:{window_end}   ─► name clicks@1f0c3a77, the beginning of its job's id
//! declared last    clicks  b:{page}:{window_end}   ─► name clicks
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use connectors::{SinkOptions, sink_options};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use sql::plan::operator::Target;
use sql::plan::{Plan, SinkTable};
use storage::store::key::{TRIAL_PREFIX, WINDOW_COLUMNS};
use types::{DataType, JobId, Timestamp, with_causes};

use crate::registry::Registry;

/// Tables that are kept, besides those of running jobs; beyond it, those are forgotten whose job was started least
/// recently.
pub const TABLES_MAX: usize = 1_000;

/// A table that a `redis` sink declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultTable {
    /// Name in SQL.
    pub name: String,
    /// Template of the keys: `a:{page}:{window_end}`.
    pub key: String,
    /// In the order of the script.
    pub columns: Vec<ResultColumn>,
    /// The columns that hold a window's times.
    pub window: Vec<String>,
    /// Names of the queries that write the table.
    pub queries: Vec<String>,
    /// Seconds after which a row expires.
    pub ttl_seconds: u64,
    /// Channel of the messages about changes; empty if the job sends none.
    pub channel: String,
    /// Name of the job that declared the table last, and its id.
    pub job: String,
    pub job_id: String,
    /// Milliseconds since 1970 of the first declaration.
    pub declared: i64,
    /// Milliseconds since 1970 of the last declaration: the last start of its job.
    pub started: i64,
}

/// A column of a result table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultColumn {
    pub name: String,
    /// In Flink's spelling: `BIGINT NOT NULL`.
    #[serde(rename = "type")]
    pub sql_type: String,
    pub kind: ColumnKind,
}

/// The kinds of values that readers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    Boolean,
    /// Whole numbers.
    Integer,
    /// Decimals and floating-point numbers.
    Number,
    Text,
    /// Timestamps.
    Time,
    /// Everything else, as JSON.
    Json,
}

/// All declared result tables, shared by jobs and readers.
pub struct ResultTables {
    registry: Option<Arc<Registry>>,
    tables: RwLock<Vec<Arc<ResultTable>>>,
    /// Number of changes of the list.
    generation: AtomicU64,
}

/// What a declaration has changed.
#[derive(Debug, Default)]
pub struct Declared {
    /// Each declared table, and the declaration that it has replaced.
    changed: Vec<(Arc<ResultTable>, Option<Arc<ResultTable>>)>,
}

impl Default for ResultTables {
    fn default() -> ResultTables {
        ResultTables::load(None)
    }
}

impl ResultTables {
    /// Loads the declarations of earlier processes. Without a registry, declarations end with the process.
    pub fn load(registry: Option<Arc<Registry>>) -> ResultTables {
        let recorded = registry.as_ref().map_or(Ok(Vec::new()), |registry| registry.result_tables());
        let tables = recorded.unwrap_or_else(|error| {
            tracing::error!(error = %with_causes(&error), "result tables of earlier jobs cannot be listed");
            Vec::new()
        });
        let tables = RwLock::new(tables.into_iter().map(Arc::new).collect());
        ResultTables { registry, tables, generation: AtomicU64::new(1) }
    }

    /// Returns all tables, those of trials first, then the first declared first, each with the name by which readers address it.
    pub fn all(&self) -> Vec<(String, Arc<ResultTable>)> {
        let mut tables = self.tables.read().clone();
        // A trial takes nobody's name, although it is declared last.
        let is_trial = |table: &ResultTable| table.key.starts_with(TRIAL_PREFIX);
        tables.sort_by(|a, b| {
            let place = |of: &ResultTable| (!is_trial(of), of.declared);
            (place(a), &a.name, &a.key).cmp(&(place(b), &b.name, &b.key))
        });

        let mut taken = BTreeSet::new();
        let mut named: Vec<(String, Arc<ResultTable>)> = Vec::with_capacity(tables.len());
        for table in tables.into_iter().rev() {
            let short_id = table.job_id.get(..8).unwrap_or(&table.job_id);
            let candidates = std::iter::once(table.name.clone())
                .chain(std::iter::once(format!("{}@{short_id}", table.name)))
                .chain((2..).map(|n| format!("{}@{short_id}-{n}", table.name)));
            let name = candidates.into_iter().find(|name| !taken.contains(name)).unwrap_or_default();
            taken.insert(name.clone());
            named.push((name, table));
        }
        named.reverse();
        named
    }

    /// Returns a number that grows with every change of the list.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Declares tables. Returns once readers know them, with what [`ResultTables::withdraw`] needs.
    pub fn declare(&self, declared: Vec<ResultTable>) -> Declared {
        let mut receipt = Declared::default();
        if declared.is_empty() {
            return receipt;
        }

        let mut tables = self.tables.write();
        for mut table in declared {
            let known = tables.iter_mut().find(|of| (&of.name, &of.key) == (&table.name, &table.key));
            match known {
                Some(known) => {
                    table.declared = known.declared;
                    let before = std::mem::replace(known, Arc::new(table));
                    receipt.changed.push((known.clone(), Some(before)));
                }
                None => {
                    let table = Arc::new(table);
                    receipt.changed.push((table.clone(), None));
                    tables.push(table);
                }
            }
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
        drop(tables);

        self.record(receipt.changed.iter().map(|(table, _)| table), [].iter());
        receipt
    }

    /// Undoes a declaration, for a job that was not started: forgets the tables that it added, and restores those that
    /// it replaced. Tables that another job has declared since stay as they are.
    pub fn withdraw(&self, receipt: Declared) {
        let (mut restored, mut forgotten) = (Vec::new(), Vec::new());
        let mut tables = self.tables.write();
        for (declared, before) in receipt.changed {
            let Some(at) = tables.iter().position(|table| Arc::ptr_eq(table, &declared)) else { continue };
            match before {
                Some(before) => {
                    tables[at] = before.clone();
                    restored.push(before);
                }
                None => forgotten.push(tables.remove(at)),
            }
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
        drop(tables);

        self.record(restored.iter(), forgotten.iter());
    }

    /// Forgets tables beyond [`TABLES_MAX`], those first whose job was started least recently. Keeps the tables of
    /// jobs that run, whatever their number: their rows still come.
    pub(crate) fn forget_oldest(&self, is_running: impl Fn(&str) -> bool) {
        let mut forgotten = Vec::new();
        let mut tables = self.tables.write();
        while tables.len() > TABLES_MAX {
            let ended = (0..tables.len()).filter(|at| !is_running(&tables[*at].job_id));
            let Some(oldest) = ended.min_by_key(|at| tables[*at].started) else { break };
            forgotten.push(tables.remove(oldest));
        }
        if forgotten.is_empty() {
            return;
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
        drop(tables);

        self.record([].iter(), forgotten.iter());
    }

    /// Forgets the tables that fit. Their rows stay in the result store, and readers no longer find them.
    pub fn forget(&self, fits: impl Fn(&ResultTable) -> bool) {
        let mut tables = self.tables.write();
        let (forgotten, kept): (Vec<_>, Vec<_>) = tables.drain(..).partition(|table| fits(table));
        *tables = kept;
        self.generation.fetch_add(1, Ordering::AcqRel);
        drop(tables);

        self.record([].iter(), forgotten.iter());
    }

    fn record<'t>(
        &self,
        mut kept: impl Iterator<Item = &'t Arc<ResultTable>>,
        mut forgotten: impl Iterator<Item = &'t Arc<ResultTable>>,
    ) {
        let Some(registry) = &self.registry else { return };
        let recorded = kept
            .try_for_each(|table| registry.keep_result_table(table))
            .and_then(|()| forgotten.try_for_each(|table| registry.forget_result_table(table)));
        if let Err(error) = recorded {
            // Only readers after the next restart are concerned, and the job declares its tables again then.
            tracing::warn!(error = %with_causes(&error), "the result tables of a job were not recorded");
        }
    }
}

/// Returns the tables that a plan's `redis` sinks declare.
pub(crate) fn of_plan(plan: &Plan, job: (&str, JobId), now: Timestamp) -> Vec<ResultTable> {
    let tables = plan.sinks.iter().enumerate().filter_map(|(place, sink)| {
        let Ok(SinkOptions::ResultStore(options)) = sink_options(sink) else { return None };
        let has_column = |name: &&str| sink.columns.iter().any(|column| column.name == **name);
        Some(ResultTable {
            name: sink.name.clone(),
            key: sink.options.entries.get("key").map_or_else(String::new, |option| option.value.clone()),
            columns: columns(sink),
            window: WINDOW_COLUMNS
                .iter()
                .filter(|name| has_column(name))
                .map(|name| (*name).to_owned())
                .collect(),
            queries: queries(plan, place),
            ttl_seconds: options.ttl.as_secs(),
            channel: options.channel,
            job: job.0.to_owned(),
            job_id: job.1.to_string(),
            declared: now.0,
            started: now.0,
        })
    });
    tables.collect()
}

fn columns(sink: &SinkTable) -> Vec<ResultColumn> {
    let columns = sink.columns.iter().map(|column| ResultColumn {
        name: column.name.clone(),
        sql_type: column.column_type.to_string(),
        kind: ColumnKind::of(&column.column_type.data_type),
    });
    columns.collect()
}

/// Returns the names of the queries that write a sink. Queries of operators have the name of the sink.
fn queries(plan: &Plan, sink: usize) -> Vec<String> {
    let of_scans = plan.pipelines.iter().flat_map(|pipeline| &pipeline.queries);
    let of_scans = of_scans.filter(|query| query.targets.contains(&Target::Sink(sink)));
    let mut names: Vec<String> = of_scans.map(|query| query.name.clone()).collect();

    let is_written_by_operators =
        plan.operators.iter().any(|operator| operator.targets.contains(&Target::Sink(sink)));
    if is_written_by_operators && names.is_empty() {
        names.push(plan.sinks[sink].name.clone());
    }
    names
}

impl ColumnKind {
    fn of(data_type: &DataType) -> ColumnKind {
        match data_type {
            DataType::Boolean => ColumnKind::Boolean,
            DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt => ColumnKind::Integer,
            DataType::Decimal { .. } | DataType::Float | DataType::Double => ColumnKind::Number,
            DataType::Char(_) | DataType::Varchar(_) | DataType::Date | DataType::Time(_) => ColumnKind::Text,
            DataType::Binary(_) | DataType::Varbinary(_) => ColumnKind::Text,
            DataType::Timestamp(_) | DataType::TimestampLtz(_) => ColumnKind::Time,
            DataType::IntervalYearMonth | DataType::IntervalDayTime => ColumnKind::Integer,
            DataType::Null
            | DataType::Array(_)
            | DataType::Map(..)
            | DataType::Multiset(_)
            | DataType::Row(_)
            | DataType::Structured { .. }
            | DataType::Raw { .. }
            | DataType::Variant
            | DataType::Bitmap => ColumnKind::Json,
        }
    }
}

#[cfg(test)]
mod tests;
