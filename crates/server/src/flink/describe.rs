//! Converts views of jobs to Flink's model, as pure functions.

use engine::window::KEY_GROUPS;
use jobs::restart::RestartStrategy;
use jobs::{EdgeView, JobStatus, JobView, TaskView};
use types::{JobId, Timestamp};

use super::model::{
    Config, CountsByState, Edge, ExceptionEntry, ExceptionHistory, Exceptions, ExecutionConfig,
    ExecutionResult, Features, JobConfig, JobDetails, JobIdAndStatus, JobLine, JobList, JobsOverview,
    Nothing, OperationStatus, Overview, Plan, PlanNode, ResultOfJob, TaskState, Throwable, Vertex,
};
use super::vertices::Found;

/// The version of Flink that Weir matches. Clients show it, and some depend on it.
pub(crate) const FLINK_VERSION: &str = "2.3.0";
const COMMIT: &str = concat!("weir-", env!("CARGO_PKG_VERSION"));
const REFRESH_MS: u32 = 3_000;
/// Type of all jobs.
const STREAMING: &str = "STREAMING";
/// Value of a time that has not come.
pub(super) const NOT_YET: i64 = -1;
/// Flink's default scheduler: parallelism changes only with a restart.
const SCHEDULER: &str = "Default";
const JOB_EXCEPTION: &str = "org.apache.flink.runtime.JobException";
pub(super) const MAX_PARALLELISM: i32 = KEY_GROUPS as i32;

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

/// `slots` is the number of slots. A running job takes as many as its parallelism, as in Flink.
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
        tasks: CountsByState::of(view.tasks.iter().map(|task| task_state(&view, task))),
        pending_operators: 0,
        job_type: STREAMING,
        scheduler_type: SCHEDULER,
        name: view.name,
    };
    JobsOverview { jobs: views.map(line).collect() }
}

pub(super) fn details(view: &JobView, now: Timestamp) -> JobDetails {
    let entered = |status: JobStatus| (status.name(), view.history.entered(status).map_or(0, |at| at.0));
    let found = Found::all(view);
    let vertices: Vec<Vertex> = found.iter().map(|found| vertex(found, now)).collect();

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
        status_counts: CountsByState::of(found.iter().map(Found::state)),
        plan: plan(view),
        vertices,
        pending_operators: 0,
        application_id: view.id.to_string(),
        scheduler_type: SCHEDULER,
    }
}

pub(super) fn job_config(view: &JobView) -> JobConfig {
    JobConfig {
        jid: view.id.to_string(),
        name: view.name.clone(),
        execution_config: ExecutionConfig {
            restart_strategy: describe_strategy(&view.restart_strategy),
            job_parallelism: view.parallelism,
            object_reuse_mode: true,
            user_config: view.settings.clone(),
        },
    }
}

fn describe_strategy(strategy: &RestartStrategy) -> String {
    match strategy {
        RestartStrategy::Never => "Restart deactivated.".to_owned(),
        RestartStrategy::Fixed { attempts, delay } => {
            format!("Restart with fixed delay ({} ms). #{attempts} restart attempts.", delay.as_millis())
        }
        RestartStrategy::Exponential { first, longest, factor, .. } => format!(
            "Restart with exponential delay: starting at {} ms, increasing by {factor}, up to {} ms.",
            first.as_millis(),
            longest.as_millis()
        ),
        RestartStrategy::Rate { most, within, delay } => format!(
            "Failure rate restart with maximum of {most} failures within interval {} ms and fixed delay {} ms.",
            within.as_millis(),
            delay.as_millis()
        ),
    }
}

/// `at_most` limits the entries.
pub(super) fn exceptions(view: &JobView, at_most: Option<usize>) -> Exceptions {
    let newest_first = view.failures.iter().rev();
    let mut entries: Vec<ExceptionEntry> =
        newest_first.map(|failure| ExceptionEntry::new(&failure.text, failure.at.0)).collect();
    let truncated = at_most.is_some_and(|most| most < entries.len());
    entries.truncate(at_most.unwrap_or(usize::MAX));
    Exceptions { exception_history: ExceptionHistory { entries, truncated } }
}

fn vertex(found: &Found<'_>, now: Timestamp) -> Vertex {
    let (start_time, end_time, duration) = found.times(now);
    Vertex {
        id: found.id.clone(),
        slot_sharing_group_id: hash(found.view.id, ""),
        name: found.vertex.name.clone(),
        max_parallelism: MAX_PARALLELISM,
        parallelism: found.tasks.len(),
        status: found.state().name(),
        start_time,
        end_time,
        duration,
        tasks: found.counts(),
        metrics: found.metrics(),
    }
}

pub(super) fn plan(view: &JobView) -> Plan {
    let node = |found: Found<'_>| {
        let edge = |(num, edge): (usize, &EdgeView)| Edge {
            num,
            id: hash(view.id, &edge.from),
            ship_strategy: edge.ship,
            exchange: "pipelined_bounded",
        };
        PlanNode {
            id: found.id,
            parallelism: found.tasks.len(),
            operator: "",
            operator_strategy: "",
            description: found.vertex.lines.iter().map(|line| format!("{}<br/>", escaped(line))).collect(),
            optimizer_properties: Nothing {},
            inputs: found.vertex.inputs.iter().enumerate().map(edge).collect(),
        }
    };

    Plan {
        jid: view.id.to_string(),
        name: view.name.clone(),
        job_type: STREAMING,
        nodes: Found::all(view).into_iter().map(node).collect(),
    }
}

/// Returns the outcome of a job that has ended.
pub(super) fn result(view: &JobView, now: Timestamp) -> ResultOfJob {
    let Some(ended) = view.ended else {
        return ResultOfJob { status: OperationStatus::of(false), job_execution_result: None };
    };
    let application_status = match view.status {
        JobStatus::Finished => "SUCCEEDED",
        JobStatus::Canceled => "CANCELED",
        JobStatus::Failed => "FAILED",
        _ => "UNKNOWN",
    };
    let result = ExecutionResult {
        id: view.id.to_string(),
        application_status,
        accumulator_results: Nothing {},
        net_runtime: between(view.started, ended.min(now)),
        failure_cause: view.failure.as_ref().map(|text| Throwable::new(JOB_EXCEPTION, text)),
    };
    ResultOfJob { status: OperationStatus::of(true), job_execution_result: Some(result) }
}

/// Returns the state of a subtask: that of its job, unless the subtask has ended earlier. A coming attempt
/// starts all subtasks anew.
pub(super) fn task_state(view: &JobView, task: &TaskView) -> TaskState {
    match view.status {
        JobStatus::Initializing | JobStatus::Created | JobStatus::Restarting => state_with(view.status),
        _ if task.finished.is_some() => TaskState::Finished,
        status => state_with(status),
    }
}

/// Returns the state of a job's subtasks that have not ended.
pub(super) fn state_with(status: JobStatus) -> TaskState {
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

/// Returns the milliseconds between two times, 0 if the clock was set back.
pub(super) fn between(from: Timestamp, to: Timestamp) -> i64 {
    to.0.saturating_sub(from.0).max(0)
}

/// Returns an id of 32 hexadecimal digits that depends only on a job and a name: FNV-1a of 128 bits, after
/// draft-eastlake-fnv.
pub(super) fn hash(job: JobId, name: &str) -> String {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = job.0.to_be_bytes().into_iter().chain(name.bytes());
    let hash = bytes.fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{hash:032x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
