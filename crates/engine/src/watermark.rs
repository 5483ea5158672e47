//! The watermark of a pipeline: the minimum over the watermarks of its source partitions, which never goes
//! back.
//!
//! A partition is idle if the log reports, an idle timeout after the partition's last record, that it holds
//! nothing more. An idle partition does not hold back the watermark. When all partitions are idle, the
//! watermark advances with the clock up to the last report of the log, so that the last window closes when
//! traffic stops. A partition is not idle if its log does not answer, or if it is merely read slowly. A
//! report of the log counts only for a moment, since the reader of the partition may be blocked by
//! backpressure.
//!
//! All source subtasks of a pipeline share one [`Watermarks`], so that a row is late by the same rule at any
//! parallelism. The callers must keep two orders, which make that safe: a subtask calls [`Watermarks::begin`]
//! before it judges the rows of a batch, and reports the watermark that the rows imply only after it has
//! handed them on.

use std::collections::BTreeMap;
use std::time::Duration;

use types::PartitionId;

/// The watermark before every event.
pub const NO_WATERMARK: i64 = i64::MIN;

#[derive(Debug, Clone)]
pub struct Watermarks {
    partitions: BTreeMap<PartitionId, PartitionWatermark>,
    /// `None`: partitions are never idle.
    idle_after: Option<Duration>,
    current: i64,
}

/// The watermark of a partition, and what decides whether the partition is idle.
#[derive(Debug, Clone, Copy)]
struct PartitionWatermark {
    watermark: i64,
    /// When the last record came, by the clock's `elapsed`.
    last_record: Duration,
    /// When the log last reported that there is nothing more; `None`: there was more, or it did not answer.
    heard: Option<Duration>,
    /// The bound of the pipeline's watermark: the partition is replayed, and its remaining records were
    /// judged against this bound ([`crate::lateness`]).
    hold: Option<i64>,
}

/// How long a report of the log counts. A reader that is not blocked polls many times as often.
const HEARD_COUNTS: Duration = Duration::from_secs(1);

/// How long the log must report that a partition holds nothing more before missing records are taken for
/// gone.
const SETTLED: Duration = Duration::from_secs(2);

/// The watermarks against which a partition's next rows are late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standpoint {
    pub clamp: Clamp,
    /// The partition's own watermark.
    pub partition: i64,
}

/// Bounds for the watermark of one partition. Clamped to them, it is the watermark against which the
/// partition's rows are late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clamp {
    /// The lower bound: the pipeline's watermark, which never goes back.
    pub current: i64,
    /// The upper bound: the minimum watermark of the other partitions that count; `i64::MAX` if there is
    /// none.
    pub others: i64,
}

impl Clamp {
    /// No bounds: only the partition's own watermark decides.
    pub const OPEN: Clamp = Clamp { current: NO_WATERMARK, others: i64::MAX };

    /// Returns the watermark against which a row is late, where the partition's own watermark is `own`.
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

    /// Adds partitions; existing partitions are unchanged.
    pub fn add(&mut self, partitions: &[PartitionId], now: Duration) {
        for &partition in partitions {
            self.partitions.entry(partition).or_insert(PartitionWatermark::fresh(now));
        }
    }

    /// Restores the watermarks of a snapshot.
    pub fn restore(&mut self, current: i64, partitions: &[(PartitionId, i64)]) {
        self.current = self.current.max(current);
        for (partition, watermark) in partitions {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.watermark = partition.watermark.max(*watermark);
            }
        }
    }

    /// Returns the present watermark.
    pub fn current(&self) -> i64 {
        self.current
    }

    /// Returns the watermark of one partition.
    pub fn partition(&self, partition: PartitionId) -> i64 {
        self.partitions.get(&partition).map_or(NO_WATERMARK, |p| p.watermark)
    }

    /// Begins to judge records of a partition, which hold back the watermark until they are reported. Returns
    /// the watermarks to judge them against.
    pub fn begin(&mut self, partition: PartitionId, now: Duration) -> Standpoint {
        let entry = self.partitions.entry(partition).or_insert(PartitionWatermark::fresh(now));
        entry.last_record = now;
        entry.heard = None;
        let own = entry.watermark;
        let others =
            self.partitions.iter().filter(|(id, other)| **id != partition && !self.is_idle(other, now));
        let others = others.map(|(_, other)| other.watermark).min().unwrap_or(i64::MAX);
        Standpoint { clamp: Clamp { current: self.current, others }, partition: own }
    }

    /// Sets or lifts the bound of the pipeline's watermark for the replay of a partition.
    pub fn hold(&mut self, partition: PartitionId, hold: Option<i64>) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.hold = hold;
        }
    }

    /// Reports that records of a partition, which imply this watermark, were handed on.
    pub fn records(&mut self, partition: PartitionId, watermark: i64, behind: bool, now: Duration) {
        let entry = self.partitions.entry(partition).or_insert(PartitionWatermark::fresh(now));
        entry.watermark = entry.watermark.max(watermark);
        entry.last_record = now;
        entry.heard = (!behind).then_some(now);
    }

    /// Reports that the log, polled at this time, holds nothing more of these partitions.
    pub fn caught_up(&mut self, partitions: &[PartitionId], at: Duration) {
        for partition in partitions {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.heard = Some(at);
            }
        }
    }

    /// Reports that the log of these partitions did not answer.
    pub fn unreachable(&mut self, partitions: &[PartitionId], now: Duration) {
        for partition in partitions {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.heard = None;
                partition.last_record = now;
            }
        }
    }

    /// Advances the watermark as far as the partitions allow, and returns it.
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

    /// Returns whether every one of these partitions is idle.
    pub fn is_silent(&self, partitions: &[PartitionId], now: Duration) -> bool {
        partitions
            .iter()
            .filter_map(|partition| self.partitions.get(partition))
            .all(|partition| self.is_idle(partition, now))
    }

    /// Returns whether the log has reported for a while that a partition holds nothing more: a broker that
    /// has just become the leader may not know yet how far its log is durable.
    pub fn is_exhausted(&self, partition: PartitionId, now: Duration) -> bool {
        let settled = SETTLED.min(self.idle_after.unwrap_or(SETTLED));
        self.partitions.get(&partition).is_some_and(|partition| {
            partition.heard.is_some_and(|heard| {
                now.saturating_sub(heard) < HEARD_COUNTS
                    && heard.saturating_sub(partition.last_record) >= settled
            })
        })
    }

    /// Returns whether one of these partitions holds back the watermark.
    pub fn holds_back(&self, partitions: &[PartitionId], now: Duration) -> bool {
        let counts = || self.partitions.iter().filter(|(_, partition)| self.counts(partition, now));
        let Some(least) = counts().map(|(_, partition)| partition.stands_at()).min() else { return true };
        counts().any(|(id, partition)| partition.stands_at() == least && partitions.contains(id))
    }

    /// Returns whether partitions other than these hold back the watermark, and one of those has more to
    /// read.
    pub fn are_ahead(&self, partitions: &[PartitionId], now: Duration) -> bool {
        if self.holds_back(partitions, now) {
            return false;
        }
        let counts = || self.partitions.values().filter(|partition| self.counts(partition, now));
        let least = counts().map(PartitionWatermark::stands_at).min();
        counts().any(|partition| Some(partition.stands_at()) == least && partition.heard.is_none())
    }

    /// Removes partitions that have ended; the end of the last one is the end of event time.
    pub fn end(&mut self, partitions: &[PartitionId]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
        if self.partitions.is_empty() {
            self.current = i64::MAX;
        }
    }

    /// Returns whether a partition can hold back the watermark.
    fn counts(&self, partition: &PartitionWatermark, now: Duration) -> bool {
        partition.hold.is_some() || !self.is_idle(partition, now)
    }

    fn is_idle(&self, partition: &PartitionWatermark, now: Duration) -> bool {
        let Some(idle_after) = self.idle_after else { return false };
        partition.heard.is_some_and(|heard| {
            heard.saturating_sub(partition.last_record) >= idle_after
                && now.saturating_sub(heard) < HEARD_COUNTS
        })
    }

    /// Returns the last watermark plus the time since the last record for which the log is known to hold
    /// nothing more.
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

impl PartitionWatermark {
    /// Returns the bound that the partition sets to the watermark.
    fn stands_at(&self) -> i64 {
        self.watermark.min(self.hold.unwrap_or(i64::MAX))
    }

    fn fresh(now: Duration) -> PartitionWatermark {
        PartitionWatermark { watermark: NO_WATERMARK, last_record: now, heard: None, hold: None }
    }
}

#[cfg(test)]
mod tests;
