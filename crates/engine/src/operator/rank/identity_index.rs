//! An index of a partition's rows by their identity: it finds a retracted row where many rows have its sort
//! key.

use std::collections::VecDeque;

use hashbrown::HashTable;

use super::super::ordered::OrderedRow;
use super::super::row_identity::RowIdentity;

/// The rows of a partition, by their identity.
#[derive(Debug, Default)]
pub(super) struct IdentityIndex {
    by_identity: HashTable<IdenticalRows>,
}

/// The rows of a partition that are identical.
#[derive(Debug)]
struct IdenticalRows {
    hash: u64,
    /// The identical rows, in order of arrival; never empty.
    entries: VecDeque<OrderedRow>,
}

impl IdentityIndex {
    pub fn add(&mut self, entry: &OrderedRow, identity: &mut RowIdentity) {
        let hash = identity.hash(entry.row());
        let is_same =
            |rows: &IdenticalRows| rows.hash == hash && identity.is_same(rows.entries[0].row(), entry.row());
        match self.by_identity.entry(hash, is_same, |rows| rows.hash) {
            hashbrown::hash_table::Entry::Occupied(mut rows) => {
                rows.get_mut().entries.push_back(entry.clone());
            }
            hashbrown::hash_table::Entry::Vacant(rows) => {
                rows.insert(IdenticalRows { hash, entries: VecDeque::from(vec![entry.clone()]) });
            }
        }
    }

    /// Returns the first to arrive of the rows identical to a stored row.
    pub fn find(&self, row: &[u8], identity: &mut RowIdentity) -> Option<OrderedRow> {
        let hash = identity.hash(row);
        let is_same =
            |rows: &IdenticalRows| rows.hash == hash && identity.is_same(rows.entries[0].row(), row);
        self.by_identity.find(hash, is_same)?.entries.front().cloned()
    }

    /// Removes a row, mostly the first of its equals.
    pub fn remove(&mut self, entry: &OrderedRow, identity: &mut RowIdentity) {
        let hash = identity.hash(entry.row());
        let is_same =
            |rows: &IdenticalRows| rows.hash == hash && identity.is_same(rows.entries[0].row(), entry.row());
        let Ok(mut rows) = self.by_identity.find_entry(hash, is_same) else { return };

        let entries = &mut rows.get_mut().entries;
        if let Some(at) = entries.iter().position(|other| other == entry) {
            entries.remove(at);
        }
        if entries.is_empty() {
            rows.remove();
        }
    }

    /// Returns the bytes of the index; the rows themselves are shared.
    pub fn memory_bytes(&self) -> usize {
        self.by_identity.capacity() * (size_of::<IdenticalRows>() + 1)
            + self.by_identity.len() * size_of::<OrderedRow>()
    }
}
