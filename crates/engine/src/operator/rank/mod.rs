//! Top-N: the rows of each partition whose number in an order is from `from` to `to`.
//!
//! An added or removed row shifts the rows after it by one. With the number in the output every shift is
//! emitted, without it only the row that enters the range and the one that leaves it:
//!
//! ```text
//! the first two of [a, c], b comes        with numbers   -U [c, 2]  +U [b, 2]
//!                                         without        -D [c]  +I [b]
//! a is retracted, c was stored            with numbers   -U [a, 1]  +U [b, 1]   -U [b, 2]  +U [c, 2]
//!                                         without        -D [a]  +I [c]
//! ```
//!
//! For the first row alone, over inserts, the change is an update: `-U` `+U`.
//!
//! Over inserts each partition emits one change per batch of rows, unless `table.exec.mini-batch.enabled` is
//! `false`: see `batch`.
//!
//! If the input has inserts only, rows behind the last number are dropped. Otherwise all are stored. See
//! `partition` for their storage, and why a change costs O(log n) without numbers.

mod batch;
mod identity_index;
mod partition;
#[cfg(test)]
mod tests;

use sql::plan::Updates;
use sql::plan::operator::{Changes as Mode, Input, Rank, RankEnd, SortKey};
use types::{Interval, Repr, Scalar};

use self::batch::Changed;
use self::partition::{RankLimits, RankPartition, Shift};
use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::expiry::Expiry;
use super::fields;
use super::kept_row::KeptRow;
use super::key_chunk::KeyChunk;
use super::ordered::{ARRIVAL, Ordered, OrderedRow};
use super::row_identity::RowIdentity;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StatePart, StateWriter};

/// The tag of the only map in a snapshot.
const PARTITIONS: u8 = 0;

/// Ranks the rows of each partition; see the module documentation.
pub struct RankOperator {
    name: String,
    partition: Vec<usize>,
    order: Vec<SortKey>,
    from: u64,
    to: RankEnd,
    input: Mode,
    kept_row: KeptRow,
    identity: RowIdentity,
    partitions: Keyed<RankPartition>,
    expiry: Expiry,
    output: RankOutput,
    chunk: KeyChunk,
    entry: Vec<u8>,
    updates: Updates,
    /// The partitions that the batch has changed so far.
    changed: Vec<Changed>,
}

impl RankOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// The number of the first row is 0.
    pub fn new(
        name: String,
        spec: &Rank,
        inputs: &[Input],
        ttl: Option<Interval>,
        updates: Updates,
    ) -> Result<RankOperator, String> {
        let input = &inputs[0];
        if spec.from == 0 {
            return Err(format!("`{name}` begins at 0, and numbers begin at 1"));
        }

        let kept_row = KeptRow::new(input.fields.len(), &spec.partition);
        let identity = match &input.changes {
            Mode::Append | Mode::Retract => RowIdentity::Row,
            Mode::Upsert(key) => {
                let kept = key.iter().filter_map(|&field| kept_row.place(field));
                RowIdentity::of_fields(kept.collect())
            }
        };
        let is_first = spec.from == 1 && spec.to == RankEnd::Constant(1);
        let mut reprs = fields::reprs(&input.fields);
        reprs.extend(spec.with_number.then_some(Repr::Int));

        Ok(RankOperator {
            name,
            partition: spec.partition.clone(),
            order: spec.order.clone(),
            from: spec.from,
            to: spec.to,
            kept_row,
            identity,
            partitions: Keyed::new(ttl),
            expiry: Expiry::new(ttl),
            output: RankOutput {
                buffer: ChangeBuffer::new(&reprs),
                number: spec.with_number.then_some(spec.from),
                updates: is_first && input.changes.is_append(),
                emits_before: spec.emits_before,
            },
            input: input.changes.clone(),
            chunk: KeyChunk::default(),
            entry: Vec::new(),
            updates,
            changed: Vec::new(),
        })
    }

    /// Returns how many rows the partition of a row has before and within the range.
    fn limits(&self, rows: &Changes<'_>, row: usize) -> RankLimits {
        let to = match self.to {
            RankEnd::Constant(to) => to,
            RankEnd::Field(field) => match rows.get(field, row) {
                Scalar::Int(to) => u64::try_from(to).unwrap_or(0),
                _ => 0,
            },
        };
        let before = self.from - 1;
        RankLimits {
            before: usize::try_from(before).unwrap_or(usize::MAX),
            within: usize::try_from(to.saturating_sub(before)).unwrap_or(usize::MAX),
            keeps_behind: !self.input.is_append(),
        }
    }

    fn take(&mut self, rows: &Changes<'_>, (row, key): (usize, &[u8]), now_ms: i64) {
        let is_addition = rows.kind(row).is_addition();
        if !is_addition && self.input.is_append() {
            return;
        }
        let limits = self.limits(rows, row);
        if limits.within == 0 {
            return;
        }

        let Self { partitions, output, kept_row, identity, entry, .. } = self;
        entry.clear();
        row::write_ordered(&self.order, |field| rows.get(field, row), entry);

        // Most rows of a long stream are behind the last number, which their sort key alone shows.
        if !limits.keeps_behind
            && partitions.get(key, now_ms).is_some_and(|partition| partition.is_behind(entry, limits))
        {
            return;
        }

        let key_bytes = entry.len();
        let row_at = key_bytes + ARRIVAL;
        entry.resize(row_at, 0);
        kept_row.write(rows, row, entry);
        let upserts = matches!(self.input, Mode::Upsert(_));
        let output = &mut output.at(kept_row, rows, row);

        partitions.update(key, now_ms, |slot| {
            // The row is retracted, or replaced by a new one.
            if let Some(partition) = slot
                && (upserts || !is_addition)
            {
                let sort_key = (!upserts).then_some(&entry[..key_bytes]);
                if let Some(found) = partition.find(sort_key, &entry[row_at..], identity) {
                    let shift = partition.remove(&found, limits, identity);
                    output.removed(partition.within(), &shift);
                }
                if partition.is_empty() {
                    *slot = None;
                }
            }

            if is_addition {
                let partition = slot.get_or_insert_default();
                let shift = partition.insert(entry, row_at, limits, identity);
                output.inserted(partition.within(), &shift);
            }
        });
    }

    /// Processes the rows of the chunk.
    fn take_chunk(&mut self, rows: &Changes<'_>, now_ms: i64) {
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.prefetch(&self.partitions, RankPartition::prefetch);
        match self.settles_batches() {
            true => chunk.iter().for_each(|row| self.take_new(rows, row, now_ms)),
            false => chunk.iter().for_each(|row| self.take(rows, row, now_ms)),
        }
        self.chunk = chunk;
        self.chunk.clear();
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.output.buffer.lend(|rows| context.emit(rows))?;
        self.output.buffer.clear();
        Ok(())
    }
}

/// The rows to emit, and how changes of their numbers are emitted.
struct RankOutput {
    buffer: ChangeBuffer,
    /// The number of the first row in the range, if numbers are emitted.
    number: Option<u64>,
    /// Without numbers: whether a row that replaces another is emitted as an update.
    updates: bool,
    emits_before: bool,
}

impl RankOutput {
    /// Returns the output for the row that is being processed.
    fn at<'a>(&'a mut self, kept_row: &'a KeptRow, rows: &'a Changes<'a>, row: usize) -> OutputAt<'a> {
        OutputAt { output: self, kept_row, rows, row }
    }
}

/// [`RankOutput`] while a row is processed.
struct OutputAt<'a> {
    output: &'a mut RankOutput,
    kept_row: &'a KeptRow,
    rows: &'a Changes<'a>,
    row: usize,
}

impl OutputAt<'_> {
    fn push(&mut self, kind: RowKind, entry: &OrderedRow, number: u64) {
        if kind == RowKind::UpdateBefore && !self.output.emits_before {
            return;
        }
        let (row, number) = ((self.rows, self.row), Scalar::Int(number as i64));
        self.kept_row.push((kind, entry.row()), row, number, &mut self.output.buffer);
    }

    /// Emits a row that moved to another number. `given` is the place in the buffer at which the row was
    /// emitted with its earlier number.
    fn push_moved(&mut self, kind: RowKind, entry: &OrderedRow, number: u64, given: Option<usize>) {
        if kind == RowKind::UpdateBefore && !self.output.emits_before {
            return;
        }
        match given {
            Some(place) => {
                let watermark = self.rows.watermark(self.row);
                self.output.buffer.push_again(kind, watermark, place, Scalar::Int(number as i64));
            }
            None => self.push(kind, entry, number),
        }
    }

    /// Returns the place of the next emitted row, if rows before an update are emitted.
    fn place_before(&self) -> Option<usize> {
        self.output.emits_before.then(|| self.output.buffer.len())
    }

    /// Emits the changes after a row entered the range, and perhaps the last row left it.
    ///
    /// A row that moved is emitted twice, before and after: its values are read once.
    fn inserted(&mut self, within: &Ordered, shift: &Shift) {
        let Some(came) = &shift.came else { return };
        let Some(first) = self.output.number else { return self.exchanged(shift) };

        let shifted = within.from(came.order()).count();
        let mut number = first + (within.len() - shifted) as u64;
        let mut now = within.from(came.order()).peekable();
        let mut given = None;
        while let Some(entry) = now.next() {
            match now.peek().copied().or(shift.went.as_ref()) {
                Some(earlier) => {
                    let before = self.place_before();
                    self.push(RowKind::UpdateBefore, earlier, number);
                    self.push_moved(RowKind::UpdateAfter, entry, number, given);
                    given = before;
                }
                None => self.push_moved(RowKind::Insert, entry, number, given),
            }
            number += 1;
        }
    }

    /// Emits the changes after a row left the range, and perhaps another entered it at the end.
    fn removed(&mut self, within: &Ordered, shift: &Shift) {
        let Some(went) = &shift.went else { return };
        let Some(first) = self.output.number else { return self.exchanged(shift) };

        let shifted = within.from(went.order()).count();
        let mut number = first + (within.len() - shifted) as u64;
        let mut earlier = went;
        let mut given = None;
        for entry in within.from(went.order()) {
            self.push_moved(RowKind::UpdateBefore, earlier, number, given);
            given = Some(self.output.buffer.len());
            self.push(RowKind::UpdateAfter, entry, number);
            earlier = entry;
            number += 1;
        }
        if shift.came.is_none() {
            self.push_moved(RowKind::Delete, earlier, number, given);
        }
    }

    fn exchanged(&mut self, shift: &Shift) {
        let is_update = self.output.updates && shift.went.is_some();
        let (before, after) = match is_update {
            true => (RowKind::UpdateBefore, RowKind::UpdateAfter),
            false => (RowKind::Delete, RowKind::Insert),
        };
        if let Some(went) = &shift.went {
            self.push(before, went, 0);
        }
        if let Some(came) = &shift.came {
            self.push(after, came, 0);
        }
    }
}

impl Operator for RankOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        self.expiry.start(now_ms);
        for row in rows.places() {
            if !self.chunk.push(rows, row, &self.partition) {
                continue;
            }
            self.take_chunk(rows, now_ms);
            if self.output.buffer.is_full() {
                self.emit(context)?;
            }
        }
        self.take_chunk(rows, now_ms);
        self.settle(rows, context)?;
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
            self.partitions.expire(context.now_ms());
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.partitions.write(PARTITIONS, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            if tag != PARTITIONS {
                return Err(StateError::unknown_tag(&self.name, tag));
            }
            self.partitions.read(&mut reader, &self.name)?;
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.partitions.memory_bytes() + self.output.buffer.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
