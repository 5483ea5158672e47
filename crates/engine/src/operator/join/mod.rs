//! Join: pairs of rows of two changelogs that have equal keys and pass a condition.
//!
//! Both sides are stored (`side::Side`). An input row is looked up among the other side's rows and then
//! stored or removed. A side whose rows also appear without partners stores a number of partners per row, so
//! that a change on the other side is visible when the first partner comes and when the last one goes:
//!
//! ```text
//! LEFT JOIN       in             out
//!         left     +I [l]       +I [l, null]                 partners of l: 0
//!         right    +I [r]       -D [l, null]  +I [l, r]                     1
//!         right    -U [r]       -U [l, r]     +I [l, null]                  0
//!         right    +U [r']      -D [l, null]  +I [l, r']                    1
//! ```
//!
//! Semi, anti and mark joins emit left rows only, and count the partners of left rows in the same way. A
//! null-aware anti join is in `not_in`. The kinds of rows are Flink's: an inner join keeps the kind of the
//! input row, an outer join emits `+I` and `-D`.
//!
//! An inner join never pads: it counts no partners and emits whole columns of pairs, see `inner`. The other
//! joins gather, if they have a condition, the pairs of a whole batch, evaluate them together and then apply
//! the rows in order, see `condition`.

mod bag;
pub(crate) mod condition;
mod inner;
mod joiner;
mod not_in;
pub(crate) mod output;
mod packed;
mod pair_columns;
pub(crate) mod pairs;
mod row_table;
pub(crate) mod shape;
pub(crate) mod side;
#[cfg(test)]
pub(crate) mod tests;

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, Join};
use types::Interval;

use self::condition::{Probe, ProbeCondition, Probed};
use self::inner::InnerJoin;
use self::joiner::Joiner;
pub(crate) use self::joiner::give_padded;
use self::not_in::NotIn;
use self::shape::{JoinShape, LEFT, RIGHT};
use self::side::{ALL, Side};
use super::chain::{Context, Operator, OperatorError};
use super::changes::Changes;
use super::expiry::Expiry;
use crate::row;
use crate::state::{StateError, StatePart, StateWriter};

/// Joins two changelogs; see the module documentation.
pub struct JoinOperator {
    name: String,
    work: JoinAlgorithm,
    expiry: Expiry,
}

/// The way in which the rows of a join are stored and matched.
enum JoinAlgorithm {
    Inner(Box<InnerJoin>),
    Pairs { joiner: Box<Joiner>, condition: Option<Box<ProbeCondition>> },
    NotIn(Box<NotIn>),
}

impl JoinOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// A function does not accept its literal arguments.
    pub fn new(
        name: String,
        join: &Join,
        inputs: &[Input],
        state_ttl: &[Option<Interval>],
        time_zone: &TimeZone,
    ) -> Result<JoinOperator, String> {
        let (keys, compared) = match join.keys.split_last() {
            Some((last, before)) if join.null_aware => (before, Some(*last)),
            _ => (&join.keys[..], None),
        };
        let shape = JoinShape::new(join.kind, keys, inputs);
        let ttl = |side: usize| state_ttl.get(side).copied().flatten();
        let expiry = Expiry::new(ttl(LEFT).into_iter().chain(ttl(RIGHT)).min());

        if let (Some(compared), None) = (compared, &join.condition) {
            let work = JoinAlgorithm::NotIn(Box::new(NotIn::new(shape, compared, inputs, ttl(LEFT))));
            return Ok(JoinOperator { name, work, expiry });
        }

        if shape.gives_pairs_alone() {
            let inner =
                InnerJoin::new(name.clone(), join, shape, inputs, [ttl(LEFT), ttl(RIGHT)], time_zone)?;
            return Ok(JoinOperator { name, work: JoinAlgorithm::Inner(Box::new(inner)), expiry });
        }

        let condition = match &join.condition {
            None => None,
            Some(predicate) => {
                let right = inputs[LEFT].fields.len();
                let compared = compared.map(|key| (key.left, right + key.right));
                Some(Box::new(ProbeCondition::new(name.clone(), predicate, compared, inputs, time_zone)?))
            }
        };

        let joiner = Box::new(Joiner::new(join, shape, inputs, [ttl(LEFT), ttl(RIGHT)]));
        Ok(JoinOperator { name, work: JoinAlgorithm::Pairs { joiner, condition }, expiry })
    }
}

impl Operator for JoinOperator {
    fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        self.expiry.start(context.now_ms());
        match &mut self.work {
            JoinAlgorithm::Inner(inner) => inner.process(input, rows, context),
            JoinAlgorithm::Pairs { joiner, condition: Some(condition) } => {
                condition.process(input, rows, &mut **joiner, context)?;
                joiner.output.flush(context)
            }
            JoinAlgorithm::Pairs { joiner, condition: None } => {
                for at in rows.places() {
                    let probe = Probe { at, places: ALL, pairs: 0, is_last: true };
                    joiner.apply(input, rows, probe, None, context)?;
                }
                joiner.output.flush(context)
            }
            JoinAlgorithm::NotIn(not_in) => {
                rows.places().try_for_each(|at| not_in.apply(input, rows, at, context))?;
                not_in.output.flush(context)
            }
        }
    }

    fn advance(&mut self, watermark: i64, _context: &mut Context<'_>) -> Result<(), OperatorError> {
        match &mut self.work {
            JoinAlgorithm::Inner(inner) => inner.advance(watermark),
            JoinAlgorithm::Pairs { joiner, .. } => joiner.output.watermark = watermark,
            JoinAlgorithm::NotIn(not_in) => not_in.output.watermark = watermark,
        }
        Ok(())
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
            match &mut self.work {
                JoinAlgorithm::Inner(inner) => inner.sides.iter_mut().for_each(|side| side.expire(now_ms)),
                JoinAlgorithm::Pairs { joiner, .. } => {
                    joiner.sides.iter_mut().for_each(|side| side.expire(now_ms))
                }
                JoinAlgorithm::NotIn(not_in) => not_in.expire(now_ms),
            }
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        match &self.work {
            JoinAlgorithm::Inner(inner) => inner.sides.iter().for_each(|side| side.write(out)),
            JoinAlgorithm::Pairs { joiner, .. } => joiner.sides.iter().for_each(|side| side.write(out)),
            JoinAlgorithm::NotIn(not_in) => not_in.write(out),
        }
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = row::Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            let is_known = match &mut self.work {
                JoinAlgorithm::Inner(inner) => restore(&mut inner.sides, tag, &mut reader, &self.name)?,
                JoinAlgorithm::Pairs { joiner, .. } => {
                    restore(&mut joiner.sides, tag, &mut reader, &self.name)?
                }
                JoinAlgorithm::NotIn(not_in) => not_in.restore(tag, &mut reader, &self.name)?,
            };
            if !is_known {
                // Tags tell the form in which rows are stored: see `Side::new`.
                let what = format!("it has an entry of kind {tag}, which another join wrote");
                return Err(StateError { operator: self.name.clone(), what });
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        match &self.work {
            JoinAlgorithm::Inner(inner) => inner.memory_bytes(),
            JoinAlgorithm::Pairs { joiner, condition } => {
                let sides: usize = joiner.sides.iter().map(Side::memory_bytes).sum();
                let pairs = condition.as_ref().map_or(0, |condition| condition.memory_bytes());
                sides + pairs + joiner.output.memory_bytes()
            }
            JoinAlgorithm::NotIn(not_in) => not_in.memory_bytes(),
        }
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}

fn restore(
    [left, right]: &mut [Side; 2],
    tag: u8,
    reader: &mut row::Reader<'_>,
    name: &str,
) -> Result<bool, StateError> {
    Ok(left.restore(tag, reader, name)? || right.restore(tag, reader, name)?)
}
