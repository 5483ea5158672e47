//! Operators behind the scans: the part of a plan that scans cannot compute.
//!
//! A plan is a graph whose roots are scans. Each scan query and each operator sends its rows to targets: a
//! sink, or an input of an operator. Operators are in topological order, so edges lead to greater indices.
//!
//! Keys, times and arguments are indices of input fields; a [`Calc`] below the operator computes other
//! values.
//!
//! ```text
//! scan bids ─► Calc[auction, price] ──► Join[auction = id] ──► GroupAggregate[category: AVG(final)] ──► sink
//! scan auctions ──► Calc[id, category] ──┘
//! ```

mod call;
mod changelog;
mod join;
mod pattern;
mod window;

use types::{ColumnType, Interval};

pub use call::{AggregateCall, Function};
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

/// A consumer of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A sink, by its index in the plan's sinks.
    Sink(usize),
    /// An input of an operator, by the operator's index in the plan and the number of its input.
    Operator { operator: usize, input: usize },
}

/// An operator of the plan.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Identifies the operator's meaning in every compilation; state is found by it after a restart.
    pub identity: String,
    /// Name for display: ``Join[`a`.`k` = `b`.`k`]``.
    pub name: String,
    pub kind: OperatorKind,
    pub inputs: Vec<Input>,
    /// Output fields.
    pub fields: Vec<Field>,
    pub changes: Changes,
    pub targets: Vec<Target>,
    /// For each input, how long state is kept that is not accessed; `None` for ever.
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

/// How rows are distributed to the subtasks of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distribution {
    /// Rows stay in their subtask, because any subtask can process any row.
    Forward,
    /// Rows with equal values in these fields go to the same subtask.
    Hash(Vec<usize>),
    /// All rows go to one subtask.
    Single,
}

/// The kinds of changes in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// Only `+I`.
    Append,
    /// All kinds. A `+U` may come without a `-U`; it replaces the row with the same values in these fields.
    Upsert(Vec<usize>),
    /// All kinds. Each `+U` follows the `-U` of the row it replaces.
    Retract,
}

impl Changes {
    pub fn is_append(&self) -> bool {
        *self == Changes::Append
    }
}

/// The operation of an operator.
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

/// Filters and projects rows.
#[derive(Debug, Clone)]
pub struct Calc {
    /// Expressions over the input's fields.
    pub exprs: ExprGraph,
    /// A row is kept if all are true.
    pub conditions: Vec<ExprId>,
    pub columns: Vec<ExprId>,
}

/// `GROUPING SETS`: emits a copy of each row for each set, with nulls in the keys that the set lacks, and
/// with the set's number in an additional last field.
#[derive(Debug, Clone)]
pub struct Expand {
    pub copies: Vec<ExpandCopy>,
}

#[derive(Debug, Clone)]
pub struct ExpandCopy {
    /// For each field of the input, whether its value is kept.
    pub keeps: Vec<bool>,
    /// Number of the grouping set, a `BIGINT`.
    pub id: i64,
}

/// `GROUP BY` without a window: emits the keys, then the calls' results.
///
/// The first row of a group gives `+I`, later rows give `-U` and `+U` if the result differs, and the
/// retraction of the group's last row gives `-D`. Without keys there is one group, which has no result before
/// the first row.
#[derive(Debug, Clone)]
pub struct GroupAggregate {
    pub keys: Vec<usize>,
    pub calls: Vec<AggregateCall>,
    /// Whether a consumer needs `-U`.
    pub emits_before: bool,
}

/// Keeps one row for each key.
#[derive(Debug, Clone)]
pub struct Deduplicate {
    pub keys: Vec<usize>,
    pub keeps: Keeps,
    /// Whether a consumer needs `-U`.
    pub emits_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// The row with the least event time, emitted when the watermark passes it; late rows are dropped.
    FirstByTime {
        field: usize,
    },
    /// The row with the greatest event time, emitted at once; of equal times, the last to arrive.
    LastByTime {
        field: usize,
    },
    FirstToArrive,
    LastToArrive,
}

/// One field of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    pub field: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

/// Top-N: keeps the rows of each partition with numbers `from` to `to`; equal rows are in order of arrival.
#[derive(Debug, Clone)]
pub struct Rank {
    pub partition: Vec<usize>,
    pub order: Vec<SortKey>,
    /// First number to keep, counted from 1.
    pub from: u64,
    pub to: RankEnd,
    /// Whether the row's number (`BIGINT`) is appended to its fields.
    pub with_number: bool,
    pub emits_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankEnd {
    Constant(u64),
    /// An integer field of the partition.
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

/// `ORDER BY time, …`: emits rows in order when the watermark passes them.
#[derive(Debug, Clone)]
pub struct Sort {
    pub time: Time,
    /// Further order behind the time.
    pub order: Vec<SortKey>,
}

/// Keeps the first rows to arrive and drops all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub offset: u64,
    pub rows: u64,
}

/// `CROSS JOIN UNNEST(collection)`: emits the row's fields, the fields of an element, and its number from 1.
#[derive(Debug, Clone)]
pub struct Unnest {
    /// Field of an `ARRAY`, `MAP` or `MULTISET`.
    pub collection: usize,
    pub collection_type: ColumnType,
    /// Whether the element is a `ROW` whose fields become columns.
    pub spreads_row: bool,
    pub ordinality: bool,
    /// Whether a row without elements is emitted once with nulls, as for `LEFT JOIN`.
    pub outer: bool,
    /// Condition over all fields; elements that fail it do not match.
    pub condition: Option<Predicate>,
}

/// Turns upserts and tombstones into changes with whole rows: `+I`, `-U`, `+U`, `-D`. Equal rows and
/// tombstones for unknown keys give nothing.
#[derive(Debug, Clone)]
pub struct Normalize {
    pub key: Vec<usize>,
    /// For keys with a window, the time after which they no longer change.
    pub closes: Option<Closes>,
}

/// The time at which the rows of a window are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closes {
    /// Field of `window_end`, in the session's wall-clock time.
    pub end: usize,
    /// Whether the event time is an instant.
    pub is_instant: bool,
    /// Allowed lateness after the window's end.
    pub after: Interval,
}

/// Produces the rows of a keyed sink if the query's upsert key differs from the sink's key.
#[derive(Debug, Clone)]
pub struct Materialize {
    pub key: Vec<usize>,
    pub conflict: Conflict,
}

/// `ON CONFLICT DO …`: which of several rows with the same key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The last row to arrive; an older one returns if it is deleted.
    Deduplicate,
    /// The first row to arrive.
    Nothing,
    /// None: the job fails.
    Error,
}
