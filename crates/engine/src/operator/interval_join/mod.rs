//! Interval join: pairs of rows with equal keys whose times differ by a bounded amount.
//!
//! Both inputs and the result hold inserts only. A row is stored as long as a partner may come for it: for a
//! left row of time 10 and `left - right` between -5 and 2, partners have times from 8 to 15:
//!
//! ```text
//! right time     8 ─────────────── 15
//! left             10               └ the watermark passes: the left row is removed,
//!                                     and emitted with nulls if it had no partner
//! ```
//!
//! A late row is not dropped: it is joined with the rows that are still stored. Output rows have the times of
//! either side, so the output watermark is held back by the larger reach.

mod bucket;
mod sides;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, IntervalJoin, JoinKind};

use self::sides::Sides;
use super::chain::{Context, Operator, OperatorError};
use super::changes::Changes;
use super::join::condition::{Probe, ProbeCondition, Probed};
use super::join::side::ALL;
use crate::row;
use crate::state::{StateError, StatePart, StateWriter};
use crate::watermark::NO_WATERMARK;

/// Joins rows whose times are close; see the module documentation.
pub struct IntervalJoinOperator {
    name: String,
    sides: Sides,
    condition: Option<ProbeCondition>,
    /// By how much the output watermark is held back, in milliseconds.
    holds_back: i64,
}

impl IntervalJoinOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// The join is not inner, left, right or full, or a function does not accept its literal arguments.
    pub fn new(
        name: String,
        join: &IntervalJoin,
        inputs: &[Input],
        time_zone: &TimeZone,
    ) -> Result<IntervalJoinOperator, String> {
        if matches!(join.kind, JoinKind::Semi | JoinKind::Anti | JoinKind::Mark) {
            return Err(format!("an interval join is not {:?}", join.kind));
        }

        let condition = match join.condition.as_ref() {
            Some(predicate) => Some(ProbeCondition::new(name.clone(), predicate, None, inputs, time_zone)?),
            None => None,
        };
        let sides = Sides::new(join, inputs);
        let holds_back = match sides.is_event_time() {
            true => join.lower.0.saturating_neg().max(join.upper.0).max(0),
            false => 0,
        };
        Ok(IntervalJoinOperator { name, sides, condition, holds_back })
    }
}

impl Operator for IntervalJoinOperator {
    fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        if !self.sides.is_event_time() {
            self.sides.clock = context.now_ms();
            self.sides.clean(context.now_ms(), context)?;
        }
        match &mut self.condition {
            Some(condition) => condition.process(input, rows, &mut self.sides, context)?,
            None => {
                for at in rows.places() {
                    let probe = Probe { at, places: ALL, pairs: 0, is_last: true };
                    self.sides.apply(input, rows, probe, None, context)?;
                }
            }
        }
        self.sides.output.flush(context)
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        // At the end of all rows nothing is waited for, on either clock.
        if self.sides.is_event_time() || watermark == i64::MAX {
            self.sides.clock = watermark;
            self.sides.clean(watermark, context)?;
            self.sides.output.flush(context)?;
        }
        self.sides.output.watermark = self.output_watermark(watermark);
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        match watermark {
            NO_WATERMARK | i64::MAX => watermark,
            _ => watermark.saturating_sub(self.holds_back),
        }
    }

    fn next_tick(&self) -> Option<i64> {
        if self.sides.is_event_time() { None } else { self.sides.next_due() }
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.sides.is_event_time() {
            return Ok(());
        }
        self.sides.clock = context.now_ms();
        self.sides.clean(context.now_ms(), context)?;
        self.sides.output.flush(context)
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.sides.write(out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        self.sides.read(&mut row::Reader::new(&part.bytes), &self.name)
    }

    fn memory_bytes(&self) -> usize {
        self.sides.memory_bytes() + self.condition.as_ref().map_or(0, ProbeCondition::memory_bytes)
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
