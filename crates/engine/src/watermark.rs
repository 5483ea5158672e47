//! Watermarks of a pipeline: one a source partition, the least of them, never backwards.
//!
//! A partition of which the log says, an idle timeout after its last record, that it holds nothing more holds nobody
//! back. When all are like that, event time goes on with the clock as far as the log was heard, so that the last window
//! closes when traffic stops. A log that does not answer is not silent, nor is a partition that is merely read slowly; and
//! what the log said counts for a moment only, since whoever reads the partition may be held up by what it writes to.
//!
//! All source subtasks of a pipeline share one [`Watermarks`], so that a row is late by the same rule at any
//! parallelism. Two orders make that safe, and both are the callers' to keep: a subtask calls [`Watermarks::begin`]
//! before it judges the rows of a batch, and reports what the rows imply only after it has handed them on.

use std::collections::BTreeMap;
use std::time::Duration;

use types::PartitionId;

/// Before every event.
pub const NO_WATERMARK: i64 = i64::MIN;

#[derive(Debug, Clone)]
pub struct Watermarks {
    partitions: BTreeMap<PartitionId, Partition>,
    /// `None`: partitions are never idle.
    idle_after: Option<Duration>,
    current: i64,
}

#[derive(Debug, Clone, Copy)]
struct Partition {
    watermark: i64,
    /// When the last record came, by the clock's `elapsed`.
    last_record: Duration,
    /// When the log last said that there is nothing more; `None`: there was more, or it did not answer.
    heard: Option<Duration>,
    /// The pipeline's watermark does not pass this one: records of the partition are read a second time, and those to come
    /// were judged against it ([`crate::lateness`]).
    hold: Option<i64>,
}

/// How long it counts that the log said so. A reader that is not held up asks many times as often.
const HEARD_COUNTS: Duration = Duration::from_secs(1);

/// How long the log has to say that a partition holds nothing more before records that it held once are taken for gone.
const SETTLED: Duration = Duration::from_secs(2);

/// What a partition's next rows are late against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standpoint {
    pub clamp: Clamp,
    /// The partition's own watermark.
    pub partition: i64,
}

/// Bounds for the watermark of one partition. Clamped to them, it is the watermark that the partition's rows are late
/// against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clamp {
    /// The lower bound: the pipeline's watermark, which never goes back.
    pub current: i64,
    /// The upper bound: the least watermark of the other partitions that count; `i64::MAX` if there is none.
    pub others: i64,
}

impl Clamp {
    /// No bounds: the partition's own watermark alone decides.
    pub const OPEN: Clamp = Clamp { current: NO_WATERMARK, others: i64::MAX };

    /// The watermark that a row is late against, where the partition's own watermark is `own`.
    pub fn apply(self, own: i64) -> i64 {
        own.min(self.others).max(self.current)
    }
}

impl Watermarks {
    pub fn new(idle_after: Option<Duration>) -> Watermarks {
        Watermarks {
            partitions: BTreeMap::new(),
            idle_after: idle_after.filter(|timeout| !timeout.is_zero()),
            current: NO_WATERMARK,
        }
    }

    /// Adds partitions; those that are there stay as they are.
    pub fn add(&mut self, partitions: &[PartitionId], now: Duration) {
        for &partition in partitions {
            self.partitions.entry(partition).or_insert(Partition::fresh(now));
        }
    }

    /// Goes on where a snapshot stood.
    pub fn restore(&mut self, current: i64, partitions: &[(PartitionId, i64)]) {
        self.current = self.current.max(current);
        for (partition, watermark) in partitions {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.watermark = partition.watermark.max(*watermark);
            }
        }
    }

    /// The watermark now.
    pub fn current(&self) -> i64 {
        self.current
    }

    /// The watermark of one partition.
    pub fn partition(&self, partition: PartitionId) -> i64 {
        self.partitions.get(&partition).map_or(NO_WATERMARK, |p| p.watermark)
    }

    /// Records of a partition are about to be judged: until they are reported they hold the watermark back.
    pub fn begin(&mut self, partition: PartitionId, now: Duration) -> Standpoint {
        let entry = self.partitions.entry(partition).or_insert(Partition::fresh(now));
        entry.last_record = now;
        entry.heard = None;
        let own = entry.watermark;
        let others =
            self.partitions.iter().filter(|(id, other)| **id != partition && !self.is_idle(other, now));
        let others = others.map(|(_, other)| other.watermark).min().unwrap_or(i64::MAX);
        Standpoint { clamp: Clamp { current: self.current, others }, partition: own }
    }

    /// Sets or lifts the bound that a partition's second reading sets to the pipeline's watermark.
    pub fn hold(&mut self, partition: PartitionId, hold: Option<i64>) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.hold = hold;
        }
    }

    /// Records of a partition were handed on, and imply this watermark.
    pub fn records(&mut self, partition: PartitionId, watermark: i64, behind: bool, now: Duration) {
        let entry = self.partitions.entry(partition).or_insert(Partition::fresh(now));
        entry.watermark = entry.watermark.max(watermark);
        entry.last_record = now;
        entry.heard = (!behind).then_some(now);
    }

    /// The log was asked at this time, and said that these partitions hold nothing more.
    pub fn caught_up(&mut self, partitions: &[PartitionId], at: Duration) {
        for partition in partitions {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.heard = Some(at);
            }
        }
    }

    /// The log of these partitions did not answer.
    pub fn unreachable(&mut self, partitions: &[PartitionId], now: Duration) {
        for partition in partitions {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.heard = None;
                partition.last_record = now;
            }
        }
    }

    /// Moves the watermark to where it stands now and returns it.
    pub fn advance(&mut self, now: Duration) -> i64 {
        let active = self.partitions.values().filter(|partition| !self.is_idle(partition, now));
        let next = match active.map(|partition| partition.watermark).min() {
            Some(least) => least,
            None => self.by_the_clock(),
        };
        let hold = self.partitions.values().filter_map(|partition| partition.hold).min();
        self.current = self.current.max(next.min(hold.unwrap_or(i64::MAX)));
        self.current
    }

    /// Whether every one of these partitions is idle.
    pub fn is_silent(&self, partitions: &[PartitionId], now: Duration) -> bool {
        partitions
            .iter()
            .filter_map(|partition| self.partitions.get(partition))
            .all(|partition| self.is_idle(partition, now))
    }

    /// Whether the log says that a partition holds nothing more, and has said so for a moment: a broker that has just become
    /// the leader may not know yet how far its log is durable.
    pub fn is_exhausted(&self, partition: PartitionId, now: Duration) -> bool {
        let settled = SETTLED.min(self.idle_after.unwrap_or(SETTLED));
        self.partitions.get(&partition).is_some_and(|partition| {
            partition.heard.is_some_and(|heard| {
                now.saturating_sub(heard) < HEARD_COUNTS
                    && heard.saturating_sub(partition.last_record) >= settled
            })
        })
    }

    /// Whether event time stands where one of these partitions stands.
    pub fn holds_back(&self, partitions: &[PartitionId], now: Duration) -> bool {
        let counts = || self.partitions.iter().filter(|(_, partition)| self.counts(partition, now));
        let Some(least) = counts().map(|(_, partition)| partition.stands_at()).min() else { return true };
        counts().any(|(id, partition)| partition.stands_at() == least && partitions.contains(id))
    }

    /// Whether event time waits for others than these partitions, and there is more to be read of one of them.
    pub fn are_ahead(&self, partitions: &[PartitionId], now: Duration) -> bool {
        if self.holds_back(partitions, now) {
            return false;
        }
        let counts = || self.partitions.values().filter(|partition| self.counts(partition, now));
        let least = counts().map(Partition::stands_at).min();
        counts().any(|partition| Some(partition.stands_at()) == least && partition.heard.is_none())
    }

    /// These partitions have ended; with the last of them so has event time.
    pub fn end(&mut self, partitions: &[PartitionId]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
        if self.partitions.is_empty() {
            self.current = i64::MAX;
        }
    }

    /// Whether event time cannot pass where a partition stands.
    fn counts(&self, partition: &Partition, now: Duration) -> bool {
        partition.hold.is_some() || !self.is_idle(partition, now)
    }

    fn is_idle(&self, partition: &Partition, now: Duration) -> bool {
        let Some(idle_after) = self.idle_after else { return false };
        partition.heard.is_some_and(|heard| {
            heard.saturating_sub(partition.last_record) >= idle_after
                && now.saturating_sub(heard) < HEARD_COUNTS
        })
    }

    /// The last watermark, and the time since the last record in which the log is known to hold no other.
    fn by_the_clock(&self) -> i64 {
        let latest = self.partitions.values().map(|partition| partition.watermark).max();
        let last_record = self.partitions.values().map(|partition| partition.last_record).max();
        let heard = self.partitions.values().filter_map(|partition| partition.heard).min();
        match (latest, last_record, heard) {
            (Some(latest), Some(last_record), Some(heard)) if latest != NO_WATERMARK => {
                latest.saturating_add(heard.saturating_sub(last_record).as_millis() as i64)
            }
            _ => NO_WATERMARK,
        }
    }
}

impl Partition {
    /// Where the partition lets event time come.
    fn stands_at(&self) -> i64 {
        self.watermark.min(self.hold.unwrap_or(i64::MAX))
    }

    fn fresh(now: Duration) -> Partition {
        Partition { watermark: NO_WATERMARK, last_record: now, heard: None, hold: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PartitionId = PartitionId(0);
    const B: PartitionId = PartitionId(1);

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn two() -> Watermarks {
        let mut watermarks = Watermarks::new(Some(seconds(5)));
        watermarks.add(&[A, B], seconds(0));
        watermarks
    }

    #[test]
    fn the_least_partition_decides_and_nothing_goes_back() {
        let mut watermarks = two();
        watermarks.records(A, 100, true, seconds(1));
        assert_eq!(watermarks.advance(seconds(1)), NO_WATERMARK);
        watermarks.records(B, 50, true, seconds(1));
        assert_eq!(watermarks.advance(seconds(1)), 50);
        watermarks.records(B, 20, true, seconds(1));
        assert_eq!(watermarks.advance(seconds(1)), 50);
    }

    #[test]
    fn a_partition_that_is_read_slowly_is_not_idle() {
        let mut watermarks = two();
        watermarks.records(A, 1_000, true, seconds(1));
        watermarks.records(B, 10, true, seconds(1));
        // An hour later there is still more in B.
        assert_eq!(watermarks.advance(seconds(3_600)), 10);
    }

    #[test]
    fn a_caught_up_partition_holds_back_until_the_timeout() {
        let mut watermarks = two();
        watermarks.records(A, 1_000, false, seconds(1));
        watermarks.records(B, 10, false, seconds(1));
        watermarks.caught_up(&[B], seconds(5));
        watermarks.records(A, 2_000, true, seconds(5));
        assert_eq!(watermarks.advance(seconds(5)), 10);
        watermarks.caught_up(&[B], seconds(6));
        assert_eq!(watermarks.advance(seconds(6)), 2_000);
    }

    #[test]
    fn event_time_goes_on_with_the_clock_when_all_is_silent() {
        let mut watermarks = two();
        watermarks.records(A, 1_000, false, seconds(1));
        watermarks.records(B, 500, false, seconds(1));
        let mut asked = |at: u64| {
            watermarks.caught_up(&[A, B], seconds(at));
            watermarks.advance(seconds(at))
        };
        assert_eq!([asked(5), asked(6), asked(26)], [500, 6_000, 26_000]);
    }

    #[test]
    fn what_the_log_said_counts_for_a_moment_only() {
        let mut watermarks = two();
        watermarks.records(A, 1_000, false, seconds(1));
        watermarks.records(B, 500, false, seconds(1));
        watermarks.caught_up(&[A, B], seconds(7));
        // Nobody has asked for a minute: the reader of B is held up, and there may be more.
        watermarks.records(A, 60_000, false, seconds(67));
        assert_eq!(watermarks.advance(seconds(67)), 500);
        watermarks.caught_up(&[B], seconds(67));
        assert_eq!(watermarks.advance(seconds(67)), 60_000);
    }

    #[test]
    fn a_log_that_does_not_answer_is_not_silent() {
        let mut watermarks = two();
        watermarks.records(A, 1_000, false, seconds(1));
        watermarks.records(B, 500, false, seconds(1));
        watermarks.unreachable(&[A, B], seconds(20));
        assert_eq!(watermarks.advance(seconds(60)), 500);
        watermarks.caught_up(&[A, B], seconds(24));
        assert_eq!(watermarks.advance(seconds(24)), 500);
        watermarks.caught_up(&[A, B], seconds(25));
        assert_eq!(watermarks.advance(seconds(25)), 6_000);
    }

    #[test]
    fn a_source_without_events_has_no_watermark() {
        let mut watermarks = two();
        watermarks.caught_up(&[A, B], seconds(600));
        assert_eq!(watermarks.advance(seconds(600)), NO_WATERMARK);
    }

    #[test]
    fn a_batch_that_is_being_judged_holds_the_watermark_back() {
        let mut watermarks = two();
        watermarks.records(A, 1_000, false, seconds(1));
        watermarks.records(B, 500, false, seconds(1));
        watermarks.caught_up(&[A, B], seconds(6));
        assert_eq!(watermarks.advance(seconds(6)), 6_000);
        watermarks.caught_up(&[A], seconds(7));
        let standpoint = watermarks.begin(B, seconds(7));
        let clamp = Clamp { current: 6_000, others: i64::MAX };
        assert_eq!(standpoint, Standpoint { clamp, partition: 500 });
        // Both were silent, and one no longer is: the clock alone moves nothing.
        assert_eq!(watermarks.advance(seconds(9)), 6_000);
        watermarks.records(B, 7_000, false, seconds(9));
        watermarks.caught_up(&[A], seconds(9));
        assert_eq!(watermarks.advance(seconds(9)), 7_000);
    }

    #[test]
    fn a_partition_that_is_read_a_second_time_holds_the_watermark_where_its_rows_were_judged() {
        let mut watermarks = two();
        watermarks.hold(A, Some(300));
        watermarks.records(A, 1_000, true, seconds(1));
        watermarks.records(B, 500, true, seconds(1));
        assert_eq!(watermarks.advance(seconds(1)), 300);
        assert!(watermarks.holds_back(&[A], seconds(1)) && !watermarks.are_ahead(&[A], seconds(1)));
        watermarks.hold(A, None);
        assert_eq!(watermarks.advance(seconds(1)), 500);
        assert!(watermarks.holds_back(&[B], seconds(1)) && watermarks.are_ahead(&[A], seconds(1)));
    }

    #[test]
    fn the_slowest_partition_holds_event_time_back_unless_it_is_idle() {
        let mut watermarks = two();
        watermarks.records(A, 1_000, true, seconds(1));
        watermarks.records(B, 10, false, seconds(1));
        assert!(watermarks.holds_back(&[B], seconds(2)) && !watermarks.holds_back(&[A], seconds(2)));
        watermarks.caught_up(&[B], seconds(7));
        assert!(watermarks.holds_back(&[A], seconds(7)) && !watermarks.holds_back(&[B], seconds(7)));
        assert!(
            !watermarks.are_ahead(&[A], seconds(2)),
            "there is nothing to wait for: B was read to its end"
        );
        watermarks.records(B, 20, true, seconds(7));
        assert!(watermarks.are_ahead(&[A], seconds(7)) && !watermarks.are_ahead(&[B], seconds(7)));
    }

    #[test]
    fn event_time_ends_with_the_last_partition() {
        let mut watermarks = two();
        watermarks.records(A, 1_000, false, seconds(1));
        watermarks.end(&[B]);
        assert_eq!(watermarks.advance(seconds(1)), 1_000);
        watermarks.end(&[A]);
        assert_eq!(watermarks.current(), i64::MAX);
    }

    #[test]
    fn a_restored_pipeline_goes_on_where_it_stood() {
        let mut watermarks = two();
        watermarks.restore(700, &[(A, 1_000), (B, 500)]);
        assert_eq!(watermarks.advance(seconds(1)), 700);
        watermarks.records(B, 900, true, seconds(1));
        assert_eq!(watermarks.advance(seconds(1)), 900);
    }
}
