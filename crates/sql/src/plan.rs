//! The plan that the engine runs: a graph of scans, operators and sinks.
//!
//! A [`Pipeline`] is the scan of a source table, fused with the filters, projections and window aggregates
//! directly over it. Its expressions are bound over the source's leaf columns: views and computed columns are
//! inlined, and common subexpressions are shared. What a scan cannot compute becomes [`operator`]s behind it.
//! Compiling the same script twice gives the same plan.

pub mod operator;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use types::{ColumnType, Interval, Value};

pub use operator::{Operator, Target};

use crate::error::{Diagnostic, Span};
use crate::expr::{ExprGraph, ExprId};
use crate::rules::Rules;

/// A compiled script.
#[derive(Debug, Clone)]
pub struct Plan {
    pub settings: Settings,
    /// Pipelines in the order in which tables are declared, only for tables that a query reads.
    pub pipelines: Vec<Pipeline>,
    /// Operators in topological order: an operator follows its inputs.
    pub operators: Vec<Operator>,
    /// Tables that a query writes, in the order of declaration.
    pub sinks: Vec<SinkTable>,
    /// Notices for the user that are no errors, such as Flink settings without effect here.
    pub notices: Vec<Diagnostic>,
}

impl Plan {
    /// Returns whether rows of a sink are updated or deleted, instead of only added.
    pub fn updates_sink(&self, sink: usize) -> bool {
        let target = operator::Target::Sink(sink);
        let by_operators =
            self.operators.iter().any(|of| of.targets.contains(&target) && !of.changes.is_append());
        let by_scans = self.pipelines.iter().any(|pipeline| {
            !pipeline.source.changes.is_append()
                && pipeline.queries.iter().any(|query| query.targets.contains(&target))
        });
        by_operators || by_scans
    }

    /// Iterates over the lookup joins, each with its index among the operators.
    pub fn lookups(&self) -> impl Iterator<Item = (usize, &operator::LookupJoin)> {
        self.operators.iter().enumerate().filter_map(|(place, operator)| match &operator.kind {
            operator::OperatorKind::LookupJoin(join) => Some((place, join)),
            _ => None,
        })
    }
}

/// The script's `SET`s that have an effect, with their defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `pipeline.name`.
    pub name: Option<String>,
    /// `table.local-time-zone`; UTC by default.
    pub time_zone: jiff::tz::TimeZone,
    /// `parallelism.default`.
    pub parallelism: Option<u32>,
    /// `table.exec.source.idle-timeout`; `None` if not set, zero for never.
    pub idle_timeout: Option<Interval>,
    /// `weir.allowed-lateness`.
    pub allowed_lateness: Interval,
    /// `weir.early-fire`: pause between early results of an open window; zero for one after each
    /// batch of events that changes it, `None` for no early results.
    pub early_fire: Option<Interval>,
    /// `weir.max-future`: events further ahead of the clock are dead-lettered; `None` if not set, zero for
    /// never.
    pub max_future: Option<Interval>,
    /// `weir.memory`: bytes that the job may use, checkpoints included; `None` if not set.
    pub memory: Option<u64>,
    /// Rules for values that do not fit their column.
    pub sink_rules: SinkRules,
    /// `table.exec.state.ttl`: how long operators keep state that is not accessed; `None` for ever.
    pub state_ttl: Option<Interval>,
    /// `table.exec.async-lookup.buffer-capacity`: largest number of left rows that wait for a lookup join.
    pub lookup_capacity: Option<usize>,
    /// `table.exec.async-lookup.timeout`: duration of a lookup after which the job fails; `None` for no
    /// timeout.
    pub lookup_timeout: Option<Interval>,
    /// `table.exec.mini-batch.enabled`: whether operators emit changes per batch or per row.
    pub updates: Updates,
    /// The enabled rewrite rules, without those in `weir.optimizer.disabled-rules`.
    pub rules: Rules,
    /// Every key that is set, with its value as written.
    pub all: BTreeMap<String, String>,
    /// Spans of the values of these keys in the script.
    pub places: BTreeMap<String, Span>,
}

/// `table.exec.mini-batch.enabled`: how many changes grouped results, last rows and Top-N emit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Updates {
    /// One change of a result for each batch of rows, from the old result to the new one. A batch holds the
    /// rows that have arrived, so no row waits for others.
    #[default]
    PerBatch,
    /// `false`: one change for each row, even if the next row changes the result again.
    PerRow,
}

/// Rules for values that do not fit their column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SinkRules {
    pub not_null: NotNull,
    pub lengths: Lengths,
}

/// `table.exec.sink.not-null-enforcer`: handling of nulls for `NOT NULL` columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotNull {
    /// `ERROR`: the job fails.
    #[default]
    Error,
    /// `DROP`: the row is not written.
    Drop,
}

/// `table.exec.sink.type-length-enforcer`: handling of texts and bytes with another length than their column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lengths {
    /// `IGNORE`: values are written unchanged.
    #[default]
    Ignore,
    /// `TRIM_PAD`: values are truncated, and padded for `CHAR` and `BINARY`.
    TrimPad,
    /// `ERROR`: the job fails.
    Error,
}

/// A source table and the queries over it.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub source: SourceTable,
    /// Expressions over `source.leaves`, in that order.
    pub exprs: ExprGraph,
    pub rowtime: Option<Rowtime>,
    /// Conditions that all queries of the pipeline share; no query counts a row that fails one.
    pub common_filter: Vec<ExprId>,
    pub queries: Vec<Query>,
}

/// A table that is read.
#[derive(Debug, Clone)]
pub struct SourceTable {
    pub name: String,
    /// All declared stored columns, read or not: connectors report the ones that they cannot fill.
    pub columns: Vec<TableColumn>,
    /// The physical and metadata columns that expressions read; nested fields are leaves of their own.
    pub leaves: Vec<Leaf>,
    /// The kinds of changes in its records.
    pub changes: operator::Changes,
    pub options: TableOptions,
    /// The rows of a `VALUES` table, with the fields of `columns`; such a table has no connector.
    pub rows: Option<Arc<Vec<Vec<Value>>>>,
    pub span: Span,
}

/// A column, or a field inside a `ROW` column; a `ROW` may also be read as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Path such as `["user", "user_type"]`.
    pub path: Vec<String>,
    pub column_type: ColumnType,
    /// Set for `METADATA FROM 'key'` columns.
    pub metadata: Option<MetadataLeaf>,
}

/// The part of a record's metadata that a leaf reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataLeaf {
    pub key: String,
    /// Key of the map entry that the leaf reads, as in `headers['trace']`.
    pub entry: Option<String>,
}

/// A stored column: a physical or metadata column.
#[derive(Debug, Clone, PartialEq)]
pub struct TableColumn {
    pub name: String,
    pub column_type: ColumnType,
    /// Set for `METADATA FROM 'key'` columns.
    pub metadata: Option<MetadataColumn>,
}

/// `METADATA [FROM 'key'] [VIRTUAL]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataColumn {
    /// The metadata key; by default the column's name.
    pub key: String,
    /// Whether the column is only read, never written.
    pub is_virtual: bool,
    pub key_span: Span,
    pub type_span: Span,
}

/// `WATERMARK FOR column AS expression`.
#[derive(Debug, Clone)]
pub struct Rowtime {
    /// Name of the column.
    pub name: String,
    /// The event time: `TIMESTAMP` (wall clock) or `TIMESTAMP_LTZ` (instant) of at most three digits.
    pub time: ExprId,
    /// The watermark derived from a row.
    pub watermark: ExprId,
    /// The delay, if the watermark is the time minus a constant (the common form).
    pub delay: Option<Interval>,
}

/// The `WITH (…)` clause of a table: keys and values with their spans, since connectors report errors in
/// them.
#[derive(Debug, Clone, Default)]
pub struct TableOptions {
    pub entries: BTreeMap<String, TableOption>,
    /// The keys given by a hint, `/*+ OPTIONS('key' = 'value') */`.
    pub hinted: BTreeSet<String>,
    /// Span of the whole clause.
    pub span: Span,
}

impl Query {
    /// Returns the sink that the query writes directly, without operators.
    pub fn sink(&self) -> Option<usize> {
        self.targets.iter().find_map(|target| match target {
            Target::Sink(sink) => Some(*sink),
            Target::Operator { .. } => None,
        })
    }
}

impl TableOptions {
    /// Returns whether both have the same keys and values, regardless of their spans.
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

/// A table that is written.
#[derive(Debug, Clone)]
pub struct SinkTable {
    pub name: String,
    /// The columns that an INSERT fills: physical columns, and metadata columns that are not virtual.
    pub columns: Vec<TableColumn>,
    /// Names of the `PRIMARY KEY … NOT ENFORCED` columns.
    pub primary_key: Vec<String>,
    pub options: TableOptions,
    pub span: Span,
}

impl SinkTable {
    /// Returns its name and its connector: `counts (redis)`.
    pub fn described(&self) -> String {
        let connector = self.options.entries.get("connector").map_or("", |option| &option.value);
        format!("{} ({connector})", self.name)
    }
}

/// An `INSERT INTO … SELECT`, or the part of one that a scan computes.
#[derive(Debug, Clone)]
pub struct Query {
    /// The name under which state is kept: the sink's name, `name#2` for a second INSERT into it, and
    /// `name/1` for a part that operators read.
    pub name: String,
    /// Consumers of the rows.
    pub targets: Vec<Target>,
    /// Conditions besides the common ones; all must be true.
    pub filter: Vec<ExprId>,
    pub shape: Shape,
    /// Span of the INSERT statement.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum Shape {
    /// `SELECT … WHERE …`: one output row for each input row. Columns have the sink's order and types.
    Rows {
        columns: Vec<ExprId>,
    },
    Aggregate(ScanWindowAggregate),
}

/// `GROUP BY window_start, window_end, keys` over a window table function.
#[derive(Debug, Clone)]
pub struct ScanWindowAggregate {
    pub window: Window,
    /// Distinct keys over the pipeline's graph, in the order of the GROUP BY.
    pub keys: Vec<ExprId>,
    /// Distinct calls, in the order of first use.
    pub aggregates: Vec<Aggregate>,
    /// Expressions over the results. Inputs are the keys, the aggregates, `window_start` and `window_end`
    /// (both TIMESTAMP(3) NOT NULL in the wall-clock time of the session's zone), and `window_time` (the
    /// rowtime's type, `window_end` - 1 ms).
    pub output: ExprGraph,
    /// `HAVING`, and conditions on window columns; a group is written if all are true.
    pub having: Vec<ExprId>,
    /// Columns in the sink's order and types.
    pub columns: Vec<ExprId>,
}

/// A window table function. Windows start at multiples of the slide since 1970, plus the offset, in the
/// session's wall-clock time. `size` is a multiple of `slide` and of `step`.
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
    /// Text that `explain` prints, such as `COUNT(DISTINCT user_id)`.
    pub name: String,
}

/// A query whose rows a client fetches: a plan with one sink that has the result's columns.
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

/// The function of an aggregate. All except `COUNT(*)` skip nulls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AggregateFunction {
    /// Number of rows, or of non-null values.
    Count,
    /// Sum in the argument's type, which the binder has chosen; integers wrap as in Flink.
    Sum,
    /// Mean in the result's type: truncated for integers, rounded once for doubles.
    Avg,
    Min,
    Max,
    /// First and last value in order of arrival.
    FirstValue,
    LastValue,
    /// Percentile by linear interpolation at `p * (n - 1)`, with 0 ≤ p ≤ 1.
    Percentile(f64),
}
