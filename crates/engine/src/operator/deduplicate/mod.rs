//! Keeps one row of each key: `ROW_NUMBER() OVER (PARTITION BY key ORDER BY time) = 1`.
//!
//! | kept row | emitted changes | state of a key |
//! | --- | --- | --- |
//! | first by event time | `+I` when the watermark passes the row | the row, then that it was given |
//! | last by event time | `+I`, then `-U` `+U`, at once | the last row |
//! | first to arrive | `+I` at once | that it was given |
//! | last to arrive | `+I`, then `-U` `+U`, at once | the last row |
//!
//! The input holds inserts only: retractions are ignored.

mod first;
mod last;
#[cfg(test)]
mod tests;

use sql::plan::operator::{Deduplicate, Input, Keeps};
use types::Interval;

use self::first::FirstByTime;
use self::last::LastRows;
use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::expiry::Expiry;
use super::fields;
use super::key_chunk::KeyChunk;
use crate::row::Reader;
use crate::state::{Keyed, StateError, StatePart, StateWriter};

/// Tags of the maps in a snapshot.
mod tag {
    /// Keys whose row was emitted.
    pub const GIVEN: u8 = 0;
    /// Rows that wait for the watermark, by key.
    pub const WAITING: u8 = 1;
    pub const TIMERS: u8 = 2;
    /// The last row, by key.
    pub const LAST: u8 = 3;
}

/// Keeps one row of each key; see the module documentation.
pub struct DeduplicateOperator {
    name: String,
    keys: Vec<usize>,
    state: DeduplicateState,
    expiry: Expiry,
    out: ChangeBuffer,
    chunk: KeyChunk,
}

/// The state by key, for each rule of which row to keep.
enum DeduplicateState {
    FirstByTime(FirstByTime),
    FirstToArrive(Keyed<()>),
    Last(LastRows),
}

impl DeduplicateOperator {
    pub fn new(
        name: String,
        spec: &Deduplicate,
        inputs: &[Input],
        ttl: Option<Interval>,
    ) -> DeduplicateOperator {
        let fields = &inputs[0].fields;
        let last = |time| LastRows::new(time, fields.len(), spec, ttl);
        let state = match spec.keeps {
            Keeps::FirstByTime { field } => DeduplicateState::FirstByTime(FirstByTime::new(field, ttl)),
            Keeps::FirstToArrive => DeduplicateState::FirstToArrive(Keyed::new(ttl)),
            Keeps::LastByTime { field } => DeduplicateState::Last(last(Some(field))),
            Keeps::LastToArrive => DeduplicateState::Last(last(None)),
        };
        DeduplicateOperator {
            name,
            keys: spec.keys.clone(),
            state,
            expiry: Expiry::new(ttl),
            out: ChangeBuffer::new(&fields::reprs(fields)),
            chunk: KeyChunk::default(),
        }
    }

    /// Processes the rows of the chunk.
    fn take_chunk(&mut self, rows: &Changes<'_>, now_ms: i64) {
        let Self { state, out, chunk, .. } = self;
        match state {
            DeduplicateState::FirstByTime(first) => {
                chunk.iter().for_each(|(row, key)| first.take(key, rows, row, now_ms));
            }
            DeduplicateState::FirstToArrive(given) => {
                chunk.prefetch(given, |()| {});
                for (row, key) in chunk.iter() {
                    if given.get(key, now_ms).is_none() {
                        given.update(key, now_ms, |given| *given = Some(()));
                        out.push_row(RowKind::Insert, rows.watermark(row), rows.columns, row);
                    }
                }
            }
            DeduplicateState::Last(last) => {
                last.prefetch(chunk);
                chunk.iter().for_each(|(row, key)| last.take(key, rows, row, now_ms, out));
            }
        }

        chunk.clear();
    }

    /// Emits the waiting rows that a watermark passes. The watermark of a call is enough: a row that is on
    /// time is not earlier than these rows, so it cannot replace one of them.
    fn fire(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        loop {
            let DeduplicateState::FirstByTime(first) = &mut self.state else { return Ok(()) };
            if !first.fire_one(watermark, now_ms, &mut self.out) {
                return Ok(());
            }
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Operator for DeduplicateOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        self.expiry.start(now_ms);

        for row in rows.places() {
            if !rows.kind(row).is_addition() || !self.chunk.push(rows, row, &self.keys) {
                continue;
            }
            self.take_chunk(rows, now_ms);
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        self.take_chunk(rows, now_ms);
        self.emit(context)
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.fire(watermark, context)?;
        self.emit(context)
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        self.expiry.next_tick()
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        if self.expiry.take_due(now_ms) {
            match &mut self.state {
                DeduplicateState::FirstByTime(first) => first.expire(now_ms),
                DeduplicateState::FirstToArrive(given) => given.expire(now_ms),
                DeduplicateState::Last(last) => last.expire(now_ms),
            }
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        match &self.state {
            DeduplicateState::FirstByTime(first) => first.write(out),
            DeduplicateState::FirstToArrive(given) => given.write(tag::GIVEN, out),
            DeduplicateState::Last(last) => last.write(out),
        }
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match (&mut self.state, tag) {
                (DeduplicateState::FirstByTime(first), _) => first.read(tag, &mut reader, &self.name)?,
                (DeduplicateState::FirstToArrive(given), tag::GIVEN) => {
                    given.read(&mut reader, &self.name)?
                }
                (DeduplicateState::Last(last), tag::LAST) => last.read(&mut reader, &self.name)?,
                _ => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let bytes = match &self.state {
            DeduplicateState::FirstByTime(first) => first.memory_bytes(),
            DeduplicateState::FirstToArrive(given) => given.memory_bytes(),
            DeduplicateState::Last(last) => last.memory_bytes(),
        };
        bytes + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        match &mut self.state {
            DeduplicateState::FirstByTime(first) => first.take_late(),
            DeduplicateState::FirstToArrive(_) => 0,
            DeduplicateState::Last(last) => last.take_late(),
        }
    }
}
