//! The values of one argument that several `DISTINCT` calls have seen: a map from the value to the calls that saw it.
//!
//! ```text
//! COUNT(DISTINCT bidder), COUNT(DISTINCT bidder) FILTER (WHERE price < 10)
//!
//! bidder   seen by
//!      7   11            a bit for each call of the set, from the right
//!      9   01
//! ```
//!
//! A row looks its value up once for all calls. A set never retracts, so it does not count the copies of a value. In a
//! snapshot each call has a set of its own, in which each value was seen once.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use types::Scalar;

use super::distinct::Counted;
use super::owned_value::{OwnedValue, hash_scalar, is_same};
use super::whole_values::WholeValues;
use crate::row;
use crate::state::StateValue;

/// The most calls that share a set: one a bit.
pub(super) const CALLS: usize = 8;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct DistinctSet {
    /// Whole numbers, which most values are.
    whole: WholeValues,
    others: HashTable<(OwnedValue, u8)>,
    hasher: foldhash::fast::FixedState,
    /// Bytes of texts.
    value_bytes: usize,
}

impl DistinctSet {
    /// Returns the hash of a value, for [`DistinctSet::add`].
    #[inline]
    pub fn hash(&self, value: Scalar<'_>) -> u64 {
        hash(&self.hasher, value)
    }

    /// Prefetches the cache line in which a value is searched.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.whole.prefetch(hash);
    }

    /// Adds a value with its hash for the calls whose bits are set in `wanted`, at least one. Returns the bits of the
    /// calls that had not seen the value.
    #[inline]
    pub fn add(&mut self, value: Scalar<'_>, hash: u64, wanted: u8) -> u8 {
        let seen = self.seen(value, hash);
        let new = wanted & !*seen;
        *seen |= wanted;
        new
    }

    /// Adds a value for one call. Returns whether the value is new to the call.
    pub fn add_for(&mut self, call: usize, value: Scalar<'_>) -> bool {
        self.add(value, self.hash(value), 1 << call) != 0
    }

    #[inline]
    fn seen(&mut self, value: Scalar<'_>, hash: u64) -> &mut u8 {
        let DistinctSet { whole, others, hasher, value_bytes } = self;
        if let Scalar::Int(value) = value {
            return whole.bits(value, hash, |value| self::hash(hasher, Scalar::Int(value)));
        }

        let rehash = |(there, _): &(OwnedValue, u8)| self::hash(hasher, there.as_scalar());
        match others.entry(hash, |(there, _)| is_same(there.as_scalar(), value), rehash) {
            Entry::Occupied(entry) => &mut entry.into_mut().1,
            Entry::Vacant(entry) => {
                let value = OwnedValue::of(value);
                *value_bytes += value.heap_bytes();
                &mut entry.insert((value, 0)).into_mut().1
            }
        }
    }

    /// Returns the values that a call has seen, in no order.
    pub fn seen_by(&self, call: usize) -> impl Iterator<Item = Scalar<'_>> {
        let whole = self.whole.iter().map(|(value, seen)| (Scalar::Int(value), seen));
        let others = self.others.iter().map(|(value, seen)| (value.as_scalar(), *seen));
        let all = whole.chain(others);
        all.filter_map(move |(value, seen)| (seen >> call & 1 == 1).then_some(value))
    }

    /// Adds the values that a call has seen in a set of its own.
    pub fn take_over(&mut self, call: usize, seen: &Counted) {
        for (value, _) in seen.iter() {
            self.add_for(call, value.as_scalar());
        }
    }

    /// Appends the values that a call has seen to a snapshot image, in the form of [`Counted`].
    pub fn write(&self, call: usize, out: &mut Vec<u8>) {
        row::write_length(self.seen_by(call).count(), out);
        for value in self.seen_by(call) {
            row::write(value, out);
            1_i64.write(out);
        }
    }

    #[inline]
    pub fn heap_bytes(&self) -> usize {
        // Each slot has one control byte beside the entry.
        self.whole.heap_bytes()
            + self.others.capacity() * (size_of::<(OwnedValue, u8)>() + 1)
            + self.value_bytes
    }
}

#[inline]
fn hash(hasher: &foldhash::fast::FixedState, value: Scalar<'_>) -> u64 {
    let mut hasher = hasher.build_hasher();
    hash_scalar(value, &mut hasher);
    hasher.finish()
}
