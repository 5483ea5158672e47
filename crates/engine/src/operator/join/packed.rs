//! A few rows under one key, in a single allocation.
//!
//! Most keys of a join hold one row or a handful. Their rows are in one run of bytes, so that a key costs one
//! allocation and no headers:
//!
//! ```text
//! a list:     [partners: 6] [count: varint] [length: varint] [row]   [partners] [count] [length] [row]   …
//! a unique:   [partners: 6] [row]
//! ```
//!
//! `partners` is present only on sides that track it. Its width is fixed, so that an added or removed partner
//! changes the bytes in place. Invalid bytes end the list: a reader never panics.

use crate::aggregate::keys::prefetch;
use crate::row;
use crate::state::StateValue;

/// The form in which the rows of a side are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowForm {
    /// Rows are unique by their key, almost always: a key that holds several rows moves to a table.
    pub unique: bool,
    /// Each row has a number of partners.
    pub tracks: bool,
}

/// A list with more rows or bytes becomes a table, because finding a row in a list is linear.
const MOST_ROWS: usize = 8;
const MOST_BYTES: usize = 4_096;

/// Six bytes can count more copies of a row than any job sees.
const PARTNERS_BYTES: usize = 6;

/// A run of rows; see the module documentation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packed(Box<[u8]>);

/// A row of a list, with its position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackedRow<'a> {
    start: usize,
    end: usize,
    pub row: &'a [u8],
    pub count: u64,
    pub partners: u64,
}

impl Packed {
    pub fn new(form: RowForm, row: &[u8], count: u64, partners: u64) -> Packed {
        Packed::of(form, [(row, count, partners)].into_iter())
    }

    /// Builds a list of rows with their counts and partners.
    pub fn of<'a>(form: RowForm, rows: impl Iterator<Item = (&'a [u8], u64, u64)>) -> Packed {
        let mut bytes = Vec::new();
        for (row, count, partners) in rows {
            bytes.reserve_exact(most_bytes(form, row));
            write(form, row, count, partners, &mut bytes);
        }
        Packed(bytes.into_boxed_slice())
    }

    /// Prefetches the bytes.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(&self.0, 0);
    }

    pub fn entries(&self, form: RowForm) -> PackedRows<'_> {
        PackedRows { form, bytes: &self.0, at: 0 }
    }

    /// Adds a copy of a row. Returns false and changes nothing if the list would become too long.
    pub fn add(&mut self, form: RowForm, row: &[u8], partners: u64) -> bool {
        if form.unique {
            return false;
        }

        let known = self.entries(form).find(|entry| entry.row == row);
        if let Some(entry) = known {
            let (start, end) = (entry.start, entry.end);
            let (count, partners) = (entry.count + 1, entry.partners);
            self.replace((start, end), 1, |bytes| write(form, row, count, partners, bytes));
            return true;
        }

        if self.0.len() + row.len() > MOST_BYTES || self.entries(form).count() >= MOST_ROWS {
            return false;
        }
        let end = self.0.len();
        let spare = most_bytes(form, row);
        self.replace((end, end), spare, |bytes| write(form, row, 1, partners, bytes));
        true
    }

    /// Removes a copy of a row. Returns the row's number of partners, and whether no row is left, in which
    /// case the caller must drop the list. Returns `None` if there is no such row.
    pub fn remove(&mut self, form: RowForm, row: &[u8]) -> Option<(u64, bool)> {
        let entry = self.entries(form).find(|entry| entry.row == row)?;
        let (start, end, count, partners) = (entry.start, entry.end, entry.count, entry.partners);
        if count == 1 && start == 0 && end >= self.0.len() {
            return Some((partners, true));
        }

        self.replace((start, end), 0, |bytes| {
            if count > 1 {
                write(form, row, count - 1, partners, bytes);
            }
        });
        Some((partners, false))
    }

    /// Calls `change` with the rows at the places `from..to` and their partners.
    pub fn visit<E>(
        &mut self,
        form: RowForm,
        (from, to): (usize, usize),
        mut change: impl FnMut(&[u8], u64, &mut u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = 0;
        for _ in 0..from {
            let Some(entry) = read(form, &self.0, at) else { return Ok(()) };
            at = entry.end;
        }

        for _ in from..to {
            let Some(PackedRow { start, end, row, count, partners }) = read(form, &self.0, at) else { break };
            let mut now = partners;
            let result = change(row, count, &mut now);
            if form.tracks && now != partners {
                self.0[start..start + PARTNERS_BYTES].copy_from_slice(&now.to_le_bytes()[..PARTNERS_BYTES]);
            }
            result?;
            at = end;
        }
        Ok(())
    }

    /// Replaces a range by the bytes that `write` appends, about `more` bytes in addition. The new run has no
    /// spare capacity.
    fn replace(&mut self, (start, end): (usize, usize), more: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::with_capacity(self.0.len() + more);
        bytes.extend_from_slice(&self.0[..start]);
        write(&mut bytes);
        bytes.extend_from_slice(&self.0[end..]);
        self.0 = bytes.into_boxed_slice();
    }
}

fn most_bytes(form: RowForm, row: &[u8]) -> usize {
    let tracked = if form.tracks { PARTNERS_BYTES } else { 0 };
    // One byte of count, and one or two of length. A run of exactly this capacity is not moved when it is
    // boxed.
    let header = if form.unique { 0 } else { 2 + usize::from(row.len() >= 0x80) };
    row.len() + tracked + header
}

fn write(form: RowForm, row: &[u8], count: u64, partners: u64, out: &mut Vec<u8>) {
    if form.tracks {
        out.extend_from_slice(&partners.to_le_bytes()[..PARTNERS_BYTES]);
    }
    if !form.unique {
        row::write_length(count as usize, out);
        row::write_length(row.len(), out);
    }
    out.extend_from_slice(row);
}

fn read(form: RowForm, bytes: &[u8], start: usize) -> Option<PackedRow<'_>> {
    let mut reader = row::Reader::new(bytes.get(start..)?);
    // A row without fields has no bytes, but exists.
    if reader.rest().is_empty() && (start > 0 || !form.unique || form.tracks) {
        return None;
    }

    let mut partners = [0; 8];
    if form.tracks {
        partners[..PARTNERS_BYTES].copy_from_slice(reader.run(PARTNERS_BYTES)?);
    }
    let (count, length) =
        if form.unique { (1, reader.rest().len()) } else { (reader.length()? as u64, reader.length()?) };
    let row = reader.run(length)?;
    let end = bytes.len() - reader.rest().len();
    // Otherwise the only row of a unique key, if it has no bytes, would be read again and again.
    let end = if form.unique { end.max(1) } else { end };
    Some(PackedRow { start, end, row, count, partners: u64::from_le_bytes(partners) })
}

/// The rows of a list, in order of arrival.
#[derive(Debug, Clone)]
pub(crate) struct PackedRows<'a> {
    form: RowForm,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for PackedRows<'a> {
    type Item = PackedRow<'a>;

    #[inline]
    fn next(&mut self) -> Option<PackedRow<'a>> {
        let entry = read(self.form, self.bytes, self.at)?;
        self.at = entry.end;
        Some(entry)
    }
}

impl StateValue for Packed {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<Packed> {
        Some(Packed(StateValue::read(reader)?))
    }

    fn heap_bytes(&self) -> usize {
        self.0.len()
    }
}
