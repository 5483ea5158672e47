//! Operators that keep nothing between two batches: watermarks pass through them, and a snapshot holds nothing.

use super::chain::{Context, OperatorError};
use super::changes::Changes;
use super::row_driven::RowDriven;
use crate::state::{StateError, StatePart, StateWriter};

/// A [`RowDriven`] operator whose output for a batch does not depend on earlier batches.
pub(super) trait Stateless: Send {
    /// As [`RowDriven::take`].
    ///
    /// # Errors
    /// A value cannot be computed, or a consumer cannot take a row. The job fails.
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError>;

    /// Returns the approximate bytes held.
    fn memory_bytes(&self) -> usize;
}

impl<T: Stateless> RowDriven for T {
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        Stateless::take(self, rows, context)
    }

    fn snapshot(&self, _out: &mut StateWriter) {}

    fn restore(&mut self, _part: &StatePart) -> Result<(), StateError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        Stateless::memory_bytes(self)
    }
}
