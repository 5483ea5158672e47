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

    /// Asks for the entries of the keys, where state is large. `touch` asks for what a value holds elsewhere.
    pub fn touch<V: StateValue>(&self, state: &Keyed<V>, touch: impl Fn(&V)) {
        if state.memory_bytes() < LARGE_BYTES {
            return;
        }
        for (_, key) in self.iter() {
            state.touch(state.hash(key), key, &touch);
        }
    }

    pub fn clear(&mut self) {
        self.keys.clear();
        self.rows.clear();
    }
}
