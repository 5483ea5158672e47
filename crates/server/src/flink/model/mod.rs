//! Flink's JSON, by the names and units of its REST API (version 2.2): one file a family. Times are milliseconds, those
//! since 1970 where they name a moment; -1 stands for "not yet".

mod cluster;
mod details;
mod exceptions;
mod listing;
mod refusal;
mod task_state;

pub(super) use cluster::{Config, Features, Overview};
pub(super) use details::{
    Edge, ExecutionConfig, JobConfig, JobDetails, JobStatusInfo, Nothing, Plan, PlanNode, Vertex,
    VertexMetrics,
};
pub(super) use exceptions::{ExceptionEntry, ExceptionHistory, Exceptions};
pub(super) use listing::{JobIdAndStatus, JobLine, JobList, JobsOverview};
pub(super) use refusal::Refusal;
pub(super) use task_state::{CountsByState, TaskState};
