//! What the engine runs: a graph of scans, operators and sinks.
//!
//! A [`Pipeline`] is the scan of a source table, fused with all the filters, projections and window aggregates directly
//! over it. Its expressions are bound over the source's leaf columns: views and computed columns are inlined, and common
//! parts shared. What a scan cannot hold stands in [`operator`]s behind it. Compiling the same script twice gives the same
//! plan.

pub mod operator;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use types::{ColumnType, Interval, Value};

pub use operator::{Operator, Target};

use crate::error::{Diagnostic, Span};
use crate::expr::{ExprGraph, ExprId};
use crate::rules::Rules;

/// A whole script, ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub settings: Settings,
    /// In the order of the tables' declaration; only tables that a query reads.
    pub pipelines: Vec<Pipeline>,
    /// In topological order: an operator stands behind those that it reads.
    pub operators: Vec<Operator>,
    /// Tables that a query writes, in the order of declaration.
    pub sinks: Vec<SinkTable>,
    /// What the user should know though nothing is wrong: settings of Flink that have no meaning here.
    pub notices: Vec<Diagnostic>,
}

impl Plan {
    /// The lookup joins, each with its place among the operators.
    pub fn lookups(&self) -> impl Iterator<Item = (usize, &operator::LookupJoin)> {
        self.operators.iter().enumerate().filter_map(|(place, operator)| match &operator.kind {
            operator::OperatorKind::LookupJoin(join) => Some((place, join)),
            _ => None,
        })
    }
}

/// The script's `SET`s that mean something here, with their defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `pipeline.name`.
    pub name: Option<String>,
    /// `table.local-time-zone`; UTC unless set.
    pub time_zone: jiff::tz::TimeZone,
    /// `parallelism.default`.
    pub parallelism: Option<u32>,
    /// `table.exec.source.idle-timeout`; `None` if not set, zero = never.
    pub idle_timeout: Option<Interval>,
    /// `weir.allowed-lateness`.
    pub allowed_lateness: Interval,
    /// `weir.early-fire`: the pause between early results of an open window, `None` = no early results.
    pub early_fire: Option<Interval>,
    /// `weir.max-future`: events further ahead of the clock are dead-lettered; `None` if not set, zero = never.
    pub max_future: Option<Interval>,
    /// `weir.memory`: bytes that the job may take, checkpoints and all; `None` if not set.
    pub memory: Option<u64>,
    /// What happens to values that do not fit the column they are written into.
    pub sink_rules: SinkRules,
    /// `table.exec.state.ttl`: how long operators keep state that nothing touches; `None` = for ever.
    pub state_ttl: Option<Interval>,
    /// `table.exec.async-lookup.buffer-capacity`: left rows of a lookup join that wait for their partners, at most.
    pub lookup_capacity: Option<usize>,
    /// `table.exec.async-lookup.timeout`: how long a lookup may take before the job fails; `None` = for ever.
    pub lookup_timeout: Option<Interval>,
    /// `table.exec.mini-batch.enabled`: how many changes operators give of a result that changes often.
    pub updates: Updates,
    /// `weir.optimizer.disabled-rules`: the rewrite rules that are in force.
    pub rules: Rules,
    /// Every key set, as written.
    pub all: BTreeMap<String, String>,
    /// Where the values of these keys stand in the script.
    pub places: BTreeMap<String, Span>,
}

/// `table.exec.mini-batch.enabled`: how many changes grouped results, last rows and Top-N give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Updates {
    /// One change of a result for each batch of rows, from what it was to what it is. A batch is what has arrived, so that
    /// no row waits for another.
    #[default]
    PerBatch,
    /// `false`: one change for each row, also where the next row changes the result again.
    PerRow,
}

/// What happens to values that do not fit the column they are written into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SinkRules {
    pub not_null: NotNull,
    pub lengths: Lengths,
}

/// `table.exec.sink.not-null-enforcer`: a null for a column that is `NOT NULL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotNull {
    /// `ERROR`: the job fails.
    #[default]
    Error,
    /// `DROP`: the row is left out.
    Drop,
}

/// `table.exec.sink.type-length-enforcer`: texts and bytes of another length than their column declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lengths {
    /// `IGNORE`: they are written as they are.
    #[default]
    Ignore,
    /// `TRIM_PAD`: they are cut, and filled up for `CHAR` and `BINARY`.
    TrimPad,
    /// `ERROR`: the job fails.
    Error,
}

/// One source table and the queries over it.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub source: SourceTable,
    /// Scope: `source.leaves`, in order.
    pub exprs: ExprGraph,
    pub rowtime: Option<Rowtime>,
    /// Conditions that every query of the pipeline has: a row that fails one is counted by no query at all.
    pub common_filter: Vec<ExprId>,
    pub queries: Vec<Query>,
}

/// A table read.
#[derive(Debug, Clone)]
pub struct SourceTable {
    pub name: String,
    /// Every stored column as it is declared, read or not: connectors say what they cannot fill.
    pub columns: Vec<TableColumn>,
    /// The physical and metadata columns that some expression reads, nested fields as leaves of their own.
    pub leaves: Vec<Leaf>,
    /// Which kinds of rows its records say.
    pub changes: operator::Changes,
    pub options: TableOptions,
    /// The rows themselves where a query writes them out (`VALUES`), each by `columns`; such a table has no connector.
    pub rows: Option<Arc<Vec<Vec<Value>>>>,
    pub span: Span,
}

/// A column, or a field inside a `ROW` column; a `ROW` may be read as a whole too.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// `["user", "user_type"]`.
    pub path: Vec<String>,
    pub column_type: ColumnType,
    /// For `METADATA FROM 'key'` columns.
    pub metadata: Option<MetadataLeaf>,
}

/// Which part of a record's metadata a leaf is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataLeaf {
    pub key: String,
    /// Key of a map under which the leaf is read: `headers['trace']`.
    pub entry: Option<String>,
}

/// A column that is stored: a physical one, or one of a record's metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct TableColumn {
    pub name: String,
    pub column_type: ColumnType,
    /// For `METADATA FROM 'key'` columns.
    pub metadata: Option<MetadataColumn>,
}

/// `METADATA [FROM 'key'] [VIRTUAL]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataColumn {
    /// The column's name, unless told otherwise.
    pub key: String,
    /// Read and never written.
    pub is_virtual: bool,
    pub key_span: Span,
    pub type_span: Span,
}

/// `WATERMARK FOR column AS expression`.
#[derive(Debug, Clone)]
pub struct Rowtime {
    /// The column's name.
    pub name: String,
    /// The event time: `TIMESTAMP` (wall clock) or `TIMESTAMP_LTZ` (instant) of at most three digits.
    pub time: ExprId,
    /// The watermark a row implies.
    pub watermark: ExprId,
    /// Where the watermark is the time less a constant (the common form): that constant.
    pub delay: Option<Interval>,
}

/// The `WITH (…)` of a table: keys and values with their places, since connectors report errors in them.
#[derive(Debug, Clone, Default)]
pub struct TableOptions {
    pub entries: BTreeMap<String, TableOption>,
    /// The keys that a hint gave, `/*+ OPTIONS('key' = 'value') */`.
    pub hinted: BTreeSet<String>,
    /// The whole clause.
    pub span: Span,
}

impl Query {
    /// The sink that the query writes by itself, without operators.
    pub fn sink(&self) -> Option<usize> {
        self.targets.iter().find_map(|target| match target {
            Target::Sink(sink) => Some(*sink),
            Target::Operator { .. } => None,
        })
    }
}

impl TableOptions {
    /// Whether both have the same values for the same keys, wherever they stand.
    pub(crate) fn says_the_same(&self, other: &TableOptions) -> bool {
        let values = |of: &TableOptions| -> Vec<(String, String)> {
            of.entries.iter().map(|(key, option)| (key.clone(), option.value.clone())).collect()
        };
        self.hinted == other.hinted && values(self) == values(other)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOption {
    pub value: String,
    pub key_span: Span,
    pub value_span: Span,
}

/// A table written.
#[derive(Debug, Clone)]
pub struct SinkTable {
    pub name: String,
    /// Those that an INSERT fills: physical ones, and metadata that is not virtual.
    pub columns: Vec<TableColumn>,
    /// Names of the `PRIMARY KEY … NOT ENFORCED` columns.
    pub primary_key: Vec<String>,
    pub options: TableOptions,
    pub span: Span,
}

/// One `INSERT INTO … SELECT`, or the part of one that a scan does.
#[derive(Debug, Clone)]
pub struct Query {
    /// The sink table's name; `name#2` for a second INSERT into it, and `name/1` for a part of one that operators read.
    /// State is kept under it.
    pub name: String,
    /// Where the rows go.
    pub targets: Vec<Target>,
    /// Conditions besides the common ones; a row counts if all are true.
    pub filter: Vec<ExprId>,
    pub shape: Shape,
    /// The INSERT statement.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum Shape {
    /// `SELECT … WHERE …`: one output row an input row. Columns in the sink's order and types.
    Rows {
        columns: Vec<ExprId>,
    },
    Aggregate(WindowAggregate),
}

/// `GROUP BY window_start, window_end, keys` over a window table function.
#[derive(Debug, Clone)]
pub struct WindowAggregate {
    pub window: Window,
    /// Over the pipeline's graph, distinct, in the order of the GROUP BY.
    pub keys: Vec<ExprId>,
    /// Distinct calls, in order of first use.
    pub aggregates: Vec<Aggregate>,
    /// What the sink gets, computed from the results. Scope of its graph: the keys, then the aggregates, then
    /// `window_start`, `window_end` (both TIMESTAMP(3) NOT NULL, wall clock of the session's zone) and `window_time`
    /// (the rowtime's type, `window_end` - 1 ms).
    pub output: ExprGraph,
    /// `HAVING`, and conditions on window columns; a group is written if all are true.
    pub having: Vec<ExprId>,
    /// Columns in the sink's order and types.
    pub columns: Vec<ExprId>,
}

/// A window table function. Windows start at multiples of their slide since 1970, plus the offset, on the session's
/// wall clock; `size` is a multiple of `slide` and of `step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    Tumble { size: Interval, offset: Interval },
    Hop { size: Interval, slide: Interval, offset: Interval },
    Cumulate { size: Interval, step: Interval, offset: Interval },
}

/// A call of an aggregate function.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub function: AggregateFunction,
    /// The argument, over the pipeline's graph; `None` for `COUNT(*)`.
    pub arg: Option<ExprId>,
    pub distinct: bool,
    /// `FILTER (WHERE …)`.
    pub filter: Option<ExprId>,
    pub column_type: ColumnType,
    /// As `explain` prints it: `COUNT(DISTINCT user_id)`.
    pub name: String,
}

/// A query whose rows a client fetches: a plan with one sink, whose columns are those of the result.
#[derive(Debug, Clone)]
pub struct TopQuery {
    pub plan: Plan,
    pub columns: Vec<ResultColumn>,
    /// `LIMIT`.
    pub limit: Option<u64>,
}

/// A column of a query's result.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultColumn {
    pub name: String,
    pub column_type: ColumnType,
}

/// What an aggregate computes. Nulls are skipped by all but `COUNT(*)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AggregateFunction {
    /// Rows, or non-null values.
    Count,
    /// In the argument's type (which the binder has fixed), wrapping for whole numbers as Flink does.
    Sum,
    /// In the result's type: truncated for whole numbers, rounded once for doubles.
    Avg,
    Min,
    Max,
    /// In order of arrival.
    FirstValue,
    LastValue,
    /// Linear interpolation at `p * (n - 1)`, 0 ≤ p ≤ 1.
    Percentile(f64),
}
