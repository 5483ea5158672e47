//! The rows of a partition that wait until the watermark has passed them: by time, equal times in order of
//! arrival.

use std::collections::VecDeque;

use crate::row::{self, Reader};
use crate::state::StateValue;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    rows: VecDeque<WaitingRow>,
    row_bytes: usize,
}

#[derive(Debug)]
struct WaitingRow {
    time: i64,
    row: Box<[u8]>,
}

impl Waiting {
    /// Returns the time of the first row.
    pub fn first(&self) -> Option<i64> {
        self.rows.front().map(|row| row.time)
    }

    pub fn push(&mut self, time: i64, row: Box<[u8]>) {
        self.row_bytes += row.len();
        // Most rows come in order.
        let place = match self.rows.back() {
            Some(last) if last.time > time => self.rows.partition_point(|row| row.time <= time),
            _ => self.rows.len(),
        };
        self.rows.insert(place, WaitingRow { time, row });
    }

    /// Removes the rows of the first time and appends them to `rows`.
    pub fn take_first(&mut self, rows: &mut Vec<Box<[u8]>>) {
        let first = self.first();
        while self.first() == first {
            let Some(waiting) = self.rows.pop_front() else { return };
            self.row_bytes -= waiting.row.len();
            rows.push(waiting.row);
        }
    }
}

impl StateValue for Waiting {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.rows.len(), out);
        for waiting in &self.rows {
            waiting.time.write(out);
            waiting.row.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Waiting> {
        let mut waiting = Waiting::default();
        for _ in 0..reader.length()? {
            waiting.push(i64::read(reader)?, Box::read(reader)?);
        }
        Some(waiting)
    }

    fn heap_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<WaitingRow>() + self.row_bytes
    }
}
