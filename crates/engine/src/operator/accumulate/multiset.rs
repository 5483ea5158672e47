//! Values in order, each with its number of copies: the state of `MIN`, `MAX` and `PERCENTILE` where rows are
//! retracted.
//!
//! Most groups have few values: these form a sorted list. More than [`FEW`] values form a B-tree.

use std::collections::BTreeMap;

use types::Scalar;

use super::owned_value::{InOrder, OwnedValue};
use crate::row::{self, Reader};
use crate::state::StateValue;

/// The most values of a list. (A node of a B-tree has room for 11.)
const FEW: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Multiset {
    few: Vec<(InOrder, i64)>,
    /// If it has values, `few` is empty.
    many: BTreeMap<InOrder, i64>,
    /// The bytes of texts.
    value_bytes: usize,
}

impl Multiset {
    pub fn is_empty(&self) -> bool {
        self.few.is_empty() && self.many.is_empty()
    }

    pub fn add(&mut self, value: Scalar<'_>, count: i64) {
        let value = InOrder(OwnedValue::of(value));

        if !self.many.is_empty() {
            let bytes = value.0.heap_bytes();
            let there = self.many.entry(value).or_insert_with(|| {
                self.value_bytes += bytes;
                0
            });
            *there += count;
            return;
        }

        match self.few.binary_search_by(|(there, _)| there.cmp(&value)) {
            Ok(at) => self.few[at].1 += count,
            Err(at) => {
                self.value_bytes += value.0.heap_bytes();
                self.few.insert(at, (value, count));
                if self.few.len() > FEW {
                    self.many.extend(std::mem::take(&mut self.few));
                }
            }
        }
    }

    /// Removes copies of a value. Ignores a value that is absent.
    pub fn remove(&mut self, value: Scalar<'_>, count: i64) {
        let value = InOrder(OwnedValue::of(value));
        if let Some(there) = self.many.get_mut(&value) {
            *there -= count;
            if *there <= 0
                && let Some((gone, _)) = self.many.remove_entry(&value)
            {
                self.value_bytes -= gone.0.heap_bytes();
            }
        } else if let Ok(at) = self.few.binary_search_by(|(there, _)| there.cmp(&value)) {
            self.few[at].1 -= count;
            if self.few[at].1 <= 0 {
                let (gone, _) = self.few.remove(at);
                self.value_bytes -= gone.0.heap_bytes();
            }
        }
    }

    pub fn first(&self) -> Option<&OwnedValue> {
        let few = self.few.first().map(|(value, _)| value);
        few.or_else(|| self.many.first_key_value().map(|(value, _)| value)).map(|value| &value.0)
    }

    pub fn last(&self) -> Option<&OwnedValue> {
        let few = self.few.last().map(|(value, _)| value);
        few.or_else(|| self.many.last_key_value().map(|(value, _)| value)).map(|value| &value.0)
    }

    /// Returns every value with its count, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&OwnedValue, i64)> {
        let few = self.few.iter().map(|(value, count)| (&value.0, *count));
        few.chain(self.many.iter().map(|(value, count)| (&value.0, *count)))
    }

    pub fn merge(&mut self, other: &Multiset) {
        other.iter().for_each(|(value, count)| self.add(value.as_scalar(), count));
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.few.len() + self.many.len(), out);
        for (value, count) in self.iter() {
            value.write(out);
            count.write(out);
        }
    }

    pub fn read(reader: &mut Reader<'_>) -> Option<Multiset> {
        let mut set = Multiset::default();
        for _ in 0..reader.length()? {
            let value = reader.value()?;
            set.add(value, i64::read(reader)?);
        }
        Some(set)
    }

    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let entry = size_of::<(InOrder, i64)>();
        // Nodes of a B-tree are two thirds full on average.
        self.few.capacity() * entry + self.many.len() * entry * 3 / 2 + self.value_bytes
    }
}
