//! `MATCH_RECOGNIZE`.

use types::Interval;

use super::{Call, SortKey, Time};
use crate::expr::{ExprGraph, ExprId};

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
