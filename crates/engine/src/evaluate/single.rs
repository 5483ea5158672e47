//! An expression that is computed for one row at a time.

use jiff::tz::TimeZone;
use sql::expr::{ExprGraph, ExprId};
use sql::functions::{Env, EvalError};
use types::Scalar;

use super::program::{Program, StepId};
use super::scalar::{Machine, Row};

/// Evaluates an expression for single rows, where an [`Evaluator`](super::Evaluator) would have batches of
/// one row.
pub struct RowEvaluator {
    program: Program,
    root: StepId,
    machine: Machine,
}

impl RowEvaluator {
    /// Compiles an expression.
    ///
    /// # Errors
    /// A function does not accept its literal arguments.
    pub fn new(graph: &ExprGraph, root: ExprId, time_zone: &TimeZone) -> Result<RowEvaluator, String> {
        let program = Program::new(graph, &[root], time_zone)?;
        let root = program.step_of(root);
        Ok(RowEvaluator { program, root, machine: Machine::default() })
    }

    /// Returns the value in a row.
    ///
    /// # Errors
    /// A function failed.
    pub fn evaluate<'a>(&'a mut self, row: &'a dyn Row, env: &Env) -> Result<Scalar<'a>, EvalError> {
        self.machine.evaluate(&self.program, self.root, row, env)
    }
}
