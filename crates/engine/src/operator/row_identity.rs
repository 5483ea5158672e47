//! The identity of stored rows: which of them a retraction or an update refers to.
//!
//! Rows of a query without an upsert key are identical if all their values are. With an upsert key, rows with equal
//! values there are identical, whatever the other values:
//!
//! ```text
//! upsert key [id]     stored [id 7, v 1]     +U [id 7, v 2] replaces it     -D [id 7, …] removes it
//! ```

use std::hash::{BuildHasher, Hasher};

use crate::row::{self, Reader};

/// Which stored rows are identical.
#[derive(Debug)]
pub(super) enum RowIdentity {
    /// Rows that are equal in all fields.
    Row,
    /// Rows with the same values in these fields, given by index among the stored fields, ascending.
    Fields { fields: Vec<usize>, of_one: Vec<u8>, of_other: Vec<u8> },
}

impl RowIdentity {
    /// Identifies rows by these stored fields.
    pub fn of_fields(mut fields: Vec<usize>) -> RowIdentity {
        fields.sort_unstable();
        RowIdentity::Fields { fields, of_one: Vec::new(), of_other: Vec::new() }
    }

    /// Returns whether two stored rows are identical.
    pub fn is_same(&mut self, one: &[u8], other: &[u8]) -> bool {
        match self {
            RowIdentity::Row => one == other,
            RowIdentity::Fields { fields, of_one, of_other } => {
                select(fields, one, of_one);
                select(fields, other, of_other);
                of_one == of_other
            }
        }
    }

    /// Returns a hash that identical rows share.
    pub fn hash(&mut self, row: &[u8]) -> u64 {
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        match self {
            RowIdentity::Row => hasher.write(row),
            RowIdentity::Fields { fields, of_one, .. } => {
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
