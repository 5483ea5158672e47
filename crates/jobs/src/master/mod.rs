//! The job master: one job from its start to its end, with as many attempts as its restart strategy allows.

mod attempt;
mod checkpoints;
mod event_time;
mod failing_checkpoints;
mod graph;
mod job_thread;
mod memory;
mod milestones;
mod new_job;
mod problem;
mod request;
mod stability;
mod supervisor;
mod taking;
mod trial;
mod uncounted;
mod view;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use connectors::dead_letter::Ancestor;
use connectors::retry::Retry;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use engine::execution::{Control, ExecutionError, Task, caught};
use engine::memory::Account;
use parking_lot::{Condvar, Mutex};
use sql::plan::Plan;
use types::{Clock, JobId, Timestamp, with_causes};

use crate::checkpoint::{CheckpointHistory, CheckpointOptions};
use crate::restart::RestartStrategy;
use crate::status::{JobStatus, StatusHistory};

use attempt::Launch;
pub(crate) use attempt::StartError;
use checkpoints::CheckpointCoordinator;
use failing_checkpoints::FailedCheckpoints;
use job_thread::JobThread;
use stability::Stability;

pub use checkpoints::SavepointError;
pub(crate) use checkpoints::savepoint_name;
pub use graph::{EdgeView, VertexView};
pub use memory::why_held_back;
pub(crate) use new_job::{First, NewJob};
pub use request::Sequel;
pub(crate) use request::{Destination, Request};
pub use view::{Failure, JobView, TaskView};

/// A submitted job.
pub struct JobMaster {
    id: JobId,
    name: String,
    script: String,
    plan: Arc<Plan>,
    parallelism: u32,
    restart: RestartStrategy,
    checkpoints: Option<CheckpointOptions>,
    ancestors: Vec<Ancestor>,
    is_query: bool,
    clock: Arc<dyn Clock>,
    on_cancel: Box<dyn Fn() + Send + Sync>,
    life: Mutex<Life>,
    /// Notified when the status has changed.
    changed: Condvar,
    requests: Sender<Request>,
}

/// The mutable state of a job.
struct Life {
    status: StatusHistory,
    submitted: Timestamp,
    /// The newest is last.
    failures: Vec<Failure>,
    /// The number of restarts.
    restarts: u64,
    /// The control of the current or last attempt; `None` before the first.
    control: Option<Arc<Control>>,
    tasks: Vec<Task>,
    retry: Arc<Retry>,
    memory: Option<Arc<Account>>,
    /// Why most events are not counted: dead letters, and late events.
    mostly_dead: Option<String>,
    mostly_late: Option<String>,
    /// Why events count as late though they are not.
    time_ahead: Option<String>,
    failed_checkpoints: FailedCheckpoints,
    stability: Stability,
    checkpoints: CheckpointHistory,
    /// The process is about to end, so nothing ends the job for good any more.
    suspending: bool,
    /// Nobody waits for the job any more.
    given_up: bool,
    /// An attempt is being started: its retry policy is known, but not its control.
    starting: bool,
    /// The end is being recorded; the status is final.
    is_settled: bool,
}

/// The maximum number of waiting requests.
const REQUESTS: usize = 64;
/// The interval in which a waiting caller checks whether there will be an answer.
const LOOK: Duration = Duration::from_millis(100);
/// The time limit for the end of a job after its last savepoint.
const END: Duration = Duration::from_secs(60);

impl JobMaster {
    /// Starts the thread of a job, which makes the first attempt.
    pub(crate) fn begin(mut new: NewJob) -> Result<Arc<JobMaster>, StartError> {
        let clock = new.environment.clock.clone();
        let mut status = StatusHistory::new(clock.now());
        let submitted = status.since();
        status.become_at(JobStatus::Created, submitted).expect("a new job may be created");
        let (requests, incoming) = bounded(REQUESTS);
        let coordinator = new.checkpoints.clone().map(|options| CheckpointCoordinator::open(new.id, options));
        let coordinator = coordinator.transpose().map_err(StartError::Checkpoints)?;
        let launch = Launch::new(&new);

        let master = Arc::new(JobMaster {
            id: new.id,
            name: new.name.clone(),
            script: new.script.clone(),
            plan: new.plan.clone(),
            parallelism: new.environment.parallelism(&new.plan),
            restart: new.restart.clone(),
            checkpoints: new.checkpoints.clone(),
            ancestors: new.ancestors.clone(),
            is_query: new.collector.is_some(),
            on_cancel: std::mem::replace(&mut new.on_cancel, Box::new(|| {})),
            clock,
            life: Mutex::new(Life {
                submitted,
                status,
                failures: Vec::new(),
                restarts: 0,
                control: None,
                tasks: Vec::new(),
                retry: Arc::new(Retry::new(new.environment.clock.clone())),
                memory: None,
                mostly_dead: None,
                mostly_late: None,
                time_ahead: None,
                failed_checkpoints: FailedCheckpoints::default(),
                stability: Stability::default(),
                checkpoints: CheckpointHistory::default(),
                suspending: false,
                given_up: false,
                starting: false,
                is_settled: false,
            }),
            changed: Condvar::new(),
            requests,
        });

        let (first, job_thread) = JobThread::new(master.clone(), new, launch, coordinator, incoming);
        let name: String = format!("job {}", master.id).chars().take(15).collect();
        let job = master.clone();

        let run = move || {
            // A panic in this thread is a defect of Weir; it ends only this job.
            let done = caught("the job's own thread", || {
                job_thread.run(first);
                Ok(())
            });
            done.unwrap_or_else(|error: ExecutionError| job.collapse(&error));
            // Ended jobs are remembered, but without the state that was used to run them.
            job.life.lock().control = None;
        };

        let thread = thread::Builder::new().name(name).spawn(run);
        thread.map(|_| master).map_err(StartError::Thread)
    }

    pub fn id(&self) -> JobId {
        self.id
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn script(&self) -> &str {
        &self.script
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns when and where checkpoints are taken; `None` if none are.
    pub fn checkpoint_options(&self) -> Option<&CheckpointOptions> {
        self.checkpoints.as_ref()
    }

    pub fn restart_strategy(&self) -> &RestartStrategy {
        &self.restart
    }

    /// Returns the subtasks of the current or last attempt, and the number of attempts before it.
    pub fn tasks(&self) -> (u64, Vec<Task>) {
        let life = self.life.lock();
        (life.restarts, life.tasks.clone())
    }

    /// Returns the number of restarts.
    pub fn restarts(&self) -> u64 {
        self.life.lock().restarts
    }

    /// Returns the jobs from whose state this job continued.
    pub(crate) fn ancestors(&self) -> &[Ancestor] {
        &self.ancestors
    }

    /// Returns whether its rows are fetched and not written to a table.
    pub fn is_query(&self) -> bool {
        self.is_query
    }

    pub fn status(&self) -> JobStatus {
        self.life.lock().status.current()
    }

    /// Changes the status. A job that is being cancelled keeps that status.
    fn set_status(&self, status: JobStatus) {
        let _ = self.life.lock().status.become_at(status, self.clock.now());
    }

    /// Cancels the job. Returns false if it has ended or is just ending. The request is recorded when this
    /// returns.
    pub fn cancel(&self) -> bool {
        {
            let mut life = self.life.lock();
            if life.is_settled {
                return false;
            }
            // A job that is already being cancelled stays so.
            let _ = life.status.become_at(JobStatus::Cancelling, self.clock.now());
        }
        (self.on_cancel)();
        let life = self.life.lock();
        life.cancel();
        if life.starting {
            // Nothing was read yet, so nothing can be lost.
            life.retry.stop();
        }
        drop(life);
        let _ = self.requests.try_send(Request::Cancel);
        true
    }

    /// Writes the job's state to `target`, or to the default directory. Returns its location once it is
    /// written.
    pub fn savepoint(&self, target: Option<String>, then: Sequel) -> Result<String, SavepointError> {
        self.savepoint_to(target.map_or(Destination::Usual, Destination::Below), then)
    }

    /// Like [`JobMaster::savepoint`]. If the savepoint ends the job, this returns after that end, as in
    /// Flink.
    pub(crate) fn savepoint_to(&self, to: Destination, then: Sequel) -> Result<String, SavepointError> {
        let (done, outcome) = bounded(1);
        let written = self.ask(Request::Savepoint { to, then, done }, &outcome)?;
        if then != Sequel::GoOn && !self.wait(END) {
            tracing::warn!(job_id = %self.id, "the savepoint is written, but the job has not ended yet");
        }
        Ok(written)
    }

    /// Writes a checkpoint now, waits for it, and returns its number.
    pub fn checkpoint(&self) -> Result<u64, SavepointError> {
        let (done, outcome) = bounded(1);
        self.ask(Request::Checkpoint { done }, &outcome)
    }

    fn ask<T>(
        &self,
        request: Request,
        outcome: &Receiver<Result<T, SavepointError>>,
    ) -> Result<T, SavepointError> {
        self.requests.try_send(request).map_err(|_| SavepointError::Busy)?;
        loop {
            match outcome.recv_timeout(LOOK) {
                Ok(outcome) => return outcome,
                // A request that arrived just after the end of the job is never answered.
                Err(RecvTimeoutError::Timeout) if !self.life.lock().is_at_rest() => {}
                Err(_) => return outcome.try_recv().unwrap_or(Err(SavepointError::Ended)),
            }
        }
    }

    /// Ends the input of the job, which has produced all required rows.
    pub(crate) fn drain(&self) {
        self.life.lock().control.iter().for_each(|control| control.drain());
    }

    /// Tells the job to keep its state and to stop without being finished.
    pub(crate) fn suspend(&self) {
        self.life.lock().suspending = true;
        let _ = self.requests.try_send(Request::Suspend);
    }

    /// Stops all waiting for sinks that do not accept the job's results.
    pub(crate) fn give_up(&self) {
        let mut life = self.life.lock();
        life.given_up = true;
        life.retry.stop();
        life.cancel();
    }

    /// Called before an attempt starts, which may have to wait for its sinks.
    fn starting(&self, retry: &Arc<Retry>) {
        let mut life = self.life.lock();
        (life.retry, life.starting) = (retry.clone(), true);
        if life.given_up || life.status.current() == JobStatus::Cancelling {
            retry.stop();
        }
    }

    /// Fails the job after its thread has panicked, so that nothing can restart it.
    fn collapse(&self, error: &ExecutionError) {
        let text = with_causes(error);
        tracing::error!(job_id = %self.id, job = %self.name, error = text, "job failed");
        let mut life = self.life.lock();
        let now = self.clock.now();
        life.is_settled = true;
        life.cancel();
        life.retry.stop();
        life.failures.push(Failure { at: now, text });
        for next in [JobStatus::Failing, JobStatus::Failed] {
            // The job may have ended already.
            let _ = life.status.become_at(next, now);
        }
        drop(life);
        self.changed.notify_all();
    }

    /// Waits until the job is inactive, for at most this time. Returns whether it is.
    pub fn wait(&self, at_most: Duration) -> bool {
        let mut life = self.life.lock();
        self.changed.wait_while_for(&mut life, |life| !life.is_at_rest(), at_most);
        life.is_at_rest()
    }
}

/// Returns whether a restart can help. Errors in the script or its rows remain.
fn may_pass(error: &ExecutionError) -> bool {
    error.domain() != types::ErrorDomain::User
}
