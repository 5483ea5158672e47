//! A job master: one job from its start to its end, over as many attempts as its restart strategy allows.

mod attempt;
mod checkpoints;
mod graph;
mod live;
mod memory;
mod view;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use connectors::collect::Collector;
use connectors::dead_letter::Ancestor;
use connectors::patience::Patience;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use engine::execution::{Control, ExecutionError, Task};
use engine::memory::Account;
use parking_lot::{Condvar, Mutex};
use sql::plan::Plan;
use types::{Clock, JobId, Timestamp};

use crate::checkpoint::{CheckpointHistory, CheckpointOptions, Restored};
use crate::environment::Environment;
use crate::restart::RestartStrategy;
use crate::status::{JobStatus, StatusHistory};

use attempt::Launch;
pub(crate) use attempt::StartError;
use checkpoints::Taker;
use live::Living;

pub use checkpoints::SavepointError;
pub use graph::{EdgeView, VertexView};
pub use memory::why_held_back;
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
    life: Mutex<Life>,
    /// Its status has changed.
    changed: Condvar,
    requests: Sender<Request>,
}

/// What changes while a job lives.
struct Life {
    status: StatusHistory,
    submitted: Timestamp,
    /// Newest last.
    failures: Vec<Failure>,
    /// Times it was started again.
    restarts: u64,
    /// Of the attempt that runs, or ran last.
    control: Arc<Control>,
    tasks: Vec<Task>,
    patience: Arc<Patience>,
    memory: Arc<Account>,
    checkpoints: CheckpointHistory,
    /// The process is about to end: whatever ends the job now does not end it for good.
    suspending: bool,
    /// Nobody waits for it any more.
    given_up: bool,
    /// An attempt is being started: its patience is known, its control is not.
    starting: bool,
}

/// What a job is asked from outside.
pub(crate) enum Request {
    /// Somebody cancelled it.
    Cancel,
    /// To write its state somewhere.
    Savepoint { target: Option<String>, then: Sequel, done: Sender<Result<String, SavepointError>> },
    /// To write a checkpoint now.
    Checkpoint { done: Sender<Result<u64, SavepointError>> },
    /// To write a checkpoint if it writes any, and to end without being over: the process ends.
    Suspend,
}

/// What a job does once its savepoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequel {
    GoOn,
    /// Ends as it is; who starts from the savepoint goes on with its open windows.
    Stop,
    /// Closes all windows, writes their results and ends.
    Drain,
    /// Ends as it is, and counts as cancelled.
    Cancel,
}

impl Request {
    /// Answers whoever waits that the job is not there for it.
    fn refuse(self) {
        match self {
            Request::Savepoint { done, .. } => drop(done.send(Err(SavepointError::Ended))),
            Request::Checkpoint { done } => drop(done.send(Err(SavepointError::Ended))),
            Request::Cancel | Request::Suspend => {}
        }
    }
}

/// A job that is to be started.
pub(crate) struct NewJob {
    pub id: JobId,
    pub name: String,
    pub script: String,
    pub plan: Arc<Plan>,
    pub environment: Environment,
    pub checkpoints: Option<CheckpointOptions>,
    pub restart: RestartStrategy,
    /// What it goes on from.
    pub restored: Option<Restored>,
    /// It ran under this id before, and letters of it may stand.
    pub ran_before: bool,
    /// The jobs whose state it goes on from.
    pub ancestors: Vec<Ancestor>,
    /// Of a query: where its rows go.
    pub collector: Option<Arc<Collector>>,
    /// What is to be done before anyone hears that it has come to rest.
    pub on_end: Box<dyn Fn(JobStatus) + Send>,
}

/// Requests that wait for a job.
const REQUESTS: usize = 64;
/// How often whoever waits for an answer looks whether there will be one.
const LOOK: Duration = Duration::from_millis(100);

impl JobMaster {
    /// Starts a job; the first attempt is made before this returns.
    pub(crate) fn start(new: NewJob) -> Result<Arc<JobMaster>, StartError> {
        let clock = new.environment.clock.clone();
        let mut status = StatusHistory::new(clock.now());
        let (requests, incoming) = bounded(REQUESTS);
        let taker = new.checkpoints.clone().map(|options| Taker::open(new.id, options));
        let taker = taker.transpose().map_err(StartError::Checkpoints)?;
        let mut launch = Launch::new(&new);
        let attempt = launch.start(new.restored.as_ref().map(|restored| &restored.snapshot), &|_| ())?;
        for next in [JobStatus::Created, JobStatus::Running] {
            status.become_at(next, clock.now()).expect("a new job may run");
        }
        let mut checkpoints = CheckpointHistory::default();
        if let Some(restored) = &new.restored {
            checkpoints.restore(checkpoints::restored_from(restored, clock.now()));
        }
        let master = Arc::new(JobMaster {
            id: new.id,
            name: new.name.clone(),
            script: new.script.clone(),
            plan: new.plan.clone(),
            parallelism: attempt.parallelism,
            restart: new.restart.clone(),
            checkpoints: new.checkpoints.clone(),
            ancestors: new.ancestors.clone(),
            is_query: new.collector.is_some(),
            clock: clock.clone(),
            life: Mutex::new(Life {
                submitted: status.since(),
                status,
                failures: Vec::new(),
                restarts: 0,
                control: attempt.execution.control(),
                tasks: attempt.execution.tasks().to_vec(),
                patience: attempt.patience.clone(),
                memory: attempt.execution.memory(),
                checkpoints,
                suspending: false,
                given_up: false,
                starting: false,
            }),
            changed: Condvar::new(),
            requests,
        });
        let control = attempt.execution.control();
        let living = Living::new(master.clone(), new, launch, taker, incoming);
        let name: String = format!("job {}", master.id).chars().take(15).collect();
        let thread = thread::Builder::new().name(name).spawn(move || living.live(attempt));
        thread.map(|_| master).map_err(|error| {
            control.cancel();
            StartError::Thread(error)
        })
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

    /// When and where checkpoints are taken; `None`: nowhere.
    pub fn checkpoint_options(&self) -> Option<&CheckpointOptions> {
        self.checkpoints.as_ref()
    }

    pub fn restart_strategy(&self) -> &RestartStrategy {
        &self.restart
    }

    /// The subtasks of the attempt that runs, or ran last, and how many attempts there were before.
    pub fn tasks(&self) -> (u64, Vec<Task>) {
        let life = self.life.lock();
        (life.restarts, life.tasks.clone())
    }

    /// Times it was started again.
    pub fn restarts(&self) -> u64 {
        self.life.lock().restarts
    }

    /// The jobs whose state it went on from.
    pub(crate) fn ancestors(&self) -> &[Ancestor] {
        &self.ancestors
    }

    /// Whether its rows are fetched and written nowhere.
    pub fn is_query(&self) -> bool {
        self.is_query
    }

    pub fn status(&self) -> JobStatus {
        self.life.lock().status.current()
    }

    /// Asks the job to end; false if it is over already.
    pub fn cancel(&self) -> bool {
        let mut life = self.life.lock();
        if life.status.current().is_terminal() {
            return false;
        }
        // A job that is being cancelled already stays so.
        let _ = life.status.become_at(JobStatus::Cancelling, self.clock.now());
        life.control.cancel();
        if life.starting {
            // It has read nothing yet that could be lost.
            life.patience.give_up();
        }
        drop(life);
        let _ = self.requests.try_send(Request::Cancel);
        true
    }

    /// Writes the job's state to `target`, or where savepoints go; returns where it lies. Blocks until it is written.
    pub fn savepoint(&self, target: Option<String>, then: Sequel) -> Result<String, SavepointError> {
        let (done, outcome) = bounded(1);
        self.ask(Request::Savepoint { target, then, done }, &outcome)
    }

    /// Writes a checkpoint now; returns its number. Blocks until it is written.
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
                // A request that came when the job had just ended is never answered.
                Err(RecvTimeoutError::Timeout) if !self.life.lock().is_at_rest() => {}
                Err(_) => return outcome.try_recv().unwrap_or(Err(SavepointError::Ended)),
            }
        }
    }

    /// Ends its input: it has given all that was wanted.
    pub(crate) fn drain(&self) {
        self.life.lock().control.drain();
    }

    /// Asks the job to keep its state and to end without being over.
    pub(crate) fn suspend(&self) {
        self.life.lock().suspending = true;
        let _ = self.requests.try_send(Request::Suspend);
    }

    /// Ends all waiting for what does not take the job's results.
    pub(crate) fn give_up(&self) {
        let mut life = self.life.lock();
        life.given_up = true;
        life.patience.give_up();
        life.control.cancel();
    }

    /// An attempt is about to be started, which may have to wait for what it writes to.
    fn starting(&self, patience: &Arc<Patience>) {
        let mut life = self.life.lock();
        (life.patience, life.starting) = (patience.clone(), true);
        if life.given_up || life.status.current() == JobStatus::Cancelling {
            patience.give_up();
        }
    }

    /// Waits until the job no longer does anything, at most this long; tells whether that is so.
    pub fn wait(&self, at_most: Duration) -> bool {
        let mut life = self.life.lock();
        self.changed.wait_while_for(&mut life, |life| !life.is_at_rest(), at_most);
        life.is_at_rest()
    }
}

impl Life {
    /// Whether nothing is done for the job any more.
    fn is_at_rest(&self) -> bool {
        let status = self.status.current();
        status.is_terminal() || status == JobStatus::Suspended
    }
}

/// An error and what caused it, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Whether starting again can help: what is wrong with the script or its rows stays wrong.
fn may_pass(error: &ExecutionError) -> bool {
    error.domain() != types::ErrorDomain::User
}
