//! Checkpoints: `/jobs/:id/checkpoints` and the routes below it. Sizes are bytes, durations milliseconds.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Summary;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Checkpoints {
    pub(in crate::flink) counts: CheckpointCounts,
    /// Statistics of the completed checkpoints.
    pub(in crate::flink) summary: CheckpointSummary,
    pub(in crate::flink) latest: LatestCheckpoints,
    /// Checkpoints, newest first.
    pub(in crate::flink) history: Vec<CheckpointEntry>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct CheckpointCounts {
    pub(in crate::flink) restored: u64,
    pub(in crate::flink) total: u64,
    pub(in crate::flink) in_progress: u64,
    pub(in crate::flink) completed: u64,
    pub(in crate::flink) failed: u64,
}

/// Statistics of the completed checkpoints. Checkpoints are always aligned and store no in-flight data, so
/// the last three are 0.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct CheckpointSummary {
    pub(in crate::flink) checkpointed_size: Summary,
    pub(in crate::flink) state_size: Summary,
    pub(in crate::flink) end_to_end_duration: Summary,
    pub(in crate::flink) alignment_buffered: Summary,
    pub(in crate::flink) processed_data: Summary,
    pub(in crate::flink) persisted_data: Summary,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct LatestCheckpoints {
    pub(in crate::flink) completed: Option<CheckpointEntry>,
    pub(in crate::flink) savepoint: Option<CheckpointEntry>,
    pub(in crate::flink) failed: Option<CheckpointEntry>,
    pub(in crate::flink) restored: Option<RestoredCheckpoint>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct RestoredCheckpoint {
    pub(in crate::flink) id: u64,
    pub(in crate::flink) restore_timestamp: i64,
    pub(in crate::flink) is_savepoint: bool,
    pub(in crate::flink) external_path: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::flink) struct CheckpointEntry {
    /// `in_progress`, `completed` or `failed`.
    #[serde(rename = "className")]
    pub(in crate::flink) class_name: &'static str,
    pub(in crate::flink) is_savepoint: bool,
    #[serde(rename = "savepointFormat")]
    pub(in crate::flink) savepoint_format: Option<&'static str>,
    pub(in crate::flink) trigger_timestamp: i64,
    /// `CHECKPOINT` or `SAVEPOINT`.
    pub(in crate::flink) checkpoint_type: &'static str,
    #[serde(flatten)]
    pub(in crate::flink) figures: CheckpointFigures,
    /// Figures by vertex; empty in lists.
    pub(in crate::flink) tasks: BTreeMap<String, CheckpointFigures>,
    /// Directory of the checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) external_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) discarded: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) failure_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) failure_message: Option<String>,
}

/// Figures of a whole checkpoint, or of a vertex.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::flink) struct CheckpointFigures {
    pub(in crate::flink) id: u64,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub(in crate::flink) status: &'static str,
    /// -1 before the first acknowledgement.
    pub(in crate::flink) latest_ack_timestamp: i64,
    pub(in crate::flink) checkpointed_size: u64,
    pub(in crate::flink) state_size: u64,
    pub(in crate::flink) end_to_end_duration: i64,
    pub(in crate::flink) alignment_buffered: u64,
    pub(in crate::flink) processed_data: u64,
    pub(in crate::flink) persisted_data: u64,
    pub(in crate::flink) num_subtasks: usize,
    pub(in crate::flink) num_acknowledged_subtasks: usize,
}

/// `…/details/:id/subtasks/:vertex`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct VertexCheckpoint {
    #[serde(flatten)]
    pub(in crate::flink) figures: CheckpointFigures,
    pub(in crate::flink) summary: VertexCheckpointSummary,
    pub(in crate::flink) subtasks: Vec<SubtaskCheckpoint>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct VertexCheckpointSummary {
    pub(in crate::flink) checkpointed_size: Summary,
    pub(in crate::flink) state_size: Summary,
    pub(in crate::flink) end_to_end_duration: Summary,
    pub(in crate::flink) checkpoint_duration: SyncAsync<Summary>,
    pub(in crate::flink) alignment: Alignment<Summary>,
    pub(in crate::flink) start_delay: Summary,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct SyncAsync<T> {
    pub(in crate::flink) sync: T,
    #[serde(rename = "async")]
    pub(in crate::flink) asynchronous: T,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Alignment<T> {
    pub(in crate::flink) buffered: T,
    pub(in crate::flink) processed: T,
    pub(in crate::flink) persisted: T,
    pub(in crate::flink) duration: T,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "className", rename_all = "lowercase")]
pub(in crate::flink) enum SubtaskCheckpoint {
    Completed {
        index: usize,
        status: &'static str,
        ack_timestamp: i64,
        end_to_end_duration: i64,
        checkpointed_size: u64,
        state_size: u64,
        checkpoint: SyncAsync<i64>,
        alignment: Alignment<i64>,
        start_delay: i64,
        unaligned_checkpoint: bool,
        aborted: bool,
    },
    Pending {
        index: usize,
        status: &'static str,
    },
}

/// `…/checkpoints/config`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct CheckpointConfig {
    pub(in crate::flink) mode: &'static str,
    /// Milliseconds; practically infinite if periodic checkpoints are disabled.
    pub(in crate::flink) interval: u64,
    pub(in crate::flink) timeout: u64,
    pub(in crate::flink) min_pause: u64,
    pub(in crate::flink) max_concurrent: u32,
    pub(in crate::flink) externalization: Externalization,
    pub(in crate::flink) state_backend: &'static str,
    pub(in crate::flink) checkpoint_storage: &'static str,
    pub(in crate::flink) unaligned_checkpoints: bool,
    pub(in crate::flink) tolerable_failed_checkpoints: u32,
    pub(in crate::flink) aligned_checkpoint_timeout: u64,
    pub(in crate::flink) checkpoints_after_tasks_finish: bool,
    pub(in crate::flink) state_changelog_enabled: bool,
    pub(in crate::flink) changelog_periodic_materialization_interval: u64,
}

/// Whether checkpoints are kept after the end of the job.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Externalization {
    pub(in crate::flink) enabled: bool,
    pub(in crate::flink) delete_on_cancellation: bool,
}
