//! A group in a window: its number of rows and the states of its aggregates.

use types::Scalar;

use crate::operator::accumulate::{Accumulators, States};
use crate::operator::windows::SessionContent;
use crate::row::Reader;
use crate::state::StateValue;

/// A group. Only a group of a session may have no rows, since the session stays open.
#[derive(Debug)]
pub(super) struct WindowGroup {
    rows: i64,
    states: States,
}

impl WindowGroup {
    pub fn new(accumulators: &Accumulators) -> WindowGroup {
        WindowGroup { rows: 0, states: accumulators.start() }
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn states(&self) -> &States {
        &self.states
    }

    #[inline]
    pub fn add<'v>(
        &mut self,
        accumulators: &Accumulators,
        field: impl Fn(usize) -> Scalar<'v>,
    ) -> Result<(), String> {
        self.rows += 1;
        accumulators.add(&mut self.states, field)
    }

    /// Retracts a row, if there is any.
    #[inline]
    pub fn retract<'v>(
        &mut self,
        accumulators: &Accumulators,
        field: impl Fn(usize) -> Scalar<'v>,
    ) -> Result<(), String> {
        match self.rows {
            0 => Ok(()),
            // The last row takes along whatever a state could not retract.
            1 => {
                *self = WindowGroup::new(accumulators);
                Ok(())
            }
            _ => {
                self.rows -= 1;
                accumulators.retract(&mut self.states, field)
            }
        }
    }
}

impl SessionContent for WindowGroup {
    type With = Accumulators;

    fn merge(&mut self, accumulators: &Accumulators, later: WindowGroup) -> Result<(), String> {
        self.rows += later.rows;
        accumulators.merge(&mut self.states, later.states)
    }
}

impl StateValue for WindowGroup {
    fn write(&self, out: &mut Vec<u8>) {
        self.rows.write(out);
        self.states.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<WindowGroup> {
        Some(WindowGroup { rows: i64::read(reader)?, states: States::read(reader)? })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.states.heap_bytes()
    }
}
