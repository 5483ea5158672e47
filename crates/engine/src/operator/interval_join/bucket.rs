//! The rows of one side under one key, ordered by time.

use std::collections::VecDeque;
use std::ops::Range;

use crate::row;
use crate::state::StateValue;

/// Rows ordered by time. They mostly come in order: they are added at the back and removed from the front.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    rows: VecDeque<TimedRow>,
    row_bytes: usize,
    /// When the timer of the first row is due.
    pub due: i64,
}

/// A row with its time, which may still have partners.
#[derive(Debug)]
pub(super) struct TimedRow {
    pub time: i64,
    pub row: Box<[u8]>,
    /// Whether it was emitted with a partner.
    pub is_matched: bool,
}

impl Bucket {
    /// Adds a row after those of the same time.
    pub fn add(&mut self, time: i64, row: &[u8], is_matched: bool) {
        self.row_bytes += row.len();
        let stored = TimedRow { time, row: row.into(), is_matched };
        if self.rows.back().is_none_or(|last| last.time <= time) {
            self.rows.push_back(stored);
        } else {
            self.rows.insert(self.rows.partition_point(|other| other.time <= time), stored);
        }
    }

    /// Returns the places of the rows whose times are within these bounds, both inclusive.
    pub fn places(&self, (low, high): (i64, i64)) -> Range<usize> {
        let from = self.rows.partition_point(|stored| stored.time < low);
        let to = self.rows.partition_point(|stored| stored.time <= high);
        from..to.max(from)
    }

    pub fn rows(&self, places: Range<usize>) -> impl Iterator<Item = &TimedRow> {
        self.rows.range(places)
    }

    pub fn rows_mut(&mut self, places: Range<usize>) -> impl Iterator<Item = &mut TimedRow> {
        self.rows.range_mut(places)
    }

    pub fn first_time(&self) -> Option<i64> {
        self.rows.front().map(|stored| stored.time)
    }

    pub fn pop_first(&mut self) -> Option<TimedRow> {
        let stored = self.rows.pop_front()?;
        self.row_bytes -= stored.row.len();
        // A key that had many rows for a while releases their memory.
        if self.rows.capacity() > 64 && self.rows.len() < self.rows.capacity() / 4 {
            self.rows.shrink_to(self.rows.capacity() / 2);
        }
        Some(stored)
    }
}

impl StateValue for Bucket {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.due.to_le_bytes());
        row::write_length(self.rows.len(), out);
        for stored in &self.rows {
            out.extend_from_slice(&stored.time.to_le_bytes());
            out.push(u8::from(stored.is_matched));
            row::write_length(stored.row.len(), out);
            out.extend_from_slice(&stored.row);
        }
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<Bucket> {
        let mut bucket = Bucket { due: read_time(reader)?, ..Bucket::default() };
        for _ in 0..reader.length()? {
            let (time, is_matched) = (read_time(reader)?, reader.tag()? != 0);
            let length = reader.length()?;
            bucket.add(time, reader.run(length)?, is_matched);
        }
        Some(bucket)
    }

    fn heap_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<TimedRow>() + self.row_bytes
    }
}

fn read_time(reader: &mut row::Reader<'_>) -> Option<i64> {
    Some(i64::from_le_bytes(reader.run(8)?.try_into().ok()?))
}
