//! `OVER` by time: results never change, so each row is emitted once.
//!
//! By event time a row waits until the watermark has passed it; rows are emitted in order of time, and those
//! of one time by partition in order of arrival. By processing time a row is emitted at once.
//!
//! A row is late, and dropped, if its position in the order has been passed. The rule follows Flink:
//!
//! | frame | late |
//! | --- | --- |
//! | unbounded | at or before the watermark |
//! | bounded | at or before the newest row emitted in its partition |
//!
//! The state of a `RANGE` of an interval is dropped one and a half intervals after the newest row, as in
//! Flink: a late row of such a partition is emitted, alone. Other state has the time to live of the job;
//! waiting rows have none.

use sql::plan::operator::{Frame, Over, Time};
use types::Interval;

use super::calls::OverCalls;
use super::frame::FrameState;
use super::waiting::Waiting;
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{ChangeBuffer, Changes, RowKind};
use crate::operator::expiry::Expiry;
use crate::operator::windows::Moment;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StateWriter, Timers};

/// The tags of the maps in a snapshot.
const WAITING: u8 = 0;
const FRAMES: u8 = 1;
const DUE: u8 = 2;
const FORGET: u8 = 3;

pub(super) struct TimedOver {
    name: String,
    partition: Vec<usize>,
    time: Time,
    frame: Frame,
    moment: Moment,
    waiting: Keyed<Waiting>,
    /// When the first waiting row of each partition is due.
    due: Timers,
    frames: Keyed<FrameState>,
    /// When the state of a frame may expire: one timer per frame, which is set again if it fires too early.
    forget: Timers,
    expiry: Expiry,
    late: u64,
    key: Vec<u8>,
    row: Vec<u8>,
    results: Vec<u8>,
    peers: Vec<Box<[u8]>>,
}

impl TimedOver {
    pub fn new(name: String, spec: &Over, time: Time, ttl: Option<Interval>) -> TimedOver {
        let ttl = ttl.filter(|_| !matches!(spec.frame, Frame::Range(_)));
        TimedOver {
            name,
            partition: spec.partition.clone(),
            time,
            frame: spec.frame,
            moment: Moment::new(time == Time::Processing),
            waiting: Keyed::new(None),
            due: Timers::default(),
            frames: Keyed::new(ttl),
            forget: Timers::default(),
            expiry: Expiry::new(ttl),
            late: 0,
            key: Vec::new(),
            row: Vec::new(),
            results: Vec::new(),
            peers: Vec::new(),
        }
    }

    pub fn process(
        &mut self,
        rows: &Changes<'_>,
        calls: &OverCalls,
        out: &mut ChangeBuffer,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        self.expiry.start(now_ms);
        for row in rows.places() {
            let time = self.moment.before_row(rows.watermark(row), now_ms);
            if time > self.moment.reached {
                self.pass(time, calls, out, context)?;
                self.moment.reach(time);
            }

            let Some(time) = self.moment.time_of(self.time, rows, row, now_ms) else { continue };
            self.key.clear();
            row::write_all(rows.values(&self.partition, row), &mut self.key);
            self.row.clear();
            row::write_all(rows.row(row), &mut self.row);
            if self.moment.is_processing() {
                self.take_at_once((time, rows.watermark(row)), calls, out, now_ms)?;
            } else if self.accept(time, calls, now_ms) {
                self.wait(time);
            } else {
                self.late += 1;
            }
            emit_if_full(out, context)?;
        }
        Ok(())
    }

    /// Emits the current row.
    fn take_at_once(
        &mut self,
        (time, watermark): (i64, i64),
        calls: &OverCalls,
        out: &mut ChangeBuffer,
        now_ms: i64,
    ) -> Result<(), OperatorError> {
        self.accept(time, calls, now_ms);
        let Self { frames, key, row, results, frame, .. } = self;
        let taken = frames.update(key, now_ms, |state| {
            let state = state.get_or_insert_with(|| FrameState::new(calls));
            state.take((calls, *frame), time, &[row.as_slice()], results, |row, results| {
                out.push(RowKind::Insert, watermark, Reader::new(row).chain(Reader::new(results)));
            })
        });
        taken.map_err(|what| self.failed(what))
    }

    fn failed(&self, what: String) -> OperatorError {
        OperatorError::Rows { operator: self.name.clone(), what }
    }

    /// Returns whether the current row is not late.
    fn accept(&mut self, time: i64, calls: &OverCalls, now_ms: i64) -> bool {
        let interval = match self.frame {
            Frame::UnboundedRange | Frame::UnboundedRows => return time > self.moment.reached,
            Frame::Rows(_) => {
                return self.frames.get(&self.key, now_ms).is_none_or(|state| time > state.last);
            }
            Frame::Range(interval) => interval.0,
        };

        let Self { frames, forget, key, .. } = self;
        frames.update(key, now_ms, |slot| {
            if slot.as_ref().is_some_and(|state| time <= state.last) {
                return false;
            }
            let is_new = slot.is_none();
            let state = slot.get_or_insert_with(|| FrameState::new(calls));
            // The extra half interval avoids moving the time with each row.
            if state.forget_at < time.saturating_add(interval).saturating_add(1) {
                state.forget_at = time.saturating_add(interval + interval / 2).saturating_add(1);
            }
            if is_new {
                forget.set(state.forget_at, key);
            }
            true
        })
    }

    fn wait(&mut self, time: i64) {
        let Self { waiting, due, key, row, .. } = self;
        waiting.update(key, 0, |waiting| {
            let waiting = waiting.get_or_insert_default();
            let first = waiting.first();
            waiting.push(time, row.as_slice().into());
            if first.is_none_or(|first| time < first) {
                first.iter().for_each(|&first| due.cancel(first, key));
                due.set(time, key);
            }
        });
    }

    /// Emits the rows that are due, and drops expired state, once time has reached `reached`.
    fn pass(
        &mut self,
        reached: i64,
        calls: &OverCalls,
        out: &mut ChangeBuffer,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        loop {
            let next = self.due.next().unwrap_or(i64::MAX);
            if let Some((time, key)) = self.forget.pop(reached.min(next)) {
                self.forget(time, &key, now_ms);
                continue;
            }
            let Some((time, key)) = self.due.pop(reached) else { return Ok(()) };
            self.give(time, &key, calls, out, now_ms)?;
            emit_if_full(out, context)?;
        }
    }

    /// Emits the rows of a partition that have this time.
    fn give(
        &mut self,
        time: i64,
        key: &[u8],
        calls: &OverCalls,
        out: &mut ChangeBuffer,
        now_ms: i64,
    ) -> Result<(), OperatorError> {
        let Self { waiting, due, frames, peers, results, frame, moment, .. } = self;
        peers.clear();
        waiting.update(key, 0, |slot| {
            let Some(waiting) = slot else { return };
            waiting.take_first(peers);
            match waiting.first() {
                Some(next) => due.set(next, key),
                None => *slot = None,
            }
        });

        let watermark = moment.watermark;
        let taken = frames.update(key, now_ms, |state| {
            let state = state.get_or_insert_with(|| FrameState::new(calls));
            state.take((calls, *frame), time, peers, results, |row, results| {
                out.push(RowKind::Insert, watermark, Reader::new(row).chain(Reader::new(results)));
            })
        });
        taken.map_err(|what| self.failed(what))
    }

    fn forget(&mut self, time: i64, key: &[u8], now_ms: i64) {
        let Self { frames, forget, .. } = self;
        frames.update(key, now_ms, |slot| match slot {
            Some(state) if state.forget_at > time => forget.set(state.forget_at, key),
            _ => *slot = None,
        });
    }

    pub fn advance(
        &mut self,
        watermark: i64,
        calls: &OverCalls,
        out: &mut ChangeBuffer,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        // A late row waits for the next greater watermark: one that the rows have brought already does not
        // count.
        if !self.moment.is_processing() && watermark > self.moment.reached {
            self.pass(watermark, calls, out, context)?;
        }
        self.moment.advance(watermark);
        Ok(())
    }

    pub fn next_tick(&self) -> Option<i64> {
        let forgets = self.moment.tick_of(self.forget.next());
        forgets.into_iter().chain(self.expiry.next_tick()).min()
    }

    pub fn tick(
        &mut self,
        calls: &OverCalls,
        out: &mut ChangeBuffer,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        if self.expiry.take_due(now_ms) {
            self.frames.expire(now_ms);
        }
        if self.moment.is_processing() {
            let time = self.moment.before_row(self.moment.watermark, now_ms);
            self.pass(time, calls, out, context)?;
            self.moment.reach(time);
        }
        Ok(())
    }

    pub fn snapshot(&self, out: &mut StateWriter) {
        self.waiting.write(WAITING, out);
        self.frames.write(FRAMES, out);
        self.due.write(DUE, out);
        self.forget.write(FORGET, out);
    }

    /// Reads the entry after a tag.
    pub fn restore(&mut self, tag: u8, reader: &mut Reader<'_>) -> Result<(), StateError> {
        match tag {
            WAITING => self.waiting.read(reader, &self.name),
            FRAMES => self.frames.read(reader, &self.name),
            DUE => self.due.read(reader, &self.name),
            FORGET => self.forget.read(reader, &self.name),
            _ => Err(StateError::unknown_tag(&self.name, tag)),
        }
    }

    pub fn memory_bytes(&self) -> usize {
        let timers = self.due.memory_bytes() + self.forget.memory_bytes();
        self.waiting.memory_bytes() + self.frames.memory_bytes() + timers
    }

    pub fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }
}

fn emit_if_full(out: &mut ChangeBuffer, context: &mut Context<'_>) -> Result<(), OperatorError> {
    if out.is_full() {
        out.lend(|rows| context.emit(rows))?;
        out.clear();
    }
    Ok(())
}
