//! Joins.

use std::sync::Arc;

use types::{Interval, Value};

use super::{Field, Time};
use crate::expr::{ExprGraph, ExprId};
use crate::plan::SourceTable;

/// A condition over the rows of both sides of a join: the left input's fields, then the right one's.
#[derive(Debug, Clone)]
pub struct Predicate {
    pub exprs: ExprGraph,
    /// All must be true.
    pub conditions: Vec<ExprId>,
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
    /// Its leaves are those that the join reads.
    pub table: Arc<SourceTable>,
    /// Leaves of the table, by place, and what each must equal.
    pub keys: Vec<(usize, LookupKey)>,
    /// Over the left fields, then the table's leaves.
    pub condition: Option<Predicate>,
    /// The leaves as fields behind the left ones.
    pub fields: Vec<Field>,
    /// Left rows are updated: it is kept what each was joined with, under these fields, until the row is taken back.
    pub kept_by: Option<Vec<usize>>,
    pub hint: LookupHint,
}

/// What a `LOOKUP` hint says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupHint {
    pub retry: Option<RetryMisses>,
    /// Left rows that wait for their partners, at most.
    pub capacity: Option<usize>,
    /// How long a left row may wait before the job fails.
    pub timeout: Option<Interval>,
}

/// Keys without rows are looked up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryMisses {
    /// Lookups after the first one, at most.
    pub attempts: u32,
    pub delay: Interval,
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
