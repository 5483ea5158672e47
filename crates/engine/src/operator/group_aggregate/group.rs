//! A group: how many rows it has, and what they added up to.

use types::Scalar;

use super::{Outcome, Results};
use crate::operator::accumulate::{Accumulators, States};
use crate::row::Reader;
use crate::state::StateValue;

/// A group that has rows.
#[derive(Debug)]
pub(super) struct Group {
    rows: i64,
    states: States,
}

impl Group {
    /// Reads from the group's states, so that they are in the cache.
    #[inline]
    pub fn touch(&self) -> usize {
        self.states.heap_bytes()
    }

    /// Adds a row to a group, which may not exist yet, and writes down the results before and after it.
    #[inline]
    pub fn add<'v>(
        group: &mut Option<Group>,
        accumulators: &Accumulators,
        results: &mut Results,
        field: impl Fn(usize) -> Scalar<'v>,
    ) -> Result<Outcome, String> {
        let Results { before, after } = results;
        before.clear();
        after.clear();

        let outcome = if group.is_some() { Outcome::Updated } else { Outcome::Created };
        let Group { rows, states } =
            group.get_or_insert_with(|| Group { rows: 0, states: accumulators.start() });
        if outcome == Outcome::Updated {
            accumulators.write_results(states, before);
        }

        *rows += 1;
        accumulators.add(states, field)?;
        accumulators.write_results(states, after);
        Ok(outcome)
    }

    /// Takes a row back from a group, which is gone with its last row.
    #[inline]
    pub fn retract<'v>(
        group: &mut Option<Group>,
        accumulators: &Accumulators,
        results: &mut Results,
        field: impl Fn(usize) -> Scalar<'v>,
    ) -> Result<Outcome, String> {
        let Some(Group { rows, states }) = group else { return Ok(Outcome::Nothing) };
        let Results { before, after } = results;
        before.clear();
        after.clear();
        accumulators.write_results(states, before);

        *rows -= 1;
        if *rows == 0 {
            *group = None;
            return Ok(Outcome::Deleted);
        }
        accumulators.retract(states, field)?;
        accumulators.write_results(states, after);
        Ok(Outcome::Updated)
    }
}

impl StateValue for Group {
    fn write(&self, out: &mut Vec<u8>) {
        self.rows.write(out);
        self.states.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Group> {
        Some(Group { rows: i64::read(reader)?, states: States::read(reader)? })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.states.heap_bytes()
    }
}
