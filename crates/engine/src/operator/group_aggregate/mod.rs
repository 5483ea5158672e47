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
    chunk: Chunk,
    results: Results,
}

/// Rows that are looked up side by side.
const CHUNK_ROWS: usize = 64;
/// Maps of more groups than this do not fit the caches.
const LARGE: usize = 1 << 15;

/// The keys of some rows, one after another.
#[derive(Debug, Default)]
struct Chunk {
    rows: Vec<usize>,
    keys: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
}

impl Chunk {
    fn clear(&mut self) {
        self.rows.clear();
        self.keys.clear();
        self.ends.clear();
    }

    /// Every row with its key.
    fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut start = 0;
        self.rows.iter().zip(&self.ends).map(move |(&row, &end)| {
            let key = &self.keys[start..end];
            start = end;
            (row, key)
        })
    }
}

/// The results of a group before and after a row, in the compact form.
#[derive(Debug, Default)]
struct Results {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Results {
    #[inline]
    fn differ(&self) -> bool {
        let (before, after) = (self.before.as_slice(), self.after.as_slice());
        // The bytes have just been written. Wide loads, as `memcmp` makes them, wait until the stores are through; and for
        // no bytes it loads from no address, which is slower still. Most results differ in one of the first bytes.
        if before.len() != after.len() || after.len() > 64 {
            return before != after;
        }
        before.iter().zip(after).any(|(before, after)| before != after)
    }
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
            chunk: Chunk::default(),
            results: Results::default(),
        })
    }

    /// Takes the rows of the chunk, with their keys.
    fn take_chunk(&mut self, rows: &Changes<'_>, now_ms: i64) -> Result<(), OperatorError> {
        let chunk = std::mem::take(&mut self.chunk);
        if self.groups.len() > LARGE {
            // A look-up of a group that no cache holds waits for memory several times. Look-ups that do not depend on one
            // another wait at the same time; the updates behind them find everything in the cache.
            for (_, key) in chunk.iter() {
                std::hint::black_box(self.groups.get(key, now_ms).map(Group::touch));
            }
        }
        let taken = chunk.iter().try_for_each(|(row, key)| self.take(rows, row, key, now_ms));
        self.chunk = chunk;
        self.chunk.clear();
        taken
    }

    #[inline]
    fn take(&mut self, rows: &Changes<'_>, row: usize, key: &[u8], now_ms: i64) -> Result<(), OperatorError> {
        let is_addition = rows.kind(row).is_addition();
        let Self { accumulators, results, .. } = self;
        let outcome = self
            .groups
            .update(key, now_ms, |group| {
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
                if self.results.differ() || self.expiry.is_on() {
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
            let Chunk { rows: chunk, keys, ends } = &mut self.chunk;
            chunk.push(row);
            row::write_all(rows.values(&self.keys, row), keys);
            ends.push(keys.len());
            if chunk.len() < CHUNK_ROWS {
                continue;
            }
            self.take_chunk(rows, now_ms)?;
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        self.take_chunk(rows, now_ms)?;
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
