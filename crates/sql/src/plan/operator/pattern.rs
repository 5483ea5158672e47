//! Pattern matching over sequences of rows, `MATCH_RECOGNIZE`.

use std::fmt;

use types::Interval;

use super::{AggregateCall, SortKey, Time};
use crate::expr::{ExprGraph, ExprId};

/// `MATCH_RECOGNIZE` with one row per match: emits the partition's fields, then the measures.
#[derive(Debug, Clone)]
pub struct Match {
    pub partition: Vec<usize>,
    pub time: Time,
    /// Further order behind the time.
    pub order: Vec<SortKey>,
    pub pattern: Vec<PatternStep>,
    /// Conditions of `DEFINE`, indexed by the variable's place in `pattern`; `None` means TRUE.
    pub defines: Vec<Option<PatternExpr>>,
    pub measures: Vec<PatternExpr>,
    pub skip: AfterMatch,
    /// Exclusive limit for the time between the first and the last row of a match.
    pub within: Option<Interval>,
}

/// A variable of a pattern with its quantifier. At least one variable of a pattern has a `min` above 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternStep {
    pub variable: String,
    pub min: u32,
    /// `None` for no limit; never 0.
    pub max: Option<u32>,
    /// Whether a row that fits both this variable and the next belongs to this one. False for the last
    /// variable, and if the number of rows is fixed or at most one.
    pub is_greedy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterMatch {
    PastLastRow,
    ToNextRow,
    /// The variable's place in the pattern.
    ToFirst(usize),
    ToLast(usize),
}

/// An expression over the rows of a match; its inputs are fields of single rows and aggregates.
#[derive(Debug, Clone)]
pub struct PatternExpr {
    /// Expressions with one input for each of `inputs`.
    pub exprs: ExprGraph,
    pub root: ExprId,
    pub inputs: Vec<PatternInput>,
}

/// An input of a [`PatternExpr`]. In `DEFINE`, the current row is the last one of its variable and of the
/// match.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternInput {
    /// A field of one row of a variable, or of all rows of the match if `variable` is `None`; null if there
    /// is no such row. Variables beyond those of the pattern have no rows.
    Row { variable: Option<usize>, field: usize, end: RowsEnd, offset: u32 },
    /// An aggregate over the rows of a variable; its arguments are fields of the input.
    Aggregate { variable: Option<usize>, call: AggregateCall },
    /// `MATCH_ROWTIME()`: the time of the last row, or the time at which no earlier match could still claim
    /// the row.
    RowTime,
}

/// The end from which rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsEnd {
    First,
    Last,
}

impl PatternExpr {
    /// Returns the input fields that the expression reads.
    pub(crate) fn fields(&self) -> impl Iterator<Item = usize> + '_ {
        self.inputs.iter().flat_map(|input| match input {
            PatternInput::Row { field, .. } => vec![*field],
            PatternInput::Aggregate { call, .. } => call.args.iter().copied().chain(call.filter).collect(),
            PatternInput::RowTime => vec![],
        })
    }

    /// Returns the expression with mapped field indices.
    pub(crate) fn moved(&self, place: impl Fn(usize) -> usize) -> PatternExpr {
        let input = |input: &PatternInput| match input {
            &PatternInput::Row { variable, field, end, offset } => {
                PatternInput::Row { variable, field: place(field), end, offset }
            }
            PatternInput::Aggregate { variable, call } => {
                let args = call.args.iter().map(|&arg| place(arg)).collect();
                let call = AggregateCall { args, filter: call.filter.map(&place), ..call.clone() };
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

/// Formats the step as in `PATTERN`.
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
