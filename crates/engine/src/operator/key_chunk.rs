//! A chunk of rows whose keys are looked up together.
//!
//! A look-up in a map that exceeds the CPU caches waits for memory several times. Independent look-ups wait
//! at the same time: an operator writes the keys of some rows, prefetches all their entries, and then
//! processes the rows.

use super::changes::Changes;
use crate::row;
use crate::state::{Keyed, StateValue};

/// The number of rows of a full chunk.
const FULL: usize = 64;

/// A chunk of rows with their keys; see the module documentation.
#[derive(Debug, Default)]
pub(super) struct KeyChunk {
    keys: Vec<u8>,
    /// Each row, and the end of its key in `keys`.
    rows: Vec<(usize, usize)>,
    hashes: Vec<u64>,
}

impl KeyChunk {
    /// Adds a row with the key in these fields; returns whether the chunk is full.
    #[inline]
    pub fn push(&mut self, rows: &Changes<'_>, row: usize, key: &[usize]) -> bool {
        row::write_all(rows.values(key, row), &mut self.keys);
        self.rows.push((row, self.keys.len()));
        self.rows.len() >= FULL
    }

    /// Returns every row with its key.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut start = 0;
        self.rows.iter().map(move |&(row, end)| {
            let key = &self.keys[start..end];
            start = end;
            (row, key)
        })
    }

    /// Prefetches the entries of the keys if the state exceeds the CPU caches. `of_value` prefetches memory outside a
    /// value.
    pub fn prefetch<V: StateValue>(&mut self, state: &Keyed<V>, of_value: impl Fn(&V)) {
        if !state.exceeds_caches() {
            return;
        }
        let mut hashes = std::mem::take(&mut self.hashes);
        hashes.clear();
        hashes.extend(self.iter().map(|(_, key)| state.hash(key)));
        state.prefetch(hashes.iter().copied(), of_value);
        self.hashes = hashes;
    }

    pub fn clear(&mut self) {
        self.keys.clear();
        self.rows.clear();
    }
}
