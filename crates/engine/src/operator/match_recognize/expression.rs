//! Conditions of `DEFINE`, and measures: expressions over the rows of a match.

use jiff::tz::TimeZone;
use sql::functions::{Env, EvalError};
use sql::plan::operator::{AggregateCall, PatternExpr, PatternInput, RowsEnd};
use types::Scalar;

use super::view::MatchView;
use crate::evaluate::{Row, RowEvaluator};
use crate::operator::accumulate::{Accumulators, Retraction};
use crate::row::{self, Reader};

/// The reason why an expression has no value.
#[derive(Debug)]
pub(super) enum MatchFailure {
    Evaluate(EvalError),
    /// The content of the rows makes the query fail.
    Rows(String),
}

/// A compiled expression.
pub(super) struct MatchExpr {
    evaluator: RowEvaluator,
    inputs: Vec<ExpressionInput>,
    aggregates: Vec<VariableAggregates>,
    /// Results of the aggregates, in the compact form.
    results: Vec<u8>,
}

/// The place from which an input of the expression is read.
#[derive(Debug, Clone, Copy)]
enum ExpressionInput {
    Row {
        variable: Option<usize>,
        field: usize,
        end: RowsEnd,
        offset: u32,
    },
    /// An aggregate, by its index in the results.
    Aggregate(usize),
    RowTime,
}

/// The aggregates over the rows of a variable.
struct VariableAggregates {
    variable: Option<usize>,
    accumulators: Accumulators,
}

impl MatchExpr {
    /// Compiles an expression.
    ///
    /// # Errors
    /// A function does not accept its literal arguments, or a call cannot be aggregated.
    pub fn new(expr: &PatternExpr, time_zone: &TimeZone) -> Result<MatchExpr, String> {
        // Aggregates over the same rows share one pass.
        let mut calls: Vec<(Option<usize>, Vec<AggregateCall>)> = Vec::new();
        for input in &expr.inputs {
            let PatternInput::Aggregate { variable, call } = input else { continue };
            match calls.iter_mut().find(|(of, _)| of == variable) {
                Some((_, calls)) => calls.push(call.clone()),
                None => calls.push((*variable, vec![call.clone()])),
            }
        }

        let place = |of: &Option<usize>, wanted: &AggregateCall| {
            let before = calls.iter().take_while(|(variable, _)| variable != of);
            let before: usize = before.map(|(_, calls)| calls.len()).sum();
            let own = calls.iter().find(|(variable, _)| variable == of);
            before + own.map_or(0, |(_, calls)| calls.iter().position(|call| call == wanted).unwrap_or(0))
        };

        let input = |input: &PatternInput| match input {
            &PatternInput::Row { variable, field, end, offset } => {
                ExpressionInput::Row { variable, field, end, offset }
            }
            PatternInput::Aggregate { variable, call } => ExpressionInput::Aggregate(place(variable, call)),
            PatternInput::RowTime => ExpressionInput::RowTime,
        };

        let inputs = expr.inputs.iter().map(input).collect();

        let aggregates = calls.iter().map(|(variable, calls)| {
            let accumulators = Accumulators::new(calls, Retraction::Never)?;
            Ok(VariableAggregates { variable: *variable, accumulators })
        });
        Ok(MatchExpr {
            evaluator: RowEvaluator::new(&expr.exprs, expr.root, time_zone)?,
            inputs,
            aggregates: aggregates.collect::<Result<_, String>>()?,
            results: Vec::new(),
        })
    }

    /// Returns whether a condition reads only the current row, which is tried for a variable.
    pub fn reads_row_alone(&self, tried: usize) -> bool {
        self.inputs.iter().all(|input| match *input {
            ExpressionInput::Row { variable, end: RowsEnd::Last, offset: 0, .. } => {
                variable.is_none_or(|variable| variable == tried)
            }
            ExpressionInput::Row { .. } | ExpressionInput::Aggregate(_) => false,
            ExpressionInput::RowTime => true,
        })
    }

    /// Returns whether a condition is true.
    ///
    /// # Errors
    /// See [`MatchFailure`].
    pub fn holds(&mut self, view: &MatchView<'_>, env: &Env) -> Result<bool, MatchFailure> {
        self.evaluate(view, env, |value| value == Scalar::Bool(true))
    }

    /// Appends the value in the compact form.
    ///
    /// # Errors
    /// See [`MatchFailure`].
    pub fn write(&mut self, view: &MatchView<'_>, env: &Env, out: &mut Vec<u8>) -> Result<(), MatchFailure> {
        self.evaluate(view, env, |value| row::write(value, out))
    }

    fn evaluate<T>(
        &mut self,
        view: &MatchView<'_>,
        env: &Env,
        take: impl FnOnce(Scalar<'_>) -> T,
    ) -> Result<T, MatchFailure> {
        self.results.clear();
        for VariableAggregates { variable, accumulators } in &self.aggregates {
            let mut states = accumulators.start();
            for row in view.rows(*variable) {
                accumulators.add(&mut states, |field| value(row, field)).map_err(MatchFailure::Rows)?;
            }
            accumulators.write_results(&states, &mut self.results);
        }

        let row = MatchRow { view, inputs: &self.inputs, results: &self.results };
        self.evaluator.evaluate(&row, env).map(take).map_err(MatchFailure::Evaluate)
    }
}

/// The inputs of an expression.
struct MatchRow<'a> {
    view: &'a MatchView<'a>,
    inputs: &'a [ExpressionInput],
    results: &'a [u8],
}

impl Row for MatchRow<'_> {
    fn get(&self, input: usize) -> Scalar<'_> {
        match self.inputs[input] {
            ExpressionInput::Row { variable, field, end, offset } => {
                self.view.row(variable, end, offset).map_or(Scalar::Null, |row| value(row, field))
            }
            ExpressionInput::Aggregate(place) => value(self.results, place),
            ExpressionInput::RowTime => Scalar::Int(self.view.time),
        }
    }
}

fn value(row: &[u8], field: usize) -> Scalar<'_> {
    Reader::new(row).nth(field).unwrap_or(Scalar::Null)
}
