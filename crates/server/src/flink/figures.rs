//! `GET /weir/jobs/:id`: a job with all its figures, in Weir's own model. Times are milliseconds since 1970.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jobs::checkpoint::{CheckpointHistory, CheckpointRecord, CheckpointState};
use jobs::{Failure, JobStatus, JobView, TaskView};
use serde::Serialize;
use sql::plan::{Pipeline, Plan};
use utoipa::ToSchema;

use super::queries::{QueryFigures, queries};

/// The metric that holds a subtask's watermark.
pub(super) const WATERMARK: &str = "currentOutputWatermark";

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Figures {
    id: String,
    name: String,
    /// Flink's name of the state.
    status: &'static str,
    parallelism: u32,
    started_ms: i64,
    ended_ms: Option<i64>,
    /// Time of the last change of the status.
    modified_ms: i64,
    /// Time when the job last entered each state.
    #[schema(value_type = BTreeMap<String, i64>)]
    history: BTreeMap<&'static str, i64>,
    /// Cause of the failure.
    failure: Option<String>,
    /// Whether the job failed because this process could not restart it; the next process tries again.
    not_started: bool,
    /// Problem of the job and its remedy, for example why it counts nothing or that its checkpoints fail.
    problem: Option<String>,
    /// Number of restarts.
    restarts: u64,
    /// Causes of the latest failures of attempts, oldest first.
    failures: Vec<FailureFigures>,
    checkpoints: CheckpointsFigures,
    ledger: LedgerFigures,
    /// Reason why most of the job's records become dead letters; null if they do not.
    mostly_dead: Option<String>,
    /// Reason why most of the job's records are late; null if they are not.
    mostly_late: Option<String>,
    memory: MemoryFigures,
    /// Tables that the job reads; empty for an ended job.
    sources: Vec<SourceFigures>,
    /// Queries with windows over a table; empty for an ended job.
    queries: Vec<QueryFigures>,
    tasks: Vec<TaskFigures>,
}

/// Outcomes of the records: `accepted` is the sum of `counted`, `filtered`, `empty`, `late` and
/// `dead_lettered`.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerFigures {
    accepted: u64,
    counted: u64,
    filtered: u64,
    /// Records without a value.
    empty: u64,
    late: u64,
    dead_lettered: u64,
    /// Records that the log's retention removed before they were read; not part of `accepted`.
    lost: u64,
    /// Dead letters by reason.
    reasons: BTreeMap<String, u64>,
    /// Rows dropped as late, by query.
    late_by_query: BTreeMap<String, u64>,
    /// Values replaced by null because they had another type, by field.
    wrong_types: BTreeMap<String, u64>,
}

/// Memory of the job's state.
#[derive(Debug, Serialize, ToSchema)]
struct MemoryFigures {
    held_bytes: usize,
    /// Memory limit of the state; null if unlimited.
    limit_bytes: Option<usize>,
    /// State by query; queries that share state are listed together.
    by_query: BTreeMap<String, usize>,
    /// Reason why the sources wait for memory, if they do.
    held_back: Option<String>,
    /// Whether the job cannot free memory by itself.
    stuck: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct FailureFigures {
    at_ms: i64,
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct CheckpointsFigures {
    completed: u64,
    failed: u64,
    restored: u64,
    latest_completed: Option<TakenFigures>,
    latest_savepoint: Option<TakenFigures>,
    latest_failed: Option<TakenFigures>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TakenFigures {
    id: u64,
    triggered_ms: i64,
    duration_ms: u64,
    location: Option<String>,
    bytes: Option<u64>,
    /// Cause of the failure.
    failure: Option<String>,
}

/// A table that the job reads.
#[derive(Debug, Serialize, ToSchema)]
struct SourceFigures {
    table: String,
    connector: String,
    /// The option `topic` or `topic-pattern`; null for tables without topics.
    topic: Option<String>,
    /// The table's brokers; null if it names none, `embedded` for Weir's own log.
    brokers: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TaskFigures {
    vertex: String,
    subtask: usize,
    /// Event time in milliseconds since 1970; null before the first watermark.
    watermark: Option<i64>,
    /// Metrics by Flink's names, in Flink's units.
    #[schema(value_type = BTreeMap<String, f64>)]
    metrics: BTreeMap<Cow<'static, str>, f64>,
}

impl Figures {
    /// Returns the figures of a job; `plan` is that of a job which has not ended.
    pub(super) fn of(view: &JobView, plan: Option<&Plan>) -> Figures {
        let entered = |status: JobStatus| Some((status.name(), view.history.entered(status)?.0));
        let ledger = &view.ledger;

        Figures {
            id: view.id.to_string(),
            name: view.name.clone(),
            status: view.status.name(),
            parallelism: view.parallelism,
            started_ms: view.started.0,
            ended_ms: view.ended.map(|ended| ended.0),
            modified_ms: view.modified.0,
            history: JobStatus::ALL.into_iter().filter_map(entered).collect(),
            failure: view.failure.clone(),
            not_started: view.not_started,
            problem: view.problem(),
            restarts: view.restarts,
            failures: view.failures.iter().map(FailureFigures::of).collect(),
            checkpoints: CheckpointsFigures::of(&view.checkpoints),
            ledger: LedgerFigures {
                accepted: ledger.accepted,
                counted: ledger.counted,
                filtered: ledger.filtered,
                empty: ledger.empty,
                lost: ledger.lost,
                late: ledger.late,
                dead_lettered: ledger.dead_lettered,
                reasons: ledger.reasons.clone(),
                late_by_query: ledger.late_by_query.clone(),
                wrong_types: ledger.wrong_types.clone(),
            },
            mostly_dead: view.mostly_dead.clone(),
            mostly_late: view.mostly_late.clone(),
            memory: MemoryFigures {
                held_bytes: view.memory.held,
                limit_bytes: view.memory.limit,
                by_query: view.memory.by_query.iter().cloned().collect(),
                held_back: jobs::why_held_back(&view.memory),
                stuck: view.memory.is_stuck(),
            },
            sources: plan
                .map(|plan| plan.pipelines.iter().map(SourceFigures::of).collect())
                .unwrap_or_default(),
            queries: plan.map(|plan| queries(view, plan)).unwrap_or_default(),
            tasks: view.tasks.iter().map(TaskFigures::of).collect(),
        }
    }
}

impl FailureFigures {
    fn of(failure: &Failure) -> FailureFigures {
        FailureFigures { at_ms: failure.at.0, text: failure.text.clone() }
    }
}

impl CheckpointsFigures {
    fn of(history: &CheckpointHistory) -> CheckpointsFigures {
        let taken = |record: &Option<CheckpointRecord>| record.as_ref().map(TakenFigures::of);
        CheckpointsFigures {
            completed: history.completed,
            failed: history.failed,
            restored: history.restored,
            latest_completed: taken(&history.latest_completed),
            latest_savepoint: taken(&history.latest_savepoint),
            latest_failed: taken(&history.latest_failed),
        }
    }
}

impl TakenFigures {
    fn of(record: &CheckpointRecord) -> TakenFigures {
        let (location, bytes, failure) = match &record.state {
            CheckpointState::Completed { location, bytes, .. } => {
                (Some(location.clone()), Some(*bytes), None)
            }
            CheckpointState::Failed { reason } => (None, None, Some(reason.clone())),
            CheckpointState::InProgress => (None, None, None),
        };
        TakenFigures {
            id: record.id,
            triggered_ms: record.triggered.0,
            duration_ms: record.duration.as_millis() as u64,
            location,
            bytes,
            failure,
        }
    }
}

impl SourceFigures {
    fn of(pipeline: &Pipeline) -> SourceFigures {
        let options = &pipeline.source.options.entries;
        let option = |key: &str| options.get(key).map(|option| option.value.clone());
        SourceFigures {
            table: pipeline.source.name.clone(),
            connector: option("connector").unwrap_or_default(),
            topic: option("topic").or_else(|| option("topic-pattern")),
            brokers: option("properties.bootstrap.servers"),
        }
    }
}

impl TaskFigures {
    fn of(task: &TaskView) -> TaskFigures {
        let mut metrics: BTreeMap<Cow<'static, str>, f64> = task.metrics.iter().cloned().collect();
        // Before the first watermark, the metric is the smallest number.
        let watermark = metrics.remove(WATERMARK).filter(|&watermark| watermark > i64::MIN as f64);
        TaskFigures {
            vertex: task.vertex.clone(),
            subtask: task.subtask,
            watermark: watermark.map(|watermark| watermark as i64),
            metrics,
        }
    }
}
