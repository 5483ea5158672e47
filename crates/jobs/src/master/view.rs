//! Views of a job, for displays and for its history after its end.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use connectors::retry::Blocked;
use engine::memory::MemoryView;
use engine::metrics::SplitMetrics;
use engine::operator::LedgerCounts;
use engine::output_metrics::OutputView;
use serde::{Deserialize, Serialize};
use types::{JobId, Timestamp};

use super::attempt::Attempt;
use super::graph::{VertexView, graph};
use super::{JobMaster, Life};
use crate::checkpoint::{CheckpointHistory, CheckpointOptions};
use crate::restart::RestartStrategy;
use crate::status::{JobStatus, StatusHistory};

/// The reason for which an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub at: Timestamp,
    /// The message with its causes, in one line.
    pub text: String,
}

/// A view of a job.
///
/// Its fields are written to a file when the job ends. Renaming or removing a field changes the format; a new
/// field needs a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    pub id: JobId,
    pub name: String,
    pub status: JobStatus,
    pub parallelism: u32,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    /// When the status last changed.
    pub modified: Timestamp,
    pub history: StatusHistory,
    /// The reason, if the job has failed for good.
    pub failure: Option<String>,
    /// The job should continue, but this process could not start it. Its status is FAILED; the next process
    /// tries again.
    #[serde(skip)]
    pub not_started: bool,
    /// The reasons for which its latest attempts ended, oldest first.
    pub failures: Vec<Failure>,
    /// The number of restarts.
    pub restarts: u64,
    /// Whether the current attempt has shown that it runs: it has completed two checkpoints or has run for a
    /// minute.
    #[serde(skip)]
    pub is_stable: bool,
    pub tasks: Vec<TaskView>,
    pub ledger: LedgerCounts,
    /// Empty for an ended job.
    #[serde(skip)]
    pub memory: MemoryView,
    /// The write that is currently repeated, if any; `None` for an ended job.
    #[serde(skip)]
    pub blocked: Option<Blocked>,
    /// The reason for which most events become dead letters, while that is so.
    #[serde(skip)]
    pub mostly_dead: Option<String>,
    /// The reason for which most events are late, while that is so.
    #[serde(skip)]
    pub mostly_late: Option<String>,
    /// The reason for which events count as late although they are not, while event time is ahead of the
    /// clock.
    #[serde(skip)]
    pub time_ahead: Option<String>,
    /// The reason for which several checkpoints in a row have failed, while that is so.
    #[serde(skip)]
    pub failing_checkpoints: Option<String>,
    pub checkpoints: CheckpointHistory,
    /// In the order of the data flow.
    pub graph: Vec<VertexView>,
    /// The settings of its script.
    pub settings: BTreeMap<String, String>,
    pub restart_strategy: RestartStrategy,
    /// When and where checkpoints are taken; `None` if none are.
    pub checkpoint_options: Option<CheckpointOptions>,
}

/// A view of a subtask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    pub vertex: String,
    pub subtask: usize,
    /// With Flink's names, see `TaskMetrics`.
    pub metrics: Vec<(Cow<'static, str>, f64)>,
    /// The time when it reached the end of its input; `None` if it still runs or was stopped earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// The partitions that a source subtask of a running job reads.
    #[serde(skip)]
    pub splits: Vec<SplitMetrics>,
    /// What the subtask writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputView>,
}

impl JobMaster {
    pub fn view(&self) -> JobView {
        let life = self.life.lock();
        self.view_of(&life, life.status.clone())
    }

    /// Returns a view with a status that the job does not have yet.
    pub(super) fn view_of(&self, life: &Life, history: StatusHistory) -> JobView {
        let status = history.current();
        let tasks = life.tasks.iter().map(|task| TaskView {
            vertex: task.vertex.clone(),
            subtask: task.subtask,
            metrics: task.metrics.by_name(),
            finished: task.metrics.finished(),
            splits: if status.is_terminal() { Vec::new() } else { task.metrics.splits() },
            outputs: task.metrics.outputs(),
        });

        let failure = life.failures.last().filter(|_| status == JobStatus::Failed);
        let graph = graph(&self.plan, &life.tasks);

        JobView {
            graph,
            id: self.id,
            name: self.name.clone(),
            status,
            parallelism: self.parallelism,
            started: life.submitted,
            ended: status.is_terminal().then(|| history.since()),
            modified: history.since(),
            failure: failure.map(|failure| failure.text.clone()),
            not_started: false,
            failures: life.failures.clone(),
            restarts: life.restarts,
            is_stable: status == JobStatus::Running && life.stability.is_stable(),
            tasks: tasks.collect(),
            ledger: life.ledger(),
            mostly_dead: life.mostly_dead.clone().filter(|_| status == JobStatus::Running),
            mostly_late: life.mostly_late.clone().filter(|_| status == JobStatus::Running),
            time_ahead: life.time_ahead.clone().filter(|_| status == JobStatus::Running),
            failing_checkpoints: life.failed_checkpoints.told().filter(|_| !status.is_terminal()),
            memory: life.memory.as_ref().map(|memory| memory.view()).unwrap_or_default(),
            blocked: life.retry.blocked(),
            checkpoints: life.checkpoints.clone(),
            settings: self.plan.settings.all.clone(),
            restart_strategy: self.restart.clone(),
            checkpoint_options: self.checkpoints.clone(),
            history,
        }
    }
}

impl Life {
    /// Cancels the current attempt, if there is one.
    pub(super) fn cancel(&self) {
        if let Some(control) = &self.control {
            control.cancel();
        }
    }

    /// Makes this the current attempt, from this time of the clock's `elapsed` on.
    pub(super) fn hold(&mut self, attempt: &Attempt, now: Duration) {
        self.stability.begin(now);
        self.control = Some(attempt.execution.control());
        self.tasks = attempt.execution.tasks().to_vec();
        self.retry = attempt.retry.clone();
        self.memory = Some(attempt.execution.memory());
    }

    /// Returns whether the job is inactive.
    pub(super) fn is_at_rest(&self) -> bool {
        let status = self.status.current();
        status.is_terminal() || status == JobStatus::Suspended
    }

    /// Returns the counts of processed records of all subtasks.
    pub(super) fn ledger(&self) -> LedgerCounts {
        let mut ledger = LedgerCounts::default();
        self.tasks.iter().filter_map(|task| task.ledger.as_ref()).for_each(|of| ledger.add(&of.counts()));
        ledger
    }
}

impl JobView {
    /// Returns a view of a job of which only this is known.
    pub(crate) fn bare(id: JobId, name: &str, times: (Timestamp, Timestamp), status: JobStatus) -> JobView {
        let (started, ended) = times;
        let mut history = StatusHistory::new(started);
        history.force(status, ended);

        JobView {
            id,
            name: name.to_owned(),
            status,
            parallelism: 1,
            started,
            ended: status.is_terminal().then_some(ended),
            modified: ended,
            history,
            failure: None,
            not_started: false,
            failures: Vec::new(),
            restarts: 0,
            is_stable: false,
            tasks: Vec::new(),
            ledger: LedgerCounts::default(),
            memory: MemoryView::default(),
            blocked: None,
            mostly_dead: None,
            mostly_late: None,
            time_ahead: None,
            failing_checkpoints: None,
            checkpoints: CheckpointHistory::default(),
            graph: Vec::new(),
            settings: BTreeMap::new(),
            restart_strategy: RestartStrategy::Never,
            checkpoint_options: None,
        }
    }

    pub(crate) fn failed(mut self, why: &str) -> JobView {
        self.failure = Some(why.to_owned());
        self.failures.push(Failure { at: self.modified, text: why.to_owned() });
        self
    }
}
