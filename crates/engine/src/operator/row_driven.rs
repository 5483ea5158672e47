//! Operators that only rows drive: neither a watermark nor the clock makes them emit anything.
//!
//! Watermarks pass through such an operator, no clock calls it, and none of its rows is ever late. It may have
//! state; an operator without state is a [`Stateless`](super::stateless::Stateless) one.

use super::chain::{Context, Operator, OperatorError};
use super::changes::Changes;
use crate::state::{StateError, StatePart, StateWriter};

/// An [`Operator`] that acts on rows alone, and treats the rows of all inputs alike.
pub(super) trait RowDriven: Send {
    /// Processes rows, and emits everything that follows from them.
    ///
    /// # Errors
    /// As [`Operator::process`].
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError>;

    /// As [`Operator::snapshot`].
    fn snapshot(&self, out: &mut StateWriter);

    /// As [`Operator::restore`].
    ///
    /// # Errors
    /// The bytes are not state of this operator.
    fn restore(&mut self, part: &StatePart) -> Result<(), StateError>;

    /// Returns the approximate bytes held.
    fn memory_bytes(&self) -> usize;
}

impl<T: RowDriven> Operator for T {
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

    fn snapshot(&self, out: &mut StateWriter) {
        RowDriven::snapshot(self, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        RowDriven::restore(self, part)
    }

    fn memory_bytes(&self) -> usize {
        RowDriven::memory_bytes(self)
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
