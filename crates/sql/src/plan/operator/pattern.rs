//! `MATCH_RECOGNIZE`.

use std::fmt;

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

/// A variable of a pattern and how often it comes. At least one variable of a pattern comes at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternStep {
    pub variable: String,
    pub min: u32,
    /// `None`: any number of times. Never 0.
    pub max: Option<u32>,
    /// A row that fits this variable is not the first of what follows it. Never so of the last variable, and where the
    /// number of rows is fixed or at most one.
    pub is_greedy: bool,
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

/// What a part of a [`PatternExpr`] reads. In `DEFINE`, the row at hand is the last one of its variable and of the match.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternInput {
    /// A field of one row of a variable (`None`: of all rows of the match); null where there is no such row. Variables
    /// behind those of the pattern have no rows.
    Row { variable: Option<usize>, field: usize, end: RowsEnd, offset: u32 },
    /// An aggregate over the rows of a variable, its arguments over the input's fields.
    Aggregate { variable: Option<usize>, call: Call },
    /// `MATCH_ROWTIME()`: the time of the last row, or when it was certain that an earlier match does not take the row.
    RowTime,
}

/// From where rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsEnd {
    First,
    Last,
}

impl PatternExpr {
    /// The fields that it reads.
    pub(crate) fn fields(&self) -> impl Iterator<Item = usize> + '_ {
        self.inputs.iter().flat_map(|input| match input {
            PatternInput::Row { field, .. } => vec![*field],
            PatternInput::Aggregate { call, .. } => call.args.iter().copied().chain(call.filter).collect(),
            PatternInput::RowTime => vec![],
        })
    }

    /// The same over fields that stand elsewhere.
    pub(crate) fn moved(&self, place: impl Fn(usize) -> usize) -> PatternExpr {
        let input = |input: &PatternInput| match input {
            &PatternInput::Row { variable, field, end, offset } => {
                PatternInput::Row { variable, field: place(field), end, offset }
            }
            PatternInput::Aggregate { variable, call } => {
                let args = call.args.iter().map(|&arg| place(arg)).collect();
                let call = Call { args, filter: call.filter.map(&place), ..call.clone() };
                PatternInput::Aggregate { variable: *variable, call }
            }
            PatternInput::RowTime => PatternInput::RowTime,
        };
        PatternExpr {
            exprs: self.exprs.clone(),
            root: self.root,
            inputs: self.inputs.iter().map(input).collect(),
        }
    }
}

/// As it is written in `PATTERN`.
impl fmt::Display for PatternStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.variable)?;
        match (self.min, self.max) {
            (1, Some(1)) => {}
            (0, Some(1)) => f.write_str("?")?,
            (0, None) => f.write_str("*")?,
            (1, None) => f.write_str("+")?,
            (min, None) => write!(f, "{{{min},}}")?,
            (min, Some(max)) if min == max => write!(f, "{{{min}}}")?,
            (min, Some(max)) => write!(f, "{{{min},{max}}}")?,
        }
        let is_choice = self.max != Some(self.min) && (self.min, self.max) != (0, Some(1));
        f.write_str(if is_choice && !self.is_greedy { "?" } else { "" })
    }
}
