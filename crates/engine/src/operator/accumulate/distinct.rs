//! `DISTINCT`: each value enters the call's own state once, and leaves it with its last copy. Also `COLLECT`,
//! whose result is the values with their counts.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use types::Scalar;

use super::any_accumulator::{Accumulator, AnyAccumulator};
use super::call::{AccumulatorKind, CallSpec};
use super::nested;
use super::owned_value::{OwnedValue, hash_scalar, is_same};
use crate::row::{self, Reader};
use crate::state::StateValue;

/// A multiset of values without order.
#[derive(Debug, Default)]
pub(super) struct Counted {
    values: HashTable<(OwnedValue, i64)>,
    hasher: foldhash::fast::FixedState,
    /// The bytes of texts.
    value_bytes: usize,
}

impl Counted {
    /// Adds copies of a value; returns whether the value is new.
    #[inline]
    pub fn add(&mut self, value: Scalar<'_>, count: i64) -> bool {
        let hasher = &self.hasher;
        let is_it = |(there, _): &(OwnedValue, i64)| is_same(there.as_scalar(), value);
        let rehash = |(there, _): &(OwnedValue, i64)| hash(hasher, there.as_scalar());
        match self.values.entry(hash(hasher, value), is_it, rehash) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().1 += count;
                false
            }
            Entry::Vacant(entry) => {
                let value = OwnedValue::of(value);
                self.value_bytes += value.heap_bytes();
                entry.insert((value, count));
                true
            }
        }
    }

    /// Removes a copy of a value; returns whether it was the last. Ignores a value that is absent.
    pub fn remove(&mut self, value: Scalar<'_>) -> bool {
        let found =
            self.values.find_entry(hash(&self.hasher, value), |(there, _)| is_same(there.as_scalar(), value));
        let Ok(mut entry) = found else { return false };
        entry.get_mut().1 -= 1;
        if entry.get().1 > 0 {
            return false;
        }
        let ((gone, _), _) = entry.remove();
        self.value_bytes -= gone.heap_bytes();
        true
    }

    /// Returns the number of copies of a value.
    pub fn count(&self, value: Scalar<'_>) -> i64 {
        let is_it = |(there, _): &(OwnedValue, i64)| is_same(there.as_scalar(), value);
        self.values.find(hash(&self.hasher, value), is_it).map_or(0, |(_, count)| *count)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&OwnedValue, i64)> {
        self.values.iter().map(|(value, count)| (value, *count))
    }

    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.values.len(), out);
        for (value, count) in self.iter() {
            value.write(out);
            count.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Counted> {
        let mut counted = Counted::default();
        for _ in 0..reader.length()? {
            let value = reader.value()?;
            counted.add(value, i64::read(reader)?);
        }
        Some(counted)
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        // Each slot has one control byte beside its entry.
        self.values.capacity() * (size_of::<(OwnedValue, i64)>() + 1) + self.value_bytes
    }
}

#[inline]
fn hash(hasher: &foldhash::fast::FixedState, value: Scalar<'_>) -> u64 {
    let mut hasher = hasher.build_hasher();
    hash_scalar(value, &mut hasher);
    hasher.finish()
}

#[derive(Debug)]
pub(super) struct Distinct {
    pub seen: Counted,
    pub inner: AnyAccumulator,
}

impl Distinct {
    pub fn new(form: AccumulatorKind) -> Distinct {
        Distinct { seen: Counted::default(), inner: AnyAccumulator::of_form(form) }
    }
}

/// Calls `take` with a key that identifies the arguments.
fn with_key<T>(args: &[Scalar<'_>], take: impl FnOnce(Scalar<'_>) -> T) -> T {
    if let [only] = args {
        return take(*only);
    }
    let mut key = Vec::new();
    row::write_all(args.iter().copied(), &mut key);
    take(Scalar::Bytes(&key))
}

impl Accumulator for Distinct {
    #[inline]
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        if with_key(args, |key| self.seen.add(key, 1)) { self.inner.add(call, args) } else { Ok(()) }
    }

    fn retract(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        if with_key(args, |key| self.seen.remove(key)) { self.inner.retract(call, args) } else { Ok(()) }
    }

    fn merge(&mut self, call: &CallSpec, other: Distinct) -> Result<(), String> {
        // The set has no order, but the values of the other call's state may have one.
        if let AnyAccumulator::Sequence(values) = &other.inner {
            for value in values.iter() {
                if self.seen.add(value.as_scalar(), other.seen.count(value.as_scalar())) {
                    self.inner.add(call, &[value.as_scalar()])?;
                }
            }
            return Ok(());
        }

        for (value, count) in other.seen.iter() {
            if !self.seen.add(value.as_scalar(), count) {
                continue;
            }
            match value {
                OwnedValue::Bytes(key) if call.args.len() > 1 => {
                    let args: Vec<Scalar<'_>> = Reader::new(key).collect();
                    self.inner.add(call, &args)?;
                }
                value => self.inner.add(call, &[value.as_scalar()])?,
            }
        }
        Ok(())
    }

    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        self.inner.write_result(call, out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.seen.write(out);
        self.inner.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Distinct> {
        Some(Distinct { seen: Counted::read(reader)?, inner: AnyAccumulator::read(reader)? })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.seen.heap_bytes() + self.inner.heap_bytes()
    }
}

/// `COLLECT`. The result over no values is empty, not null.
#[derive(Debug, Default)]
pub(super) struct Collect(Counted);

impl Accumulator for Collect {
    fn add(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        args.iter().for_each(|&value| {
            self.0.add(value, 1);
        });
        Ok(())
    }

    fn retract(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        args.iter().for_each(|&value| {
            self.0.remove(value);
        });
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: Collect) -> Result<(), String> {
        other.0.iter().for_each(|(value, count)| {
            self.0.add(value.as_scalar(), count);
        });
        Ok(())
    }

    fn write_result(&self, _call: &CallSpec, out: &mut Vec<u8>) {
        nested::write_multiset(self.0.iter().map(|(value, count)| (value.as_scalar(), count)), out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Collect> {
        Counted::read(reader).map(Collect)
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}
