//! What a source subtask remembers from one turn to the next.

use super::global::Standing;
use super::room::{Parked, Reclaimed};
use std::time::Duration;
use types::{PartitionId, Timestamp};

/// What a subtask remembers from one turn to the next.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Rows since the last early results.
    pub changed: bool,
    /// When early results may be written again.
    pub next_early: Duration,
    /// Rows held back for the next shipment, and since when.
    pub held: usize,
    pub held_since: Duration,
    /// What the rows held back imply: told to the others once these are on their way.
    pub implied: Vec<Implied>,
    /// When the log was asked and said that there is nothing more.
    pub caught_up: Option<Duration>,
    /// Partitions that have nothing more while others do, and when they were asked.
    pub at_end: Vec<PartitionId>,
    pub asked_others: Duration,
    /// What the global subtasks know of this one's event time.
    pub told: Option<Standing>,
    /// The watermark that this subtask last saw.
    pub seen: i64,
    /// The last snapshot it took part in.
    pub barrier: u64,
    /// Time spent waiting for global subtasks, or for room, in this turn.
    pub blocked: Duration,
    /// Input since it was last measured what is held.
    pub unmeasured: u64,
    /// When the oldest record came in that no written row shows yet.
    pub unshown: Option<Timestamp>,
    /// When it was last noted how far the partitions are read.
    pub looked_at_splits: Option<Duration>,
    pub parked: Option<Parked>,
    pub reclaimed: Reclaimed,
}

/// A partition's records and the watermark they imply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Implied {
    pub partition: PartitionId,
    pub watermark: i64,
    pub behind: bool,
    pub at: Duration,
    /// What the pipeline's watermark may not pass while the partition is read a second time.
    pub hold: Option<i64>,
}

/// The earlier of two times, as far as there are any.
pub(super) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

impl Turn {
    /// What rows of a partition that are still held back imply.
    pub fn implied_by(&self, partition: PartitionId) -> Option<i64> {
        let of = self.implied.iter().filter(|implied| implied.partition == partition);
        of.map(|implied| implied.watermark).max()
    }
}
