//! Tables that are looked up: their rows are found by key, each time a row of a stream asks for them.
//!
//! The engine calls a lookup in threads of its own, with many keys at a time, so that an implementation may wait for a
//! server or read a file.

use types::{Interval, Scalar};

use super::ConnectorError;
use crate::row;

/// Opens lookups of one table.
pub trait LookupFactory: Send + Sync {
    /// Opens a lookup; each thread that asks has one.
    ///
    /// # Errors
    /// The table's options are wrong, or nothing is there that could ever be read.
    fn open(&self) -> Result<Box<dyn Lookup>, ConnectorError>;

    /// How long rows that were found may be used again; `None`: they are looked up each time.
    fn cache(&self) -> Option<CachePolicy>;
}

/// Finds rows by key.
///
/// An implementation must tell the rows as they are when it is called, and repeats by itself what fails and may succeed
/// later: an error ends the job.
pub trait Lookup: Send {
    /// Finds the rows of each key. A key holds the values that the join's columns must equal, in the compact form of
    /// [`crate::row`] and in the order of the plan, none of them null. Rows that do not equal the key in all columns may be
    /// added: they are left out by the join.
    ///
    /// # Errors
    /// The job fails.
    fn find(&mut self, keys: &[Box<[u8]>], found: &mut Found) -> Result<(), ConnectorError>;
}

/// How long rows that were found may be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// Rows, and keys without rows, that are kept at most.
    pub max_rows: usize,
    /// Since they were found.
    pub expire_after_write: Option<Interval>,
    /// Since they were last used.
    pub expire_after_access: Option<Interval>,
    /// Whether it is kept that a key has no rows.
    pub missing_keys: bool,
}

/// Rows that were found, by key.
#[derive(Debug)]
pub struct Found {
    /// By place of the key: its rows in the compact form.
    rows: Vec<Vec<Box<[u8]>>>,
    scratch: Vec<u8>,
}

impl Found {
    /// No rows yet, of so many keys.
    pub fn new(keys: usize) -> Found {
        Found { rows: vec![Vec::new(); keys], scratch: Vec::new() }
    }

    /// Adds a row of the key at a place; `values` are those of the plan's fields of the table, in order.
    pub fn add<'v>(&mut self, key: usize, values: impl IntoIterator<Item = Scalar<'v>>) {
        self.scratch.clear();
        row::write_all(values, &mut self.scratch);
        self.rows[key].push(self.scratch.as_slice().into());
    }

    /// The rows of each key.
    pub fn into_rows(self) -> Vec<Vec<Box<[u8]>>> {
        self.rows
    }
}
