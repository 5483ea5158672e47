//! The buffered rows of a partition that matches still need, and a match's view of them.
//!
//! Matches are runs of rows, because a row that fits no variable ends a match. So a match is its first row
//! and a count per variable, and all matches of a partition share one buffer:
//!
//! ```text
//! rows       4   5   6   7   8
//! match      A   B   B   C         first 4, counts 1 2 1
//! another            A   B   B …   first 6, counts 1 2 0
//! ```

use std::collections::VecDeque;

use sql::plan::operator::RowsEnd;

use super::queue::MatchRun;
use crate::row::{self, Reader};
use crate::state::StateValue;

/// Rows in order, with their numbers in the partition.
#[derive(Debug, Default)]
pub(super) struct RowBuffer {
    rows: VecDeque<BufferedRow>,
    /// The number of the first row.
    first: u64,
    row_bytes: usize,
}

#[derive(Debug)]
struct BufferedRow {
    time: i64,
    row: Box<[u8]>,
}

impl RowBuffer {
    /// Adds a row; returns its number.
    pub fn push(&mut self, time: i64, row: &[u8]) -> u64 {
        self.row_bytes += row.len();
        self.rows.push_back(BufferedRow { time, row: row.into() });
        self.first + self.rows.len() as u64 - 1
    }

    fn get(&self, number: u64) -> Option<&BufferedRow> {
        self.rows.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Returns the time of a row.
    pub fn time(&self, number: u64) -> Option<i64> {
        self.get(number).map(|row| row.time)
    }

    /// Drops the rows before a number.
    pub fn drop_before(&mut self, number: u64) {
        while self.first < number
            && let Some(row) = self.rows.pop_front()
        {
            self.row_bytes -= row.row.len();
            self.first += 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn heap_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<BufferedRow>() + self.row_bytes
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        (self.first as i64).write(out);
        row::write_length(self.rows.len(), out);
        for buffered in &self.rows {
            buffered.time.write(out);
            buffered.row.write(out);
        }
    }

    pub fn read(reader: &mut Reader<'_>) -> Option<RowBuffer> {
        let mut buffer = RowBuffer { first: i64::read(reader)? as u64, ..RowBuffer::default() };
        for _ in 0..reader.length()? {
            let time = i64::read(reader)?;
            buffer.push(time, &Box::<[u8]>::read(reader)?);
        }
        Some(buffer)
    }
}

/// A match's rows, by variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct MatchView<'a> {
    pub buffer: &'a RowBuffer,
    pub first: u64,
    pub counts: &'a [u32],
    /// The step for which the row after the match's rows is tried: it counts as the last row of that
    /// variable.
    pub tried: Option<usize>,
    /// The value of `MATCH_ROWTIME`.
    pub time: i64,
}

impl<'a> MatchView<'a> {
    /// Returns the view of a complete match, which was certain at `time`.
    pub fn of(buffer: &'a RowBuffer, run: &'a MatchRun, time: i64) -> MatchView<'a> {
        MatchView { buffer, first: run.first, counts: &run.counts, tried: None, time }
    }

    /// Returns the numbers of the rows of a variable; with `None`, of all rows.
    fn numbers(&self, variable: Option<usize>) -> std::ops::Range<u64> {
        let count = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        let (before, of_it) = match variable {
            None => (0, count(self.counts)),
            Some(variable) => match self.counts.get(variable) {
                Some(&of_it) => (count(&self.counts[..variable]), u64::from(of_it)),
                None => return 0..0,
            },
        };
        let is_tried = self.tried.is_some_and(|tried| variable.is_none_or(|variable| variable == tried));
        let first = self.first + before;
        first..first + of_it + u64::from(is_tried)
    }

    /// Returns one row of a variable, counted from an end; `None` if there are too few rows.
    pub fn row(&self, variable: Option<usize>, end: RowsEnd, offset: u32) -> Option<&'a [u8]> {
        let numbers = self.numbers(variable);
        let offset = u64::from(offset);
        if offset >= numbers.end - numbers.start {
            return None;
        }
        let number = match end {
            RowsEnd::First => numbers.start + offset,
            RowsEnd::Last => numbers.end - 1 - offset,
        };
        self.buffer.get(number).map(|row| &*row.row)
    }

    /// Returns all rows of a variable.
    pub fn rows(&self, variable: Option<usize>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let buffer = self.buffer;
        self.numbers(variable).filter_map(move |number| buffer.get(number).map(|row| &*row.row))
    }
}
