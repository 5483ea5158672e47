//! A run of rows of one table as columns, sorted by time and id.

use jobs::ResultTable;

use super::cell::Cell;
use super::column::{Column, SECOND_MICROS};
use crate::analytics::Moment;
use crate::analytics::intern::Texts;
use crate::analytics::packed::{Packed, reserve};
use crate::analytics::place;

/// Maximum of rows in a run. Few in tests, so that runs split.
pub(super) const RUN_ROWS_MAX: usize = if cfg!(test) { 16 } else { 8_192 };

/// A row as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The time by which the table is sorted.
    pub(super) time: Moment,
    /// Hash of the key.
    pub(super) id: u64,
    /// Milliseconds since 1970.
    pub(super) expires: i64,
    pub(super) is_final: bool,
    /// How often the row was corrected after it was final.
    pub(super) revision: u32,
    /// Code of the key among the texts; `None` if template and values give the key.
    pub(super) key: Option<u32>,
    pub(super) cells: Vec<Cell>,
}

#[derive(Debug, Clone)]
pub(super) struct Run {
    times: Packed,
    ids: Vec<u64>,
    expires: Packed,
    /// Revision and finality: `revision * 2 + is_final`.
    states: Packed,
    /// Code of the key plus one, 0 for none.
    keys: Packed,
    pub(super) columns: Vec<Column>,
    first_expiry: i64,
}

impl Run {
    pub(super) fn new(table: &ResultTable) -> Run {
        Run {
            times: Packed::new(SECOND_MICROS),
            ids: Vec::new(),
            expires: Packed::new(1_000),
            states: Packed::new(1),
            keys: Packed::new(1),
            columns: table.columns.iter().map(|column| Column::new(column.kind)).collect(),
            first_expiry: i64::MAX,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let packed = [&self.times, &self.expires, &self.states, &self.keys];
        packed.into_iter().map(Packed::memory_bytes).sum::<usize>()
            + self.columns.iter().map(|column| column.memory_bytes() + size_of::<Column>()).sum::<usize>()
            + self.ids.capacity() * 8
    }

    pub(super) fn first(&self) -> Option<(Moment, u64)> {
        (self.len() > 0).then(|| self.place(0))
    }

    pub(super) fn last(&self) -> Option<(Moment, u64)> {
        self.len().checked_sub(1).map(|at| self.place(at))
    }

    /// Returns time and id of a row.
    pub(super) fn place(&self, at: usize) -> (Moment, u64) {
        (Moment(self.times.get(at)), self.ids[at])
    }

    pub(super) fn is_final(&self, at: usize) -> bool {
        self.states.get(at) & 1 != 0
    }

    /// Fills `states` with the states of the rows from `from` on, whose lowest bit is finality.
    pub(super) fn states(&self, from: usize, states: &mut [i64]) {
        self.states.read(from, states);
    }

    pub(super) fn revision(&self, at: usize) -> i64 {
        self.states.get(at) >> 1
    }

    /// Returns the code of a row's key, if it is kept.
    pub(super) fn key(&self, at: usize) -> Option<u32> {
        (self.keys.get(at) as u32).checked_sub(1)
    }

    pub(super) fn cells(&self, at: usize, cells: &mut Vec<Cell>) {
        cells.clear();
        cells.extend(self.columns.iter().map(|column| column.get(at)));
    }

    /// Returns a row, with the cells that [`Run::cells`] has returned.
    pub(super) fn row(&self, at: usize, cells: Vec<Cell>) -> Row {
        let (time, id) = self.place(at);
        Row {
            time,
            id,
            expires: self.expires.get(at),
            is_final: self.is_final(at),
            revision: self.revision(at) as u32,
            key: self.key(at),
            cells,
        }
    }

    pub(super) fn first_expiry(&self) -> i64 {
        self.first_expiry
    }

    /// Returns how many rows are earlier than `time`.
    pub(super) fn before(&self, time: Moment) -> usize {
        self.times.partition_point(|of_row| of_row < time.0)
    }

    /// Returns how many rows are not later than `time`.
    pub(super) fn up_to(&self, time: Moment) -> usize {
        self.times.partition_point(|of_row| of_row <= time.0)
    }

    /// Returns the index of a row, or the index at which it belongs.
    pub(super) fn find(&self, time: Moment, id: u64) -> Result<usize, usize> {
        place::find(&self.times, &self.ids, time, id)
    }

    pub(super) fn insert(&mut self, at: usize, row: &Row) {
        self.times.insert(at, row.time.0);
        reserve(&mut self.ids, 1);
        self.ids.insert(at, row.id);
        self.expires.insert(at, row.expires);
        self.states.insert(at, state(row));
        self.keys.insert(at, key(row));
        for (column, cell) in self.columns.iter_mut().zip(&row.cells) {
            column.insert(at, *cell);
        }
        self.first_expiry = self.first_expiry.min(row.expires);
    }

    pub(super) fn replace(&mut self, at: usize, row: &Row) {
        self.expires.set(at, row.expires);
        self.states.set(at, state(row));
        self.keys.set(at, key(row));
        for (column, cell) in self.columns.iter_mut().zip(&row.cells) {
            column.set(at, *cell);
        }
        self.first_expiry = self.first_expiry.min(row.expires);
    }

    /// Returns whether a row has texts that `row` has not in their places.
    pub(super) fn has_other_texts(&self, at: usize, row: &Row) -> bool {
        let is_other = |(column, cell): (&Column, &Cell)| {
            let before = column.get(at);
            matches!(before, Cell::Text(_) | Cell::Json(_)) && before != *cell
        };
        self.key(at).is_some_and(|key| row.key != Some(key))
            || self.columns.iter().zip(&row.cells).any(is_other)
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.ids.remove(at);
        for packed in [&mut self.times, &mut self.expires, &mut self.states, &mut self.keys] {
            packed.remove(at);
        }
        self.columns.iter_mut().for_each(|column| column.remove(at));
    }

    /// Returns the rows at these indexes, in that order, as a run of their own.
    pub(super) fn gather(&self, rows: &[u32]) -> Run {
        let expires = self.expires.gather(rows);
        Run {
            times: self.times.gather(rows),
            ids: rows.iter().map(|at| self.ids[*at as usize]).collect(),
            first_expiry: expires.iter().min().unwrap_or(i64::MAX),
            expires,
            states: self.states.gather(rows),
            keys: self.keys.gather(rows),
            columns: self.columns.iter().map(|column| column.gather(rows)).collect(),
        }
    }

    /// Returns the indexes that sort the rows by time and id. Of rows with the same place, it has only the
    /// one added last.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by_key(|at| (self.place(*at as usize), std::cmp::Reverse(*at)));
        order.dedup_by_key(|at| self.place(*at as usize));
        order
    }

    /// Returns the indexes of the rows that have not expired at `now`, `None` if all have not.
    pub(super) fn unexpired(&self, now: i64) -> Option<Vec<u32>> {
        if self.first_expiry > now {
            return None;
        }
        Some((0..self.len() as u32).filter(|at| self.expires.get(*at as usize) > now).collect())
    }

    /// Gives the texts new codes in `to`.
    pub(super) fn rename(&mut self, from: &Texts, to: &mut Texts) {
        self.keys.map(|key| match (key as u32).checked_sub(1) {
            Some(code) => i64::from(from.copy(code, to)) + 1,
            None => 0,
        });
        self.columns.iter_mut().for_each(|column| column.rename(from, to));
    }
}

fn state(row: &Row) -> i64 {
    i64::from(row.revision) << 1 | i64::from(row.is_final)
}

fn key(row: &Row) -> i64 {
    row.key.map_or(0, |code| i64::from(code) + 1)
}
