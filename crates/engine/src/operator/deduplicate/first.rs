//! Keeps the first row of each key by event time.
//!
//! The first row is known once the watermark has passed it, because all earlier rows are late from then on.
//! Until then an earlier row replaces it. A row at the watermark is not late, as in Flink.
//!
//! ```text
//! a @ 7          waits until 7
//! a @ 5          waits until 5, in place of the row above
//! watermark 6    +I a @ 5; from now on the key is given
//! a @ 5          late: dropped and counted
//! a @ 8          on time, but not the first: ignored
//! ```
//!
//! The time to live applies to given keys. A waiting row is kept until the watermark passes it, whatever the
//! clock says: otherwise it would be lost.

use types::{Interval, Scalar};

use super::super::changes::{ChangeBuffer, Changes, RowKind};
use super::tag;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StateValue, StateWriter, Timers};
use crate::watermark::NO_WATERMARK;

pub(super) struct FirstByTime {
    /// The field of the event time.
    time: usize,
    waiting: Keyed<EarliestRow>,
    /// Timers at which the waiting rows are emitted.
    timers: Timers,
    given: Keyed<()>,
    /// The watermark up to which rows were emitted.
    fired: i64,
    late: u64,
    row: Vec<u8>,
}

/// The earliest row of a key so far, and its event time.
struct EarliestRow {
    time: i64,
    row: Box<[u8]>,
}

impl FirstByTime {
    pub fn new(time: usize, ttl: Option<Interval>) -> FirstByTime {
        FirstByTime {
            time,
            waiting: Keyed::new(None),
            timers: Timers::default(),
            given: Keyed::new(ttl),
            fired: NO_WATERMARK,
            late: 0,
            row: Vec::new(),
        }
    }

    pub fn take(&mut self, key: &[u8], rows: &Changes<'_>, row: usize, now_ms: i64) {
        // A row without a time is treated as late, because no watermark would ever pass it.
        let time = match rows.get(self.time, row) {
            Scalar::Int(time) if time >= rows.watermark(row) => time,
            _ => {
                self.late += 1;
                return;
            }
        };
        if self.given.get(key, now_ms).is_some() {
            return;
        }

        let Self { waiting, timers, row: bytes, .. } = self;
        waiting.update(key, now_ms, |waiting| {
            if let Some(first) = waiting {
                // The first to arrive of several rows with equal times stays.
                if first.time <= time {
                    return;
                }
                timers.cancel(first.time, key);
            }
            timers.set(time, key);
            bytes.clear();
            row::write_all(rows.row(row), bytes);
            *waiting = Some(EarliestRow { time, row: bytes.as_slice().into() });
        });
    }

    /// Emits the next row that a watermark passes; returns false if there is none.
    pub fn fire_one(&mut self, watermark: i64, now_ms: i64, out: &mut ChangeBuffer) -> bool {
        let Some((_, key)) = self.timers.pop(watermark) else {
            self.fired = self.fired.max(watermark);
            return false;
        };
        if let Some(first) = self.waiting.remove(&key, now_ms) {
            // `fired` is the watermark that consumers last received, so the row is not late for them.
            out.push(RowKind::Insert, self.fired, Reader::new(&first.row));
            self.given.update(&key, now_ms, |given| *given = Some(()));
        }
        true
    }

    pub fn expire(&mut self, now_ms: i64) {
        self.given.expire(now_ms);
    }

    pub fn write(&self, out: &mut StateWriter) {
        self.given.write(tag::GIVEN, out);
        self.waiting.write(tag::WAITING, out);
        self.timers.write(tag::TIMERS, out);
    }

    pub fn read(&mut self, tag: u8, reader: &mut Reader<'_>, operator: &str) -> Result<(), StateError> {
        match tag {
            tag::GIVEN => self.given.read(reader, operator),
            tag::WAITING => self.waiting.read(reader, operator),
            tag::TIMERS => self.timers.read(reader, operator),
            _ => Err(StateError::unknown_tag(operator, tag)),
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.given.memory_bytes() + self.waiting.memory_bytes() + self.timers.memory_bytes()
    }

    pub fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }
}

impl StateValue for EarliestRow {
    fn write(&self, out: &mut Vec<u8>) {
        self.time.write(out);
        self.row.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<EarliestRow> {
        Some(EarliestRow { time: i64::read(reader)?, row: StateValue::read(reader)? })
    }

    fn heap_bytes(&self) -> usize {
        self.row.len()
    }
}
