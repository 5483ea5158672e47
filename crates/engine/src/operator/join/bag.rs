//! A bag of rows: a list while there are few, a table when there are many.

use super::packed::{Packed, RowForm};
use super::row_table::RowTable;
use crate::row;
use crate::state::StateValue;

const FORM: RowForm = RowForm { unique: false, tracks: false };

/// Rows with their counts.
#[derive(Debug, Default)]
pub(super) enum Bag {
    #[default]
    Empty,
    Few(Packed),
    Many(Box<RowTable>),
}

impl Bag {
    pub fn add(&mut self, row: &[u8]) {
        match self {
            Bag::Empty => *self = Bag::Few(Packed::new(FORM, row, 1, 0)),
            Bag::Few(packed) => {
                if !packed.add(FORM, row, 0) {
                    let mut table = RowTable::default();
                    packed.entries(FORM).for_each(|entry| table.add(entry.row, entry.count, 0));
                    table.add(row, 1, 0);
                    *self = Bag::Many(Box::new(table));
                }
            }
            Bag::Many(table) => table.add(row, 1, 0),
        }
    }

    /// Removes a copy of a row; returns false if there is no such row.
    pub fn remove(&mut self, row: &[u8]) -> bool {
        let (is_known, is_empty) = match self {
            Bag::Empty => (false, false),
            Bag::Few(packed) => match packed.remove(FORM, row) {
                Some((_, is_empty)) => (true, is_empty),
                None => (false, false),
            },
            Bag::Many(table) => (table.remove(row).is_some(), table.len() == 0),
        };
        if is_empty {
            *self = Bag::Empty;
        }
        is_known
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Bag::Empty)
    }

    /// Returns each row and its count, in order of arrival.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let (few, many) = match self {
            Bag::Empty => (None, None),
            Bag::Few(packed) => (Some(packed), None),
            Bag::Many(table) => (None, Some(table)),
        };
        let few = few.into_iter().flat_map(|packed| packed.entries(FORM));
        let many = many.into_iter().flat_map(|table| table.rows_from(0));
        few.map(|entry| (entry.row, entry.count)).chain(many.map(|(_, row, count, _)| (row, count)))
    }
}

impl StateValue for Bag {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Bag::Empty => out.push(0),
            Bag::Few(packed) => {
                out.push(1);
                packed.write(out);
            }
            Bag::Many(table) => {
                out.push(2);
                table.write(out);
            }
        }
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<Bag> {
        Some(match reader.tag()? {
            0 => Bag::Empty,
            1 => Bag::Few(Packed::read(reader)?),
            2 => Bag::Many(Box::new(RowTable::read(reader)?)),
            _ => return None,
        })
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Bag::Empty => 0,
            Bag::Few(packed) => packed.heap_bytes(),
            Bag::Many(table) => size_of::<RowTable>() + table.heap_bytes(),
        }
    }
}
