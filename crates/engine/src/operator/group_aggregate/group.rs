//! A group: its number of rows and the states of its aggregates.

use crate::operator::accumulate::{Accumulators, Groups, States, StepChange};
use crate::row::Reader;
use crate::state::{Keyed, StateValue};

/// A group that has rows. During a batch it may also have none.
#[derive(Debug)]
pub(super) struct Group {
    rows: i64,
    states: States,
    /// The states are those of rows that are gone.
    is_stale: bool,
    /// The current batch has touched the group.
    is_touched: bool,
}

impl Group {
    pub fn new(accumulators: &Accumulators) -> Group {
        Group { rows: 0, states: accumulators.start(), is_stale: false, is_touched: false }
    }

    /// Prefetches the memory of the group's states.
    #[inline]
    pub fn prefetch(&self) {
        self.states.prefetch();
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn states_mut(&mut self) -> &mut States {
        &mut self.states
    }

    /// Records that the batch touches the group; returns whether it is the first time.
    #[inline]
    pub fn touch(&mut self) -> bool {
        !std::mem::replace(&mut self.is_touched, true)
    }

    /// Ends the batch.
    pub fn settle(&mut self) {
        self.is_touched = false;
    }

    /// Starts the group anew, because its rows are gone or its time to live is over.
    pub fn forget(&mut self) {
        self.rows = 0;
        self.is_stale = true;
    }

    /// Counts an added row; returns its effect on the group.
    #[inline]
    pub fn count(&mut self) -> StepChange {
        self.rows += 1;
        match self.rows {
            1 if std::mem::take(&mut self.is_stale) => StepChange::FirstAgain,
            1 => StepChange::First,
            _ => StepChange::Add,
        }
    }

    /// Counts a retracted row; returns its effect, or `None` if the group has no rows.
    pub fn discount(&mut self) -> Option<StepChange> {
        match self.rows {
            0 => None,
            1 => {
                self.forget();
                Some(StepChange::Last)
            }
            _ => {
                self.rows -= 1;
                Some(StepChange::Retract)
            }
        }
    }
}

impl Groups for Keyed<Group> {
    #[inline]
    fn states(&mut self, place: usize) -> &mut States {
        &mut self.at(place).expect("places hold while a batch is taken").states
    }
}

impl StateValue for Group {
    fn write(&self, out: &mut Vec<u8>) {
        self.rows.write(out);
        self.states.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Group> {
        let (rows, states) = (i64::read(reader)?, States::read(reader)?);
        Some(Group { rows, states, is_stale: false, is_touched: false })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.states.heap_bytes()
    }
}
