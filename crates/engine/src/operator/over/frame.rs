//! The frame of a partition at its newest row: the states of the calls, and the rows that will leave the
//! frame.
//!
//! ```text
//! RANGE 10 PRECEDING       rows of times 3, 8, 15   the row of 20 comes: 3 and 8 leave
//! ROWS 2 PRECEDING         rows of times 3, 8, 15   the row of 20 comes: 3 leaves
//! UNBOUNDED PRECEDING      no row is stored
//! ```

use std::collections::VecDeque;

use sql::plan::operator::Frame;

use super::calls::{CallStates, IsPeer, OverCalls, field_of};
use crate::row::{self, Reader};
use crate::state::StateValue;
use crate::watermark::NO_WATERMARK;

#[derive(Debug)]
pub(super) struct FrameState {
    calls: CallStates,
    /// The rows of a bounded frame, by time; otherwise empty.
    rows: VecDeque<FrameRow>,
    args_bytes: usize,
    /// The time of the newest row.
    pub last: i64,
    /// For `RANGE`: the time from which no later row has any of these rows in its frame.
    pub forget_at: i64,
}

/// The stored part of a row.
#[derive(Debug)]
struct FrameRow {
    time: i64,
    args: Box<[u8]>,
}

impl FrameState {
    pub fn new(calls: &OverCalls) -> FrameState {
        FrameState {
            calls: calls.start(),
            rows: VecDeque::new(),
            args_bytes: 0,
            last: NO_WATERMARK,
            forget_at: NO_WATERMARK,
        }
    }

    /// Adds the rows of a time, which is not before that of the newest row, and calls `give` with each row
    /// and its results.
    ///
    /// # Errors
    /// A row makes the query fail.
    pub fn take(
        &mut self,
        (calls, frame): (&OverCalls, Frame),
        time: i64,
        peers: &[impl AsRef<[u8]>],
        results: &mut Vec<u8>,
        mut give: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), String> {
        if let Frame::Range(interval) = frame {
            while self.rows.front().is_some_and(|row| row.time < time.saturating_sub(interval.0)) {
                self.leave(calls)?;
            }
        }

        let has_peers = matches!(frame, Frame::Range(_) | Frame::UnboundedRange);
        if has_peers {
            peers.iter().try_for_each(|row| self.enter((calls, frame), time, row.as_ref()))?;
        }
        for (number, row) in peers.iter().enumerate() {
            let row = row.as_ref();
            if !has_peers {
                self.enter((calls, frame), time, row)?;
            }
            let is_peer = if number == 0 { IsPeer::No } else { IsPeer::Yes };
            results.clear();
            calls.give(&mut self.calls, is_peer, field_of(row), results);
            give(row, results);
        }
        self.last = time;
        Ok(())
    }

    fn enter(&mut self, (calls, frame): (&OverCalls, Frame), time: i64, row: &[u8]) -> Result<(), String> {
        calls.add(&mut self.calls, field_of(row))?;
        match frame {
            Frame::UnboundedRange | Frame::UnboundedRows => return Ok(()),
            Frame::Range(_) | Frame::Rows(_) => {}
        }

        let args = calls.args(field_of(row));
        self.args_bytes += args.len();
        self.rows.push_back(FrameRow { time, args });
        match frame {
            Frame::Rows(before) if self.rows.len() as u64 - 1 > before => self.leave(calls),
            _ => Ok(()),
        }
    }

    /// Removes the oldest row from the frame.
    fn leave(&mut self, calls: &OverCalls) -> Result<(), String> {
        let Some(row) = self.rows.pop_front() else { return Ok(()) };
        self.args_bytes -= row.args.len();
        calls.retract(&mut self.calls, &row.args)
    }
}

impl StateValue for FrameState {
    fn write(&self, out: &mut Vec<u8>) {
        self.calls.write(out);
        [self.last, self.forget_at].iter().for_each(|time| time.write(out));
        row::write_length(self.rows.len(), out);
        for row in &self.rows {
            row.time.write(out);
            row.args.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<FrameState> {
        let mut frame = FrameState {
            calls: CallStates::read(reader)?,
            rows: VecDeque::new(),
            args_bytes: 0,
            last: i64::read(reader)?,
            forget_at: i64::read(reader)?,
        };
        for _ in 0..reader.length()? {
            let row = FrameRow { time: i64::read(reader)?, args: Box::read(reader)? };
            frame.args_bytes += row.args.len();
            frame.rows.push_back(row);
        }
        Some(frame)
    }

    fn heap_bytes(&self) -> usize {
        self.calls.heap_bytes() + self.rows.capacity() * size_of::<FrameRow>() + self.args_bytes
    }
}
