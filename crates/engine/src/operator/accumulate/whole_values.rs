//! A map from whole numbers to bits: what [`super::distinct_set`] keeps of most arguments.
//!
//! Values are held in lines of seven, each as long as a cache line. A value is in the line that its hash selects or, if that
//! line is full, in the next line with room. A lookup therefore mostly reads one cache line, and a caller can
//! [prefetch](WholeValues::prefetch) it.
//!
//! ```text
//! hash 1 ──► line 1   [7 9 4 . . . .]   seen by [11 01 10 . . . .]   3 taken
//! ```

use crate::aggregate::keys::prefetch;

/// Values of a line.
const LINE: usize = 7;

/// See the module's text. The caller hashes.
#[derive(Debug, Default)]
pub(super) struct WholeValues {
    /// Empty, or a power of two of them.
    lines: Box<[Line]>,
    len: usize,
}

/// Seven places, filled from the front.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line {
    values: [i64; LINE],
    /// Per place: the bits of the calls that have seen the value.
    seen: [u8; LINE],
    taken: u8,
}

const EMPTY: Line = Line { values: [0; LINE], seen: [0; LINE], taken: 0 };

impl Line {
    /// Returns the place of a value. Compares all places without branches, since no branch predictor can know the place.
    #[inline]
    fn find(&self, value: i64) -> Option<usize> {
        let mut equal = 0_u32;
        for (place, &there) in self.values.iter().enumerate() {
            equal |= u32::from(there == value) << place;
        }
        equal &= (1 << self.taken) - 1;
        (equal != 0).then(|| equal.trailing_zeros() as usize)
    }

    /// Puts a value into the next place and returns its bits, or `None` if the line is full.
    #[inline]
    fn push(&mut self, value: i64, seen: u8) -> Option<&mut u8> {
        let place = usize::from(self.taken);
        let bits = self.seen.get_mut(place)?;
        (*bits, self.values[place]) = (seen, value);
        self.taken += 1;
        Some(bits)
    }
}

impl WholeValues {
    #[inline]
    fn mask(&self) -> usize {
        self.lines.len().wrapping_sub(1)
    }

    /// Prefetches the cache line in which a value is searched.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        prefetch(&self.lines, hash as usize & self.mask());
    }

    /// Returns the bits of a value, which are 0 for a new value. `of_value` is the value's hash; `hash` computes the
    /// hashes of the values when the map grows.
    #[inline]
    pub fn bits(&mut self, value: i64, of_value: u64, hash: impl Fn(i64) -> u64) -> &mut u8 {
        // A quarter of the places stays free, so that few values overflow into the next line. A map of one line is filled
        // completely.
        if self.len * 4 >= self.lines.len() * LINE * 3 && !(self.lines.len() == 1 && self.len < LINE) {
            self.grow(hash);
        }

        let mask = self.mask();
        let mut at = of_value as usize & mask;
        let place = loop {
            match self.lines[at].find(value) {
                Some(place) => break place,
                None if usize::from(self.lines[at].taken) < LINE => {
                    self.len += 1;
                    self.lines[at].push(value, 0);
                    break usize::from(self.lines[at].taken) - 1;
                }
                None => at = (at + 1) & mask,
            }
        };
        &mut self.lines[at].seen[place]
    }

    #[cold]
    fn grow(&mut self, hash: impl Fn(i64) -> u64) {
        let lines = vec![EMPTY; (self.lines.len() * 2).max(1)].into();
        let old = std::mem::replace(&mut self.lines, lines);

        let mask = self.mask();
        for (value, bits) in entries(&old) {
            let mut at = hash(value) as usize & mask;
            while self.lines[at].push(value, bits).is_none() {
                at = (at + 1) & mask;
            }
        }
    }

    /// Returns the values with their bits, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u8)> {
        entries(&self.lines)
    }

    /// Returns the bytes that the map holds on the heap.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.lines)
    }
}

fn entries(lines: &[Line]) -> impl Iterator<Item = (i64, u8)> {
    let of_line = |line: &Line| line.values.into_iter().zip(line.seen).take(usize::from(line.taken));
    lines.iter().flat_map(of_line)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Hashes that meet often.
        #[test]
        fn bits_are_kept(steps in prop::collection::vec((-40i64..40, 1u8..=255), 0..400), bits in 0u32..6) {
            let hash = |value: i64| value as u64 & ((1 << bits) - 1);
            let mut values = WholeValues::default();
            let mut model: BTreeMap<i64, u8> = BTreeMap::new();
            for (value, seen) in steps {
                let of_value = values.bits(value, hash(value), hash);
                let before = model.entry(value).or_default();
                prop_assert_eq!(*of_value, *before);
                *of_value |= seen;
                *before |= seen;
            }

            prop_assert_eq!(values.iter().count(), model.len());
            prop_assert_eq!(values.iter().collect::<BTreeMap<i64, u8>>(), model);
        }
    }

    #[test]
    fn a_line_is_as_long_as_a_cache_line() {
        assert_eq!(size_of::<Line>(), 64);
    }
}
