//! The rows of one key of the sink, in order of arrival.

use super::super::row_identity::RowIdentity;
use crate::row::{self, Reader};
use crate::state::StateValue;

/// The effect of a change on the sink.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Nothing,
    /// The row is the first.
    Inserted,
    /// The sink's row is another one, or has changed.
    Shows,
    /// This was the last row.
    Deleted(Box<[u8]>),
}

/// The rows of a key, in the compact form and in order of arrival.
#[derive(Debug, Default)]
pub(super) struct KeyRows {
    rows: Vec<Box<[u8]>>,
    row_bytes: usize,
}

impl KeyRows {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the row of the sink.
    pub fn shown(&self, shows_first: bool) -> Option<&[u8]> {
        let shown = if shows_first { self.rows.first() } else { self.rows.last() };
        shown.map(|row| &**row)
    }

    fn push(&mut self, row: &[u8]) {
        if self.rows.is_empty() {
            // Nearly all keys have one row.
            self.rows.reserve_exact(1);
        }
        self.rows.push(row.into());
        self.row_bytes += row.len();
    }

    pub fn add(&mut self, row: &[u8], identity: &mut RowIdentity, shows_first: bool) -> Outcome {
        if let RowIdentity::Fields { .. } = identity
            && let Some(at) = self.rows.iter().position(|there| identity.is_same(there, row))
        {
            self.row_bytes = self.row_bytes - self.rows[at].len() + row.len();
            self.rows[at] = row.into();
            let shown = if shows_first { 0 } else { self.rows.len() - 1 };
            return if at == shown { Outcome::Shows } else { Outcome::Nothing };
        }

        self.push(row);
        match self.rows.len() {
            1 => Outcome::Inserted,
            _ if shows_first => Outcome::Nothing,
            _ => Outcome::Shows,
        }
    }

    /// Removes a row; ignores a row that is absent.
    pub fn remove(&mut self, row: &[u8], identity: &mut RowIdentity, shows_first: bool) -> Outcome {
        let Some(at) = self.rows.iter().position(|there| identity.is_same(there, row)) else {
            return Outcome::Nothing;
        };
        let was_shown = at == if shows_first { 0 } else { self.rows.len() - 1 };
        let gone = self.rows.remove(at);
        self.row_bytes -= gone.len();

        if self.rows.is_empty() {
            Outcome::Deleted(gone)
        } else if was_shown {
            Outcome::Shows
        } else {
            Outcome::Nothing
        }
    }
}

impl StateValue for KeyRows {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.rows.len(), out);
        self.rows.iter().for_each(|row| row.write(out));
    }

    fn read(reader: &mut Reader<'_>) -> Option<KeyRows> {
        let mut rows = KeyRows::default();
        for _ in 0..reader.length()? {
            let length = reader.length()?;
            rows.push(reader.run(length)?);
        }
        Some(rows)
    }

    fn heap_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Box<[u8]>>() + self.row_bytes
    }
}
