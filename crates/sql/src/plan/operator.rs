//! Operators behind the scans: the part of a plan that holds what a scan with its windows cannot.
//!
//! A plan is a graph. Scans are its roots; each query of a scan and each operator hands its rows to targets: a sink, or
//! an input of an operator. Operators stand in topological order, so an edge always leads to a greater index.
//!
//! Keys, times and arguments are fields of the input, by place: what has to be computed is computed by a [`Calc`] below.
//!
//! ```text
//! scan bids ──► Calc[auction, price] ──► Join[auction = id] ──► GroupAggregate[category: AVG(final)] ──► sink
//! scan auctions ──► Calc[id, category] ──┘
//! ```

use std::sync::Arc;

use types::{ColumnType, Interval, Value};

use super::{SourceTable, Window};
use crate::error::Span;
use crate::expr::{ExprGraph, ExprId};

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A table that is written: its index in the plan's sinks.
    Sink(usize),
    /// An input of an operator: the operator's index in the plan, and which of its inputs.
    Operator { operator: usize, input: usize },
}

/// An operator of the plan.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The same for the same meaning in every compilation: state is found again by it after a restart.
    pub identity: String,
    /// For people: ``Join[`a`.`k` = `b`.`k`]``.
    pub name: String,
    pub kind: OperatorKind,
    pub inputs: Vec<Input>,
    /// What it gives.
    pub fields: Vec<Field>,
    pub changes: Changes,
    pub targets: Vec<Target>,
    /// How long state is kept that nothing touches; `None`: for ever.
    pub state_ttl: Option<Interval>,
    pub span: Span,
}

/// A column on an edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub column_type: ColumnType,
}

/// An input of an operator.
#[derive(Debug, Clone)]
pub struct Input {
    pub fields: Vec<Field>,
    pub distribution: Distribution,
    pub changes: Changes,
}

/// How rows are spread over the subtasks of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distribution {
    /// Any subtask takes any row: rows stay where they are.
    Forward,
    /// Rows with equal values in these fields go to the same subtask.
    Hash(Vec<usize>),
    /// One subtask takes all.
    Single,
}

/// Which kinds of rows a stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// `+I` alone.
    Append,
    /// All kinds; an update of a row may come as `+U` alone, and replaces the row with the same values in these fields.
    Upsert(Vec<usize>),
    /// All kinds; each `+U` follows the `-U` of the row that it replaces.
    Retract,
}

impl Changes {
    pub fn is_append(&self) -> bool {
        *self == Changes::Append
    }
}

/// What an operator does.
#[derive(Debug, Clone)]
pub enum OperatorKind {
    Calc(Calc),
    Expand(Expand),
    GroupAggregate(GroupAggregate),
    WindowAggregate(WindowAggregate),
    WindowAssign(WindowAssign),
    Deduplicate(Deduplicate),
    Rank(Rank),
    WindowRank(WindowRank),
    Union,
    SetOperation(SetOperation),
    Join(Join),
    IntervalJoin(IntervalJoin),
    TemporalJoin(TemporalJoin),
    LookupJoin(LookupJoin),
    WindowJoin(WindowJoin),
    Over(Over),
    Sort(Sort),
    Limit(Limit),
    Unnest(Unnest),
    Normalize(Normalize),
    Materialize(Materialize),
    Match(Match),
}

/// Filters and computes rows.
#[derive(Debug, Clone)]
pub struct Calc {
    /// Scope: the input's fields.
    pub exprs: ExprGraph,
    /// A row is kept if all are true.
    pub conditions: Vec<ExprId>,
    pub columns: Vec<ExprId>,
}

/// A condition over the rows of both sides of a join: the left input's fields, then the right one's.
#[derive(Debug, Clone)]
pub struct Predicate {
    pub exprs: ExprGraph,
    /// All must be true.
    pub conditions: Vec<ExprId>,
}

/// `GROUPING SETS`: a copy of each row for each set, with null in the keys that the set lacks and the set's number in a
/// field behind the input's.
#[derive(Debug, Clone)]
pub struct Expand {
    pub copies: Vec<ExpandCopy>,
}

#[derive(Debug, Clone)]
pub struct ExpandCopy {
    /// By field of the input: whether its value stays.
    pub keeps: Vec<bool>,
    /// A `BIGINT`.
    pub id: i64,
}

/// A call of an aggregate or ranking function, over fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub function: Function,
    pub args: Vec<usize>,
    pub distinct: bool,
    /// A `BOOLEAN` field; rows where it is not true do not count.
    pub filter: Option<usize>,
    /// The types of the arguments.
    pub arg_types: Vec<ColumnType>,
    pub column_type: ColumnType,
    /// As `explain` prints it: `COUNT(DISTINCT user_id)`.
    pub name: String,
}

/// What a call computes. Unless said otherwise nulls are skipped, and the result over no values is null.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// Rows where there is no argument, otherwise non-null values; 0 over none.
    Count,
    /// In the result's type, which the argument has: wrapping for whole numbers; null where a `DECIMAL` overflows.
    Sum,
    /// In the result's type: truncated for whole numbers, half up for `DECIMAL`.
    Avg,
    Min,
    Max,
    /// By order of arrival among the values that remain.
    FirstValue,
    LastValue,
    StddevPop,
    StddevSamp,
    VarPop,
    VarSamp,
    /// In order of arrival, between separators.
    ListAgg {
        separator: String,
    },
    /// A `MULTISET` of the non-null values; empty over none.
    Collect,
    /// An `ARRAY` in order of arrival, nulls included.
    ArrayAgg,
    /// Arguments: key and value. A key that comes twice fails the job.
    JsonObjectAgg {
        absent_on_null: bool,
    },
    JsonArrayAgg {
        absent_on_null: bool,
    },
    /// Linear interpolation at each place between 0 and 1; an `ARRAY` where `many`. A second argument is the frequency.
    Percentile {
        places: Vec<f64>,
        many: bool,
    },
    /// The only value; a second one fails the job (`SingleValueAggFunction received more than one element.`).
    SingleValue,
    /// In `OVER`: the value `offset` rows before, the second argument where there is none.
    Lag {
        offset: u64,
    },
    RowNumber,
    Rank,
    DenseRank,
}

/// `GROUP BY` without a window: gives the keys, then the calls' results.
///
/// The first row of a group gives `+I`, later ones `-U` and `+U` where the result differs, and `-D` when the last row of
/// the group is taken back. Without keys there is one group, which has no row before the first.
#[derive(Debug, Clone)]
pub struct GroupAggregate {
    pub keys: Vec<usize>,
    pub calls: Vec<Call>,
    /// Whether a consumer needs `-U`.
    pub emits_before: bool,
}

/// Event time or processing time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// A field: `TIMESTAMP(3)` on the wall clock or `TIMESTAMP_LTZ(3)`, ms. The watermark has the same scale as the field.
    Event(usize),
    Processing,
}

/// The windows of an operator. On the session's wall clock; bounds are `TIMESTAMP(3)` there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windowing {
    /// Assigned by the row's time.
    Sliced { window: Window, time: Time },
    /// A window lasts until nothing has come for `gap`; rows exactly `gap` apart are in one.
    Session { gap: Interval, time: Time },
    /// Assigned below: the fields of `window_start` and `window_end`. A window closes when event time passes its end.
    Attached { start: usize, end: usize },
}

/// What an operator with windows adds behind its other fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowProperty {
    /// `TIMESTAMP(3)`.
    Start,
    End,
    /// The end less one millisecond, in the type of the event time.
    Time,
}

/// `GROUP BY` in windows: gives the keys, the calls' results, and the properties of the window, when the window closes.
#[derive(Debug, Clone)]
pub struct WindowAggregate {
    pub windowing: Windowing,
    /// Whether the time is an instant, so that windows are found by the session's wall clock.
    pub is_instant: bool,
    pub keys: Vec<usize>,
    pub calls: Vec<Call>,
    pub properties: Vec<WindowProperty>,
}

/// A window table function: gives each row once for each of its windows, with `window_start`, `window_end` and
/// `window_time` behind its fields. Rows of a session come when it closes; its sessions are apart by `partition`.
#[derive(Debug, Clone)]
pub struct WindowAssign {
    pub windowing: Windowing,
    pub is_instant: bool,
    pub partition: Vec<usize>,
}

/// Keeps one row of each key.
#[derive(Debug, Clone)]
pub struct Deduplicate {
    pub keys: Vec<usize>,
    pub keeps: Keeps,
    /// Whether a consumer needs `-U`.
    pub emits_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// The row of the least event time, given when the watermark has passed it; late rows are dropped.
    FirstByTime {
        field: usize,
    },
    /// The row of the greatest event time, given at once; of equal times the last to arrive.
    LastByTime {
        field: usize,
    },
    FirstToArrive,
    LastToArrive,
}

/// A field of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    pub field: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

/// Top-N: the rows of each partition whose number in the order is from `from` to `to`; equal rows in order of arrival.
#[derive(Debug, Clone)]
pub struct Rank {
    pub partition: Vec<usize>,
    pub order: Vec<SortKey>,
    /// From 1.
    pub from: u64,
    pub to: RankEnd,
    /// Whether the row's number (`BIGINT`) stands behind its fields.
    pub with_number: bool,
    pub emits_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankEnd {
    Constant(u64),
    /// A field of the partition, a whole number.
    Field(usize),
}

/// Top-N or deduplication in windows: rows come when the window closes.
#[derive(Debug, Clone)]
pub struct WindowRank {
    pub start: usize,
    pub end: usize,
    /// Whether `end` is to be compared with the watermark of an instant.
    pub is_instant: bool,
    pub partition: Vec<usize>,
    pub order: Vec<SortKey>,
    pub from: u64,
    pub to: u64,
    pub with_number: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    Intersect,
    Except,
}

/// `INTERSECT` and `EXCEPT` over whole rows; nulls are equal.
#[derive(Debug, Clone)]
pub struct SetOperation {
    pub operator: SetOperator,
    pub all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    /// Left rows that have a partner.
    Semi,
    /// Left rows that have none.
    Anti,
    /// All left rows, with a `BOOLEAN` behind their fields: whether they have a partner. Updates where that changes.
    Mark,
}

/// Fields that must be equal for rows to be partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinKey {
    pub left: usize,
    pub right: usize,
    /// Whether null equals null (`IS NOT DISTINCT FROM`).
    pub nulls_match: bool,
}

/// A regular join. Gives the left fields, then the right ones; the left ones alone for `Semi` and `Anti`.
#[derive(Debug, Clone)]
pub struct Join {
    pub kind: JoinKind,
    pub keys: Vec<JoinKey>,
    pub condition: Option<Predicate>,
    /// `NOT IN`: an anti join by which a null on the right side leaves no rows, and a null on the left side passes only
    /// where the right side is empty. The last key is the compared one; those before it correlate.
    pub null_aware: bool,
    /// By side: whether its rows are unique by the join's keys.
    pub unique: [bool; 2],
}

/// A join by keys and an interval of event time: partners have `lower <= left - right <= upper`, ms.
#[derive(Debug, Clone)]
pub struct IntervalJoin {
    pub kind: JoinKind,
    pub keys: Vec<JoinKey>,
    pub left_time: Time,
    pub right_time: Time,
    pub lower: Interval,
    pub upper: Interval,
    pub condition: Option<Predicate>,
}

/// A join of each left row with the version of the right table that was in force at the left row's time.
#[derive(Debug, Clone)]
pub struct TemporalJoin {
    /// `Inner` or `Left`.
    pub kind: JoinKind,
    pub keys: Vec<JoinKey>,
    pub left_time: usize,
    pub right_time: usize,
    pub condition: Option<Predicate>,
}

/// A join of each left row with what a table outside holds when the row comes.
#[derive(Debug, Clone)]
pub struct LookupJoin {
    /// `Inner` or `Left`.
    pub kind: JoinKind,
    pub table: Arc<SourceTable>,
    /// The column of the table, and what it must equal.
    pub keys: Vec<(usize, LookupKey)>,
    /// Over the left fields, then the table's columns.
    pub condition: Option<Predicate>,
    /// Fields of the table behind the left ones.
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LookupKey {
    Field(usize),
    Literal(Value),
}

/// A join of rows in the same window; rows come when it closes.
#[derive(Debug, Clone)]
pub struct WindowJoin {
    pub kind: JoinKind,
    pub keys: Vec<JoinKey>,
    /// By side: the fields of the window's bounds.
    pub windows: [(usize, usize); 2],
    pub is_instant: bool,
    pub condition: Option<Predicate>,
}

/// `OVER`: gives the input's fields, then the calls' results.
#[derive(Debug, Clone)]
pub struct Over {
    pub partition: Vec<usize>,
    pub order: OverOrder,
    pub frame: Frame,
    pub calls: Vec<Call>,
    pub emits_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverOrder {
    /// Rows come in order of time when the watermark has passed them.
    Event(usize),
    /// Rows come in order of arrival, at once.
    Processing,
    /// A column that is no time: results of later rows are updated.
    Field(SortKey),
}

/// Which rows up to the current one a call of `OVER` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// All up to the current one, with its peers (`RANGE`).
    UnboundedRange,
    UnboundedRows,
    /// Those no longer ago, with peers.
    Range(Interval),
    /// So many before, and the current one.
    Rows(u64),
}

/// `ORDER BY time, …`: rows come in order when the watermark has passed them.
#[derive(Debug, Clone)]
pub struct Sort {
    pub time: Time,
    /// Behind the time.
    pub order: Vec<SortKey>,
}

/// The first rows to arrive, then nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub offset: u64,
    pub rows: u64,
}

/// `CROSS JOIN UNNEST(collection)`: gives the row's fields, then those of an element, then its number from 1.
#[derive(Debug, Clone)]
pub struct Unnest {
    /// An `ARRAY`, `MAP` or `MULTISET`.
    pub collection: usize,
    pub collection_type: ColumnType,
    /// Whether the element is a `ROW` whose fields are columns.
    pub spreads_row: bool,
    pub ordinality: bool,
    /// `LEFT JOIN`: a row without elements comes once, with nulls.
    pub outer: bool,
    /// Over all fields; elements that fail it are no partners.
    pub condition: Option<Predicate>,
}

/// Turns upserts and tombstones into changes with the whole row: `+I`, `-U`, `+U`, `-D`. An equal row again is nothing,
/// and a tombstone for an unknown key too.
#[derive(Debug, Clone)]
pub struct Normalize {
    pub key: Vec<usize>,
}

/// What a keyed sink gets where the query's upsert key is another one than the sink's.
#[derive(Debug, Clone)]
pub struct Materialize {
    pub key: Vec<usize>,
    pub conflict: Conflict,
}

/// `ON CONFLICT DO …`: several rows of the query have the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The last to arrive wins; an older one comes back when it is deleted.
    Deduplicate,
    /// The first to arrive stays.
    Nothing,
    /// The job fails.
    Error,
}

/// `MATCH_RECOGNIZE`, one row per match: gives the partition's fields, then the measures.
#[derive(Debug, Clone)]
pub struct Match {
    pub partition: Vec<usize>,
    pub time: Time,
    /// Behind the time.
    pub order: Vec<SortKey>,
    pub pattern: Vec<PatternStep>,
    /// `DEFINE`, by the variable's place in `pattern`; `None` is TRUE.
    pub defines: Vec<Option<PatternExpr>>,
    pub measures: Vec<PatternExpr>,
    pub skip: AfterMatch,
    /// The first and the last row of a match are less than this apart.
    pub within: Option<Interval>,
}

/// A variable of a pattern and how often it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternStep {
    pub variable: String,
    pub min: u32,
    /// `None`: any number of times.
    pub max: Option<u32>,
    pub greedy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterMatch {
    PastLastRow,
    ToNextRow,
    /// By the variable's place in the pattern.
    ToFirst(usize),
    ToLast(usize),
}

/// An expression over the rows of a match: its inputs are picks and aggregates of rows.
#[derive(Debug, Clone)]
pub struct PatternExpr {
    /// Scope: one input for each of `inputs`.
    pub exprs: ExprGraph,
    pub root: ExprId,
    pub inputs: Vec<PatternInput>,
}

/// What a part of a [`PatternExpr`] reads.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternInput {
    /// A field of one row of a variable (`None`: of all rows of the match), counted from the first or the last.
    Row { variable: Option<usize>, field: usize, from_last: bool, offset: u32 },
    /// An aggregate over the rows of a variable, its arguments over the input's fields.
    Aggregate { variable: Option<usize>, call: Call },
    /// `MATCH_ROWTIME()`: the time of the last row.
    RowTime,
    /// The partition's field.
    Partition(usize),
}
