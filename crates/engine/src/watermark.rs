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
mod tests;
