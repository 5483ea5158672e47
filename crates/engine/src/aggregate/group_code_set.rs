//! A set of pairs of a group and a code: the distinct values of all groups of a table in one hash set.
//!
//! Open addressing with linear probing. The set is at most half full, and its size is proportional to its content.
//!
//! ```text
//! hash 3 ──► [ ] [(0, 17)] [(5, 17)] [ ]      (5, 17) has hash 3 too
//! ```

use super::keys::prefetch;

/// See the module's text.
#[derive(Debug, Clone)]
pub struct GroupCodeSet {
    slots: Vec<u64>,
    mask: usize,
    len: usize,
    counts: Vec<u32>,
    /// The number of groups that hold a code.
    groups: usize,
    seed: u64,
}

const EMPTY: u64 = u64::MAX;

impl GroupCodeSet {
    pub fn new(seed: u64) -> GroupCodeSet {
        const SLOTS: usize = 64;
        GroupCodeSet {
            slots: vec![EMPTY; SLOTS],
            mask: SLOTS - 1,
            len: 0,
            counts: Vec::new(),
            groups: 0,
            seed,
        }
    }

    #[inline(always)]
    fn slot(&self, pair: u64) -> usize {
        let product = (pair ^ self.seed) as u128 * 0x9e37_79b9_7f4a_7c15_u128;
        ((product >> 64) as u64 ^ product as u64) as usize & self.mask
    }

    #[inline(always)]
    pub fn prefetch(&self, group: u32, code: u32) {
        prefetch(&self.slots, self.slot((group as u64) << 32 | code as u64));
    }

    #[inline(always)]
    pub fn add(&mut self, group: u32, code: u32) {
        if code == 0 {
            return;
        }
        let pair = (group as u64) << 32 | code as u64;
        let mut slot = self.slot(pair);

        loop {
            let found = self.slots[slot];
            if found == pair {
                return;
            }
            if found == EMPTY {
                break;
            }
            slot = (slot + 1) & self.mask;
        }

        self.slots[slot] = pair;
        let count = &mut self.counts[group as usize];
        self.groups += usize::from(*count == 0);
        *count += 1;
        self.len += 1;
        if self.len * 2 > self.slots.len() {
            self.grow();
        }
    }

    /// Extends the set to this many groups.
    pub fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
    }

    /// Removes all pairs and frees their memory; the number of groups stays.
    pub fn clear(&mut self) {
        let groups = self.counts.len();
        *self = GroupCodeSet::new(self.seed);
        self.resize(groups);
    }

    /// Returns the number of pairs.
    pub fn pair_count(&self) -> usize {
        self.len
    }

    /// Returns the number of groups that there is room for.
    pub fn group_count(&self) -> usize {
        self.counts.len()
    }

    /// Returns the number of groups that hold a code.
    pub fn used_groups(&self) -> usize {
        self.groups
    }

    /// Returns the number of codes of a group.
    pub fn count(&self, group: u32) -> u64 {
        u64::from(self.counts[group as usize])
    }

    /// Calls `each` with every group and code, in no order.
    #[inline]
    pub fn for_each(&self, mut each: impl FnMut(u32, u32)) {
        let pairs = self.slots.iter().filter(|&&pair| pair != EMPTY);
        pairs.for_each(|&pair| each((pair >> 32) as u32, pair as u32));
    }

    pub fn memory_bytes(&self) -> usize {
        self.slots.capacity() * 8 + self.counts.capacity() * 4
    }

    /// Makes room for the pairs of another set. Those that are in both sets need none, so this may be too much, by one doubling.
    pub fn reserve(&mut self, pairs: usize) {
        let size = ((self.len + pairs) * 2 + 1).next_power_of_two();
        if size > self.slots.len() {
            self.resize_to(size);
        }
    }

    #[inline(never)]
    fn grow(&mut self) {
        self.resize_to(self.slots.len() * 2);
    }

    fn resize_to(&mut self, size: usize) {
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        self.mask = size - 1;
        for pair in old.into_iter().filter(|&pair| pair != EMPTY) {
            let mut slot = self.slot(pair);
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & self.mask;
            }
            self.slots[slot] = pair;
        }
    }
}
