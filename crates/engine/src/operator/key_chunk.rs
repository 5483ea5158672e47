//! Rows whose keys are looked up side by side.
//!
//! A look-up in a map that no cache holds waits for memory several times. Look-ups that do not depend on one another wait
//! at the same time: an operator writes the keys of some rows, asks for all their entries, and then takes the rows.

use super::changes::Changes;
use crate::row;
use crate::state::{Keyed, StateValue};

/// Rows of a full chunk.
const FULL: usize = 64;
/// State that holds more than this does not fit the caches.
const LARGE_BYTES: usize = 1 << 20;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct KeyChunk {
    keys: Vec<u8>,
    /// Each row, and where its key ends.
    rows: Vec<(usize, usize)>,
    hashes: Vec<u64>,
}

impl KeyChunk {
    /// Adds a row with the key in these fields, and says whether the chunk is full.
    #[inline]
    pub fn push(&mut self, rows: &Changes<'_>, row: usize, key: &[usize]) -> bool {
        row::write_all(rows.values(key, row), &mut self.keys);
        self.rows.push((row, self.keys.len()));
        self.rows.len() >= FULL
    }

    /// Every row with its key.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut start = 0;
        self.rows.iter().map(move |&(row, end)| {
            let key = &self.keys[start..end];
            start = end;
            (row, key)
        })
    }

    /// Asks for the entries of the keys, where state is large. `of_value` asks for what a value holds elsewhere.
    pub fn prefetch<V: StateValue>(&mut self, state: &Keyed<V>, of_value: impl Fn(&V)) {
        if state.memory_bytes() < LARGE_BYTES {
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
