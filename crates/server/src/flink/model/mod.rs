//! Flink's JSON, with the names and units of its REST API (version 2.2, and additions of 2.3), one file per
//! family. Durations are milliseconds, and moments are milliseconds since 1970; -1 stands for "not yet".

mod applications;
mod checkpoints;
mod cluster;
mod details;
mod exceptions;
mod listing;
mod measures;
mod operation;
mod process;
mod refusal;
mod task_state;
mod throwable;
mod vertices;

pub(super) use applications::{ApplicationDetails, ApplicationLine, Applications, Datasets, Jars};
pub(super) use checkpoints::{
    Alignment, CheckpointConfig, CheckpointCounts, CheckpointEntry, CheckpointFigures, CheckpointSummary,
    Checkpoints, Externalization, LatestCheckpoints, RestoredCheckpoint, SubtaskCheckpoint, SyncAsync,
    VertexCheckpoint, VertexCheckpointSummary,
};
pub(super) use cluster::{Config, Features, Overview};
pub(super) use details::{
    Edge, ExecutionConfig, JobConfig, JobDetails, JobStatusInfo, Nothing, Plan, PlanNode, PlanOfJob, Vertex,
    VertexMetrics,
};
pub(super) use exceptions::{ExceptionEntry, ExceptionHistory, Exceptions};
pub(super) use listing::{JobIdAndStatus, JobLine, JobList, JobsOverview};
pub(super) use measures::{Aggregated, Backpressure, Metric, SubtaskBackpressure, Summary};
pub(super) use operation::{
    CheckpointWanted, DisposalWanted, ExecutionResult, OperationStatus, Outcome, Progress, ResultOfJob,
    SavepointWanted, StopWanted, Triggered,
};
pub use process::Setting;
pub(super) use process::{
    AllocatedSlot, Environment, Hardware, LogFile, LogFiles, LogUrl, Machine, MemoryConfiguration,
    ProcessMetrics, Resource, TaskManager, TaskManagerDetails, TaskManagers, ThreadDump, ThreadInfo,
};
pub(super) use refusal::{Errors, Refusal};
pub(super) use task_state::{CountsByState, TaskState};
pub(super) use throwable::Throwable;
pub(super) use vertices::{
    AggregatedSubtasks, Flame, FlameGraph, JobAccumulators, Spread, Subtask, SubtaskAccumulators,
    SubtaskTimes, SubtasksAccumulators, TimesOfSubtask, VertexAccumulators, VertexDetails,
    VertexOnTaskManager, VertexTaskManagers,
};
