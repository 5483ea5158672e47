//! Pictures of a job, for those who watch.

use engine::memory::MemoryView;
use engine::operator::LedgerCounts;
use types::{JobId, Timestamp};

use super::JobMaster;
use super::graph::{VertexView, graph};
use crate::checkpoint::CheckpointHistory;
use crate::status::{JobStatus, StatusHistory};

/// Why an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub at: Timestamp,
    /// With its causes, in one line.
    pub text: String,
}

/// A picture of a job.
#[derive(Debug, Clone)]
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
    /// Why it failed, if it has failed for good.
    pub failure: Option<String>,
    /// Why its attempts ended, oldest first; the latest of many.
    pub failures: Vec<Failure>,
    /// Times it was started again.
    pub restarts: u64,
    pub tasks: Vec<TaskView>,
    pub ledger: LedgerCounts,
    pub memory: MemoryView,
    pub checkpoints: CheckpointHistory,
    /// As the data flows.
    pub graph: Vec<VertexView>,
}

/// A picture of a subtask.
#[derive(Debug, Clone)]
pub struct TaskView {
    pub vertex: String,
    pub subtask: usize,
    /// By Flink's names, see `TaskMetrics`.
    pub metrics: Vec<(&'static str, f64)>,
}

impl JobMaster {
    pub fn view(&self) -> JobView {
        let life = self.life.lock();
        let status = life.status.current();
        let tasks = life.tasks.iter().map(|task| TaskView {
            vertex: task.vertex.clone(),
            subtask: task.subtask,
            metrics: task.metrics.by_name(),
        });
        let mut ledger = LedgerCounts::default();
        life.tasks.iter().filter_map(|task| task.ledger.as_ref()).for_each(|of| ledger.add(&of.counts()));
        let failure = life.failures.last().filter(|_| status == JobStatus::Failed);
        let graph = graph(&self.plan, &life.tasks);
        JobView {
            graph,
            id: self.id,
            name: self.name.clone(),
            status,
            parallelism: self.parallelism,
            started: life.submitted,
            ended: status.is_terminal().then(|| life.status.since()),
            modified: life.status.since(),
            history: life.status.clone(),
            failure: failure.map(|failure| failure.text.clone()),
            failures: life.failures.clone(),
            restarts: life.restarts,
            tasks: tasks.collect(),
            ledger,
            memory: life.memory.view(),
            checkpoints: life.checkpoints.clone(),
        }
    }
}
