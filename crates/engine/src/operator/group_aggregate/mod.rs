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

mod group;
#[cfg(test)]
mod tests;

use sql::plan::operator::{GroupAggregate, Input};
use types::{Interval, Repr};

use self::group::Group;
use super::accumulate::{Accumulators, Retraction};
use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::expiry::Expiry;
use super::fields;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StatePart, StateWriter};

/// The only map, in a snapshot.
const GROUPS: u8 = 0;

/// See the module's text.
pub struct GroupAggregateOperator {
    name: String,
    keys: Vec<usize>,
    accumulators: Accumulators,
    emits_before: bool,
    groups: Keyed<Group>,
    expiry: Expiry,
    out: ChangeBuffer,
    key: Vec<u8>,
    results: Results,
}

/// The results of a group before and after a row, in the compact form.
#[derive(Debug, Default)]
struct Results {
    before: Vec<u8>,
    after: Vec<u8>,
}

/// What a row does to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Nothing,
    Created,
    Updated,
    Deleted,
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
        let input = &inputs[0];
        let retraction = if input.changes.is_append() { Retraction::Never } else { Retraction::Possible };
        let accumulators = Accumulators::new(&spec.calls, retraction)?;
        let key_repr = |&key: &usize| fields::repr(&input.fields[key].column_type);
        let reprs: Vec<Repr> = spec.keys.iter().map(key_repr).chain(accumulators.reprs()).collect();

        Ok(GroupAggregateOperator {
            name,
            keys: spec.keys.clone(),
            accumulators,
            emits_before: spec.emits_before,
            groups: Keyed::new(ttl),
            expiry: Expiry::new(ttl),
            out: ChangeBuffer::new(&reprs),
            key: Vec::new(),
            results: Results::default(),
        })
    }

    fn take(&mut self, rows: &Changes<'_>, row: usize, now_ms: i64) -> Result<(), OperatorError> {
        self.key.clear();
        row::write_all(rows.values(&self.keys, row), &mut self.key);
        let is_addition = rows.kind(row).is_addition();
        let Self { accumulators, results, .. } = self;
        let outcome = self
            .groups
            .update(&self.key, now_ms, |group| {
                let field = |field| rows.get(field, row);
                if is_addition {
                    Group::add(group, accumulators, results, field)
                } else {
                    Group::retract(group, accumulators, results, field)
                }
            })
            .map_err(|what| OperatorError::Rows { operator: self.name.clone(), what })?;

        match outcome {
            Outcome::Nothing => {}
            Outcome::Created => self.push(RowKind::Insert, rows, row),
            Outcome::Deleted => self.push(RowKind::Delete, rows, row),
            Outcome::Updated => {
                if self.results.before != self.results.after || self.expiry.is_on() {
                    if self.emits_before {
                        self.push(RowKind::UpdateBefore, rows, row);
                    }
                    self.push(RowKind::UpdateAfter, rows, row);
                }
            }
        }
        Ok(())
    }

    /// Gives the group of a row with its results before or after it.
    fn push(&mut self, kind: RowKind, rows: &Changes<'_>, row: usize) {
        let results = if kind.is_addition() { &self.results.after } else { &self.results.before };
        let values = rows.values(&self.keys, row).chain(Reader::new(results));
        self.out.push(kind, rows.watermark(row), values);
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
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
        for row in rows.places() {
            self.take(rows, row, now_ms)?;
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        self.emit(context)
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
