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
use super::whole_values::WholeValues;
use crate::row;
use crate::state::StateValue;

/// The most calls that share a set.
pub(super) const CALLS: usize = 4;

/// How often each call saw a value. A count that has reached the greatest number stays there.
pub(super) type Counts = [u32; CALLS];

pub(super) const NO_COUNTS: Counts = [0; CALLS];

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct DistinctSet {
    /// Whole numbers, which most values are.
    whole: WholeValues,
    others: HashTable<(Kept, Counts)>,
    hasher: foldhash::fast::FixedState,
    /// Bytes of texts.
    value_bytes: usize,
}

impl DistinctSet {
    /// The hash of a value, for [`DistinctSet::add`].
    #[inline]
    pub fn hash(&self, value: Scalar<'_>) -> u64 {
        hash(&self.hasher, value)
    }

    /// Asks for the memory where a value is looked for.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.whole.prefetch(hash);
    }

    /// Adds a value with its hash for the calls whose bits are set in `wanted`, one at least; gives the bits of those that had
    /// not seen it.
    #[inline]
    pub fn add(&mut self, value: Scalar<'_>, hash: u64, wanted: u8) -> u8 {
        count(self.counts(value, hash), wanted)
    }

    /// Adds copies of a value, one at least, for one call, and says whether it had not seen it.
    pub fn add_copies(&mut self, value: Scalar<'_>, call: usize, copies: i64) -> bool {
        let counts = self.counts(value, self.hash(value));
        let is_new = counts[call] == 0;
        counts[call] = counts[call].saturating_add(u32::try_from(copies.max(1)).unwrap_or(u32::MAX));
        is_new
    }

    #[inline]
    fn counts(&mut self, value: Scalar<'_>, hash: u64) -> &mut Counts {
        let DistinctSet { whole, others, hasher, value_bytes } = self;
        if let Scalar::Int(value) = value {
            return whole.counts(value, hash, |value| self::hash(hasher, Scalar::Int(value)));
        }

        let rehash = |(there, _): &(Kept, Counts)| self::hash(hasher, there.as_scalar());
        match others.entry(hash, |(there, _)| is_same(there.as_scalar(), value), rehash) {
            Entry::Occupied(entry) => &mut entry.into_mut().1,
            Entry::Vacant(entry) => {
                let value = Kept::of(value);
                *value_bytes += value.heap_bytes();
                &mut entry.insert((value, NO_COUNTS)).into_mut().1
            }
        }
    }

    /// Takes a copy of a value away from a call, and says whether it was the last. A value that is not there is passed over.
    pub fn remove(&mut self, value: Scalar<'_>, call: usize) -> bool {
        if let Scalar::Int(value) = value {
            let hash = |value| hash(&self.hasher, Scalar::Int(value));
            return self.whole.remove(value, hash, |counts| uncount(&mut counts[call]));
        }

        let is_it = |(there, _): &(Kept, Counts)| is_same(there.as_scalar(), value);
        let Ok(mut entry) = self.others.find_entry(self.hash(value), is_it) else { return false };
        let is_last = uncount(&mut entry.get_mut().1[call]);
        if entry.get().1 == NO_COUNTS {
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
        self.whole.heap_bytes()
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
