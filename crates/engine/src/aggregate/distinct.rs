//! Exact sets of distinct values, one per group.
//!
//! A table begins with pairs of group and code in one hash set, whose size is proportional to its content. A
//! table of few groups that fills up changes to bitmaps over the codes, which are faster, as soon as they
//! take no more memory than the pairs:
//!
//! ```text
//! pairs      {(0, 17), (0, 23), (5, 17)}       16 bytes per pair
//! bitmaps    group 0 ─► block 0  …0100000100…  an eighth of a byte per code, for groups that hold any
//!            group 5 ─► block 1  …0000000100…
//! ```
//!
//! So a slice of time with one event takes little memory, however many values there are elsewhere.

use super::group_code_set::GroupCodeSet;
use crate::selection::Selection;

/// A set of codes for each group.
#[derive(Debug, Clone)]
pub enum Distinct {
    Bitmaps(Bitmaps),
    Pairs {
        pairs: GroupCodeSet,
        /// The words of a bitmap that it may change to; 0: it never does.
        words: usize,
    },
}

/// Groups with bitmaps of more codes than this would overflow the cache.
const BITS_LIMIT: usize = 1 << 14;
/// How many pairs ahead of the one that is added the memory is prefetched.
const AHEAD: usize = 16;
/// The approximate bytes of a pair: the hash set is at most half full.
const PAIR_BYTES: usize = 16;

impl Distinct {
    /// Creates empty sets. `direct` means that the table's groups are few; every present code is below
    /// `codes`.
    pub fn new(direct: bool, codes: usize, seed: u64) -> Distinct {
        let capacity = (codes * 2).next_power_of_two().max(1024);
        let words = if direct && capacity <= BITS_LIMIT { capacity / 64 } else { 0 };
        Distinct::Pairs { pairs: GroupCodeSet::new(seed), words }
    }

    /// Returns whether codes below this can be added.
    pub fn fits(&self, codes: usize) -> bool {
        match self {
            Distinct::Bitmaps(Bitmaps { words, .. }) => codes <= words * 64,
            Distinct::Pairs { words, .. } => *words == 0 || codes <= words * 64,
        }
    }

    pub fn resize(&mut self, groups: usize) {
        match self {
            Distinct::Bitmaps(bitmaps) => bitmaps.blocks.resize(groups, NO_BLOCK),
            Distinct::Pairs { pairs, .. } => pairs.resize(groups),
        }
    }

    pub fn clear(&mut self) {
        match self {
            Distinct::Bitmaps(bitmaps) => bitmaps.clear(),
            Distinct::Pairs { pairs, .. } => pairs.clear(),
        }
    }

    /// Adds a code; null is not counted.
    #[inline(always)]
    pub fn add(&mut self, group: u32, code: u32) {
        match self {
            Distinct::Bitmaps(bitmaps) => bitmaps.add(group, code),
            Distinct::Pairs { pairs, .. } => pairs.add(group, code),
        }
    }

    /// Adds the code of each row to its group; rows and groups are parallel.
    pub fn add_rows(&mut self, rows: Selection<'_>, groups: &[u32], codes: &[u32]) {
        match self {
            Distinct::Bitmaps(bitmaps) => rows.for_each(|i, row| bitmaps.add(groups[i], codes[row])),
            Distinct::Pairs { pairs, .. } => {
                match rows {
                    Selection::All(n) => {
                        for row in 0..n {
                            if row + AHEAD < n {
                                pairs.prefetch(groups[row + AHEAD], codes[row + AHEAD]);
                            }
                            pairs.add(groups[row], codes[row]);
                        }
                    }
                    Selection::Selected(selected) => {
                        for (i, &row) in selected.iter().enumerate() {
                            if let Some(&ahead) = selected.get(i + AHEAD) {
                                pairs.prefetch(groups[i + AHEAD], codes[ahead as usize]);
                            }
                            pairs.add(groups[i], codes[row as usize]);
                        }
                    }
                }

                self.settle();
            }
        }
    }

    /// Adds groups with codes.
    pub fn add_pairs(&mut self, added: &[(u32, u32)]) {
        match self {
            Distinct::Bitmaps(bitmaps) => added.iter().for_each(|&(group, code)| bitmaps.add(group, code)),
            Distinct::Pairs { pairs, .. } => {
                pairs.reserve(added.len());
                for (i, &(group, code)) in added.iter().enumerate() {
                    if let Some(&(group, code)) = added.get(i + AHEAD) {
                        pairs.prefetch(group, code);
                    }
                    pairs.add(group, code);
                }
                self.settle();
            }
        }
    }

    /// Changes to bitmaps if these take no more memory than the pairs.
    pub fn settle(&mut self) {
        let Distinct::Pairs { pairs, words } = self else { return };
        if *words > 0
            && pairs.pair_count() * PAIR_BYTES >= pairs.used_groups() * *words * size_of::<u64>()
            && pairs.used_groups() > 0
        {
            *self = Distinct::Bitmaps(Bitmaps::of(pairs, *words));
        }
    }

    /// Returns the number of distinct non-null codes.
    pub fn count(&self, group: u32) -> u64 {
        match self {
            Distinct::Bitmaps(bitmaps) => bitmaps.count(group),
            Distinct::Pairs { pairs, .. } => pairs.count(group),
        }
    }

    /// Calls `each` with every group and code.
    pub fn for_each(&self, each: impl FnMut(u32, u32)) {
        match self {
            Distinct::Bitmaps(bitmaps) => bitmaps.for_each(each),
            Distinct::Pairs { pairs, .. } => pairs.for_each(each),
        }
    }

    /// Calls `each` with every code of a group. A set of pairs visits those of all groups.
    pub fn for_each_of(&self, group: u32, mut each: impl FnMut(u32)) {
        match self {
            Distinct::Bitmaps(bitmaps) => bitmaps.for_each_of(group, each),
            Distinct::Pairs { .. } => self.for_each(|of, code| {
                if of == group {
                    each(code);
                }
            }),
        }
    }

    /// Adds another table's sets over the same codes, group by group; returns false if only
    /// [`Distinct::for_each`] can.
    pub fn merge_bits(&mut self, other: &Distinct, targets: &[Option<u32>]) -> bool {
        let Distinct::Bitmaps(other) = other else { return false };
        if let Distinct::Pairs { pairs, words } = self
            && *words >= other.words
        {
            *self = Distinct::Bitmaps(Bitmaps::of(pairs, *words));
        }

        let Distinct::Bitmaps(own) = self else { return false };
        if other.words > own.words {
            return false;
        }

        for (from, to) in targets.iter().enumerate() {
            if let Some(to) = to
                && let Some(bits) = other.block(from as u32)
            {
                own.block_mut(*to).iter_mut().zip(bits).for_each(|(to, from)| *to |= from);
            }
        }
        true
    }

    pub fn memory_bytes(&self) -> usize {
        match self {
            Distinct::Bitmaps(bitmaps) => bitmaps.bits.capacity() * 8 + bitmaps.blocks.capacity() * 4,
            Distinct::Pairs { pairs, .. } => pairs.memory_bytes(),
        }
    }
}

/// A bitmap for each group that holds a code.
#[derive(Debug, Clone)]
pub struct Bitmaps {
    /// The 64-bit words of a bitmap. Bit 0 absorbs nulls, so that adding needs no branch for them.
    words: usize,
    /// The number of each group's block.
    blocks: Vec<u32>,
    bits: Vec<u64>,
}

/// A group that holds no code.
const NO_BLOCK: u32 = u32::MAX;

impl Bitmaps {
    /// Builds the bitmaps of the same sets.
    fn of(pairs: &GroupCodeSet, words: usize) -> Bitmaps {
        let blocks = vec![NO_BLOCK; pairs.group_count()];
        let mut bitmaps = Bitmaps { words, blocks, bits: Vec::with_capacity(pairs.used_groups() * words) };
        pairs.for_each(|group, code| bitmaps.add(group, code));
        bitmaps
    }

    fn clear(&mut self) {
        self.blocks.fill(NO_BLOCK);
        self.bits.clear();
    }

    #[inline(always)]
    fn add(&mut self, group: u32, code: u32) {
        let mut block = self.blocks[group as usize];
        if block == NO_BLOCK {
            block = self.new_block(group);
        }
        self.bits[block as usize * self.words + (code >> 6) as usize] |= 1 << (code & 63);
    }

    #[inline(never)]
    fn new_block(&mut self, group: u32) -> u32 {
        let block = (self.bits.len() / self.words) as u32;
        self.bits.resize(self.bits.len() + self.words, 0);
        self.blocks[group as usize] = block;
        block
    }

    fn block(&self, group: u32) -> Option<&[u64]> {
        let block = *self.blocks.get(group as usize)?;
        (block != NO_BLOCK).then(|| &self.bits[block as usize * self.words..][..self.words])
    }

    fn block_mut(&mut self, group: u32) -> &mut [u64] {
        let mut block = self.blocks[group as usize];
        if block == NO_BLOCK {
            block = self.new_block(group);
        }
        &mut self.bits[block as usize * self.words..][..self.words]
    }

    fn count(&self, group: u32) -> u64 {
        self.block(group).map_or(0, |bits| {
            bits.iter().map(|word| u64::from(word.count_ones())).sum::<u64>() - (bits[0] & 1)
        })
    }

    fn for_each(&self, mut each: impl FnMut(u32, u32)) {
        for group in 0..self.blocks.len() as u32 {
            self.for_each_of(group, |code| each(group, code));
        }
    }

    fn for_each_of(&self, group: u32, mut each: impl FnMut(u32)) {
        for (index, &word) in self.block(group).unwrap_or_default().iter().enumerate() {
            let mut rest = if index == 0 { word & !1 } else { word };
            while rest != 0 {
                each((index * 64) as u32 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn pairs_of(distinct: &Distinct) -> BTreeSet<(u32, u32)> {
        let mut found = BTreeSet::new();
        distinct.for_each(|group, code| assert!(found.insert((group, code))));
        found
    }

    #[test]
    fn the_sets_are_the_same_as_pairs_and_as_bitmaps() {
        let mut distinct = Distinct::new(true, 1_000, 7);
        distinct.resize(64);
        let mut expected = BTreeSet::new();
        let mut random = 1_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (group, code) = ((random >> 40) as u32 % 64, (random >> 20) as u32 % 1_000);
            distinct.add_rows(Selection::All(1), &[group], &[code]);
            if code > 0 {
                expected.insert((group, code));
            }
        }
        assert!(matches!(distinct, Distinct::Bitmaps(_)), "it has filled up");
        assert_eq!(pairs_of(&distinct), expected);
        for group in 0..64 {
            let count = expected.iter().filter(|(of, _)| *of == group).count() as u64;
            assert_eq!(distinct.count(group), count);
        }
    }

    #[test]
    fn a_table_takes_as_much_as_it_holds() {
        let mut distinct = Distinct::new(true, 8_000, 7);
        distinct.resize(64);
        distinct.add_rows(Selection::All(1), &[3], &[7_999]);
        assert!(distinct.memory_bytes() < 1_024, "{} bytes for one value", distinct.memory_bytes());
    }

    #[test]
    fn sets_of_any_form_merge_into_one() {
        let full = |groups: u32| {
            let mut distinct = Distinct::new(true, 1_000, 7);
            distinct.resize(8);
            for code in 1..900 {
                for group in 0..groups {
                    distinct.add_rows(Selection::All(1), &[group], &[code]);
                }
            }
            distinct
        };

        let mut sparse = Distinct::new(true, 1_000, 7);
        sparse.resize(8);
        sparse.add_rows(Selection::All(1), &[5], &[999]);
        let targets: Vec<Option<u32>> = (0..8).map(|group| (group != 1).then_some(group)).collect();
        assert!(sparse.merge_bits(&full(2), &targets));
        let mut expected: BTreeSet<(u32, u32)> = (1..900).map(|code| (0, code)).collect();
        expected.insert((5, 999));
        assert_eq!(pairs_of(&sparse), expected);
        assert!(!sparse.merge_bits(&Distinct::new(false, 10, 7), &targets), "pairs are added one by one");
    }
}
