//! The state of a source subtask's loop: what it keeps from one iteration to the next.

use std::time::Duration;

use types::Timestamp;

use super::memory_pressure::DeferredBatch;
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
    /// The watermark and idleness last sent to the global subtasks.
    pub sent: Option<StreamTime>,
    /// The watermark that this subtask last saw.
    pub seen: i64,
    /// The last snapshot that it contributed to.
    pub barrier: u64,
    /// Time spent in this iteration waiting for global subtasks or for memory.
    pub blocked: Duration,
    /// The arrival time of the oldest record that no written row includes yet.
    pub unshown: Option<Timestamp>,
    /// When the read positions of partitions were last recorded.
    pub looked_at_splits: Option<Duration>,
    pub deferred: Option<DeferredBatch>,
}

/// Returns the earlier of two times, or the only one.
pub(super) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}
