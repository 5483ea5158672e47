//! The groups that a batch touches, each recorded once. Whether a group had rows before the batch and has
//! rows after it decides which changes are emitted.

use super::group::Group;
use crate::operator::accumulate::Accumulators;
use crate::state::{EntryStatus, Keyed};

/// A group at the time a row of the batch first touches it.
#[derive(Debug, Clone, Copy)]
pub(super) struct TouchedGroup {
    pub place: usize,
    /// The first row of the batch that belongs to the group and so has its key.
    pub row: usize,
    /// Whether the group had rows before the batch.
    pub had_rows: bool,
}

/// The touched groups; see the module documentation.
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

    /// Records the group at a place unless it is recorded, and converts its states to the form in which rows
    /// are added. Returns by how many bytes its heap memory grew.
    #[inline]
    pub fn touch(
        &mut self,
        group: &mut Group,
        (place, status): (usize, EntryStatus),
        row: usize,
        accumulators: &Accumulators,
    ) -> isize {
        if !group.touch() {
            return 0;
        }
        if status == EntryStatus::Expired {
            group.forget();
        }
        let had_rows = !group.is_empty();
        self.groups.push(TouchedGroup { place, row, had_rows });
        accumulators.share(group.states_mut())
    }

    /// Ends the batch: drops the groups without rows.
    pub fn settle(&mut self, groups: &mut Keyed<Group>) {
        for touched in &self.groups {
            let Some(group) = groups.at(touched.place) else { continue };
            group.settle();
            if group.is_empty() {
                self.emptied.push(touched.place);
            }
        }
        self.groups.clear();

        // The last entry moves to the place of a dropped one, so places are dropped from the back.
        self.emptied.sort_unstable();
        self.emptied.drain(..).rev().for_each(|place| groups.remove_at(place));
    }

    pub fn memory_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<TouchedGroup>() + self.emptied.capacity() * size_of::<usize>()
    }
}
