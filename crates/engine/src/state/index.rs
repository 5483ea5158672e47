//! An index of entries by the hashes of their keys: open addressing with linear probing.
//!
//! A slot has eight bytes, and holds a place and 32 bits of the hash. A look-up compares these bits before it
//! reads the entry, and a slot moves without its entry being read, when the index grows or another slot is
//! freed:
//!
//! ```text
//! slot     hash bits 32 │ place + 1, 32         0: free
//! home     hash bits & (slots - 1)              a place is in the first free slot from its home on
//! ```
//!
//! A slot is freed by moving back the following slots that are not at home (Knuth, volume 3, 6.4, algorithm
//! R), so that there are no tombstones.

use crate::aggregate::keys::prefetch;

/// The number of slots of the smallest index that is not empty.
const LEAST: usize = 8;
const TAG: u64 = 0xffff_ffff_0000_0000;

#[derive(Debug, Default)]
pub(super) struct Index {
    /// The number of slots is 0 or a power of two.
    slots: Box<[u64]>,
    taken: usize,
}

fn slot_of(hash: u64, place: usize) -> u64 {
    let place = u32::try_from(place + 1).expect("a map has fewer than 2^32 entries");
    hash << 32 | u64::from(place)
}

impl Index {
    #[inline]
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    /// Returns where the look-up of a slot's place begins.
    #[inline]
    fn home(&self, slot: u64) -> usize {
        (slot >> 32) as usize & self.mask()
    }

    /// Prefetches the memory where a look-up begins.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        prefetch(&self.slots, self.home(hash << 32));
    }

    /// Returns the slot of a hash whose place satisfies `is_it`.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let wanted = hash << 32;
        let mask = self.mask();
        let mut at = self.home(wanted);
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            if slot & TAG == wanted && is_it(place(slot)) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// Returns the place in an occupied slot.
    #[inline]
    pub fn place(&self, slot: usize) -> usize {
        place(self.slots[slot])
    }

    /// Adds a place, which must be absent.
    #[inline]
    pub fn insert(&mut self, hash: u64, place: usize) {
        // A quarter of the slots stays free, so that probe sequences are short.
        if (self.taken + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.put(slot_of(hash, place));
        self.taken += 1;
    }

    #[cold]
    fn grow(&mut self) {
        let capacity = (self.slots.len() * 2).max(LEAST);
        let slots = std::mem::replace(&mut self.slots, vec![0; capacity].into());
        slots.into_iter().filter(|&slot| slot != 0).for_each(|slot| self.put(slot));
    }

    /// Puts a slot into the first free position from its home on.
    #[inline]
    fn put(&mut self, slot: u64) {
        let mask = self.mask();
        let mut at = self.home(slot);
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }

    /// Changes the place of a slot's entry.
    pub fn set_place(&mut self, slot: usize, place: usize) {
        self.slots[slot] = slot_of(self.slots[slot] >> 32, place);
    }

    /// Frees a slot. Other places may move to other slots.
    pub fn remove(&mut self, slot: usize) {
        let mask = self.mask();
        let (mut free, mut at) = (slot, slot);
        loop {
            at = (at + 1) & mask;
            let moved = self.slots[at];
            if moved == 0 {
                break;
            }

            // The slot may move back if its home is not after the free slot, counted backwards from its
            // position.
            let from_home = at.wrapping_sub(self.home(moved)) & mask;
            if from_home >= at.wrapping_sub(free) & mask {
                self.slots[free] = moved;
                free = at;
            }
        }

        self.slots[free] = 0;
        self.taken -= 1;
    }

    pub fn memory_bytes(&self) -> usize {
        self.slots.len() * size_of::<u64>()
    }
}

#[inline]
fn place(slot: u64) -> usize {
    (slot as u32) as usize - 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hash bits make hashes collide often, and probe sequences wrap around the end.
        #[test]
        fn places_are_found_by_their_hashes(
            steps in prop::collection::vec((0u64..40, any::<bool>()), 0..400),
            bits in 0u32..6,
            high in any::<u64>(),
        ) {
            let hash = |key: u64| high ^ (key.wrapping_mul(0x9e37_79b9) & ((1 << bits) - 1));
            let mut index = Index::default();
            let mut model = BTreeMap::new();
            for (key, is_added) in steps {
                let slot = index.find(hash(key), |place| place as u64 == key);
                prop_assert_eq!(slot.is_some(), model.contains_key(&key));
                match (slot, is_added) {
                    (None, true) => {
                        index.insert(hash(key), key as usize);
                        model.insert(key, ());
                    }
                    (Some(slot), false) => {
                        index.remove(slot);
                        model.remove(&key);
                    }
                    _ => {}
                }
            }

            for key in 0..40 {
                let slot = index.find(hash(key), |place| place as u64 == key);
                prop_assert_eq!(slot.map(|slot| index.place(slot) as u64), model.get(&key).map(|()| key));
            }
        }
    }

    #[test]
    fn an_entry_that_moves_is_found_at_its_new_place() {
        let mut index = Index::default();
        (0..100).for_each(|place| index.insert(7, place));
        let slot = index.find(7, |place| place == 99).unwrap();
        index.set_place(slot, 1_000);
        assert!(index.find(7, |place| place == 99).is_none());
        assert!(index.find(7, |place| place == 1_000).is_some());
    }
}
