//! A set of rows ordered by the ordered bytes of their sort key; rows with equal keys are in order of
//! arrival.
//!
//! An entry is one run of bytes that compares as the rows do:
//!
//! ```text
//! sort key, ordered form │ number of arrival, big-endian │ row, compact form
//! ```
//!
//! No sort key is a prefix of another, so arrival numbers are compared only where sort keys are equal.
//!
//! A set of few entries is a sorted vector, which is small: most partitions of a Top-N hold few rows, and
//! there may be millions of partitions. A larger set is a B-tree.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use sql::plan::operator::SortKey;

use super::changes::Changes;
use crate::row::{self, Reader};

/// The size of an arrival number in bytes.
pub(super) const ARRIVAL: usize = 8;

/// A vector with more entries becomes a B-tree.
const FEW: usize = 32;

/// A row with its sort key. A clone shares the bytes.
#[derive(Debug, Clone)]
pub(super) struct OrderedRow {
    bytes: Arc<[u8]>,
    /// The offset of the row in `bytes`.
    row_at: u32,
}

impl OrderedRow {
    /// Creates an entry from its bytes; the row begins at `row_at`.
    pub fn new(bytes: &[u8], row_at: usize) -> OrderedRow {
        OrderedRow { bytes: bytes.into(), row_at: row_at as u32 }
    }

    /// Creates the entry of a row whose sort key is a time, then `order`. `bytes` is a reused buffer.
    pub fn at_time(
        time: i64,
        order: &[SortKey],
        (rows, row): (&Changes<'_>, usize),
        arrival: u64,
        bytes: &mut Vec<u8>,
    ) -> OrderedRow {
        bytes.clear();
        bytes.extend_from_slice(&ordered_time(time));
        row::write_ordered(order, |field| rows.get(field, row), bytes);
        bytes.extend_from_slice(&arrival.to_be_bytes());
        let row_at = bytes.len();
        row::write_all(rows.row(row), bytes);
        OrderedRow::new(bytes, row_at)
    }

    /// Returns the time with which the sort key begins: see [`OrderedRow::at_time`].
    pub fn time(&self) -> Option<i64> {
        let time = self.key().first_chunk()?;
        Some((u64::from_be_bytes(*time) ^ 1 << 63) as i64)
    }

    /// Returns the sort key with the arrival number.
    #[inline]
    pub fn order(&self) -> &[u8] {
        &self.bytes[..self.row_at as usize]
    }

    /// Returns the sort key alone.
    #[inline]
    pub fn key(&self) -> &[u8] {
        &self.bytes[..self.row_at as usize - ARRIVAL]
    }

    #[inline]
    pub fn row(&self) -> &[u8] {
        &self.bytes[self.row_at as usize..]
    }

    /// Returns the bytes held, including the two counts of the shared allocation.
    fn memory_bytes(&self) -> usize {
        size_of::<OrderedRow>() + self.bytes.len() + 2 * size_of::<usize>()
    }

    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.row_at as usize, out);
        row::write_length(self.bytes.len(), out);
        out.extend_from_slice(&self.bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Option<OrderedRow> {
        let row_at = reader.length()?;
        let length = reader.length()?;
        let bytes = reader.run(length)?;
        let is_entry = ARRIVAL <= row_at && bytes.get(row_at..).is_some_and(row::is_sound);
        is_entry.then(|| OrderedRow::new(bytes, row_at))
    }
}

impl Borrow<[u8]> for OrderedRow {
    fn borrow(&self) -> &[u8] {
        self.order()
    }
}

impl PartialEq for OrderedRow {
    fn eq(&self, other: &OrderedRow) -> bool {
        self.order() == other.order()
    }
}

impl Eq for OrderedRow {}

impl PartialOrd for OrderedRow {
    fn partial_cmp(&self, other: &OrderedRow) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrderedRow {
    fn cmp(&self, other: &OrderedRow) -> Ordering {
        self.order().cmp(other.order())
    }
}

/// Encodes a time so that the bytes compare as the times do.
fn ordered_time(time: i64) -> [u8; 8] {
    (time as u64 ^ 1 << 63).to_be_bytes()
}

/// A set of entries in order.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    entries: Entries,
    entry_bytes: usize,
}

#[derive(Debug)]
enum Entries {
    Few(Vec<OrderedRow>),
    Many(BTreeSet<OrderedRow>),
}

impl Default for Entries {
    fn default() -> Entries {
        Entries::Few(Vec::new())
    }
}

impl Ordered {
    pub fn len(&self) -> usize {
        match &self.entries {
            Entries::Few(entries) => entries.len(),
            Entries::Many(entries) => entries.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn contains(&self, entry: &OrderedRow) -> bool {
        match &self.entries {
            Entries::Few(entries) => entries.binary_search(entry).is_ok(),
            Entries::Many(entries) => entries.contains(entry),
        }
    }

    pub fn first(&self) -> Option<&OrderedRow> {
        match &self.entries {
            Entries::Few(entries) => entries.first(),
            Entries::Many(entries) => entries.first(),
        }
    }

    #[inline]
    pub fn last(&self) -> Option<&OrderedRow> {
        match &self.entries {
            Entries::Few(entries) => entries.last(),
            Entries::Many(entries) => entries.last(),
        }
    }

    /// Adds an entry. No other entry may have the same order.
    pub fn insert(&mut self, entry: OrderedRow) {
        self.entry_bytes += entry.memory_bytes();
        match &mut self.entries {
            Entries::Few(entries) if entries.len() < FEW => {
                if entries.capacity() == 0 {
                    entries.reserve_exact(1);
                }
                let at = entries.partition_point(|other| *other < entry);
                entries.insert(at, entry);
            }
            Entries::Few(entries) => {
                let mut many: BTreeSet<OrderedRow> = std::mem::take(entries).into_iter().collect();
                many.insert(entry);
                self.entries = Entries::Many(many);
            }
            Entries::Many(entries) => {
                entries.insert(entry);
            }
        }
    }

    /// Removes and returns the entry with this order (sort key and arrival number).
    pub fn remove(&mut self, order: &[u8]) -> Option<OrderedRow> {
        let removed = match &mut self.entries {
            Entries::Few(entries) => {
                let at = entries.binary_search_by(|entry| entry.order().cmp(order)).ok()?;
                Some(entries.remove(at))
            }
            Entries::Many(entries) => entries.take(order),
        };
        self.took(removed)
    }

    pub fn pop_first(&mut self) -> Option<OrderedRow> {
        let first = match &mut self.entries {
            Entries::Few(entries) => (!entries.is_empty()).then(|| entries.remove(0)),
            Entries::Many(entries) => entries.pop_first(),
        };
        self.took(first)
    }

    pub fn pop_last(&mut self) -> Option<OrderedRow> {
        let last = match &mut self.entries {
            Entries::Few(entries) => entries.pop(),
            Entries::Many(entries) => entries.pop_last(),
        };
        self.took(last)
    }

    fn took(&mut self, entry: Option<OrderedRow>) -> Option<OrderedRow> {
        let entry = entry?;
        self.entry_bytes -= entry.memory_bytes();
        // The form stays a tree until the set is empty: a set that shrinks and grows around the limit does
        // not convert each time.
        if self.is_empty() {
            self.entries = Entries::default();
        }
        Some(entry)
    }

    /// Returns the entries from an order on, or from the first entry of a sort key on.
    pub fn from(&self, order: &[u8]) -> impl Iterator<Item = &OrderedRow> {
        let (few, many) = match &self.entries {
            Entries::Few(entries) => {
                let at = entries.partition_point(|entry| entry.order() < order);
                (&entries[at..], None)
            }
            Entries::Many(entries) => {
                let from = (Bound::Included(order), Bound::Unbounded);
                (&[][..], Some(entries.range::<[u8], _>(from)))
            }
        };
        few.iter().chain(many.into_iter().flatten())
    }

    pub fn iter(&self) -> impl Iterator<Item = &OrderedRow> {
        self.from(&[])
    }

    /// Returns the bytes held outside the set itself.
    pub fn heap_bytes(&self) -> usize {
        match &self.entries {
            Entries::Few(_) => self.entry_bytes,
            // Nodes of a B-tree are two thirds full on average.
            Entries::Many(entries) => self.entry_bytes + entries.len() * size_of::<OrderedRow>() / 2,
        }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.len(), out);
        self.iter().for_each(|entry| entry.write(out));
    }

    pub fn read(reader: &mut Reader<'_>) -> Option<Ordered> {
        let mut ordered = Ordered::default();
        for _ in 0..reader.length()? {
            ordered.insert(OrderedRow::read(reader)?);
        }
        Some(ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u8, arrival: u64) -> OrderedRow {
        let mut bytes = vec![key];
        bytes.extend_from_slice(&arrival.to_be_bytes());
        let row_at = bytes.len();
        // A row of two small whole numbers.
        bytes.extend_from_slice(&[key + 16, arrival as u8 + 16]);
        OrderedRow::new(&bytes, row_at)
    }

    fn content(ordered: &Ordered) -> Vec<(u8, u8)> {
        ordered.iter().map(|entry| (entry.row()[0] - 16, entry.row()[1] - 16)).collect()
    }

    #[test]
    fn few_and_many_entries_are_in_order() {
        for count in [3u64, 31, 32, 33, 200] {
            let mut ordered = Ordered::default();
            let mut expected = Vec::new();
            for arrival in 0..count {
                let key = (arrival * 7 % 5) as u8;
                ordered.insert(entry(key, arrival));
                expected.push((key, arrival as u8));
            }
            expected.sort_unstable();
            assert_eq!(content(&ordered), expected, "{count}");

            let from: Vec<u8> = ordered.from(&[3]).map(|entry| entry.key()[0]).collect();
            assert!(from.iter().all(|&key| key >= 3), "{from:?}");
            assert_eq!(from.len(), expected.iter().filter(|(key, _)| *key >= 3).count());

            let mut bytes = Vec::new();
            ordered.write(&mut bytes);
            let mut restored = Ordered::read(&mut Reader::new(&bytes)).unwrap();
            assert_eq!(content(&restored), expected);
            assert_eq!(restored.heap_bytes(), ordered.heap_bytes());

            assert_eq!(ordered.remove(entry(0, 0).order()).unwrap().row(), [16, 16]);
            assert!(ordered.remove(entry(0, 0).order()).is_none());
            assert_eq!(ordered.last().unwrap().row()[0] - 16, expected.last().unwrap().0);
            while let (Some(first), Some(_)) = (restored.pop_first(), restored.pop_last()) {
                assert!(restored.iter().all(|entry| *entry > first));
            }
            assert!(restored.is_empty() && restored.heap_bytes() == 0);
        }
    }
}
