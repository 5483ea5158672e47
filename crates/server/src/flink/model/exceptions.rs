//! The failures of a job: `/jobs/:id/exceptions`.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// Flink's class name for the failure of a whole job.
const JOB_EXCEPTION: &str = "org.apache.flink.runtime.JobException";

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct Exceptions {
    pub(in crate::flink) exception_history: ExceptionHistory,
}

/// Failures, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct ExceptionHistory {
    pub(in crate::flink) entries: Vec<ExceptionEntry>,
    /// Whether the job has more exceptions than requested.
    pub(in crate::flink) truncated: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct ExceptionEntry {
    exception_name: &'static str,
    stacktrace: String,
    timestamp: i64,
    failure_labels: BTreeMap<String, String>,
    #[schema(no_recursion)]
    concurrent_exceptions: Vec<ExceptionEntry>,
}

impl ExceptionEntry {
    /// Creates an entry; `message` describes the failure with its causes.
    pub(in crate::flink) fn new(message: &str, timestamp: i64) -> ExceptionEntry {
        ExceptionEntry {
            exception_name: JOB_EXCEPTION,
            stacktrace: format!("{JOB_EXCEPTION}: {message}"),
            timestamp,
            failure_labels: BTreeMap::new(),
            concurrent_exceptions: Vec::new(),
        }
    }
}
