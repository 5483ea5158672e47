//! Books the outcome of each record of a batch once in the ledger, and writes dead letters for records that
//! are not counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::{Offset, PartitionId};

use super::io::DeadLetterBatch;
use super::{ExecutionError, TaskMetrics};
use crate::batch::{Batch, RecordSpan};
use crate::connector::{DeadLetter, Source};
use crate::lateness::LatenessRecorder;
use crate::layout::{Layout, QueryLayout};
use crate::operator::{Ledger, Prepared, Unusable};
use crate::window::LateRow;

/// Books the records of a scan's subtask.
pub(super) struct Bookkeeper {
    table: String,
    query_names: Vec<String>,
    layout: Arc<Layout>,
    ledger: Arc<Ledger>,
    metrics: Arc<TaskMetrics>,
    dead_letters: DeadLetterBatch,
}

/// What happened to the rows of a batch.
pub(super) struct Outcome<'a> {
    pub prepared: &'a Prepared,
    /// Rows that were late for some units.
    pub late: &'a [LateRow],
}

impl Bookkeeper {
    pub(super) fn new(
        (table, query_names): (String, Vec<String>),
        layout: Arc<Layout>,
        ledger: Arc<Ledger>,
        metrics: Arc<TaskMetrics>,
        dead_letters: DeadLetterBatch,
    ) -> Bookkeeper {
        Bookkeeper { table, query_names, layout, ledger, metrics, dead_letters }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Books every record of the batch once, and writes dead letters for those that are not counted.
    ///
    /// # Errors
    /// The dead letters cannot be written. Then nothing is booked: the next attempt reads the records again.
    pub(super) fn book(
        &mut self,
        batch: &mut Batch,
        source: &dyn Source,
        lateness: &mut LatenessRecorder,
        outcome: &Outcome<'_>,
    ) -> Result<(), ExecutionError> {
        let booked = self.account(batch, source, outcome);
        if !self.dead_letters.letters.is_empty() {
            // A replay must not count the rows that are late now.
            lateness.flush();
        }

        self.dead_letters.send()?;
        self.ledger.add(&booked.counts());
        Ok(())
    }

    fn account(&mut self, batch: &mut Batch, source: &dyn Source, outcome: &Outcome<'_>) -> Ledger {
        let Outcome { prepared, late } = *outcome;
        let booked = Ledger::default();
        booked.accept((batch.rows + batch.rejects.len()) as u64 + batch.empty);
        booked.empty(batch.empty);
        let mut counted = batch.rows as u64 - prepared.filtered;
        let rejects = batch.rejects.len();

        for reject in std::mem::take(&mut batch.rejects) {
            booked.dead_letter(&reject.reason);
            self.add_dead_letter((batch, source), &reject.record, reject.reason.into_owned(), Vec::new());
        }

        for Unusable { row, reason, counted_elsewhere } in &prepared.unusable {
            counted -= 1;
            booked.dead_letter(reason);
            let record = batch.origin.records[*row as usize];
            self.add_dead_letter((batch, source), &record, reason.clone(), Vec::new());
            if let Some(letter) = self.dead_letters.letters.last_mut() {
                letter.counted_elsewhere = *counted_elsewhere;
            }
        }

        for LateRow { row, units, counted_elsewhere } in late {
            counted -= 1;
            let queries: Vec<String> = units
                .iter()
                .flat_map(|&unit| &self.layout.units[unit].queries)
                .map(|&query| self.query_names[query].clone())
                .collect();
            booked.late(queries.iter().map(String::as_str));
            TaskMetrics::add(&self.metrics.late, queries.len() as u64);

            let record = batch.origin.records[*row as usize];
            self.add_dead_letter((batch, source), &record, "late".to_owned(), queries);

            // Queries without windows count every row.
            let passed_through =
                self.layout.queries.iter().any(|query| matches!(query, QueryLayout::Rows { .. }));
            if let Some(letter) = self.dead_letters.letters.last_mut() {
                letter.counted_elsewhere = *counted_elsewhere || passed_through;
            }
        }

        booked.filter(prepared.filtered);
        booked.count(counted);
        self.mark_parts(batch, rejects);
        booked
    }

    /// Marks the dead letters of records with several rows of which only some were left out: replaying such a
    /// record would count the other rows again. The first `rejects` letters have no rows.
    fn mark_parts(&mut self, batch: &Batch, rejects: usize) {
        let rows = &batch.origin.records;
        let mut left_out: BTreeMap<Offset, usize> = BTreeMap::new();
        let of_rows = self.dead_letters.letters.iter().skip(rejects);
        of_rows.for_each(|letter| *left_out.entry(letter.offset).or_default() += 1);
        for letter in &mut self.dead_letters.letters {
            let first = rows.partition_point(|row| row.offset < letter.offset);
            let of = rows[first..].iter().take_while(|row| row.offset == letter.offset).count();
            letter.counted_elsewhere |= of > left_out.get(&letter.offset).copied().unwrap_or(0);
        }
    }

    fn add_dead_letter(
        &mut self,
        (batch, source): (&Batch, &dyn Source),
        record: &RecordSpan,
        reason: String,
        queries: Vec<String>,
    ) {
        self.dead_letters.letters.push(DeadLetter {
            table: self.table.clone(),
            split: source.split(batch.origin.partition.unwrap_or(PartitionId(0))),
            offset: record.offset,
            appended: record.appended,
            reason,
            queries,
            counted_elsewhere: false,
            bytes: batch.record(record).to_vec(),
            carried: source.carried(record.offset),
        });
    }
}
