//! Lists of jobs: `/jobs` and `/jobs/overview`.

use serde::Serialize;
use utoipa::ToSchema;

use super::CountsByState;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct JobList {
    pub(in crate::flink) jobs: Vec<JobIdAndStatus>,
}

/// Id and status of a job; other routes call them `jid` and `state`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct JobIdAndStatus {
    pub(in crate::flink) id: String,
    pub(in crate::flink) status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct JobsOverview {
    pub(in crate::flink) jobs: Vec<JobLine>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct JobLine {
    pub(in crate::flink) jid: String,
    pub(in crate::flink) name: String,
    pub(in crate::flink) start_time: i64,
    pub(in crate::flink) end_time: i64,
    pub(in crate::flink) duration: i64,
    pub(in crate::flink) state: &'static str,
    pub(in crate::flink) last_modification: i64,
    /// Number of tasks by lower-case state, with `total`.
    #[serde(serialize_with = "CountsByState::in_lower_case")]
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    pub(in crate::flink) tasks: CountsByState,
    pub(in crate::flink) pending_operators: u32,
    /// Since Flink 2.3.
    #[serde(rename = "jobType")]
    pub(in crate::flink) job_type: &'static str,
    #[serde(rename = "schedulerType")]
    pub(in crate::flink) scheduler_type: &'static str,
}
