//! `GROUP BY` without a window, and `SELECT DISTINCT`, which is a `GROUP BY` without calls.
//!
//! Results follow their rows at once, batch by batch. Each group that a batch touches emits one change, from
//! its result before the batch to its result after the batch:
//!
//! ```text
//! rows of the group   0 → 2      +I new
//!                     1 → 3      -U old, +U new; nothing if they are equal
//!                     1 → 0      -D old
//! ```
//!
//! With `table.exec.mini-batch.enabled` = `false` each row emits a change, as if it came in its own batch.
//!
//! With a time to live an equal result is emitted again, so that the state of later operators stays alive
//! too. A retraction from a group that does not exist is ignored, as in Flink.

mod chunk;
mod group;
mod output;
#[cfg(test)]
mod tests;
mod touched;

use sql::plan::Updates;
use sql::plan::operator::{GroupAggregate, Input};
use types::Interval;

use self::chunk::GroupChunk;
use self::group::Group;
use self::output::GroupAggregateOutput;
use self::touched::Touched;
use super::accumulate::{Accumulators, Retraction, StepScratch, Steps};
use super::chain::{Context, Operator, OperatorError};
use super::changes::Changes;
use super::expiry::Expiry;
use crate::row::Reader;
use crate::state::{Keyed, StateError, StatePart, StateWriter};

/// The tag of the only map in a snapshot.
const GROUPS: u8 = 0;

/// The number of rows that are looked up together.
const CHUNK_ROWS: usize = 128;

/// Aggregates rows by key; see the module documentation.
pub struct GroupAggregateOperator {
    name: String,
    keys: Vec<usize>,
    accumulators: Accumulators,
    groups: Keyed<Group>,
    expiry: Expiry,
    out: GroupAggregateOutput,
    updates: Updates,
    chunk: GroupChunk,
    touched: Touched,
    scratch: StepScratch,
}

impl GroupAggregateOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// A call cannot be computed.
    pub fn new(
        name: String,
        spec: &GroupAggregate,
        inputs: &[Input],
        ttl: Option<Interval>,
        updates: Updates,
    ) -> Result<GroupAggregateOperator, String> {
        let retraction = if inputs[0].changes.is_append() { Retraction::Never } else { Retraction::Possible };
        let accumulators = Accumulators::new(&spec.calls, retraction)?;

        Ok(GroupAggregateOperator {
            name,
            keys: spec.keys.clone(),
            groups: Keyed::new(ttl),
            expiry: Expiry::new(ttl),
            out: GroupAggregateOutput::new(spec.keys.len(), accumulators.reprs(), spec.emits_before),
            accumulators,
            updates,
            chunk: GroupChunk::default(),
            touched: Touched::default(),
            scratch: StepScratch::default(),
        })
    }

    /// Processes the rows of the chunk.
    fn take_chunk(&mut self, rows: &Changes<'_>, now_ms: i64) -> Result<(), OperatorError> {
        let Self { accumulators, groups, out, chunk, touched, scratch, .. } = self;
        let known = touched.len();
        chunk.find_groups(groups, touched, accumulators, rows, now_ms);

        // The results before the batch must be stored before its rows change the states.
        let (first, columns) = out.grow(touched.len());
        let new = touched.groups().iter().enumerate().skip(known).filter(|(_, group)| group.had_rows);
        let places = new.map(|(number, group)| (group.place, first + 2 * number));
        accumulators.put_results(groups, places, columns, scratch);

        let steps = Steps { rows, steps: chunk.steps() };
        let grown = accumulators
            .take_steps(groups, steps, scratch)
            .map_err(|what| OperatorError::Rows { operator: self.name.clone(), what })?;
        groups.charge(grown);
        chunk.clear();
        Ok(())
    }

    /// Adds the changes of the touched groups to the output.
    fn settle(&mut self) {
        let Self { accumulators, groups, out, touched, scratch, .. } = self;
        let (first, columns) = out.grow(touched.len());
        let places = touched.groups().iter().enumerate();
        let places = places.map(|(number, group)| (group.place, first + 2 * number + 1));
        accumulators.put_results(groups, places, columns, scratch);

        let gives_equal = self.expiry.is_on();
        for group in touched.groups() {
            let has_rows = groups.at(group.place).is_some_and(|group| !group.is_empty());
            out.add(group, has_rows, gives_equal);
        }
        touched.settle(groups);
    }

    /// Emits all changes so far.
    fn emit(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.settle();
        self.out.emit(rows, &self.keys, context)?;
        self.out.begin();
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
        let chunk_rows = match self.updates {
            Updates::PerBatch => CHUNK_ROWS,
            Updates::PerRow => 1,
        };

        for row in rows.places() {
            self.chunk.push(rows, row, &self.keys, &self.groups);
            if self.chunk.len() < chunk_rows {
                continue;
            }
            self.take_chunk(rows, now_ms)?;
            if self.updates == Updates::PerRow {
                self.settle();
            }
            if self.out.is_full(self.touched.len()) {
                self.emit(rows, context)?;
            }
        }
        self.take_chunk(rows, now_ms)?;
        self.emit(rows, context)
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
                return Err(StateError::unknown_tag(&self.name, tag));
            }
            self.groups.read(&mut reader, &self.name)?;
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.groups.memory_bytes()
            + self.out.memory_bytes()
            + self.touched.memory_bytes()
            + self.chunk.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
