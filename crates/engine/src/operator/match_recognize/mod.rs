//! `MATCH_RECOGNIZE`: finds sequences of rows that a pattern describes, and emits one row for each.
//!
//! ```text
//! PATTERN (A B+ C)   A: n = 1, B: n > 1, C: n <= 1   AFTER MATCH SKIP PAST LAST ROW
//! n   1   2   3   1   5   1
//!     A   B   B   C                a match; the next one begins after it
//! ```
//!
//! Rows wait until time has passed them, and reach the `matcher` in order: by time, by the further columns of
//! `ORDER BY`, then by arrival. A row at or before the watermark is late and dropped. By processing time rows
//! are taken as they arrive; with further columns, those of one millisecond are sorted.
//!
//! Without `WITHIN` a match may stay open for ever, and its rows are kept. As in Flink,
//! `table.exec.state.ttl` does not end it.

mod automaton;
mod expression;
mod matcher;
mod queue;
#[cfg(test)]
mod tests;
mod view;

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, Match, SortKey, Time};
use types::Repr;

use self::expression::{MatchExpr, MatchFailure};
use self::matcher::{FoundMatch, MatchPartition, Matcher};
use self::view::MatchView;
use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::fields;
use super::ordered::{Ordered, OrderedRow};
use super::windows::Moment;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StatePart, StateValue, StateWriter, Timers};

/// The tags of the maps in a snapshot.
const WAITING: u8 = 0;
const DUE: u8 = 1;
const PARTITIONS: u8 = 2;
const OVER: u8 = 3;

/// Finds matches of a pattern; see the module documentation.
pub struct MatchOperator {
    name: String,
    partition: Vec<usize>,
    time: Time,
    order: Vec<SortKey>,
    moment: Moment,
    waiting: Keyed<PendingRows>,
    /// When the first waiting row of each partition is due.
    due: Timers,
    partitions: Keyed<MatchPartition>,
    /// When the earliest open match of each partition expires.
    over: Timers,
    matcher: Matcher,
    measures: Vec<MatchExpr>,
    late: u64,
    out: ChangeBuffer,
    key: Vec<u8>,
    entry: Vec<u8>,
    given: Vec<u8>,
}

/// The rows of a partition that wait until time has passed them. Their sort keys begin with the time.
#[derive(Debug, Default)]
struct PendingRows {
    rows: Ordered,
    /// The next arrival number.
    next: u64,
}

impl MatchOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// An expression cannot be computed, or the input has retractions.
    pub fn new(
        name: String,
        spec: &Match,
        inputs: &[Input],
        time_zone: &TimeZone,
    ) -> Result<MatchOperator, String> {
        if !inputs[0].changes.is_append() {
            return Err(format!("`{name}` cannot take rows back"));
        }
        let expr = |expr| MatchExpr::new(expr, time_zone);
        let defines = spec.defines.iter().map(|define| define.as_ref().map(expr).transpose());
        let defines = defines.collect::<Result<_, _>>()?;

        let mut reprs: Vec<Repr> =
            spec.partition.iter().map(|&field| fields::repr(&inputs[0].fields[field].column_type)).collect();
        reprs.extend(
            spec.measures.iter().map(|measure| fields::repr(measure.exprs.column_type(measure.root))),
        );

        Ok(MatchOperator {
            partition: spec.partition.clone(),
            time: spec.time,
            order: spec.order.clone(),
            moment: Moment::new(spec.time == Time::Processing),
            waiting: Keyed::new(None),
            due: Timers::default(),
            partitions: Keyed::new(None),
            over: Timers::default(),
            matcher: Matcher::new(&spec.pattern, defines, spec.skip, spec.within),
            measures: spec.measures.iter().map(expr).collect::<Result<_, _>>()?,
            late: 0,
            out: ChangeBuffer::new(&reprs),
            key: Vec::new(),
            entry: Vec::new(),
            given: Vec::new(),
            name,
        })
    }

    /// Returns whether rows arrive in order already.
    fn comes_in_order(&self) -> bool {
        self.time == Time::Processing && self.order.is_empty()
    }

    /// Stores the current row until its time has passed.
    fn wait(&mut self, time: i64, rows: &Changes<'_>, row: usize) {
        let Self { waiting, due, key, entry, order, .. } = self;
        waiting.update(key, 0, |waiting| {
            let waiting = waiting.get_or_insert_default();
            let entry = OrderedRow::at_time(time, order, (rows, row), waiting.next, entry);
            let first = waiting.first_time();
            waiting.next += 1;
            waiting.rows.insert(entry);

            if first.is_none_or(|first| time < first) {
                first.iter().for_each(|&first| due.cancel(first, key));
                due.set(time, key);
            }
        });
    }

    /// Does everything that is due once time has reached `reached`.
    fn pass(&mut self, reached: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        loop {
            let next = self.due.next().unwrap_or(i64::MAX);
            // An expired match does not take the row at the time of its expiry.
            if let Some((time, key)) = self.over.pop(reached.min(next)) {
                self.offer(time, &key, &[], context)?;
                continue;
            }
            let Some((time, key)) = self.due.pop(reached) else { return Ok(()) };
            let rows = self.take_waiting(time, &key);
            self.offer(time, &key, &rows, context)?;
        }
    }

    /// Removes and returns the waiting rows of a partition that have this time, in order.
    fn take_waiting(&mut self, time: i64, key: &[u8]) -> Vec<OrderedRow> {
        let mut rows = Vec::new();
        let Self { waiting, due, .. } = self;
        waiting.update(key, 0, |slot| {
            let Some(waiting) = slot else { return };
            while waiting.first_time() == Some(time)
                && let Some(entry) = waiting.rows.pop_first()
            {
                rows.push(entry);
            }
            match waiting.first_time() {
                Some(next) => due.set(next, key),
                None => *slot = None,
            }
        });
        rows
    }

    /// Offers rows of one time to a partition, and emits the matches that count now.
    fn offer(
        &mut self,
        time: i64,
        key: &[u8],
        rows: &[OrderedRow],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let env = *context.env();
        let Self { partitions, over, matcher, measures, out, given, moment, name, .. } = self;
        let mut give = |partition: &mut MatchPartition, found: &mut Vec<FoundMatch>| {
            for found in found.drain(..) {
                given.clear();
                given.extend_from_slice(key);
                let view = MatchView::of(&partition.buffer, &found.run, found.time);
                measures.iter_mut().try_for_each(|measure| measure.write(&view, &env, given))?;
                out.push(RowKind::Insert, moment.watermark, Reader::new(given));
            }
            partition.trim();
            Ok(())
        };

        partitions
            .update(key, 0, |slot| {
                let partition = slot.get_or_insert_with(|| matcher.start());
                let before = partition.over_at;
                let mut found = Vec::new();
                matcher.expire(partition, time, &mut found)?;
                give(partition, &mut found)?;

                for entry in rows {
                    matcher.take(partition, (time, entry.row()), &env, &mut found)?;
                    give(partition, &mut found)?;
                }

                if before != partition.over_at {
                    before.iter().for_each(|&before| over.cancel(before, key));
                    partition.over_at.iter().for_each(|&end| over.set(end, key));
                }
                if partition.is_at_rest() {
                    *slot = None;
                }
                Ok(())
            })
            .map_err(|failure| failed(name, failure))?;

        if self.out.is_full() { self.emit(context) } else { Ok(()) }
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

fn failed(name: &str, failure: MatchFailure) -> OperatorError {
    let operator = name.to_owned();
    match failure {
        MatchFailure::Evaluate(source) => OperatorError::Evaluate { operator, source },
        MatchFailure::Rows(what) => OperatorError::Rows { operator, what },
    }
}

impl PendingRows {
    /// Returns the time of the next row.
    fn first_time(&self) -> Option<i64> {
        self.rows.first()?.time()
    }
}

impl StateValue for PendingRows {
    fn write(&self, out: &mut Vec<u8>) {
        (self.next as i64).write(out);
        self.rows.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<PendingRows> {
        Some(PendingRows { next: i64::read(reader)? as u64, rows: Ordered::read(reader)? })
    }

    fn heap_bytes(&self) -> usize {
        self.rows.heap_bytes()
    }
}

impl Operator for MatchOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        for row in rows.places() {
            let time = self.moment.before_row(rows.watermark(row), now_ms);
            if time > self.moment.reached {
                self.pass(time, context)?;
                self.moment.reach(time);
            }

            let Some(time) = self.moment.time_of(self.time, rows, row, now_ms) else { continue };
            if time <= self.moment.reached {
                self.late += 1;
                continue;
            }
            self.key.clear();
            row::write_all(rows.values(&self.partition, row), &mut self.key);
            self.wait(time, rows, row);
            if self.comes_in_order() {
                self.pass(time, context)?;
            }
        }
        self.emit(context)
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        // At the end of time, rows that wait for the clock cannot be preceded by any other row.
        let is_last = watermark == i64::MAX;
        if is_last || (!self.moment.is_processing() && watermark > self.moment.reached) {
            self.pass(watermark, context)?;
        }
        self.moment.advance(watermark);
        self.emit(context)
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        let next = self.due.next().into_iter().chain(self.over.next()).min();
        self.moment.tick_of(next)
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.moment.is_processing() {
            let time = self.moment.before_row(self.moment.watermark, context.now_ms());
            self.pass(time, context)?;
            self.moment.reach(time);
        }
        self.emit(context)
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.waiting.write(WAITING, out);
        self.due.write(DUE, out);
        self.partitions.write(PARTITIONS, out);
        self.over.write(OVER, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match tag {
                WAITING => self.waiting.read(&mut reader, &self.name)?,
                DUE => self.due.read(&mut reader, &self.name)?,
                PARTITIONS => self.partitions.read(&mut reader, &self.name)?,
                OVER => self.over.read(&mut reader, &self.name)?,
                _ => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let timers = self.due.memory_bytes() + self.over.memory_bytes();
        self.waiting.memory_bytes() + self.partitions.memory_bytes() + timers + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }
}
