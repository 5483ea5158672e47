//! Views of jobs in Flink's words: pure functions.

use std::collections::BTreeMap;

use engine::window::KEY_GROUPS;
use jobs::{JobStatus, JobView, TaskView};
use types::{JobId, Timestamp};

use super::model::{
    Config, CountsByState, Edge, ExceptionEntry, ExceptionHistory, Exceptions, ExecutionConfig, Features,
    JobConfig, JobDetails, JobIdAndStatus, JobLine, JobList, JobsOverview, Nothing, Overview, Plan, PlanNode,
    TaskState, Vertex, VertexMetrics,
};

/// The version whose API is spoken: clients show it, and some act on it.
const FLINK_VERSION: &str = "2.2.0";
const COMMIT: &str = concat!("weir-", env!("CARGO_PKG_VERSION"));
const REFRESH_MS: u32 = 3_000;
/// All jobs are.
const STREAMING: &str = "STREAMING";
/// What stands for a time that has not come.
const NOT_YET: i64 = -1;

const SOURCE: &str = "Source: ";
const AGGREGATE: &str = "GlobalWindowAggregate[";

pub(super) fn config() -> Config {
    Config {
        refresh_interval: REFRESH_MS,
        timezone_name: "Coordinated Universal Time",
        timezone_offset: 0,
        flink_version: FLINK_VERSION,
        flink_revision: COMMIT,
        features: Features { web_submit: false, web_cancel: true, web_rescale: false, web_history: false },
    }
}

/// `slots`: how many there are; a running job takes as many as its parallelism, as in Flink.
pub(super) fn cluster(views: &[JobView], slots: u32) -> Overview {
    let ended = |status| views.iter().filter(|view| view.status == status).count();
    let running = || views.iter().filter(|view| !view.status.is_terminal());
    let taken = running().fold(0_u32, |taken, view| taken.saturating_add(view.parallelism));
    Overview {
        taskmanagers: 1,
        slots_total: slots.max(taken),
        slots_available: slots.saturating_sub(taken),
        jobs_running: running().count(),
        jobs_finished: ended(JobStatus::Finished),
        jobs_cancelled: ended(JobStatus::Canceled),
        jobs_failed: ended(JobStatus::Failed),
        flink_version: FLINK_VERSION,
        flink_commit: COMMIT,
    }
}

pub(super) fn list(views: impl Iterator<Item = JobView>) -> JobList {
    JobList {
        jobs: views
            .map(|view| JobIdAndStatus { id: view.id.to_string(), status: view.status.name() })
            .collect(),
    }
}

pub(super) fn overview(views: impl Iterator<Item = JobView>, now: Timestamp) -> JobsOverview {
    let line = |view: JobView| JobLine {
        jid: view.id.to_string(),
        start_time: view.started.0,
        end_time: view.ended.map_or(NOT_YET, |ended| ended.0),
        duration: between(view.started, view.ended.unwrap_or(now)),
        state: view.status.name(),
        last_modification: view.modified.0,
        tasks: CountsByState::all_in(task_state(view.status), view.tasks.len()),
        pending_operators: 0,
        name: view.name,
    };
    JobsOverview { jobs: views.map(line).collect() }
}

pub(super) fn details(view: &JobView, now: Timestamp) -> JobDetails {
    let entered = |status: JobStatus| (status.name(), view.history.entered(status).map_or(0, |at| at.0));
    let vertices: Vec<Vertex> =
        by_vertex(&view.tasks).into_iter().map(|(name, tasks)| vertex(view, name, &tasks, now)).collect();
    JobDetails {
        jid: view.id.to_string(),
        name: view.name.clone(),
        is_stoppable: false,
        state: view.status.name(),
        job_type: STREAMING,
        start_time: view.started.0,
        end_time: view.ended.map_or(NOT_YET, |ended| ended.0),
        duration: between(view.started, view.ended.unwrap_or(now)),
        max_parallelism: -1,
        now: now.0,
        timestamps: JobStatus::ALL.into_iter().map(entered).collect(),
        status_counts: CountsByState::all_in(task_state(view.status), vertices.len()),
        plan: plan(view, &vertices),
        vertices,
        pending_operators: 0,
    }
}

pub(super) fn job_config(view: &JobView) -> JobConfig {
    JobConfig {
        jid: view.id.to_string(),
        name: view.name.clone(),
        execution_config: ExecutionConfig {
            restart_strategy: "exponential-delay",
            job_parallelism: view.parallelism,
            object_reuse_mode: true,
            user_config: BTreeMap::new(),
        },
    }
}

/// `at_most`: how many are asked for.
pub(super) fn exceptions(view: &JobView, at_most: Option<usize>) -> Exceptions {
    let newest_first = view.failures.iter().rev();
    let mut entries: Vec<ExceptionEntry> =
        newest_first.map(|failure| ExceptionEntry::new(&failure.text, failure.at.0)).collect();
    let truncated = at_most.is_some_and(|most| most < entries.len());
    entries.truncate(at_most.unwrap_or(usize::MAX));
    Exceptions { exception_history: ExceptionHistory { entries, truncated } }
}

/// Subtasks by the name of their vertex: sources first, as the data flows.
fn by_vertex(tasks: &[TaskView]) -> Vec<(&str, Vec<&TaskView>)> {
    let mut vertices: Vec<(&str, Vec<&TaskView>)> = Vec::new();
    for task in tasks {
        match vertices.iter_mut().find(|(name, _)| *name == task.vertex) {
            Some((_, of)) => of.push(task),
            None => vertices.push((&task.vertex, vec![task])),
        }
    }
    vertices.sort_by_key(|(name, _)| !name.starts_with(SOURCE));
    vertices
}

fn vertex(view: &JobView, name: &str, tasks: &[&TaskView], now: Timestamp) -> Vertex {
    let state = task_state(view.status);
    let began = view.history.entered(JobStatus::Running);
    Vertex {
        id: hash(view.id, name),
        slot_sharing_group_id: hash(view.id, ""),
        name: name.to_owned(),
        max_parallelism: i32::try_from(KEY_GROUPS).unwrap_or(i32::MAX),
        parallelism: tasks.len(),
        status: state.name(),
        start_time: began.map_or(NOT_YET, |began| began.0),
        end_time: view.ended.map_or(NOT_YET, |ended| ended.0),
        duration: began.map_or(NOT_YET, |began| between(began, view.ended.unwrap_or(now))),
        tasks: CountsByState::all_in(state, tasks.len()),
        metrics: metrics(tasks),
    }
}

fn metrics(tasks: &[&TaskView]) -> VertexMetrics {
    let sum = |name: &str| -> f64 {
        let of = |task: &&TaskView| {
            task.metrics.iter().find(|(metric, _)| *metric == name).map(|(_, value)| *value)
        };
        tasks.iter().filter_map(of).sum()
    };
    VertexMetrics {
        read_bytes: sum("numBytesIn") as u64,
        read_bytes_complete: true,
        // Rows go from thread to thread, not over a wire.
        write_bytes: 0,
        write_bytes_complete: true,
        read_records: sum("numRecordsIn") as u64,
        read_records_complete: true,
        write_records: sum("numRecordsOut") as u64,
        write_records_complete: true,
        accumulated_backpressured_time: sum("accumulatedBackPressuredTimeMs") as u64,
        accumulated_idle_time: sum("accumulatedIdleTimeMs") as u64,
        accumulated_busy_time: sum("accumulatedBusyTimeMs"),
    }
}

/// Each source ships by key to the aggregation of the same table, where there is one.
fn plan(view: &JobView, vertices: &[Vertex]) -> Plan {
    let node = |vertex: &Vertex| {
        let table = vertex.name.strip_prefix(AGGREGATE).and_then(|rest| rest.strip_suffix(']'));
        let feeds = |of: &&Vertex| table.is_some() && of.name.strip_prefix(SOURCE) == table;
        let edge = |(num, from): (usize, &Vertex)| Edge {
            num,
            id: from.id.clone(),
            ship_strategy: "HASH",
            exchange: "pipelined_bounded",
        };
        PlanNode {
            id: vertex.id.clone(),
            parallelism: vertex.parallelism,
            operator: "",
            operator_strategy: "",
            description: format!("{}<br/>", escaped(&vertex.name)),
            optimizer_properties: Nothing {},
            inputs: vertices.iter().filter(feeds).enumerate().map(edge).collect(),
        }
    };
    Plan {
        jid: view.id.to_string(),
        name: view.name.clone(),
        job_type: STREAMING,
        nodes: vertices.iter().map(node).collect(),
    }
}

/// All subtasks of a job are where the job is.
fn task_state(status: JobStatus) -> TaskState {
    match status {
        JobStatus::Initializing => TaskState::Initializing,
        JobStatus::Created | JobStatus::Restarting => TaskState::Created,
        JobStatus::Running => TaskState::Running,
        JobStatus::Failing | JobStatus::Cancelling => TaskState::Canceling,
        JobStatus::Failed => TaskState::Failed,
        JobStatus::Canceled | JobStatus::Suspended => TaskState::Canceled,
        JobStatus::Finished => TaskState::Finished,
        JobStatus::Reconciling => TaskState::Reconciling,
    }
}

/// Milliseconds, 0 if somebody has set the clock back.
fn between(from: Timestamp, to: Timestamp) -> i64 {
    to.0.saturating_sub(from.0).max(0)
}

/// An id of 32 hexadecimal digits that stays the same for a job and a name: FNV-1a of 128 bits, after
/// draft-eastlake-fnv.
fn hash(job: JobId, name: &str) -> String {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = job.0.to_be_bytes().into_iter().chain(name.bytes());
    let hash = bytes.fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{hash:032x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
