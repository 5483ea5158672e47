//! The values of one argument that several `DISTINCT` calls have seen: a map from the value to how often each call saw it.
//!
//! ```text
//! COUNT(DISTINCT bidder), COUNT(DISTINCT bidder) FILTER (WHERE price < 10)
//!
//! bidder   seen by
//!      7   3, 1          the calls of the set, in their order
//!      9   1, 0
//! ```
//!
//! A row looks its value up once for all calls. In a snapshot each call has a set of its own, as if nothing were shared.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use types::Scalar;

use super::distinct::Counted;
use super::kept::{Kept, hash_scalar, is_same};
use crate::row;
use crate::state::StateValue;

/// The most calls that share a set.
pub(super) const CALLS: usize = 4;

/// How often each call saw a value. A count that has reached the greatest number stays there.
type Counts = [u32; CALLS];

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct DistinctSet {
    /// Whole numbers, which most values are.
    whole: HashTable<(i64, Counts)>,
    others: HashTable<(Kept, Counts)>,
    hasher: foldhash::fast::FixedState,
    /// Bytes of texts.
    value_bytes: usize,
}

impl DistinctSet {
    /// Adds a value for the calls whose bits are set in `wanted`; gives the bits of those that had not seen it.
    #[inline]
    pub fn add(&mut self, value: Scalar<'_>, wanted: u8) -> u8 {
        count(self.counts(value), wanted)
    }

    /// Adds copies of a value for one call, and says whether it had not seen it.
    pub fn add_copies(&mut self, value: Scalar<'_>, call: usize, copies: i64) -> bool {
        let counts = self.counts(value);
        let is_new = counts[call] == 0;
        counts[call] = counts[call].saturating_add(u32::try_from(copies).unwrap_or(u32::MAX));
        is_new
    }

    #[inline]
    fn counts(&mut self, value: Scalar<'_>) -> &mut Counts {
        let hasher = &self.hasher;
        let hash = hash(hasher, value);

        if let Scalar::Int(value) = value {
            let rehash = |(there, _): &(i64, Counts)| self::hash(hasher, Scalar::Int(*there));
            let entry = self.whole.entry(hash, |(there, _)| *there == value, rehash);
            return &mut entry.or_insert((value, [0; CALLS])).into_mut().1;
        }

        let rehash = |(there, _): &(Kept, Counts)| self::hash(hasher, there.as_scalar());
        match self.others.entry(hash, |(there, _)| is_same(there.as_scalar(), value), rehash) {
            Entry::Occupied(entry) => &mut entry.into_mut().1,
            Entry::Vacant(entry) => {
                let value = Kept::of(value);
                self.value_bytes += value.heap_bytes();
                &mut entry.insert((value, [0; CALLS])).into_mut().1
            }
        }
    }

    /// Takes a copy of a value away from a call, and says whether it was the last. A value that is not there is passed over.
    pub fn remove(&mut self, value: Scalar<'_>, call: usize) -> bool {
        let hash = hash(&self.hasher, value);
        if let Scalar::Int(value) = value {
            let Ok(mut entry) = self.whole.find_entry(hash, |(there, _)| *there == value) else {
                return false;
            };
            let is_last = uncount(&mut entry.get_mut().1[call]);
            if entry.get().1 == [0; CALLS] {
                entry.remove();
            }
            return is_last;
        }

        let is_it = |(there, _): &(Kept, Counts)| is_same(there.as_scalar(), value);
        let Ok(mut entry) = self.others.find_entry(hash, is_it) else { return false };
        let is_last = uncount(&mut entry.get_mut().1[call]);
        if entry.get().1 == [0; CALLS] {
            self.value_bytes -= entry.remove().0.0.heap_bytes();
        }
        is_last
    }

    /// The values that a call has seen, with their counts, in no order.
    pub fn seen_by(&self, call: usize) -> impl Iterator<Item = (Scalar<'_>, u32)> {
        let whole = self.whole.iter().map(|(value, counts)| (Scalar::Int(*value), counts));
        let others = self.others.iter().map(|(value, counts)| (value.as_scalar(), counts));
        let all = whole.chain(others).map(move |(value, counts)| (value, counts[call]));
        all.filter(|(_, count)| *count > 0)
    }

    /// Takes over what a call has seen.
    pub fn take_over(&mut self, call: usize, seen: &Counted) {
        for (value, count) in seen.iter() {
            self.add_copies(value.as_scalar(), call, count);
        }
    }

    /// Adds what a call has seen to an image, in the form of [`Counted`].
    pub fn write(&self, call: usize, out: &mut Vec<u8>) {
        row::write_length(self.seen_by(call).count(), out);
        for (value, count) in self.seen_by(call) {
            row::write(value, out);
            i64::from(count).write(out);
        }
    }

    #[inline]
    pub fn heap_bytes(&self) -> usize {
        // One byte of control a slot beside the entry.
        self.whole.capacity() * (size_of::<(i64, Counts)>() + 1)
            + self.others.capacity() * (size_of::<(Kept, Counts)>() + 1)
            + self.value_bytes
    }
}

/// The bits of the wanted calls that saw a value for the first time.
#[inline]
fn count(counts: &mut Counts, wanted: u8) -> u8 {
    let mut new = 0;
    for (call, count) in counts.iter_mut().enumerate() {
        let is_wanted = wanted >> call & 1;
        new |= (is_wanted & u8::from(*count == 0)) << call;
        *count = count.saturating_add(u32::from(is_wanted));
    }
    new
}

/// Takes one off a count; whether it was the last.
fn uncount(count: &mut u32) -> bool {
    let is_last = *count == 1;
    if (1..u32::MAX).contains(count) {
        *count -= 1;
    }
    is_last
}

#[inline]
fn hash(hasher: &foldhash::fast::FixedState, value: Scalar<'_>) -> u64 {
    let mut hasher = hasher.build_hasher();
    hash_scalar(value, &mut hasher);
    hasher.finish()
}
