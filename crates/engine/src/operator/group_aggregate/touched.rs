//! The groups that a batch touches, each noted once: what a group was before the batch and what it is behind it decide
//! which rows are given.

use super::group::Group;
use crate::operator::accumulate::Accumulators;
use crate::state::{Found, Keyed};

/// A group that a row touches for the first time in the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct TouchedGroup {
    pub place: usize,
    /// The first row of the batch that is of the group: it has the group's key.
    pub row: usize,
    /// Whether the group had rows before the batch.
    pub had_rows: bool,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Touched {
    groups: Vec<TouchedGroup>,
    /// The places of groups that have no rows in the end.
    emptied: Vec<usize>,
}

impl Touched {
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    pub fn groups(&self) -> &[TouchedGroup] {
        &self.groups
    }

    /// Notes the group at a place, unless it is noted, and brings it into the form in which rows are added. Gives by how many
    /// bytes it grew outside of itself.
    #[inline]
    pub fn touch(
        &mut self,
        group: &mut Group,
        (place, found): (usize, Found),
        row: usize,
        accumulators: &Accumulators,
    ) -> isize {
        if !group.touch() {
            return 0;
        }
        if found == Found::Over {
            group.forget();
        }
        let had_rows = !group.is_empty();
        self.groups.push(TouchedGroup { place, row, had_rows });
        accumulators.share(group.states_mut())
    }

    /// The batch is over: groups without rows are dropped.
    pub fn settle(&mut self, groups: &mut Keyed<Group>) {
        for touched in &self.groups {
            let Some(group) = groups.at(touched.place) else { continue };
            group.settle();
            if group.is_empty() {
                self.emptied.push(touched.place);
            }
        }
        self.groups.clear();

        // The last entry takes the place of one that is dropped.
        self.emptied.sort_unstable();
        self.emptied.drain(..).rev().for_each(|place| groups.remove_at(place));
    }

    pub fn memory_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<TouchedGroup>() + self.emptied.capacity() * size_of::<usize>()
    }
}
