//! The recorder of a source subtask: determines the bounds against which rows are judged, and records them.

use std::collections::HashMap;
use std::sync::Arc;

use types::PartitionId;

use super::history::{Bounds, LatenessHistory, Replay};
use super::{Judged, LatenessEntry, LatenessLog, same_side};
use crate::batch::Batch;
use crate::connector::{Source, Split};
use crate::operator::{Level, Prepared};
use crate::snapshot::ReplayImage;
use crate::watermark::Clamp;

/// Records the bounds against which the rows of one subtask's partitions are judged.
pub(crate) struct LatenessRecorder {
    /// `None`: nothing outlives the job, and nothing is recorded.
    log: Option<Arc<dyn LatenessLog>>,
    history: LatenessHistory,
    table: String,
    /// The grid on which windows end, in milliseconds; `None`: no query has windows.
    grain: Option<i64>,
    partitions: HashMap<PartitionId, RecordedPartition>,
    /// Entries that are not in the log yet.
    pending: Vec<LatenessEntry>,
}

struct RecordedPartition {
    split: Split,
    topic_id: Option<String>,
    /// The records to replay.
    replay: Option<Replay>,
    /// The last recorded bounds; `None`: the bounds of the next batch are recorded in any case.
    last: Option<Bounds>,
    /// An entry of this or an earlier attempt exists. Until then no bounds hold, as for a single partition.
    is_recorded: bool,
    /// The offset after the last row that was judged.
    judged: u64,
    /// The offset that the log has as reached.
    reached: u64,
}

impl LatenessRecorder {
    pub fn new(
        log: Option<Arc<dyn LatenessLog>>,
        history: LatenessHistory,
        table: String,
        grain: Option<i64>,
    ) -> LatenessRecorder {
        LatenessRecorder { log, history, table, grain, partitions: HashMap::new(), pending: Vec::new() }
    }

    /// Returns the grid on which windows end, in milliseconds.
    pub fn grain(&self) -> Option<i64> {
        self.grain.filter(|_| self.log.is_some())
    }

    /// Adds partitions at the source's present positions.
    pub fn add(&mut self, source: &dyn Source, partitions: &[PartitionId]) {
        if self.log.is_none() {
            return;
        }
        let positions: HashMap<PartitionId, u64> =
            source.positions().into_iter().map(|(partition, offset)| (partition, offset.0)).collect();
        for &partition in partitions {
            let (split, topic_id) = (source.split(partition), source.topic_id(partition));
            let from = positions.get(&partition).copied().unwrap_or(0);
            let replay = self.history.replay(&self.table, &split, topic_id.as_deref(), from);
            let is_recorded = self.history.knows(&self.table, &split);
            let taken = RecordedPartition {
                split,
                topic_id,
                replay,
                last: None,
                is_recorded,
                judged: from,
                reached: 0,
            };
            self.partitions.entry(partition).or_insert(taken);
        }
    }

    /// Returns the partitions that are being replayed.
    pub fn replaying(&self) -> impl Iterator<Item = PartitionId> {
        self.partitions.iter().filter(|(_, of)| of.replay.is_some()).map(|(&partition, _)| partition)
    }

    /// Returns a snapshot's record of a partition that is being replayed.
    pub fn image(&self, partition: PartitionId) -> Option<ReplayImage> {
        self.partitions.get(&partition)?.replay.as_ref().map(Replay::image)
    }

    /// Returns the bound of the pipeline's watermark during the replay of a partition whose own watermark is
    /// `own`; `None` if the partition is not replayed.
    pub fn hold(&self, partition: PartitionId, own: i64) -> Option<i64> {
        Some(self.partitions.get(&partition)?.replay.as_ref()?.floor(own))
    }

    /// Returns the bounds against which the rows of a batch are judged. `live` are the bounds for rows that
    /// are read for the first time.
    pub fn levels(&self, batch: &Batch, partition: PartitionId, live: Clamp, now: i64) -> Vec<Level> {
        let records = &batch.origin.records;
        let live = Level { first_row: 0, clamp: live, now };
        let replay = self.partitions.get(&partition).and_then(|partition| partition.replay.as_ref());
        let (Some(replay), Some(first)) = (replay, records.first()) else { return vec![live] };
        let row_of = |offset: u64| records.partition_point(|record| record.offset.0 < offset);
        let level = |first_row: usize, bounds: Bounds| Level {
            first_row,
            clamp: bounds.clamp,
            now: bounds.clock.unwrap_or(now),
        };

        let mut levels = vec![replay.at(first.offset.0).map_or(live, |bounds| level(0, bounds))];
        for &(from, bounds) in replay.bounds.iter().filter(|(from, _)| *from > first.offset.0) {
            let first_row = row_of(from);
            if first_row < records.len() {
                levels.push(level(first_row, bounds));
            }
        }

        let first_live = row_of(replay.reached);
        levels.retain(|level| level.first_row < first_live);
        if first_live < records.len() {
            levels.push(Level { first_row: first_live, ..live });
        }

        // The later of two levels that begin with the same row counts.
        levels.dedup_by(|later, earlier| {
            let is_same = later.first_row == earlier.first_row;
            if is_same {
                *earlier = *later;
            }
            is_same
        });
        levels
    }

    /// Records how the rows of a batch were judged. `own` is the partition's watermark before it.
    pub fn judged(
        &mut self,
        batch: &Batch,
        partition: PartitionId,
        levels: &[Level],
        own: i64,
        prepared: &Prepared,
    ) {
        let LatenessRecorder { table, grain, partitions, pending, log, .. } = self;
        let (Some(of), Some(_)) = (partitions.get_mut(&partition), log) else { return };
        let records = &batch.origin.records;
        let rejects = batch.rejects.iter().map(|reject| reject.record.offset.0);
        let last = rejects.max().max(records.last().map(|record| record.offset.0));

        for level in levels.iter().filter(|_| !records.is_empty()) {
            let offset = records[level.first_row].offset.0;
            let replayed = of.replay.as_ref().filter(|replay| offset < replay.reached);
            let clock = match replayed {
                Some(replay) => replay.at(offset).and_then(|bounds| bounds.clock),
                None => prepared.clock_matters.then_some(level.now),
            };
            let bounds = Bounds { clamp: level.clamp, clock };
            let last = of.last.or((!of.is_recorded).then_some(Bounds { clamp: Clamp::OPEN, clock: None }));
            let is_known = last.is_some_and(|last| {
                let (before, after) = (own, prepared.watermark);
                last.clock.is_none()
                    && clock.is_none()
                    && grain.is_none_or(|grain| {
                        [before, after].into_iter().all(|watermark| {
                            same_side(last.clamp.apply(watermark), level.clamp.apply(watermark), grain)
                        })
                    })
            });
            if is_known {
                of.last = last;
            } else {
                (of.last, of.is_recorded) = (Some(bounds), true);
                pending.push(of.entry(table, offset, Judged::From { clamp: level.clamp, clock }));
            }
        }

        of.judged = of.judged.max(last.map_or(0, |last| last + 1));
        if let Some(replay) = &mut of.replay {
            replay.advance(of.judged);
            if of.judged >= replay.reached {
                of.replay = None;
            }
        }
    }

    /// Ends the replay of a partition of which the log holds nothing more: records beyond are gone from the
    /// log.
    pub fn end_replay(&mut self, partition: PartitionId) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.replay = None;
        }
    }

    /// Writes the judgements to the log, before any effect of them is visible.
    pub fn flush(&mut self) {
        let Some(log) = &self.log else { return };
        // A partition without judged rows has no effects, and one without bounds has nothing to repeat.
        let is_ahead = |of: &RecordedPartition| of.judged > of.reached && of.last.is_some() && of.is_recorded;
        let bounds = self.pending.len();
        let reached = self.partitions.values().filter(|of| is_ahead(of));
        self.pending.extend(reached.map(|of| of.entry(&self.table, of.judged, Judged::Reached)));
        if self.pending.is_empty() {
            return;
        }

        if log.append(&self.pending) {
            self.pending.clear();
            for partition in self.partitions.values_mut().filter(|of| is_ahead(of)) {
                partition.reached = partition.judged;
            }
        } else {
            // The bounds are written with the next entries. They are few, even while a disk stays full.
            self.pending.truncate(bounds);
        }
    }

    /// Marks a barrier: the entries recorded from here on suffice to continue from its checkpoint.
    pub fn barrier(&mut self) {
        self.partitions.values_mut().for_each(|partition| partition.last = None);
    }
}

impl RecordedPartition {
    fn entry(&self, table: &str, offset: u64, what: Judged) -> LatenessEntry {
        let (split, topic_id) = (self.split.clone(), self.topic_id.clone());
        LatenessEntry { table: table.to_owned(), split, topic_id, offset, what }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use parking_lot::Mutex;
    use types::{Offset, Timestamp};

    use super::*;
    use crate::batch::RecordSpan;
    use crate::connector::{ConnectorError, Polled};
    use crate::watermark::NO_WATERMARK;

    const P: PartitionId = PartitionId(0);
    const NOW: i64 = 1_000_000;

    /// A source of one partition, at its beginning.
    struct Topic;

    impl Source for Topic {
        fn poll(&mut self, _: &mut Batch, _: usize, _: Duration) -> Result<Polled, ConnectorError> {
            Ok(Polled::End)
        }

        fn take_waited(&mut self) -> Duration {
            Duration::ZERO
        }

        fn positions(&self) -> Vec<(PartitionId, Offset)> {
            vec![(P, Offset(0))]
        }

        fn at_end(&self) -> Vec<PartitionId> {
            Vec::new()
        }

        fn partitions(&self) -> Vec<PartitionId> {
            vec![P]
        }

        fn split(&self, _: PartitionId) -> Split {
            Split { topic: "t".to_owned(), partition: 0 }
        }

        fn place(&self, _: PartitionId, offset: Offset) -> String {
            format!("offset {}", offset.0)
        }
    }

    /// A log of entries, with a flag that makes writing fail.
    #[derive(Default)]
    struct Log(Mutex<Vec<LatenessEntry>>, AtomicBool);

    impl LatenessLog for Log {
        fn append(&self, entries: &[LatenessEntry]) -> bool {
            let is_written = !self.1.load(Ordering::Relaxed);
            if is_written {
                self.0.lock().extend_from_slice(entries);
            }
            is_written
        }
    }

    fn recorder(log: &Arc<Log>) -> LatenessRecorder {
        let mut history = LatenessHistory::default();
        log.0.lock().iter().for_each(|entry| history.add(entry.clone()));
        let mut recorder = LatenessRecorder::new(Some(log.clone()), history, "t".to_owned(), Some(10));
        recorder.add(&Topic, &[P]);
        recorder
    }

    fn batch(offsets: std::ops::Range<u64>) -> Batch {
        let mut batch = Batch::new(&[]);
        batch.rows = offsets.clone().count();
        batch.origin.records = offsets
            .map(|offset| RecordSpan { offset: Offset(offset), appended: Timestamp(0), start: 0, end: 0 })
            .collect();
        batch
    }

    fn clamp(current: i64, others: i64) -> Clamp {
        Clamp { current, others }
    }

    /// Judges a batch whose rows advance the partition's watermark from `own` to `after`.
    fn judge(
        recorder: &mut LatenessRecorder,
        batch: &Batch,
        live: Clamp,
        own: i64,
        after: i64,
    ) -> Vec<Level> {
        let levels = recorder.levels(batch, P, live, NOW);
        let prepared = Prepared { watermark: after, ..Prepared::default() };
        recorder.judged(batch, P, &levels, own, &prepared);
        levels
    }

    #[test]
    fn bounds_are_recorded_when_they_find_other_rows_late() {
        let log = Arc::<Log>::default();
        let mut recorder = recorder(&log);
        let recorded = |recorder: &LatenessRecorder| recorder.pending.len();
        judge(&mut recorder, &batch(0..5), clamp(0, 12), 0, 40);
        assert_eq!(recorded(&recorder), 1, "the others stand at 12");
        judge(&mut recorder, &batch(5..9), clamp(0, 17), 40, 45);
        assert_eq!(recorded(&recorder), 1, "no window ends between 12 and 17");
        judge(&mut recorder, &batch(9..12), clamp(0, 19), 45, 45);
        assert_eq!(recorded(&recorder), 2, "one that ends at 20 is out of reach at 19");
        recorder.flush();
        recorder.barrier();
        judge(&mut recorder, &batch(12..13), clamp(0, 19), 45, 45);
        assert_eq!(recorded(&recorder), 1, "a checkpoint needs them anew");
    }

    #[test]
    fn a_second_reading_judges_each_row_as_the_first_did() {
        let log = Arc::<Log>::default();
        let mut first = recorder(&log);
        judge(&mut first, &batch(0..5), clamp(0, 12), 0, 40);
        judge(&mut first, &batch(5..9), clamp(25, 30), 40, 45);
        first.flush();

        // The other partitions are far ahead now, and the batches are cut differently.
        let mut second = recorder(&log);
        assert_eq!(second.hold(P, 40), Some(12), "rows that were judged at 12 are still to come");
        let live = clamp(90, 100);
        let levels = judge(&mut second, &batch(3..11), live, 40, 50);
        let level = |first_row, clamp| Level { first_row, clamp, now: NOW };
        assert_eq!(levels, [level(0, clamp(0, 12)), level(2, clamp(25, 30)), level(6, live)]);
        assert_eq!(second.hold(P, 50), None, "all that was seen has been read");
    }

    #[test]
    fn a_partition_alone_records_nothing() {
        let log = Arc::<Log>::default();
        let mut recorder = recorder(&log);
        for (number, current) in [(0, NO_WATERMARK), (1, 40), (2, 50)] {
            let (from, own) = (number * 5, 40 + number as i64 * 10);
            judge(&mut recorder, &batch(from..from + 5), clamp(current, i64::MAX), own, own + 10);
            recorder.flush();
            recorder.barrier();
        }
        assert!(log.0.lock().is_empty());
    }

    #[test]
    fn what_could_not_be_written_is_written_with_the_next() {
        let log = Arc::<Log>::default();
        let mut first = recorder(&log);
        log.1.store(true, Ordering::Relaxed);
        judge(&mut first, &batch(0..5), clamp(0, 12), 0, 40);
        first.flush();
        log.1.store(false, Ordering::Relaxed);
        judge(&mut first, &batch(5..9), clamp(25, 30), 40, 45);
        first.flush();
        let levels = judge(&mut recorder(&log), &batch(0..9), clamp(90, 100), 40, 50);
        assert_eq!(levels.iter().map(|level| level.clamp).collect::<Vec<_>>(), [clamp(0, 12), clamp(25, 30)]);
    }

    #[test]
    fn what_was_not_seen_is_judged_anew() {
        let log = Arc::<Log>::default();
        judge(&mut recorder(&log), &batch(0..5), clamp(0, 12), 0, 40);
        assert_eq!(recorder(&log).hold(P, 0), None, "nothing left the subtask before it crashed");
    }
}
