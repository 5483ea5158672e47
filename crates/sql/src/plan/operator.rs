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

mod call;
mod changelog;
mod join;
mod pattern;
mod window;

use types::{ColumnType, Interval};

pub use call::{Call, Function};
pub use changelog::{ChangeKind, FromChangelog, ToChangelog};
pub use join::{
    IntervalJoin, Join, JoinKey, JoinKind, LookupHint, LookupJoin, LookupKey, Predicate, RetryMisses,
    TemporalJoin, WindowJoin,
};
pub use pattern::{AfterMatch, Match, PatternExpr, PatternInput, PatternStep, RowsEnd};
pub use window::{
    Frame, Over, OverOrder, Time, WindowAggregate, WindowAssign, WindowProperty, WindowRank, Windowing,
};

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
    /// By input, how long state is kept that nothing touches; `None`: for ever.
    pub state_ttl: Vec<Option<Interval>>,
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
    FromChangelog(FromChangelog),
    ToChangelog(ToChangelog),
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
    /// Where keys are those of windows: when they can change no more.
    pub closes: Option<Closes>,
}

/// When the rows of a window are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closes {
    /// The field of `window_end`, on the session's wall clock.
    pub end: usize,
    /// Whether event time is an instant.
    pub is_instant: bool,
    /// How long after the end late rows still count.
    pub after: Interval,
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
