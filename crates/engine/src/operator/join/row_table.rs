//! The rows under a key that holds many: a hash table that keeps the order of arrival.
//!
//! Rows are in slots; an index finds the slot of a row by its hash. A removed row leaves its slot empty, and
//! when more slots are empty than taken the remaining rows move together. So adding, finding and removing
//! cost the same for ten rows and for a million, and partners are visited in order of arrival.
//!
//! ```text
//! slots    [row a] [     ] [row c] [row d]
//! index    a → 0     c → 2   d → 3
//! ```

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::row;
use crate::state::StateValue;

/// With fewer slots than this, rows are not moved together.
const FEW_SLOTS: usize = 16;

/// The rows of a key; see the module documentation.
#[derive(Debug, Default)]
pub(crate) struct RowTable {
    slots: Vec<Option<StoredRow>>,
    index: HashTable<Indexed>,
    row_bytes: usize,
    /// The number of copies of all rows together.
    total: u64,
}

/// A row, its number of copies, and its number of partners on the other side.
#[derive(Debug)]
struct StoredRow {
    row: Box<[u8]>,
    count: u64,
    partners: u64,
}

/// The slot of a row. The stored hash avoids most comparisons of rows, and rehashing when the index grows.
#[derive(Debug, Clone, Copy)]
struct Indexed {
    slot: u32,
    hash: u32,
}

impl Indexed {
    /// Spreads the hash over 64 bits, because the index uses the highest and the lowest bits.
    #[inline]
    fn spread(self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

fn hash(row: &[u8]) -> u32 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(row);
    hasher.finish() as u32
}

impl RowTable {
    /// Returns the number of distinct rows.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns the number of copies of all rows together.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the bytes of the rows.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    fn find(&self, row: &[u8], hash: u32) -> Option<usize> {
        let is_row = |entry: &Indexed| {
            entry.hash == hash
                && self.slots[entry.slot as usize].as_ref().is_some_and(|slot| *slot.row == *row)
        };
        let spread = Indexed { slot: 0, hash }.spread();
        self.index.find(spread, is_row).map(|entry| entry.slot as usize)
    }

    /// Adds copies of a row. An existing equal row keeps its partners.
    pub fn add(&mut self, row: &[u8], count: u64, partners: u64) {
        self.total += count;
        let hash = hash(row);
        if let Some(slot) = self.find(row, hash) {
            if let Some(slot) = &mut self.slots[slot] {
                slot.count += count;
            }
            return;
        }

        self.row_bytes += row.len();
        self.slots.push(Some(StoredRow { row: row.into(), count, partners }));
        self.index_last(hash);
    }

    fn index_last(&mut self, hash: u32) {
        let entry = Indexed { slot: (self.slots.len() - 1) as u32, hash };
        self.index.insert_unique(entry.spread(), entry, |entry| entry.spread());
    }

    /// Removes a copy of a row; returns the row's number of partners, or `None` if there is no such row.
    pub fn remove(&mut self, row: &[u8]) -> Option<u64> {
        let hash = hash(row);
        let at = self.find(row, hash)?;
        let slot = self.slots[at].as_mut()?;
        self.total -= 1;
        slot.count -= 1;
        let partners = slot.partners;
        if slot.count > 0 {
            return Some(partners);
        }

        if let Ok(entry) =
            self.index.find_entry(Indexed { slot: 0, hash }.spread(), |entry| entry.slot as usize == at)
        {
            entry.remove();
        }
        self.slots[at] = None;
        self.row_bytes -= row.len();
        if self.slots.len() > FEW_SLOTS.max(2 * self.index.len()) {
            self.close_up();
        }
        Some(partners)
    }

    /// Moves the rows together.
    fn close_up(&mut self) {
        let slots = std::mem::take(&mut self.slots);
        self.index.clear();
        self.slots.reserve(slots.len() / 2);
        for slot in slots.into_iter().flatten() {
            let hash = hash(&slot.row);
            self.slots.push(Some(slot));
            self.index_last(hash);
        }
        self.index.shrink_to(0, |entry| entry.spread());
    }

    /// Returns the rows from a slot on: slot, row, count and partners.
    pub fn rows_from(&self, from: usize) -> impl Iterator<Item = (usize, &[u8], u64, u64)> {
        let slots = self.slots.iter().enumerate().skip(from);
        slots.filter_map(|(at, slot)| slot.as_ref().map(|slot| (at, &*slot.row, slot.count, slot.partners)))
    }

    /// Calls `change` with the rows in some slots and their partners.
    pub fn visit<E>(
        &mut self,
        (from, to): (usize, usize),
        mut change: impl FnMut(&[u8], u64, &mut u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let to = to.min(self.slots.len());
        for slot in self.slots[from.min(to)..to].iter_mut().flatten() {
            change(&slot.row, slot.count, &mut slot.partners)?;
        }
        Ok(())
    }
}

impl StateValue for RowTable {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.len(), out);
        for (_, row, count, partners) in self.rows_from(0) {
            row::write_length(row.len(), out);
            out.extend_from_slice(row);
            row::write_length(count as usize, out);
            row::write_length(partners as usize, out);
        }
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<RowTable> {
        let mut table = RowTable::default();
        for _ in 0..reader.length()? {
            let length = reader.length()?;
            let row = reader.run(length)?;
            let (count, partners) = (reader.length()? as u64, reader.length()? as u64);
            table.add(row, count, partners);
        }
        Some(table)
    }

    fn heap_bytes(&self) -> usize {
        let slots = self.slots.capacity() * size_of::<Option<StoredRow>>();
        slots + self.index.capacity() * (size_of::<Indexed>() + 1) + self.row_bytes
    }
}
