//! Rows that are looked up side by side.

use super::group::Group;
use crate::operator::accumulate::{Accumulators, Step};
use crate::operator::changes::Changes;
use crate::row;
use crate::state::{Found, Keyed};

/// Groups that hold more than this do not fit the caches.
const LARGE_BYTES: usize = 1 << 20;

/// The rows of a chunk, and what each does to its group.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    rows: Vec<usize>,
    /// The keys of the rows, one after another.
    keys: Vec<u8>,
    /// By row: where its key ends, and the key's hash.
    ends: Vec<(usize, u64)>,
    /// By row: the place of its group.
    places: Vec<Option<usize>>,
    steps: Vec<Step>,
    /// Groups that lost all rows at some time.
    emptied: Vec<usize>,
}

impl Chunk {
    pub fn clear(&mut self) {
        self.rows.clear();
        self.keys.clear();
        self.ends.clear();
        self.places.clear();
        self.steps.clear();
        self.emptied.clear();
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

        // Rows of one group often follow one another.
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

    /// Finds the groups of all rows, making those that are not there, and what each row does to its group.
    pub fn find_groups(
        &mut self,
        groups: &mut Keyed<Group>,
        accumulators: &Accumulators,
        rows: &Changes<'_>,
        now_ms: i64,
    ) {
        if groups.memory_bytes() > LARGE_BYTES {
            // A look-up of a group that no cache holds waits for memory several times. Look-ups that do not depend on one
            // another wait at the same time; what comes behind finds everything in the cache.
            for at in 0..self.rows.len() {
                let (key, hash) = self.key(at);
                groups.touch(hash, key, Group::prefetch);
            }
        }

        let generation = groups.generation();
        for at in 0..self.rows.len() {
            let (key, hash) = self.key(at);
            let is_addition = rows.kind(self.rows[at]).is_addition();
            let found = match at.checked_sub(1).filter(|&before| self.key(before) == (key, hash)) {
                // The group of the row before.
                Some(before) if self.places[before].is_some() => {
                    self.places.push(self.places[before]);
                    continue;
                }
                _ if is_addition => Some(groups.place(hash, key, now_ms, || Group::new(accumulators))),
                _ => groups.find(hash, key, now_ms),
            };
            if let Some(place) = found {
                groups.written_at(place.at, now_ms);
                if place.found == Found::Over
                    && let Some(group) = groups.at(place.at)
                {
                    group.forget();
                    self.emptied.push(at);
                }
            }
            self.places.push(found.map(|place| place.at));
        }

        if groups.generation() != generation {
            // The map has grown: groups that were found before it did have moved.
            for at in 0..self.rows.len() {
                let (key, hash) = self.key(at);
                self.places[at] = self.places[at].and(groups.find(hash, key, now_ms)).map(|place| place.at);
            }
        }
        self.count_rows(groups, accumulators, rows);
    }

    fn count_rows(&mut self, groups: &mut Keyed<Group>, accumulators: &Accumulators, rows: &Changes<'_>) {
        let over = std::mem::take(&mut self.emptied);
        self.emptied.extend(over.iter().filter_map(|&at| self.places[at]));

        for (&row, &place) in self.rows.iter().zip(&self.places) {
            let Some(place) = place else { continue };
            let Some(group) = groups.at(place) else { continue };
            let change = match rows.kind(row).is_addition() {
                true => Some(group.count()),
                false => group.discount(),
            };
            let grown = accumulators.share(group.states_mut());
            if group.is_empty() {
                self.emptied.push(place);
            }
            groups.charge(grown);
            if let Some(change) = change {
                self.steps.push(Step { row, group: place, change });
            }
        }
    }

    /// Drops the groups that have no rows in the end.
    pub fn drop_emptied(&mut self, groups: &mut Keyed<Group>) {
        for &place in &self.emptied {
            if groups.at(place).is_some_and(|group| group.is_empty()) {
                groups.remove_at(place);
            }
        }
    }
}
