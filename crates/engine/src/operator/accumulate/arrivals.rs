//! Values in order of arrival, from which the earliest of equal values can be removed.
//!
//! Most groups have few values: these form a list that is searched from the front. Where there are more than
//! [`FEW`], each value has a number, and an index maps a value's hash to its numbers:
//!
//! ```text
//! values  0: a   1: b   2: a       index  (hash a, 0) (hash a, 2) (hash b, 1)
//! remove a: the first entry of its hash is number 0
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};

use types::Scalar;

use super::owned_value::{OwnedValue, hash_scalar, is_same};
use crate::row::{self, Reader};

/// The most values of a list.
const FEW: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Arrivals {
    few: Vec<OwnedValue>,
    /// Holds the values if there are more than [`FEW`]; `few` is empty then.
    many: Option<Box<Numbered>>,
    /// The bytes of texts.
    value_bytes: usize,
}

#[derive(Debug, Default)]
struct Numbered {
    next: u64,
    values: BTreeMap<u64, OwnedValue>,
    index: BTreeSet<(u64, u64)>,
    hasher: foldhash::fast::FixedState,
}

impl Numbered {
    fn hash(&self, value: Scalar<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hash_scalar(value, &mut hasher);
        hasher.finish()
    }

    fn push(&mut self, value: OwnedValue) {
        self.index.insert((self.hash(value.as_scalar()), self.next));
        self.values.insert(self.next, value);
        self.next += 1;
    }

    fn remove(&mut self, value: Scalar<'_>) -> Option<OwnedValue> {
        let hash = self.hash(value);
        let has_value = |&&(_, number): &&(u64, u64)| {
            self.values.get(&number).is_some_and(|there| is_same(there.as_scalar(), value))
        };
        let entry = *self.index.range((hash, 0)..=(hash, u64::MAX)).find(has_value)?;
        self.index.remove(&entry);
        self.values.remove(&entry.1)
    }
}

impl Arrivals {
    pub fn len(&self) -> usize {
        self.few.len() + self.many.as_ref().map_or(0, |many| many.values.len())
    }

    pub fn push(&mut self, value: Scalar<'_>) {
        let value = OwnedValue::of(value);
        self.value_bytes += value.heap_bytes();
        if let Some(many) = &mut self.many {
            many.push(value);
            return;
        }
        self.few.push(value);
        if self.few.len() > FEW {
            let mut many = Box::<Numbered>::default();
            std::mem::take(&mut self.few).into_iter().for_each(|value| many.push(value));
            self.many = Some(many);
        }
    }

    /// Removes the earliest of the equal values. Ignores a value that is absent.
    pub fn remove(&mut self, value: Scalar<'_>) {
        let gone = match &mut self.many {
            Some(many) => many.remove(value),
            None => {
                let at = self.few.iter().position(|there| is_same(there.as_scalar(), value));
                at.map(|at| self.few.remove(at))
            }
        };
        self.value_bytes -= gone.map_or(0, |gone| gone.heap_bytes());
        if self.many.as_ref().is_some_and(|many| many.values.is_empty()) {
            self.many = None;
        }
    }

    pub fn first(&self) -> Option<&OwnedValue> {
        let many = || self.many.as_ref()?.values.first_key_value().map(|(_, value)| value);
        self.few.first().or_else(many)
    }

    pub fn last(&self) -> Option<&OwnedValue> {
        let many = || self.many.as_ref()?.values.last_key_value().map(|(_, value)| value);
        self.few.last().or_else(many)
    }

    pub fn iter(&self) -> impl Iterator<Item = &OwnedValue> {
        self.few.iter().chain(self.many.iter().flat_map(|many| many.values.values()))
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.len(), out);
        self.iter().for_each(|value| value.write(out));
    }

    pub fn read(reader: &mut Reader<'_>) -> Option<Arrivals> {
        let mut arrivals = Arrivals::default();
        for _ in 0..reader.length()? {
            arrivals.push(reader.value()?);
        }
        Some(arrivals)
    }

    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let many = self.many.as_ref().map_or(0, |many| {
            // Nodes of a B-tree are two thirds full on average.
            let entry = size_of::<(u64, OwnedValue)>() + size_of::<(u64, u64)>();
            size_of::<Numbered>() + many.values.len() * entry * 3 / 2
        });
        self.few.capacity() * size_of::<OwnedValue>() + many + self.value_bytes
    }
}
