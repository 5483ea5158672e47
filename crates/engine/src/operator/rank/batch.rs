//! The changes of a batch of inserts: each partition that they change emits one change, from its rows before
//! the batch to its rows after it.
//!
//! Most partitions change once per batch, and then the entering and the leaving row describe the change.
//! Where a partition changes again, its earlier rows are reconstructed from the present rows and the changes
//! so far:
//!
//! ```text
//! within now   [b, c, d]       d came, f had gone       before   [b, c, f]
//!              [b, c, f]       b came, g had gone                [c, f, g]
//! ```

use sql::plan::Updates;
use sql::plan::operator::RankEnd;

use super::partition::{RankPartition, Shift};
use super::{OutputAt, RankOperator};
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{Changes, RowKind};
use crate::operator::ordered::{ARRIVAL, Ordered, OrderedRow};
use crate::row;
use crate::state::{EntryStatus, StateValue};

/// A partition that rows of the batch have changed.
pub(super) struct Changed {
    place: usize,
    /// A row of the partition.
    row: usize,
    since: Since,
}

/// How a partition has changed since the batch began.
enum Since {
    Once(Shift),
    /// The rows within the range at the start of the batch.
    Often(Vec<OrderedRow>),
}

impl RankOperator {
    /// Processes an inserted row; its changes are emitted when the batch is settled.
    pub(super) fn take_new(&mut self, rows: &Changes<'_>, (row, key): (usize, &[u8]), now_ms: i64) {
        let limits = self.limits(rows, row);
        if limits.within == 0 {
            return;
        }
        let Self { partitions, kept_row, identity, entry, order, changed, .. } = self;
        entry.clear();
        row::write_ordered(order, |field| rows.get(field, row), entry);

        let hash = partitions.hash(key);
        let place = partitions.place(hash, key, now_ms, RankPartition::default);
        let Some(partition) = partitions.at(place.at) else { return };
        let held = partition.heap_bytes();
        if place.status == EntryStatus::Expired {
            *partition = RankPartition::default();
        }
        // Most rows of a long stream are behind the last number, which their sort key alone shows.
        if partition.is_behind(entry, limits) {
            return;
        }

        let row_at = entry.len() + ARRIVAL;
        entry.resize(row_at, 0);
        kept_row.write(rows, row, entry);
        let shift = partition.insert(entry, row_at, limits, identity);
        if shift.came.is_some() {
            note(changed, partition, place.at, row, shift);
        }
        let grown = partition.heap_bytes() as isize - held as isize;
        partitions.charge(grown);
        partitions.written_at(place.at, now_ms);
    }

    /// Emits the changes of the batch.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    pub(super) fn settle(
        &mut self,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let mut changed = std::mem::take(&mut self.changed);
        for Changed { place, row, since } in changed.drain(..) {
            let Self { partitions, output, kept_row, .. } = self;
            let Some(partition) = partitions.at(place) else { continue };
            partition.set_number_in_batch(None);
            let mut output = output.at(kept_row, rows, row);
            match since {
                Since::Once(shift) => output.inserted(partition.within(), &shift),
                Since::Often(before) => output.replaced(&before, partition.within()),
            }
            if self.output.buffer.is_full() {
                self.emit(context)?;
            }
        }
        self.changed = changed;
        Ok(())
    }

    /// Returns whether changes are gathered by batch.
    pub(super) fn settles_batches(&self) -> bool {
        let is_short = match self.to {
            RankEnd::Constant(to) => to.saturating_sub(self.from) < LISTED,
            RankEnd::Field(_) => false,
        };
        self.updates == Updates::PerBatch && self.input.is_append() && is_short
    }
}

/// Longer lists are not reconstructed: each row emits its changes.
const LISTED: u64 = 128;

fn note(changed: &mut Vec<Changed>, partition: &mut RankPartition, place: usize, row: usize, shift: Shift) {
    let Some(number) = partition.number_in_batch() else {
        partition.set_number_in_batch(Some(changed.len()));
        changed.push(Changed { place, row, since: Since::Once(shift) });
        return;
    };
    let since = &mut changed[number].since;
    if let Since::Once(first) = since {
        let mut before: Vec<OrderedRow> = partition.within().iter().cloned().collect();
        take_back(&mut before, &shift);
        take_back(&mut before, first);
        *since = Since::Often(before);
    }
}

/// Restores the rows within the range before a change. The row that left was always the last one.
fn take_back(within: &mut Vec<OrderedRow>, shift: &Shift) {
    if let Some(came) = &shift.came
        && let Ok(at) = within.binary_search(came)
    {
        within.remove(at);
    }
    within.extend(shift.went.clone());
}

impl OutputAt<'_> {
    /// Emits the differences between the earlier and the present rows in the range.
    fn replaced(&mut self, before: &[OrderedRow], within: &Ordered) {
        let Some(first) = self.output.number else { return self.exchanged_for(before, within) };
        let mut now = within.iter();
        let mut before = before.iter();
        for number in first.. {
            match (before.next(), now.next()) {
                (None, None) => break,
                (Some(earlier), Some(entry)) if earlier == entry => {}
                (Some(earlier), Some(entry)) => {
                    self.push(RowKind::UpdateBefore, earlier, number);
                    self.push(RowKind::UpdateAfter, entry, number);
                }
                (Some(earlier), None) => self.push(RowKind::Delete, earlier, number),
                (None, Some(entry)) => self.push(RowKind::Insert, entry, number),
            }
        }
    }

    /// Without numbers, emits the rows that left, then the rows that entered.
    fn exchanged_for(&mut self, before: &[OrderedRow], within: &Ordered) {
        if self.output.updates
            && let (Some(earlier), Some(entry)) = (before.first(), within.first())
        {
            if earlier != entry {
                self.push(RowKind::UpdateBefore, earlier, 0);
                self.push(RowKind::UpdateAfter, entry, 0);
            }
            return;
        }

        for earlier in before.iter().filter(|earlier| !within.contains(earlier)) {
            self.push(RowKind::Delete, earlier, 0);
        }
        for entry in within.iter().filter(|entry| before.binary_search(entry).is_err()) {
            self.push(RowKind::Insert, entry, 0);
        }
    }
}
