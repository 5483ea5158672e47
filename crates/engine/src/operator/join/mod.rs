//! Join: pairs of rows of two changelogs that agree in their keys and pass a condition.
//!
//! Both sides are kept ([`side::Side`]). A row that comes is looked up among the other side's rows and then kept or taken
//! out. A side whose rows must come without partners too keeps for each row how many partners it has, so that a change on
//! the other side shows when the first comes and when the last goes:
//!
//! ```text
//! LEFT JOIN       in                   out
//!                 left  +I [l]         +I [l, null]            partners of l: 0
//!                 right +I [r]         -D [l, null]
//!                                      +I [l, r]               1
//!                 right -U [r]         -U [l, r]  +I [l, null] 0
//!                 right +U [r']        -D [l, null]  +I [l, r']
//! ```
//!
//! Semi, anti and mark joins give left rows alone and count the partners of the left side in the same way. The kinds of
//! rows are Flink's: an inner join keeps the kind of the row that came, an outer one gives `+I` and `-D`.
//!
//! With a condition, the pairs of a whole batch are gathered, evaluated together and then applied in the order of
//! the rows: see [`condition`].

pub(crate) mod condition;
mod joiner;
pub(crate) mod output;
mod packed;
pub(crate) mod pairs;
pub(crate) mod shape;
pub(crate) mod side;
mod table;
#[cfg(test)]
pub(crate) mod tests;

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, Join};
use types::Interval;

use self::condition::{Condition, Probe, Probed};
use self::joiner::Joiner;
pub(crate) use self::joiner::give_padded;
use self::output::Expiry;
use self::shape::{LEFT, Shape};
use self::side::{ALL, Side};
use super::chain::{Context, Operator, OperatorError};
use super::changes::Changes;
use crate::row;
use crate::state::{StateError, StatePart, StateWriter};

/// See the module's text.
pub struct JoinOperator {
    name: String,
    joiner: Joiner,
    condition: Option<Condition>,
    expiry: Expiry,
}

impl JoinOperator {
    /// # Errors
    /// The message of a function that does not accept its literal arguments.
    pub fn new(
        name: String,
        join: &Join,
        inputs: &[Input],
        ttl: Option<Interval>,
        time_zone: &TimeZone,
    ) -> Result<JoinOperator, String> {
        let mut keys = &join.keys[..];
        let mut compared = None;
        if let (true, Some((last, before))) = (join.null_aware, keys.split_last()) {
            compared = Some((last.left, inputs[LEFT].fields.len() + last.right));
            keys = before;
        }

        let condition = match (join.condition.as_ref(), compared) {
            (None, None) => None,
            (predicate, compared) => {
                Some(Condition::new(name.clone(), predicate, compared, inputs, time_zone)?)
            }
        };
        Ok(JoinOperator {
            name,
            joiner: Joiner::new(join, Shape::new(join.kind, keys, inputs), inputs, ttl),
            condition,
            expiry: Expiry::new(ttl),
        })
    }
}

impl Operator for JoinOperator {
    fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let joiner = &mut self.joiner;
        match &mut self.condition {
            Some(condition) => condition.process(input, rows, joiner, context)?,
            None => {
                for at in rows.places() {
                    let probe = Probe { at, places: ALL, pairs: 0, is_last: true };
                    joiner.apply(input, rows, probe, None, context)?;
                }
            }
        }
        joiner.output.flush(context)
    }

    fn advance(&mut self, watermark: i64, _context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.joiner.output.watermark = watermark;
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        self.expiry.next_tick()
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.expiry.is_due(context.now_ms()) {
            self.joiner.sides.iter_mut().for_each(|side| side.expire(context.now_ms()));
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.joiner.sides.iter().for_each(|side| side.write(out));
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = row::Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            let mut is_known = false;
            for side in &mut self.joiner.sides {
                is_known = is_known || side.restore(tag, &mut reader, &self.name)?;
            }
            if !is_known {
                let what = format!("entries of kind {tag} are of another join");
                return Err(StateError { operator: self.name.clone(), what });
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let sides: usize = self.joiner.sides.iter().map(Side::memory_bytes).sum();
        let pairs = self.condition.as_ref().map_or(0, Condition::memory_bytes);
        sides + pairs + self.joiner.output.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
