//! What is known of a job's checkpoints, for those who watch.

use std::collections::VecDeque;
use std::time::Duration;

use types::Timestamp;

use super::manifest::Kind;

/// A checkpoint that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRecord {
    pub id: u64,
    pub kind: Kind,
    pub triggered: Timestamp,
    /// From the request to its end, or to now.
    pub duration: Duration,
    pub state: CheckpointState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckpointState {
    InProgress,
    Completed { location: String, bytes: u64 },
    Failed { reason: String },
}

/// What a job went on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredFrom {
    pub id: u64,
    pub kind: Kind,
    pub location: String,
    pub at: Timestamp,
}

/// Checkpoints that are remembered one by one.
const REMEMBERED: usize = 10;

#[derive(Debug, Clone, Default)]
pub struct CheckpointHistory {
    pub completed: u64,
    pub failed: u64,
    pub restored: u64,
    /// Oldest first.
    pub recent: VecDeque<CheckpointRecord>,
    pub latest_completed: Option<CheckpointRecord>,
    pub latest_savepoint: Option<CheckpointRecord>,
    pub latest_failed: Option<CheckpointRecord>,
    pub latest_restored: Option<RestoredFrom>,
}

impl CheckpointHistory {
    pub(crate) fn begin(&mut self, record: CheckpointRecord) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }

    /// Books the end of the checkpoint that began last.
    pub(crate) fn end(&mut self, id: u64, duration: Duration, state: CheckpointState) {
        let Some(record) = self.recent.iter_mut().rev().find(|record| record.id == id) else { return };
        (record.duration, record.state) = (duration, state);
        let record = record.clone();
        match (&record.state, record.kind) {
            (CheckpointState::Completed { .. }, kind) => {
                self.completed += 1;
                match kind {
                    Kind::Checkpoint => self.latest_completed = Some(record),
                    Kind::Savepoint => self.latest_savepoint = Some(record),
                }
            }
            (CheckpointState::Failed { .. }, _) => {
                self.failed += 1;
                self.latest_failed = Some(record);
            }
            (CheckpointState::InProgress, _) => {}
        }
    }

    pub(crate) fn restore(&mut self, from: RestoredFrom) {
        self.restored += 1;
        self.latest_restored = Some(from);
    }
}
