//! A job master: one job from its start to its end.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use engine::execution::{Control, Execution, ExecutionError, JobSpec, Task};
use engine::operator::LedgerCounts;
use parking_lot::{Condvar, Mutex};
use sql::plan::Plan;
use types::{Clock, JobId, Timestamp};

use crate::status::{JobStatus, StatusHistory};

/// A submitted job.
pub struct JobMaster {
    id: JobId,
    name: String,
    script: String,
    plan: Arc<Plan>,
    parallelism: u32,
    clock: Arc<dyn Clock>,
    control: Arc<Control>,
    tasks: Vec<Task>,
    life: Mutex<Life>,
    ended: Condvar,
}

struct Life {
    status: StatusHistory,
    failure: Option<String>,
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
    /// Why it failed.
    pub failure: Option<String>,
    pub tasks: Vec<TaskView>,
    pub ledger: LedgerCounts,
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
    /// Starts a job.
    pub(crate) fn start(
        id: JobId,
        name: String,
        script: String,
        spec: JobSpec,
    ) -> Result<Arc<JobMaster>, ExecutionError> {
        let plan = spec.plan.clone();
        let clock = spec.clock.clone();
        let parallelism = spec.options.parallelism;
        let mut status = StatusHistory::new(clock.now());
        let execution = Execution::start(spec)?;
        for next in [JobStatus::Created, JobStatus::Running] {
            status.become_at(next, clock.now()).expect("a new job may run");
        }
        let master = Arc::new(JobMaster {
            id,
            name,
            script,
            plan,
            parallelism,
            clock,
            control: execution.control(),
            tasks: execution.tasks().to_vec(),
            life: Mutex::new(Life { status, failure: None }),
            ended: Condvar::new(),
        });
        let watched = master.clone();
        thread::Builder::new()
            .name(format!("job {id}").chars().take(15).collect())
            .spawn(move || watched.watch(execution))
            .map_err(ExecutionError::Thread)?;
        Ok(master)
    }

    pub fn id(&self) -> JobId {
        self.id
    }

    pub fn script(&self) -> &str {
        &self.script
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn status(&self) -> JobStatus {
        self.life.lock().status.current()
    }

    pub fn view(&self) -> JobView {
        let life = self.life.lock();
        let status = life.status.current();
        let tasks = self.tasks.iter().map(|task| TaskView {
            vertex: task.vertex.clone(),
            subtask: task.subtask,
            metrics: task.metrics.by_name(),
        });
        let mut ledger = LedgerCounts::default();
        self.tasks.iter().filter_map(|task| task.ledger.as_ref()).for_each(|of| ledger.add(&of.counts()));
        JobView {
            id: self.id,
            name: self.name.clone(),
            status,
            parallelism: self.parallelism,
            started: life.status.entered(JobStatus::Initializing).unwrap_or(Timestamp(0)),
            ended: status.is_terminal().then(|| life.status.since()),
            modified: life.status.since(),
            history: life.status.clone(),
            failure: life.failure.clone(),
            tasks: tasks.collect(),
            ledger,
        }
    }

    /// Asks the job to end; false if it is over already.
    pub fn cancel(&self) -> bool {
        let mut life = self.life.lock();
        if life.status.current().is_terminal() {
            return false;
        }
        // A job that is being cancelled already stays so.
        let _ = life.status.become_at(JobStatus::Cancelling, self.clock.now());
        self.control.cancel();
        true
    }

    /// Waits until the job is over, at most this long; tells whether it is.
    pub fn wait(&self, at_most: Duration) -> bool {
        let mut life = self.life.lock();
        self.ended.wait_while_for(&mut life, |life| !life.status.current().is_terminal(), at_most);
        life.status.current().is_terminal()
    }

    fn watch(&self, execution: Execution) {
        let outcome = execution.join();
        let mut life = self.life.lock();
        let now = self.clock.now();
        match outcome {
            Ok(_) if life.status.current() == JobStatus::Cancelling => {
                let _ = life.status.become_at(JobStatus::Canceled, now);
            }
            Ok(_) => {
                let _ = life.status.become_at(JobStatus::Finished, now);
            }
            Err(error) => {
                tracing::error!(job_id = %self.id, job = %self.name, error = %with_causes(&error), "job failed");
                life.failure = Some(with_causes(&error));
                let _ = life.status.become_at(JobStatus::Failing, now);
                let _ = life.status.become_at(JobStatus::Failed, now);
            }
        }
        tracing::info!(job_id = %self.id, job = %self.name, status = %life.status.current(), "job ended");
        self.ended.notify_all();
    }
}

/// An error and what caused it, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
