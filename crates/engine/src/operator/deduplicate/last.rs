//! Keeps the last row of each key, by event time or by arrival.
//!
//! A row replaces the stored one at once unless its time is earlier. The watermark plays no part: a late row
//! counts.

use sql::plan::operator::Deduplicate;
use types::{Interval, Scalar};

use super::super::changes::{ChangeBuffer, Changes, RowKind};
use super::super::kept_row::KeptRow;
use super::super::key_chunk::KeyChunk;
use super::tag;
use crate::aggregate::keys::prefetch;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StateValue, StateWriter};

pub(super) struct LastRows {
    /// The field of the event time. `None`: rows are ordered by arrival.
    time: Option<usize>,
    kept_row: KeptRow,
    emits_before: bool,
    expires: bool,
    last: Keyed<Last>,
    /// The number of rows without a time.
    timeless: u64,
    row: Vec<u8>,
}

/// The last row, with its event time if rows are ordered by time.
struct Last {
    time: i64,
    row: Box<[u8]>,
}

impl LastRows {
    /// Creates an empty state for rows of `fields` fields.
    pub fn new(time: Option<usize>, fields: usize, spec: &Deduplicate, ttl: Option<Interval>) -> LastRows {
        LastRows {
            time,
            kept_row: KeptRow::new(fields, &spec.keys),
            emits_before: spec.emits_before,
            expires: ttl.is_some_and(|ttl| ttl.0 > 0),
            last: Keyed::new(ttl),
            timeless: 0,
            row: Vec::new(),
        }
    }

    /// Prefetches the last rows of some keys.
    pub fn prefetch(&self, chunk: &mut KeyChunk) {
        chunk.prefetch(&self.last, |last| {
            for at in (0..last.row.len()).step_by(64) {
                prefetch(&last.row, at);
            }
        });
    }

    pub fn take(&mut self, key: &[u8], rows: &Changes<'_>, row: usize, now_ms: i64, out: &mut ChangeBuffer) {
        let time = match self.time.map(|field| rows.get(field, row)) {
            None => 0,
            Some(Scalar::Int(time)) => time,
            Some(_) => {
                self.timeless += 1;
                return;
            }
        };
        // A row that changes nothing does not extend the key's time to live.
        if self.expires && self.last.get(key, now_ms).is_some_and(|last| time < last.time) {
            return;
        }

        let Self { kept_row, row: bytes, .. } = self;
        let (by_time, emits_before, expires) = (self.time.is_some(), self.emits_before, self.expires);
        let watermark = rows.watermark(row);
        self.last.update(key, now_ms, |slot| {
            let Some(last) = slot else {
                bytes.clear();
                kept_row.write(rows, row, bytes);
                *slot = Some(Last { time, row: bytes.as_slice().into() });
                out.push_row(RowKind::Insert, watermark, rows.columns, row);
                return;
            };
            if time < last.time {
                return;
            }

            bytes.clear();
            kept_row.write(rows, row, bytes);
            // By arrival an equal row changes nothing, as in Flink, unless it has to keep the state of later
            // operators alive.
            if !by_time && !expires && *last.row == **bytes {
                return;
            }
            if emits_before {
                kept_row.push((RowKind::UpdateBefore, &last.row), (rows, row), Scalar::Null, out);
            }
            out.push_row(RowKind::UpdateAfter, watermark, rows.columns, row);

            last.time = time;
            if last.row.len() == bytes.len() {
                last.row.copy_from_slice(bytes);
            } else {
                last.row = bytes.as_slice().into();
            }
        });
    }

    pub fn expire(&mut self, now_ms: i64) {
        self.last.expire(now_ms);
    }

    pub fn write(&self, out: &mut StateWriter) {
        self.last.write(tag::LAST, out);
    }

    pub fn read(&mut self, reader: &mut Reader<'_>, operator: &str) -> Result<(), StateError> {
        self.last.read_if(reader, operator, |last| row::is_sound(&last.row))
    }

    pub fn memory_bytes(&self) -> usize {
        self.last.memory_bytes()
    }

    pub fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.timeless)
    }
}

impl StateValue for Last {
    fn write(&self, out: &mut Vec<u8>) {
        self.time.write(out);
        self.row.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Last> {
        Some(Last { time: i64::read(reader)?, row: StateValue::read(reader)? })
    }

    fn heap_bytes(&self) -> usize {
        self.row.len()
    }
}
