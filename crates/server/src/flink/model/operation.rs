//! Long operations: savepoints, checkpoints and disposals are requested, and then polled by a trigger id.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Throwable;

/// `POST /jobs/:id/savepoints`
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct SavepointWanted {
    /// Directory; by default the configured savepoint directory.
    pub(in crate::flink) target_directory: Option<String>,
    pub(in crate::flink) cancel_job: Option<bool>,
    #[serde(rename = "formatType")]
    #[expect(dead_code, reason = "checked for what it may be: there is one format")]
    pub(in crate::flink) format: Option<Format>,
    #[serde(rename = "triggerId")]
    pub(in crate::flink) trigger: Option<String>,
}

/// `POST /jobs/:id/stop`
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct StopWanted {
    pub(in crate::flink) target_directory: Option<String>,
    /// Whether to close all windows first.
    pub(in crate::flink) drain: Option<bool>,
    #[serde(rename = "formatType")]
    #[expect(dead_code, reason = "checked for what it may be: there is one format")]
    pub(in crate::flink) format: Option<Format>,
    #[serde(rename = "triggerId")]
    pub(in crate::flink) trigger: Option<String>,
}

/// `POST /jobs/:id/checkpoints`
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct CheckpointWanted {
    #[serde(rename = "checkpointType")]
    #[expect(dead_code, reason = "checked for what it may be: all are full")]
    pub(in crate::flink) kind: Option<CheckpointKind>,
    #[serde(rename = "triggerId")]
    pub(in crate::flink) trigger: Option<String>,
}

/// `POST /savepoint-disposal`
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct DisposalWanted {
    /// Required.
    pub(in crate::flink) savepoint_path: Option<String>,
}

/// Format of savepoints; Weir has only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(in crate::flink) enum Format {
    Canonical,
    Native,
}

/// Kind of checkpoint; every checkpoint is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(in crate::flink) enum CheckpointKind {
    Configured,
    Full,
    Incremental,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct Triggered {
    pub(in crate::flink) request_id: String,
}

/// Progress of an operation.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Progress {
    status: OperationStatus,
    operation: Option<Outcome>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct OperationStatus {
    /// `IN_PROGRESS` or `COMPLETED`; a failed operation is completed.
    #[schema(example = "COMPLETED")]
    pub(in crate::flink) id: &'static str,
}

/// Result of an operation: one of these fields, or none if a savepoint was removed.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::flink) struct Outcome {
    /// URL of the savepoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) location: Option<String>,
    #[serde(rename = "checkpointId", skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) checkpoint: Option<u64>,
    #[serde(rename = "failure-cause", skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) cause: Option<Throwable>,
    /// Cause of failure of a checkpoint, which Flink spells this way.
    #[serde(rename = "failureCause", skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) cause_of_checkpoint: Option<Throwable>,
}

impl OperationStatus {
    pub(in crate::flink) fn of(is_over: bool) -> OperationStatus {
        OperationStatus { id: if is_over { "COMPLETED" } else { "IN_PROGRESS" } }
    }
}

impl Progress {
    pub(in crate::flink) fn of(operation: Option<Outcome>) -> Progress {
        Progress { status: OperationStatus::of(operation.is_some()), operation }
    }
}

/// `/jobs/:id/execution-result`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct ResultOfJob {
    pub(in crate::flink) status: OperationStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) job_execution_result: Option<ExecutionResult>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct ExecutionResult {
    pub(in crate::flink) id: String,
    /// `SUCCEEDED`, `FAILED` or `CANCELED`.
    pub(in crate::flink) application_status: &'static str,
    pub(in crate::flink) accumulator_results: super::Nothing,
    /// Milliseconds.
    pub(in crate::flink) net_runtime: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) failure_cause: Option<Throwable>,
}
