//! A map from whole numbers to counts: what [`super::distinct_set`] keeps of most arguments.
//!
//! Entries stand in one run, each at the place of its hash or at the next free one behind it. A look-up reads one line of
//! memory mostly, and which line that is can be told before: see [`WholeValues::prefetch`]. An entry whose counts are all 0
//! is free.
//!
//! ```text
//! hash 1 ──► [ ] [7: 2, 1] [9: 1, 0] [ ]      9 has hash 1 too
//! ```

use super::distinct_set::{Counts, NO_COUNTS};
use crate::aggregate::keys::prefetch;

/// Entries of the smallest map that is not empty.
const LEAST: usize = 8;

/// See the module's text. The caller hashes.
#[derive(Debug, Default)]
pub(super) struct WholeValues {
    /// None, or a power of two.
    entries: Box<[(i64, Counts)]>,
    taken: usize,
}

impl WholeValues {
    #[inline]
    fn mask(&self) -> usize {
        self.entries.len().wrapping_sub(1)
    }

    /// Asks for the memory where a value is looked for.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        prefetch(&self.entries, hash as usize & self.mask());
    }

    /// The counts of a value, which are 0 where it is not there; the caller must count then. `hash` gives the hash of a
    /// value when the map grows.
    #[inline]
    pub fn counts(&mut self, value: i64, of_value: u64, hash: impl Fn(i64) -> u64) -> &mut Counts {
        // A quarter of the entries stays free, so that runs are short.
        if (self.taken + 1) * 4 > self.entries.len() * 3 {
            self.grow(hash);
        }

        let mask = self.mask();
        let mut at = of_value as usize & mask;
        loop {
            let (there, counts) = &self.entries[at];
            if *counts == NO_COUNTS {
                self.taken += 1;
                self.entries[at].0 = value;
                break;
            }
            if *there == value {
                break;
            }
            at = (at + 1) & mask;
        }
        &mut self.entries[at].1
    }

    #[cold]
    fn grow(&mut self, hash: impl Fn(i64) -> u64) {
        let room = (self.entries.len() * 2).max(LEAST);
        let entries = std::mem::replace(&mut self.entries, vec![(0, NO_COUNTS); room].into());
        for entry in entries.into_iter().filter(|(_, counts)| *counts != NO_COUNTS) {
            self.put(entry, hash(entry.0));
        }
    }

    /// Puts an entry that is not there to the first free place.
    fn put(&mut self, entry: (i64, Counts), hash: u64) {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        while self.entries[at].1 != NO_COUNTS {
            at = (at + 1) & mask;
        }
        self.entries[at] = entry;
    }

    /// Takes one off a count of a value with `uncount`, which says whether it was the last.
    pub fn remove(
        &mut self,
        value: i64,
        hash: impl Fn(i64) -> u64,
        uncount: impl FnOnce(&mut Counts) -> bool,
    ) -> bool {
        if self.taken == 0 {
            return false;
        }
        let mask = self.mask();
        let mut at = hash(value) as usize & mask;
        while self.entries[at].0 != value || self.entries[at].1 == NO_COUNTS {
            if self.entries[at].1 == NO_COUNTS {
                return false;
            }
            at = (at + 1) & mask;
        }

        let is_last = uncount(&mut self.entries[at].1);
        if self.entries[at].1 == NO_COUNTS {
            self.taken -= 1;
            // Entries behind a free place would not be found: those of the run are put in again.
            loop {
                at = (at + 1) & mask;
                let entry = std::mem::replace(&mut self.entries[at], (0, NO_COUNTS));
                if entry.1 == NO_COUNTS {
                    break;
                }
                self.put(entry, hash(entry.0));
            }
        }
        is_last
    }

    pub fn iter(&self) -> impl Iterator<Item = &(i64, Counts)> {
        self.entries.iter().filter(|(_, counts)| *counts != NO_COUNTS)
    }

    /// Bytes held outside of the map itself.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.entries.len() * size_of::<(i64, Counts)>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Hashes that meet often.
        #[test]
        fn values_are_counted(steps in prop::collection::vec((0i64..40, any::<bool>()), 0..400), bits in 0u32..6) {
            let hash = |value: i64| value as u64 & ((1 << bits) - 1);
            let mut values = WholeValues::default();
            let mut model: BTreeMap<i64, u32> = BTreeMap::new();
            for (value, is_added) in steps {
                if is_added {
                    values.counts(value, hash(value), hash)[1] += 1;
                    *model.entry(value).or_default() += 1;
                    continue;
                }
                let is_last = values.remove(value, hash, |counts| {
                    counts[1] -= 1;
                    counts[1] == 0
                });
                prop_assert_eq!(is_last, model.get(&value) == Some(&1));
                model.entry(value).and_modify(|count| *count -= 1);
                model.retain(|_, count| *count > 0);
            }

            let held: BTreeMap<i64, u32> = values.iter().map(|(value, counts)| (*value, counts[1])).collect();
            prop_assert_eq!(held, model);
        }
    }
}
