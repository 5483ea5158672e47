//! Lookup tables: their rows are found by key, each time a row of a stream needs them.
//!
//! The engine calls a lookup in separate threads, with many keys at a time, so that an implementation may
//! wait for a server or read a file.

use types::{Interval, Scalar};

use super::ConnectorError;
use crate::row;

/// Opens lookups of one table.
pub trait LookupFactory: Send + Sync {
    /// Opens a lookup; each thread has its own.
    ///
    /// # Errors
    /// The table's options are wrong, or the table can never be read.
    fn open(&self) -> Result<Box<dyn Lookup>, ConnectorError>;

    /// Returns how long found rows may be cached. `None`: they are looked up each time.
    fn cache(&self) -> Option<CachePolicy>;
}

/// Finds rows by key.
///
/// An implementation must return the rows as they are at the time of the call, and must retry failures that
/// may be temporary: an error ends the job.
pub trait Lookup: Send {
    /// Finds the rows of each key. A key holds the values that the join's columns must equal, in the compact
    /// form of [`crate::row`] and in the order of the plan; none of them is null. The implementation may add
    /// rows that do not equal the key in all columns: the join leaves them out.
    ///
    /// # Errors
    /// The job fails.
    fn find(&mut self, keys: &[Box<[u8]>], found: &mut Found) -> Result<(), ConnectorError>;
}

/// How long found rows may be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// The maximum number of cached rows, plus keys without rows.
    pub max_rows: usize,
    /// The time since they were found.
    pub expire_after_write: Option<Interval>,
    /// The time since they were last used.
    pub expire_after_access: Option<Interval>,
    /// Whether keys without rows are cached too.
    pub missing_keys: bool,
}

/// The found rows, by key.
#[derive(Debug)]
pub struct Found {
    /// Per place of a key: its rows in the compact form.
    rows: Vec<Vec<Box<[u8]>>>,
    scratch: Vec<u8>,
}

impl Found {
    /// Creates an empty result for this many keys.
    pub fn new(keys: usize) -> Found {
        Found { rows: vec![Vec::new(); keys], scratch: Vec::new() }
    }

    /// Adds a row of the key at a place; `values` are those of the plan's fields of the table, in order.
    pub fn add<'v>(&mut self, key: usize, values: impl IntoIterator<Item = Scalar<'v>>) {
        self.scratch.clear();
        row::write_all(values, &mut self.scratch);
        self.rows[key].push(self.scratch.as_slice().into());
    }

    /// Returns the rows of each key.
    pub fn into_rows(self) -> Vec<Vec<Box<[u8]>>> {
        self.rows
    }
}
