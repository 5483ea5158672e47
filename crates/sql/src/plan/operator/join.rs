//! Join operators: regular, interval, temporal, lookup and window joins.

use std::sync::Arc;

use types::{Interval, Value};

use super::{Field, Time};
use crate::expr::{ExprGraph, ExprId};
use crate::plan::SourceTable;

/// A condition over the rows of both sides of a join: the left input's fields, then the right input's.
#[derive(Debug, Clone)]
pub struct Predicate {
    pub exprs: ExprGraph,
    /// Conditions that must all be true.
    pub conditions: Vec<ExprId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    /// Left rows with a match.
    Semi,
    /// Left rows without a match.
    Anti,
    /// All left rows, with an appended `BOOLEAN` that says whether they have a match, and that is updated
    /// when it changes.
    Mark,
}

/// A pair of fields that must be equal for rows to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinKey {
    pub left: usize,
    pub right: usize,
    /// Whether null equals null (`IS NOT DISTINCT FROM`).
    pub nulls_match: bool,
}

/// A regular join. Emits the left fields, then the right ones; only the left ones for `Semi` and `Anti`.
#[derive(Debug, Clone)]
pub struct Join {
    pub kind: JoinKind,
    pub keys: Vec<JoinKey>,
    pub condition: Option<Predicate>,
    /// True for `NOT IN`: an anti join in which a null on the right side leaves no rows, and a null on the
    /// left side passes only if the right side is empty. The last key is the compared one; earlier keys
    /// correlate the sides.
    pub null_aware: bool,
    /// For each side, whether its rows are unique by the join's keys.
    pub unique: [bool; 2],
}

/// A join by keys and an interval of time: rows match if `lower <= left - right <= upper`, in ms.
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

/// A join of each left row with the version of the right table that was valid at the left row's time.
#[derive(Debug, Clone)]
pub struct TemporalJoin {
    /// Either `Inner` or `Left`.
    pub kind: JoinKind,
    pub keys: Vec<JoinKey>,
    pub left_time: usize,
    pub right_time: usize,
    pub condition: Option<Predicate>,
}

/// A join of each left row with the current rows of an external table.
#[derive(Debug, Clone)]
pub struct LookupJoin {
    /// Either `Inner` or `Left`.
    pub kind: JoinKind,
    /// The table, with the leaves that the join reads.
    pub table: Arc<SourceTable>,
    /// Indices of the table's leaves, and the value that each must equal.
    pub keys: Vec<(usize, LookupKey)>,
    /// A condition over the left fields, followed by the table's leaves.
    pub condition: Option<Predicate>,
    /// The leaves as output fields behind the left fields.
    pub fields: Vec<Field>,
    /// Set if left rows are updated: matches of each row are kept under these fields until the row is
    /// retracted.
    pub kept_by: Option<Vec<usize>>,
    pub hint: LookupHint,
}

/// The values of a `LOOKUP` hint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupHint {
    pub retry: Option<RetryMisses>,
    /// Largest number of left rows that wait for their matches.
    pub capacity: Option<usize>,
    /// How long a left row may wait before the job fails.
    pub timeout: Option<Interval>,
}

/// Retries for keys without rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryMisses {
    /// Largest number of lookups after the first one.
    pub attempts: u32,
    pub delay: Interval,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LookupKey {
    Field(usize),
    Literal(Value),
}

/// A join of rows in the same window; results are emitted when the window closes.
#[derive(Debug, Clone)]
pub struct WindowJoin {
    pub kind: JoinKind,
    pub keys: Vec<JoinKey>,
    /// For each side, the fields of the window's bounds.
    pub windows: [(usize, usize); 2],
    pub is_instant: bool,
    pub condition: Option<Predicate>,
}
