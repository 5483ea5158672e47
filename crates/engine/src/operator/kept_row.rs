//! Rows stored under a key without the fields of the key, which every row of that key has.
//!
//! ```text
//! row     [7, a, 3]     key fields: 1
//! stored  [7, 3]        shown beside a later row [8, a, 4] of the same key: [7, a, 3]
//! ```

use types::Scalar;

use super::changes::{ChangeBuffer, Changes, RowKind};
use super::copy::{push_stored, push_value};
use crate::row::{self, Reader};

/// The fields of a row that are stored.
#[derive(Debug)]
pub(super) struct KeptRow {
    /// One flag per field.
    is_key: Vec<bool>,
    kept: Vec<usize>,
}

impl KeptRow {
    /// Describes rows of `fields` fields under a key of the fields `key`.
    pub fn new(fields: usize, key: &[usize]) -> KeptRow {
        let is_key: Vec<bool> = (0..fields).map(|field| key.contains(&field)).collect();
        let kept = (0..fields).filter(|&field| !is_key[field]).collect();
        KeptRow { is_key, kept }
    }

    /// Returns the position of a field among the stored ones, or `None` for a key field.
    pub fn place(&self, field: usize) -> Option<usize> {
        self.kept.binary_search(&field).ok()
    }

    /// Appends the stored fields of a row in the compact form.
    #[inline]
    pub fn write(&self, rows: &Changes<'_>, row: usize, out: &mut Vec<u8>) {
        row::write_fields(rows.columns, &self.kept, row, out);
    }

    /// Adds a stored row and the value `behind` to `out`. The key's values come from `row`, which has the
    /// same key.
    #[inline]
    pub fn push(
        &self,
        (kind, kept): (RowKind, &[u8]),
        (rows, row): (&Changes<'_>, usize),
        behind: Scalar<'_>,
        out: &mut ChangeBuffer,
    ) {
        let mut kept = Reader::new(kept);
        out.push_with(kind, rows.watermark(row), |field, column| match self.is_key.get(field) {
            Some(true) => push_value(column, rows.columns[field], row),
            Some(false) => push_stored(column, kept.unchecked()),
            None => column.push(behind),
        });
    }
}
