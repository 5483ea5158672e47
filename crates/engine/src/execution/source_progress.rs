//! The state of a source subtask's loop: what it keeps from one iteration to the next.

use std::time::Duration;

use types::{PartitionId, Timestamp};

use super::memory_pressure::{DeferredBatch, LastReclaim};
use crate::operator::chain::StreamTime;

/// The state that a source subtask keeps from one iteration of its loop to the next.
#[derive(Debug, Default)]
pub(super) struct SourceProgress {
    /// Whether rows have come since the last early results.
    pub changed: bool,
    /// When early results may be written again.
    pub next_early: Duration,
    /// The number of rows held for the next shipment, and since when.
    pub held: usize,
    pub held_since: Duration,
    /// The watermarks that the held rows imply: published once these rows have been sent.
    pub implied: Vec<Implied>,
    /// When the log was last polled and had nothing more.
    pub caught_up: Option<Duration>,
    /// Partitions that had nothing more while others had, and when they were polled.
    pub at_end: Vec<PartitionId>,
    pub asked_others: Duration,
    /// The watermark and idleness last sent to the global subtasks.
    pub sent: Option<StreamTime>,
    /// The watermark that this subtask last saw.
    pub seen: i64,
    /// The last snapshot that it contributed to.
    pub barrier: u64,
    /// Time spent in this iteration waiting for global subtasks or for memory.
    pub blocked: Duration,
    /// Bytes of input since memory was last measured.
    pub unmeasured: u64,
    /// The arrival time of the oldest record that no written row includes yet.
    pub unshown: Option<Timestamp>,
    /// When the read positions of partitions were last recorded.
    pub looked_at_splits: Option<Duration>,
    pub deferred: Option<DeferredBatch>,
    pub last_reclaim: LastReclaim,
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

/// Returns the earlier of two times, or the only one.
pub(super) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

impl SourceProgress {
    /// Returns the watermark that the held rows of a partition imply.
    pub fn implied_by(&self, partition: PartitionId) -> Option<i64> {
        let of = self.implied.iter().filter(|implied| implied.partition == partition);
        of.map(|implied| implied.watermark).max()
    }
}
