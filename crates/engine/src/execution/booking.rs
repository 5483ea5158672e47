//! Books the outcome of each record of a batch once in the ledger, and writes dead letters for records that
//! are not counted.

use std::collections::BTreeMap;

use types::{Offset, PartitionId};

use super::TaskMetrics;
use super::source::SourceSubtask;
use crate::batch::RecordSpan;
use crate::connector::DeadLetter;
use crate::layout::QueryLayout;
use crate::operator::{Ledger, Prepared, Unusable};
use crate::window::LateRow;

impl SourceSubtask {
    /// Books every record of the batch once, and collects dead letters for those that are not counted.
    pub(super) fn account(&mut self, prepared: &Prepared, late: &[LateRow]) -> Ledger {
        let booked = Ledger::default();
        booked.accept((self.batch.rows + self.batch.rejects.len()) as u64 + self.batch.empty);
        booked.empty(self.batch.empty);
        let mut counted = self.batch.rows as u64 - prepared.filtered;
        let rejects = self.batch.rejects.len();

        for reject in std::mem::take(&mut self.batch.rejects) {
            booked.dead_letter(&reject.reason);
            self.add_dead_letter(&reject.record, reject.reason.into_owned(), Vec::new());
        }

        for Unusable { row, reason, counted_elsewhere } in &prepared.unusable {
            counted -= 1;
            booked.dead_letter(reason);
            let record = self.batch.origin.records[*row as usize];
            self.add_dead_letter(&record, reason.clone(), Vec::new());
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

            let record = self.batch.origin.records[*row as usize];
            self.add_dead_letter(&record, "late".to_owned(), queries);

            // Queries without windows count every row.
            let passed_through =
                self.layout.queries.iter().any(|query| matches!(query, QueryLayout::Rows { .. }));
            if let Some(letter) = self.dead_letters.letters.last_mut() {
                letter.counted_elsewhere = *counted_elsewhere || passed_through;
            }
        }

        booked.filter(prepared.filtered);
        booked.count(counted);
        self.mark_parts(rejects);
        booked
    }

    /// Marks the dead letters of records with several rows of which only some were left out: replaying such a
    /// record would count the other rows again. The first `rejects` letters have no rows.
    fn mark_parts(&mut self, rejects: usize) {
        let rows = &self.batch.origin.records;
        let mut left_out: BTreeMap<Offset, usize> = BTreeMap::new();
        let of_rows = self.dead_letters.letters.iter().skip(rejects);
        of_rows.for_each(|letter| *left_out.entry(letter.offset).or_default() += 1);
        for letter in &mut self.dead_letters.letters {
            let first = rows.partition_point(|row| row.offset < letter.offset);
            let of = rows[first..].iter().take_while(|row| row.offset == letter.offset).count();
            letter.counted_elsewhere |= of > left_out.get(&letter.offset).copied().unwrap_or(0);
        }
    }

    fn add_dead_letter(&mut self, record: &RecordSpan, reason: String, queries: Vec<String>) {
        self.dead_letters.letters.push(DeadLetter {
            table: self.table.clone(),
            split: self.source.split(self.batch.origin.partition.unwrap_or(PartitionId(0))),
            offset: record.offset,
            appended: record.appended,
            reason,
            queries,
            counted_elsewhere: false,
            bytes: self.batch.record(record).to_vec(),
            carried: self.source.carried(record.offset),
        });
    }
}
