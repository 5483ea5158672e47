//! `GROUP BY` without a window, and `SELECT DISTINCT`, which is one without calls.
//!
//! A row changes one group, and the group's result follows it at once. The result before the row and the result after it
//! decide what is given:
//!
//! ```text
//! rows of the group   0 → 1        +I new
//!                     1 → 2        -U old, +U new; nothing where they are equal
//!                     1 → 0        -D old
//! ```
//!
//! With a time to live an equal result is given again, so that the state of later operators stays alive too. A row that
//! is taken back from a group that does not exist is passed over, as in Flink.

mod chunk;
mod group;
mod output;
#[cfg(test)]
mod tests;

use sql::plan::operator::{GroupAggregate, Input};
use types::Interval;

use self::chunk::Chunk;
use self::group::Group;
use self::output::{FULL_PLACES, Output};
use super::accumulate::{Accumulators, Retraction, Work};
use super::chain::{Context, Operator, OperatorError};
use super::changes::Changes;
use super::expiry::Expiry;
use crate::row::Reader;
use crate::state::{Keyed, StateError, StatePart, StateWriter};

/// The only map, in a snapshot.
const GROUPS: u8 = 0;

/// Rows that are looked up side by side.
const CHUNK_ROWS: usize = 128;

/// See the module's text.
pub struct GroupAggregateOperator {
    name: String,
    keys: Vec<usize>,
    accumulators: Accumulators,
    groups: Keyed<Group>,
    expiry: Expiry,
    out: Output,
    chunk: Chunk,
    scratch: Scratch,
}

/// Room that is used again for each chunk.
#[derive(Debug, Default)]
struct Scratch {
    changed: Vec<bool>,
    bytes: Vec<u8>,
    hashes: Vec<u64>,
    new: Vec<u8>,
}

impl GroupAggregateOperator {
    /// # Errors
    /// A call cannot be computed.
    pub fn new(
        name: String,
        spec: &GroupAggregate,
        inputs: &[Input],
        ttl: Option<Interval>,
    ) -> Result<GroupAggregateOperator, String> {
        let retraction = if inputs[0].changes.is_append() { Retraction::Never } else { Retraction::Possible };
        let accumulators = Accumulators::new(&spec.calls, retraction)?;

        Ok(GroupAggregateOperator {
            name,
            keys: spec.keys.clone(),
            groups: Keyed::new(ttl),
            expiry: Expiry::new(ttl),
            out: Output::new(spec.keys.len(), accumulators.reprs(), spec.emits_before),
            accumulators,
            chunk: Chunk::default(),
            scratch: Scratch::default(),
        })
    }

    /// Takes the rows of the chunk.
    fn take_chunk(&mut self, rows: &Changes<'_>, now_ms: i64) -> Result<(), OperatorError> {
        let Self { accumulators, groups, out, chunk, scratch, .. } = self;
        chunk.find_groups(groups, accumulators, rows, now_ms);

        let steps = chunk.steps();
        scratch.changed.clear();
        scratch.changed.resize(steps.len(), false);
        let (first, columns) = out.next();
        let mut work = Work {
            rows,
            steps,
            first,
            changed: &mut scratch.changed,
            scratch: &mut scratch.bytes,
            hashes: &mut scratch.hashes,
            new: &mut scratch.new,
        };
        let grown = accumulators
            .take_steps(groups, &mut work, columns)
            .map_err(|what| OperatorError::Rows { operator: self.name.clone(), what })?;
        groups.charge(grown);

        let all = self.expiry.is_on();
        out.add(steps, |step| all || scratch.changed[step]);
        chunk.drop_emptied(groups);
        chunk.clear();
        Ok(())
    }
}

impl Operator for GroupAggregateOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        self.expiry.start(now_ms);
        let mut left = rows.rows.len();
        self.out.begin(left.min(FULL_PLACES / 2 + CHUNK_ROWS));

        for row in rows.places() {
            self.chunk.push(rows, row, &self.keys, &self.groups);
            left -= 1;
            if self.chunk.len() < CHUNK_ROWS && left > 0 {
                continue;
            }
            self.take_chunk(rows, now_ms)?;
            if self.out.is_full() {
                self.out.emit(rows, &self.keys, context)?;
                self.out.begin(left.min(FULL_PLACES / 2 + CHUNK_ROWS));
            }
        }
        self.out.emit(rows, &self.keys, context)
    }

    fn advance(&mut self, _watermark: i64, _context: &mut Context<'_>) -> Result<(), OperatorError> {
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
            self.groups.expire(context.now_ms());
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.groups.write(GROUPS, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            if tag != GROUPS {
                let what = format!("there is no map {tag}");
                return Err(StateError { operator: self.name.clone(), what });
            }
            self.groups.read(&mut reader, &self.name)?;
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.groups.memory_bytes() + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
