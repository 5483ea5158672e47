//! A source subtask's share in the event time of its pipeline.
//!
//! All source subtasks of a pipeline advance one watermark, the least of those of the partitions that count. The watermark
//! that a batch implies is kept here until its rows have been handed on, and published then: no subtask may learn of a
//! watermark before it has the rows that imply it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use types::PartitionId;

use crate::lateness::LatenessRecorder;
use crate::operator::chain::StreamTime;
use crate::watermark::{NO_WATERMARK, Standpoint, Watermarks};

/// Interval at which quiet partitions are polled; several times shorter than the period for which a result
/// counts.
const ASK_OTHERS: Duration = Duration::from_millis(250);

/// The partitions of a source subtask and what they tell about event time.
pub(super) struct SourceTime {
    /// Shared by all subtasks of the pipeline.
    watermarks: Arc<Mutex<Watermarks>>,
    partitions: Vec<PartitionId>,
    /// The watermarks that rows imply which were not handed on yet.
    implied: Vec<Implied>,
    /// When the log was last polled and had nothing more.
    caught_up: Option<Duration>,
    /// Partitions that had nothing more while others had, and when they were polled.
    at_end: Vec<PartitionId>,
    asked_others: Duration,
}

/// The watermark that a partition's records imply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Implied {
    pub partition: PartitionId,
    pub watermark: i64,
    pub behind: bool,
    pub at: Duration,
    /// The bound of the pipeline's watermark while the partition is replayed.
    pub hold: Option<i64>,
}

impl SourceTime {
    pub(super) fn new(watermarks: Arc<Mutex<Watermarks>>, partitions: Vec<PartitionId>) -> SourceTime {
        SourceTime {
            watermarks,
            partitions,
            implied: Vec::new(),
            caught_up: None,
            at_end: Vec::new(),
            asked_others: Duration::ZERO,
        }
    }

    pub(super) fn partitions(&self) -> &[PartitionId] {
        &self.partitions
    }

    /// Returns the watermarks of the pipeline; no subtask advances them while they are locked.
    pub(super) fn lock(&self) -> MutexGuard<'_, Watermarks> {
        self.watermarks.lock()
    }

    /// Adds partitions that did not exist when the source was opened.
    pub(super) fn take_up(&mut self, found: Vec<PartitionId>, lateness: &LatenessRecorder, now: Duration) {
        let mut watermarks = self.watermarks.lock();
        watermarks.add(&found, now);
        for &partition in &found {
            watermarks.hold(partition, lateness.hold(partition, NO_WATERMARK));
        }
        drop(watermarks);
        self.partitions.extend(found);
    }

    /// Ends the replay of partitions whose log has no more records although more were recorded: those records
    /// are gone, and must not hold back the watermark for ever.
    pub(super) fn end_replays(&self, lateness: &mut LatenessRecorder, now: Duration) {
        let replaying: Vec<PartitionId> = lateness.replaying().collect();
        for partition in replaying {
            let mut watermarks = self.watermarks.lock();
            if watermarks.is_exhausted(partition, now) {
                watermarks.hold(partition, None);
                drop(watermarks);
                lateness.end_replay(partition);
            }
        }
    }

    /// Returns what the next rows of a partition are judged against, with the rows before them that wait to be handed on.
    pub(super) fn standpoint(&self, partition: PartitionId, now: Duration) -> Standpoint {
        let mut standpoint = self.watermarks.lock().begin(partition, now);
        let waiting = self.implied.iter().filter(|implied| implied.partition == partition);
        if let Some(watermark) = waiting.map(|implied| implied.watermark).max() {
            standpoint.partition = standpoint.partition.max(watermark);
        }
        standpoint
    }

    /// Notes the watermark of rows that were read.
    pub(super) fn imply(&mut self, implied: Implied) {
        self.caught_up = None;
        self.implied.push(implied);
    }

    /// Returns whether rows that were not handed on let a window close that ends at `event`.
    pub(super) fn closes(&self, event: i64) -> bool {
        self.implied.iter().any(|implied| implied.watermark >= event)
    }

    /// Notes that the log had nothing more when it was polled at a time.
    pub(super) fn caught_up(&mut self, at: Duration) {
        self.caught_up = Some(at);
    }

    /// Notes that it is unknown whether the log has more.
    pub(super) fn unreachable(&mut self, now: Duration) {
        self.caught_up = None;
        self.watermarks.lock().unreachable(&self.partitions, now);
    }

    /// Notes now and then which partitions have nothing to read while one delivers batches. Without this they would hold
    /// back the watermark.
    pub(super) fn ask_others(&mut self, now: Duration, at_end: impl FnOnce() -> Vec<PartitionId>) {
        if self.partitions.len() > 1 && now.saturating_sub(self.asked_others) >= ASK_OTHERS {
            self.asked_others = now;
            self.at_end = at_end();
        }
    }

    /// Publishes the watermarks that the rows imply, and returns the pipeline's watermark. Must follow the
    /// hand-over of the rows.
    pub(super) fn publish(&mut self, now: Duration) -> StreamTime {
        let mut watermarks = self.watermarks.lock();
        for implied in self.implied.drain(..) {
            watermarks.records(implied.partition, implied.watermark, implied.behind, implied.at);
            watermarks.hold(implied.partition, implied.hold);
        }

        watermarks.caught_up(&std::mem::take(&mut self.at_end), self.asked_others);
        if let Some(at) = self.caught_up {
            watermarks.caught_up(&self.partitions, at);
        }

        let watermark = watermarks.advance(now);
        StreamTime { watermark, is_idle: watermarks.is_silent(&self.partitions, now) }
    }

    /// Publishes what is left, and takes the partitions out of the pipeline's watermark: they have ended.
    pub(super) fn end(&mut self, now: Duration) {
        self.publish(now);
        self.watermarks.lock().end(&self.partitions);
    }

    /// Returns whether a partition of this subtask holds back the watermark.
    pub(super) fn holds_back(&self, now: Duration) -> bool {
        self.watermarks.lock().holds_back(&self.partitions, now)
    }

    /// Returns whether the watermark waits for other subtasks, which have more to read.
    pub(super) fn is_ahead(&self, now: Duration) -> bool {
        self.watermarks.lock().are_ahead(&self.partitions, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: PartitionId = PartitionId(1);

    #[test]
    fn a_watermark_is_published_only_after_its_rows_were_handed_on() {
        let watermarks = Arc::new(Mutex::new(Watermarks::new(None)));
        watermarks.lock().add(&[ONE], Duration::ZERO);
        let mut time = SourceTime::new(watermarks.clone(), vec![ONE]);
        let now = Duration::from_millis(1);

        time.imply(Implied { partition: ONE, watermark: 70, behind: true, at: now, hold: None });
        assert_eq!(watermarks.lock().advance(now), NO_WATERMARK, "the rows wait");
        assert!(time.closes(70) && !time.closes(71));
        assert_eq!(time.standpoint(ONE, now).partition, 70, "the next rows of the partition follow them");

        assert_eq!(time.publish(now).watermark, 70);
        assert!(!time.closes(70), "nothing waits any more");
    }
}
