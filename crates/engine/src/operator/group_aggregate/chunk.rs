//! A chunk of rows whose groups are looked up together.

use super::group::Group;
use super::touched::Touched;
use crate::operator::accumulate::{Accumulators, Step};
use crate::operator::changes::Changes;
use crate::row;
use crate::state::Keyed;

/// The rows of a chunk, and the effect of each on its group.
#[derive(Debug, Default)]
pub(super) struct GroupChunk {
    rows: Vec<usize>,
    /// The keys of the rows, one after another.
    keys: Vec<u8>,
    /// Per row: the end of its key, and the key's hash.
    ends: Vec<(usize, u64)>,
    steps: Vec<Step>,
}

impl GroupChunk {
    pub fn clear(&mut self) {
        self.rows.clear();
        self.keys.clear();
        self.ends.clear();
        self.steps.clear();
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Adds a row.
    #[inline]
    pub fn push(&mut self, rows: &Changes<'_>, row: usize, keys: &[usize], groups: &Keyed<Group>) {
        let start = self.keys.len();
        row::write_all(rows.values(keys, row), &mut self.keys);
        let key = &self.keys[start..];

        // Consecutive rows often belong to one group: reuse the hash of the previous key.
        let before = self.ends.len().checked_sub(2).map_or(0, |before| self.ends[before].0);
        let hash = match self.ends.last() {
            Some(&(end, hash)) if self.keys[before..end] == *key => hash,
            _ => groups.hash(key),
        };
        self.rows.push(row);
        self.ends.push((self.keys.len(), hash));
    }

    fn key(&self, at: usize) -> (&[u8], u64) {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before].0);
        let (end, hash) = self.ends[at];
        (&self.keys[start..end], hash)
    }

    /// Finds the groups of all rows, creates missing ones, and determines the effect of each row on its
    /// group.
    pub fn find_groups(
        &mut self,
        groups: &mut Keyed<Group>,
        touched: &mut Touched,
        accumulators: &Accumulators,
        rows: &Changes<'_>,
        now_ms: i64,
    ) {
        if groups.exceeds_caches() {
            groups.prefetch(self.ends.iter().map(|(_, hash)| *hash), Group::prefetch);
        }

        // The place of the previous row's group.
        let mut before = None;
        for at in 0..self.rows.len() {
            let row = self.rows[at];
            let (key, hash) = self.key(at);
            let is_addition = rows.kind(row).is_addition();
            let is_same =
                before.is_some() && at.checked_sub(1).is_some_and(|last| self.key(last) == (key, hash));
            if !is_same {
                let found = match is_addition {
                    true => Some(groups.place(hash, key, now_ms, || Group::new(accumulators))),
                    false => groups.find(hash, key, now_ms),
                };
                before = found.map(|found| (found.at, found.status));
            }
            let Some((place, status)) = before else { continue };

            groups.written_at(place, now_ms);
            let group = groups.at(place).expect("its place was just found");
            let grown = touched.touch(group, (place, status), row, accumulators);
            let change = match is_addition {
                true => Some(group.count()),
                false => group.discount(),
            };
            groups.charge(grown);
            self.steps.extend(change.map(|change| Step { row, group: place, change }));
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.keys.capacity()
            + self.rows.capacity() * size_of::<usize>()
            + self.ends.capacity() * size_of::<(usize, u64)>()
            + self.steps.capacity() * size_of::<Step>()
    }
}
