//! A group: how many rows it has, and what they added up to.

use crate::operator::accumulate::{Accumulators, Groups, States, StepChange};
use crate::row::Reader;
use crate::state::{Keyed, StateValue};

/// A group that has rows; while a batch is taken, also one that has none.
#[derive(Debug)]
pub(super) struct Group {
    rows: i64,
    states: States,
    /// The states are those of rows that are gone.
    is_stale: bool,
    /// The batch that is taken has touched it.
    is_touched: bool,
}

impl Group {
    pub fn new(accumulators: &Accumulators) -> Group {
        Group { rows: 0, states: accumulators.start(), is_stale: false, is_touched: false }
    }

    /// Asks for the memory of the group's states.
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

    /// Notes that the batch touches the group, and says whether it is the first time.
    #[inline]
    pub fn touch(&mut self) -> bool {
        !std::mem::replace(&mut self.is_touched, true)
    }

    /// The batch is over.
    pub fn settle(&mut self) {
        self.is_touched = false;
    }

    /// The group begins anew: its time to live is over.
    pub fn forget(&mut self) {
        self.rows = 0;
        self.is_stale = true;
    }

    /// Counts a row that comes, and says what that is to the group.
    #[inline]
    pub fn count(&mut self) -> StepChange {
        self.rows += 1;
        match self.rows {
            1 if std::mem::take(&mut self.is_stale) => StepChange::FirstAgain,
            1 => StepChange::First,
            _ => StepChange::Add,
        }
    }

    /// Counts a row that goes; `None` where the group has none.
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
