//! What is known of a job's checkpoints, for those who watch.

use std::collections::VecDeque;
use std::time::Duration;

use engine::execution::PartBytes;
use serde::{Deserialize, Serialize};
use types::Timestamp;

use super::manifest::Kind;

/// A checkpoint that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    pub id: u64,
    pub kind: Kind,
    pub triggered: Timestamp,
    /// From the request to its end, or to now.
    pub duration: Duration,
    pub state: CheckpointState,
    /// How many subtasks are to take part.
    pub subtasks: usize,
    /// Those that have, in the order in which they did.
    pub parts: Vec<SubtaskPart>,
}

/// What a subtask did for a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskPart {
    pub vertex: String,
    pub subtask: usize,
    /// When it was done.
    pub at: Timestamp,
    /// From the request until the subtask took it up.
    pub delay: Duration,
    /// Between the first barrier and the last.
    pub aligning: Duration,
    /// Making its part, and making durable what was written before.
    pub taking: Duration,
    /// Its state; 0 until the checkpoint is written.
    pub bytes: u64,
    /// Bytes that the checkpoint before had written already.
    #[serde(default)]
    pub reused: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckpointState {
    InProgress,
    Completed {
        location: String,
        /// All of its state.
        bytes: u64,
        /// Bytes that the checkpoint before had written already.
        #[serde(default)]
        reused: u64,
    },
    Failed {
        reason: String,
    },
}

/// What a job went on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredFrom {
    pub id: u64,
    pub kind: Kind,
    pub location: String,
    pub at: Timestamp,
}

/// Checkpoints that are remembered one by one.
const REMEMBERED: usize = 10;
/// Completed ones whose length and size are remembered.
const MEASURED: usize = 256;

/// Figures of a completed checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MeasuredForm")]
pub struct Measured {
    pub took: Duration,
    /// All of its state.
    pub bytes: u64,
    /// Bytes that the checkpoint before had written already.
    pub reused: u64,
}

/// As figures of ended jobs are written, and were before part files.
#[derive(Deserialize)]
#[serde(untagged)]
enum MeasuredForm {
    Now { took: Duration, bytes: u64, reused: u64 },
    Before(Duration, u64),
}

impl From<MeasuredForm> for Measured {
    fn from(form: MeasuredForm) -> Measured {
        match form {
            MeasuredForm::Now { took, bytes, reused } => Measured { took, bytes, reused },
            MeasuredForm::Before(took, bytes) => Measured { took, bytes, reused: 0 },
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointHistory {
    pub completed: u64,
    pub failed: u64,
    pub restored: u64,
    /// Figures of each completed checkpoint, oldest first.
    pub measured: VecDeque<Measured>,
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

    /// A subtask has done its part in the checkpoint that began last.
    pub(crate) fn acknowledge(&mut self, id: u64, part: SubtaskPart) {
        if let Some(record) = self.recent.iter_mut().rev().find(|record| record.id == id) {
            record.parts.push(part);
        }
    }

    /// Books what the parts of the checkpoint that began last take, in their order.
    pub(crate) fn measure(&mut self, id: u64, bytes: &[PartBytes]) {
        if let Some(record) = self.recent.iter_mut().rev().find(|record| record.id == id) {
            for (part, bytes) in record.parts.iter_mut().zip(bytes) {
                (part.bytes, part.reused) = (bytes.state, bytes.state - bytes.written);
            }
        }
    }

    /// Those that are remembered one by one, newest first.
    pub fn known(&self) -> Vec<&CheckpointRecord> {
        let latest = [&self.latest_completed, &self.latest_savepoint, &self.latest_failed];
        let mut known: Vec<&CheckpointRecord> =
            self.recent.iter().chain(latest.into_iter().flatten()).collect();
        known.sort_by_key(|record| std::cmp::Reverse(record.id));
        known.dedup_by_key(|record| record.id);
        known
    }

    /// Books the end of the checkpoint that began last.
    pub(crate) fn end(&mut self, id: u64, duration: Duration, state: CheckpointState) {
        let Some(record) = self.recent.iter_mut().rev().find(|record| record.id == id) else { return };
        (record.duration, record.state) = (duration, state);
        let record = record.clone();

        match (&record.state, record.kind) {
            (CheckpointState::Completed { bytes, reused, .. }, kind) => {
                self.completed += 1;
                if self.measured.len() == MEASURED {
                    self.measured.pop_front();
                }
                let measured = Measured { took: record.duration, bytes: *bytes, reused: *reused };
                self.measured.push_back(measured);
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

    /// Whoever took checkpoints does not any more.
    pub(crate) fn abandon(&mut self, reason: &str) {
        let under_way = self.recent.iter().filter(|record| record.state == CheckpointState::InProgress);
        for id in under_way.map(|record| record.id).collect::<Vec<u64>>() {
            self.end(id, Duration::ZERO, CheckpointState::Failed { reason: reason.to_owned() });
        }
    }

    pub(crate) fn restore(&mut self, from: RestoredFrom) {
        self.restored += 1;
        self.latest_restored = Some(from);
    }
}
