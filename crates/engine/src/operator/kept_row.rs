//! Rows that are kept under a key: without the fields of the key, which every row of the key brings along.
//!
//! ```text
//! row      [7, a, 3]      key fields: 1
//! kept     [7, 3]         shown beside a later row [8, a, 4] of the same key: [7, a, 3]
//! ```

use types::Scalar;

use super::changes::Changes;
use crate::row::{self, Reader};

/// Which fields of a row are kept.
#[derive(Debug)]
pub(super) struct KeptRow {
    /// By field.
    is_key: Vec<bool>,
    kept: Vec<usize>,
}

impl KeptRow {
    /// Rows of so many fields, under a key of these.
    pub fn new(fields: usize, key: &[usize]) -> KeptRow {
        let is_key: Vec<bool> = (0..fields).map(|field| key.contains(&field)).collect();
        let kept = (0..fields).filter(|&field| !is_key[field]).collect();
        KeptRow { is_key, kept }
    }

    /// Where a field stands among the kept ones.
    pub fn place(&self, field: usize) -> Option<usize> {
        self.kept.binary_search(&field).ok()
    }

    /// Adds the kept fields of a row in the compact form.
    #[inline]
    pub fn write(&self, rows: &Changes<'_>, row: usize, out: &mut Vec<u8>) {
        row::write_all(rows.values(&self.kept, row), out);
    }

    /// All values of a kept row; the key's are taken from `row`, which has the same key.
    #[inline]
    pub fn values<'a>(
        &'a self,
        kept: &'a [u8],
        rows: &'a Changes<'_>,
        row: usize,
    ) -> impl Iterator<Item = Scalar<'a>> {
        let mut kept = Reader::new(kept);
        self.is_key.iter().enumerate().map(move |(field, &is_key)| match is_key {
            true => rows.get(field, row),
            false => kept.value().unwrap_or(Scalar::Null),
        })
    }
}
