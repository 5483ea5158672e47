//! History and statistics of a job's checkpoints, for monitoring.

use std::collections::VecDeque;
use std::time::Duration;

use engine::execution::PartBytes;
use serde::{Deserialize, Serialize};
use types::Timestamp;

use super::manifest::CheckpointKind;

/// A checkpoint that was triggered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    pub id: u64,
    pub kind: CheckpointKind,
    pub triggered: Timestamp,
    /// From the trigger to the end, or to now.
    pub duration: Duration,
    pub state: CheckpointState,
    /// Number of subtasks that take part.
    pub subtasks: usize,
    /// Parts of subtasks that have finished, in that order.
    pub parts: Vec<SubtaskPart>,
}

/// The part of one subtask in a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskPart {
    pub vertex: String,
    pub subtask: usize,
    /// Time at which the part was finished.
    pub at: Timestamp,
    /// From the trigger until the subtask began.
    pub delay: Duration,
    /// From the first barrier to the last.
    pub aligning: Duration,
    /// Duration of taking the state and of making earlier writes durable.
    pub taking: Duration,
    /// Size of the state; 0 until the checkpoint is written.
    pub bytes: u64,
    /// Bytes that the previous checkpoint had already written.
    #[serde(default)]
    pub reused: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckpointState {
    InProgress,
    Completed {
        location: String,
        /// Size of the whole state.
        bytes: u64,
        /// Bytes that the previous checkpoint had already written.
        #[serde(default)]
        reused: u64,
    },
    Failed {
        reason: String,
    },
}

/// The checkpoint from which a job restarted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredFrom {
    pub id: u64,
    pub kind: CheckpointKind,
    pub location: String,
    pub at: Timestamp,
}

/// Number of recent checkpoints that are kept individually.
const REMEMBERED: usize = 10;
/// Number of completed checkpoints whose duration and size are kept.
const MEASURED: usize = 256;

/// Statistics of a completed checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MeasuredForm")]
pub struct Measured {
    pub took: Duration,
    /// Size of the whole state.
    pub bytes: u64,
    /// Bytes that the previous checkpoint had already written.
    pub reused: u64,
}

/// The stored forms of these statistics, including the form before part files existed.
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
    /// Statistics of completed checkpoints, oldest first.
    pub measured: VecDeque<Measured>,
    /// Recent checkpoints, oldest first.
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

    /// Records that a subtask finished its part of a checkpoint.
    pub(crate) fn acknowledge(&mut self, id: u64, part: SubtaskPart) {
        if let Some(record) = self.recent.iter_mut().rev().find(|record| record.id == id) {
            record.parts.push(part);
        }
    }

    /// Records the sizes of a checkpoint's parts, in their order.
    pub(crate) fn measure(&mut self, id: u64, bytes: &[PartBytes]) {
        if let Some(record) = self.recent.iter_mut().rev().find(|record| record.id == id) {
            for (part, bytes) in record.parts.iter_mut().zip(bytes) {
                (part.bytes, part.reused) = (bytes.state, bytes.state - bytes.written);
            }
        }
    }

    /// Returns the checkpoints that are kept individually, newest first.
    pub fn known(&self) -> Vec<&CheckpointRecord> {
        let latest = [&self.latest_completed, &self.latest_savepoint, &self.latest_failed];
        let mut known: Vec<&CheckpointRecord> =
            self.recent.iter().chain(latest.into_iter().flatten()).collect();
        known.sort_by_key(|record| std::cmp::Reverse(record.id));
        known.dedup_by_key(|record| record.id);
        known
    }

    /// Records the end of a checkpoint.
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
                    CheckpointKind::Checkpoint => self.latest_completed = Some(record),
                    CheckpointKind::Savepoint => self.latest_savepoint = Some(record),
                }
            }
            (CheckpointState::Failed { .. }, _) => {
                self.failed += 1;
                self.latest_failed = Some(record);
            }
            (CheckpointState::InProgress, _) => {}
        }
    }

    /// Marks checkpoints in progress as failed, because the attempt that took them has ended.
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
