//! An index of a partition's rows by their identity: it finds a retracted row where many rows have its sort
//! key.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;

use super::super::ordered::OrderedRow;
use crate::row::{self, Reader};

/// Which rows of a partition are identical.
#[derive(Debug)]
pub(super) enum Identity {
    /// Rows that are equal.
    Row,
    /// Rows with the same values in these fields, given by index among the stored fields, ascending.
    Fields { fields: Vec<usize>, of_one: Vec<u8>, of_other: Vec<u8> },
}

impl Identity {
    /// Identifies rows by these stored fields.
    pub fn of_fields(mut fields: Vec<usize>) -> Identity {
        fields.sort_unstable();
        Identity::Fields { fields, of_one: Vec::new(), of_other: Vec::new() }
    }

    /// Returns whether two stored rows are identical.
    pub fn is_same(&mut self, one: &[u8], other: &[u8]) -> bool {
        match self {
            Identity::Row => one == other,
            Identity::Fields { fields, of_one, of_other } => {
                select(fields, one, of_one);
                select(fields, other, of_other);
                of_one == of_other
            }
        }
    }

    fn hash(&mut self, row: &[u8]) -> u64 {
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        match self {
            Identity::Row => hasher.write(row),
            Identity::Fields { fields, of_one, .. } => {
                select(fields, row, of_one);
                hasher.write(of_one);
            }
        }
        hasher.finish()
    }
}

/// Writes some of a stored row's values in the compact form.
fn select(fields: &[usize], row: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut wanted = fields.iter().copied().peekable();
    for (field, value) in Reader::new(row).enumerate() {
        match wanted.peek() {
            None => return,
            Some(&next) if next == field => {
                row::write(value, out);
                wanted.next();
            }
            Some(_) => {}
        }
    }
}

/// The rows of a partition, by their identity.
#[derive(Debug, Default)]
pub(super) struct IdentityIndex {
    by_identity: HashTable<IdenticalRows>,
}

#[derive(Debug)]
struct IdenticalRows {
    hash: u64,
    /// The identical rows, in order of arrival; never empty.
    entries: VecDeque<OrderedRow>,
}

impl IdentityIndex {
    pub fn add(&mut self, entry: &OrderedRow, identity: &mut Identity) {
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
    pub fn find(&self, row: &[u8], identity: &mut Identity) -> Option<OrderedRow> {
        let hash = identity.hash(row);
        let is_same =
            |rows: &IdenticalRows| rows.hash == hash && identity.is_same(rows.entries[0].row(), row);
        self.by_identity.find(hash, is_same)?.entries.front().cloned()
    }

    /// Removes a row, mostly the first of its equals.
    pub fn remove(&mut self, entry: &OrderedRow, identity: &mut Identity) {
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
