//! A column of values of any kind, in as few bytes as they need.
//!
//! The kinds are a column of their own, which takes no bytes while all values have the same kind.

use jobs::ColumnKind;

use super::cell::{Cell, JSON, TEXT};
use crate::analytics::intern::Texts;
use crate::analytics::packed::Packed;

/// Times are microseconds, and nearly always whole seconds.
pub(super) const SECOND_MICROS: i64 = 1_000_000;

#[derive(Debug, Clone)]
pub(super) struct Column {
    tags: Packed,
    values: Packed,
}

impl Column {
    pub(super) fn new(kind: ColumnKind) -> Column {
        let grain = match kind {
            // Windows' times are often declared as text.
            ColumnKind::Text | ColumnKind::Time => SECOND_MICROS,
            ColumnKind::Boolean | ColumnKind::Integer | ColumnKind::Number | ColumnKind::Json => 1,
        };
        Column { tags: Packed::new(1), values: Packed::new(grain) }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.tags.memory_bytes() + self.values.memory_bytes()
    }

    pub(super) fn get(&self, at: usize) -> Cell {
        Cell::unpack(self.tags.get(at), self.values.get(at))
    }

    /// Fills kinds and values with the rows from `from` on.
    pub(super) fn read(&self, from: usize, tags: &mut [i64], values: &mut [i64]) {
        self.tags.read(from, tags);
        self.values.read(from, values);
    }

    pub(super) fn insert(&mut self, at: usize, cell: Cell) {
        let (tag, value) = self.pack(cell);
        self.tags.insert(at, tag);
        self.values.insert(at, value);
    }

    pub(super) fn set(&mut self, at: usize, cell: Cell) {
        let (tag, value) = self.pack(cell);
        self.tags.set(at, tag);
        self.values.set(at, value);
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.tags.remove(at);
        self.values.remove(at);
    }

    pub(super) fn gather(&self, rows: &[u32]) -> Column {
        Column { tags: self.tags.gather(rows), values: self.values.gather(rows) }
    }

    /// Gives the texts new codes in `to`.
    pub(super) fn rename(&mut self, from: &Texts, to: &mut Texts) {
        let mut tags = self.tags.iter().collect::<Vec<_>>().into_iter();
        self.values.map(|value| match tags.next() {
            Some(TEXT | JSON) => from.copy(value as u32, to).into(),
            _ => value,
        });
    }

    /// The number of a null does not matter: one near the others keeps the column narrow.
    fn pack(&self, cell: Cell) -> (i64, i64) {
        match cell.pack() {
            (tag, _) if cell == Cell::Null => (tag, self.values.last().unwrap_or(0)),
            packed => packed,
        }
    }
}
