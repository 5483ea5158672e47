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
    /// Where its key ends, and the key's hash.
    end: usize,
    hash: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Touched {
    groups: Vec<TouchedGroup>,
    /// Their keys, one after another.
    keys: Vec<u8>,
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
        (key, hash): (&[u8], u64),
        row: usize,
        accumulators: &Accumulators,
    ) -> isize {
        if !group.touch() {
            return 0;
        }
        if found == Found::Over {
            group.forget();
        }
        self.keys.extend_from_slice(key);
        let had_rows = !group.is_empty();
        self.groups.push(TouchedGroup { place, row, had_rows, end: self.keys.len(), hash });
        accumulators.share(group.states_mut())
    }

    /// Finds the groups again, which have moved.
    pub fn find_again(&mut self, groups: &Keyed<Group>, now_ms: i64) {
        let mut start = 0;
        for group in &mut self.groups {
            let found = groups.find(group.hash, &self.keys[start..group.end], now_ms);
            group.place = found.expect("a group stays until its batch is over").at;
            start = group.end;
        }
    }

    /// The batch is over: groups without rows are dropped.
    pub fn settle(&mut self, groups: &mut Keyed<Group>) {
        for touched in &self.groups {
            let Some(group) = groups.at(touched.place) else { continue };
            group.settle();
            if group.is_empty() {
                groups.remove_at(touched.place);
            }
        }
        self.groups.clear();
        self.keys.clear();
    }

    pub fn memory_bytes(&self) -> usize {
        self.keys.capacity() + self.groups.capacity() * size_of::<TouchedGroup>()
    }
}
