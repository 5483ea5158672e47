//! Temporal join: joins each left row with the version of the right row that was in force at the left row's
//! time.
//!
//! The right input is a changelog by key. Each of its rows begins a version at the time written in it; a
//! deleted row ends the version of its own time. A left row waits until the watermarks of both sides have
//! passed it, since a version may arrive until then:
//!
//! ```text
//! versions of key a    5: rate 1.1 ───── 9: rate 1.2 ───── 12: deleted ─────
//! left rows        4        8                11                13
//! emitted     (4, null)  (8, rate 1.1)  (11, rate 1.2)     (13, null)
//! ```
//!
//! Rows are emitted in the order of their time. When the watermark advances, versions that are no longer in
//! force are dropped, since no waiting row can need them. One timer for each time of a key does both.
//!
//! The `-U` of an update has the time of the version that it retracts, but that version was in force until
//! the `+U`: the `-U` is ignored, unless no `+U` of the same or a later time follows.

mod history;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, JoinKind, TemporalJoin};
use types::{Interval, Scalar};

use self::history::VersionHistory;
use super::chain::{Context, Operator, OperatorError};
use super::changes::{Changes, RowKind};
use super::expiry::Expiry;
use super::join::give_padded;
use super::join::output::JoinOutput;
use super::join::pairs::Pairs;
use super::join::shape::{JoinShape, LEFT, RIGHT};
use crate::row;
use crate::state::{Keyed, StateError, StatePart, StateWriter, Timers};
use crate::watermark::NO_WATERMARK;

const HISTORIES: u8 = 0;
const TIMERS: u8 = 1;

/// The number of rows for which the condition is evaluated together.
const FULL_VERSIONED: usize = 4_096;

/// Joins rows with versions; see the module documentation.
pub struct TemporalJoinOperator {
    name: String,
    shape: JoinShape,
    times: [usize; 2],
    histories: Keyed<VersionHistory>,
    /// The times of left rows and of versions, with their keys.
    timers: Timers,
    pairs: Option<Pairs>,
    /// Left rows whose version is known and whose condition is not yet evaluated.
    versioned: Vec<VersionedRow>,
    output: JoinOutput,
    expiry: Expiry,
    key: Vec<u8>,
    row: Vec<u8>,
}

/// A left row and its version.
struct VersionedRow {
    key: Box<[u8]>,
    left: Box<[u8]>,
    version: Option<Box<[u8]>>,
}

impl TemporalJoinOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// The join is neither inner nor left, or a function does not accept its literal arguments.
    pub fn new(
        name: String,
        join: &TemporalJoin,
        inputs: &[Input],
        ttl: Option<Interval>,
        time_zone: &TimeZone,
    ) -> Result<TemporalJoinOperator, String> {
        if !matches!(join.kind, JoinKind::Inner | JoinKind::Left) {
            return Err(format!("a temporal join is not {:?}", join.kind));
        }

        let shape = JoinShape::new(join.kind, &join.keys, inputs);
        let pairs = match &join.condition {
            Some(predicate) => Some(Pairs::new(predicate, inputs, time_zone)?),
            None => None,
        };

        Ok(TemporalJoinOperator {
            name,
            output: JoinOutput::new(&shape.output(inputs)),
            shape,
            times: [join.left_time, join.right_time],
            histories: Keyed::new(ttl),
            timers: Timers::default(),
            pairs,
            versioned: Vec::new(),
            expiry: Expiry::new(ttl),
            key: Vec::new(),
            row: Vec::new(),
        })
    }

    /// Stores a left row. A row that cannot have a partner is stored too, if it is padded, to keep the order
    /// of time.
    fn take_left(&mut self, rows: &Changes<'_>, at: usize, now_ms: i64) {
        let time = rows.get(self.times[LEFT], at);
        let may_match = self.shape.write_whole_key(LEFT, rows, at, &mut self.key);
        if !may_match && !self.shape.pads[LEFT] {
            return;
        }

        // Without a time no version is in force.
        let time = if let Scalar::Int(time) = time { time } else { NO_WATERMARK };
        self.shape.write_row(LEFT, rows, at, &mut self.row);
        let row = &self.row;
        self.histories.update(&self.key, now_ms, |kept| kept.get_or_insert_default().wait(time, row));
        self.timers.set(time, &self.key);
    }

    /// Begins or ends a version.
    fn take_right(&mut self, rows: &Changes<'_>, at: usize, now_ms: i64) {
        let Scalar::Int(time) = rows.get(self.times[RIGHT], at) else { return };
        if !self.shape.write_key(RIGHT, rows, at, &mut self.key) {
            return;
        }

        self.shape.write_row(RIGHT, rows, at, &mut self.row);
        let row = &self.row;
        self.histories.update(&self.key, now_ms, |kept| {
            let history = kept.get_or_insert_default();
            match rows.kind(at) {
                RowKind::Insert | RowKind::UpdateAfter => history.put(time, row),
                RowKind::UpdateBefore => history.retract(time),
                RowKind::Delete => history.delete(time),
            }
        });
        self.timers.set(time, &self.key);
    }

    /// Emits the left rows of a key up to a time that the watermark has passed, and drops older versions.
    fn fire(
        &mut self,
        (time, key): (i64, &[u8]),
        watermark: i64,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        let TemporalJoinOperator { shape, histories, pairs, versioned, output, .. } = self;
        let may_match = shape.may_match(key);

        histories.update(key, now_ms, |kept| {
            let Some(history) = kept else { return Ok::<_, OperatorError>(()) };
            while let Some((time, left)) = history.pop_waiting(time) {
                let version = history.version(time).filter(|_| may_match);
                if pairs.is_some() {
                    versioned.push(VersionedRow { key: key.into(), left, version: version.map(Box::from) });
                } else {
                    give(shape, key, &left, version, output, context)?;
                }
            }

            // A row that waits for a later time of this key may still need the version that is in force then.
            history.forget_before(history.next_waiting().map_or(watermark, |next| next.min(watermark)));
            if history.is_empty() {
                *kept = None;
            }
            Ok(())
        })
    }

    /// Evaluates the condition for the versioned rows, and emits them in order.
    fn emit_versioned(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let TemporalJoinOperator { name, shape, pairs, versioned, output, .. } = self;
        let Some(pairs) = pairs else { return Ok(()) };
        for VersionedRow { key, left, version } in versioned.iter() {
            if let Some(version) = version {
                pairs.push(shape.keyed(LEFT, left, key).chain(shape.keyed(RIGHT, version, key)));
            }
        }

        let failed = |source| OperatorError::Evaluate { operator: name.clone(), source };
        let mut flags = pairs.evaluate(context.env(), None).map_err(failed)?.iter();
        for VersionedRow { key, left, version } in versioned.drain(..) {
            let version = version.filter(|_| flags.next() == Some(&true));
            give(shape, &key, &left, version.as_deref(), output, context)?;
        }
        Ok(())
    }
}

/// Emits a left row with its version, or with nulls if the join pads it.
fn give(
    shape: &JoinShape,
    key: &[u8],
    left: &[u8],
    version: Option<&[u8]>,
    output: &mut JoinOutput,
    context: &mut Context<'_>,
) -> Result<(), OperatorError> {
    let insert = (RowKind::Insert, 1);
    let left = shape.keyed(LEFT, left, key);
    match version {
        Some(version) => output.push(insert, left.chain(shape.keyed(RIGHT, version, key)), context),
        None if shape.pads[LEFT] => give_padded(shape, LEFT, insert, left, output, context),
        None => Ok(()),
    }
}

impl Operator for TemporalJoinOperator {
    fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        self.expiry.start(context.now_ms());
        for at in rows.places() {
            match input {
                LEFT => self.take_left(rows, at, context.now_ms()),
                _ => self.take_right(rows, at, context.now_ms()),
            }
        }
        Ok(())
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        while let Some((time, key)) = self.timers.pop(watermark) {
            self.fire((time, &key), watermark, context)?;
            if self.versioned.len() >= FULL_VERSIONED {
                self.emit_versioned(context)?;
            }
        }
        self.emit_versioned(context)?;
        self.output.flush(context)?;
        self.output.watermark = watermark;
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        self.expiry.next_tick()
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.expiry.take_due(context.now_ms()) {
            self.histories.expire(context.now_ms());
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.histories.write(HISTORIES, out);
        self.timers.write(TIMERS, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = row::Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match tag {
                HISTORIES => self.histories.read(&mut reader, &self.name)?,
                TIMERS => self.timers.read(&mut reader, &self.name)?,
                _ => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.histories.memory_bytes()
            + self.timers.memory_bytes()
            + self.pairs.as_ref().map_or(0, Pairs::memory_bytes)
            + self.output.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
