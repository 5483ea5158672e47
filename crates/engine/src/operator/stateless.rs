//! Operators that keep nothing between two batches: watermarks pass unchanged, and a snapshot holds nothing.

use super::chain::{Context, Operator, OperatorError};
use super::changes::Changes;
use crate::state::{StateError, StatePart, StateWriter};

/// An [`Operator`] whose output for a batch does not depend on earlier batches. It has one input.
pub(super) trait Stateless: Send {
    /// Processes rows and emits everything that results from them.
    ///
    /// # Errors
    /// As [`Operator::process`].
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError>;

    /// Returns the approximate bytes held.
    fn memory_bytes(&self) -> usize;
}

impl<T: Stateless> Operator for T {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        self.take(rows, context)
    }

    fn advance(&mut self, _watermark: i64, _context: &mut Context<'_>) -> Result<(), OperatorError> {
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        None
    }

    fn tick(&mut self, _context: &mut Context<'_>) -> Result<(), OperatorError> {
        Ok(())
    }

    fn snapshot(&self, _out: &mut StateWriter) {}

    fn restore(&mut self, _part: &StatePart) -> Result<(), StateError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        Stateless::memory_bytes(self)
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
