//! The thread of a job: runs one attempt after the other until the job ends.
//!
//! ```text
//! start_attempt ──► run_attempt ──► AttemptEnd::Over ──────────────────────► end
//!      ▲                      └───► AttemptEnd::Failed ──► restart ──► end, if no restart is left
//!      └────────────────────────────────────────────────────┘
//! ```

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use engine::execution::{ExecutionError, caught};
use types::with_causes;

use super::attempt::{Attempt, Launch, StartError};
use super::checkpoints::{CheckpointCoordinator, restored_from};
use super::supervisor::{EndRequest, GRACE, Supervisor};
use super::{Failure, First, JobMaster, JobView, NewJob, Request, may_pass};
use crate::checkpoint::{DirectoryError, Restored, read_savepoint};
use crate::restart::Restarts;
use crate::status::JobStatus;

/// The number of failures that are recorded in detail.
const REMEMBERED: usize = 16;

/// The thread of a job.
pub(super) struct JobThread {
    master: Arc<JobMaster>,
    launch: Launch,
    incoming: Receiver<Request>,
    restarts: Restarts,
    coordinator: Option<CheckpointCoordinator>,
    /// The state from which the first attempt continues.
    restored: Option<Restored>,
    /// The location of the state from which the job was first started.
    first: Option<String>,
    on_checkpoint: Box<dyn Fn() + Send>,
    on_end: Box<dyn Fn(&JobView) + Send>,
}

/// The result of an attempt.
enum AttemptEnd {
    Over(JobStatus),
    Failed(ExecutionError),
}

impl JobThread {
    pub fn new(
        master: Arc<JobMaster>,
        new: NewJob,
        launch: Launch,
        coordinator: Option<CheckpointCoordinator>,
        incoming: Receiver<Request>,
    ) -> (First, JobThread) {
        let thread = JobThread {
            master,
            launch,
            incoming,
            restarts: Restarts::new(new.restart),
            coordinator,
            first: new.restored.as_ref().map(|restored| restored.location.clone()),
            restored: new.restored,
            on_checkpoint: new.on_checkpoint,
            on_end: new.on_end,
        };
        (new.first, thread)
    }

    /// Runs the job until it ends.
    pub fn run(mut self, first: First) {
        let Some(mut attempt) = self.first_attempt(first) else { return };

        loop {
            let attempt_end = match attempt {
                Ok(attempt) => self.run_attempt(attempt),
                Err(end) => end,
            };
            attempt = match attempt_end {
                AttemptEnd::Over(status) => return self.end(status),
                AttemptEnd::Failed(error) => self.restart(error),
            };
        }
    }

    /// Makes the first attempt. Returns `None` if it fails and the job therefore does not exist.
    fn first_attempt(&mut self, first: First) -> Option<Result<Attempt, AttemptEnd>> {
        let restored = self.restored.take();
        let started = self.start_attempt(restored.as_ref());

        match (first, started) {
            (First::Reported(caller), Ok(attempt)) => {
                // The caller may be gone; the job exists anyway.
                let _ = caller.send(Ok(()));
                Some(Ok(attempt))
            }
            (First::Reported(caller), Err(error)) => {
                self.master.set_status(JobStatus::Failing);
                self.master.set_status(JobStatus::Failed);
                self.master.changed.notify_all();
                let _ = caller.send(Err(error));
                None
            }
            (First::Retried, started) => Some(started.map_err(|error| {
                // As in Flink, whose jobs run while tasks are deployed.
                self.master.set_status(JobStatus::Running);
                AttemptEnd::Failed(failure(error))
            })),
        }
    }

    /// Starts an attempt and makes it the current one.
    fn start_attempt(&mut self, from: Option<&Restored>) -> Result<Attempt, StartError> {
        let master = self.master.clone();
        let restore = from.map(Restored::restore);
        let records = self.coordinator.as_mut().map(|coordinator| coordinator.records(from)).transpose();
        let records = records.map_err(StartError::Checkpoints)?;

        let started = self.launch.start(restore.as_ref(), records, &|retry| master.starting(retry));
        let mut life = master.life.lock();
        life.starting = false;
        let attempt = started?;
        let now = master.clock.now();
        // The job may just have been cancelled.
        let runs = life.status.become_at(JobStatus::Running, now).is_ok();
        if !runs || life.given_up {
            attempt.execution.cancel();
        }
        if !life.failures.is_empty() {
            life.restarts += 1;
        }
        life.hold(&attempt, master.clock.elapsed());
        if let Some(restored) = from {
            life.checkpoints.restore(restored_from(restored, now));
        }
        Ok(attempt)
    }

    /// Runs an attempt until it ends.
    fn run_attempt(&mut self, attempt: Attempt) -> AttemptEnd {
        let master = self.master.clone();
        let supervisor = Supervisor::new(
            &master,
            &attempt,
            self.coordinator.as_mut(),
            self.launch.max_future(),
            &*self.on_checkpoint,
        );

        // A panic here fails the attempt, as a panic in one of its subtasks does.
        let supervised = caught("the job's own thread", || Ok(supervisor.supervise(&self.incoming)));
        let end_request = supervised.unwrap_or_else(|error: ExecutionError| {
            master.life.lock().checkpoints.abandon(&with_causes(&error));
            attempt.execution.control().fail(error);
            if attempt.execution.ended().recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                attempt.retry.stop();
            }
            None
        });

        let outcome = attempt.execution.join();
        attempt.retry.stop(); // a repeated lookup has no use any more
        let is_cancelling = master.status() == JobStatus::Cancelling;
        // The attempt may have ended before it received the request.
        let is_suspending = end_request.is_none() && master.life.lock().suspending;

        match (outcome, end_request) {
            _ if is_cancelling => AttemptEnd::Over(JobStatus::Canceled),
            _ if is_suspending => AttemptEnd::Over(JobStatus::Suspended),
            (_, Some(EndRequest::Suspend)) => AttemptEnd::Over(JobStatus::Suspended),
            (Ok(_), _) | (Err(_), Some(EndRequest::Stop)) => AttemptEnd::Over(JobStatus::Finished),
            (Err(error), None | Some(EndRequest::Drain)) => AttemptEnd::Failed(error),
        }
    }

    /// Restarts a failed job from its newest checkpoint after a pause, or says why not.
    fn restart(&mut self, error: ExecutionError) -> Result<Attempt, AttemptEnd> {
        let master = self.master.clone();
        let text = with_causes(&error);
        self.record_failure(&text);
        let pause = Some(()).filter(|()| may_pass(&error));
        let draw = (crate::id::random() >> 75) as f64 / (1_u64 << 53) as f64;
        let pause = pause.and_then(|()| self.restarts.next(master.clock.elapsed(), draw));
        let Some(pause) = pause else {
            tracing::error!(job_id = %master.id, job = %master.name, error = text, "job failed");
            return Err(AttemptEnd::Over(JobStatus::Failed));
        };
        tracing::error!(
            job_id = %master.id, job = %master.name, error = text, ?pause,
            "job failed and is restarted"
        );
        self.master.set_status(JobStatus::Restarting);
        if let Some(status) = self.wait_before_restart(pause) {
            return Err(AttemptEnd::Over(status));
        }

        let newest = self.newest().map_err(AttemptEnd::Failed)?;
        let attempt =
            self.start_attempt(newest.as_ref()).map_err(|error| AttemptEnd::Failed(failure(error)))?;
        match &newest {
            Some(restored) => {
                let location = &restored.location;
                tracing::info!(job_id = %master.id, location, "job running again from its checkpoint");
            }
            None => tracing::info!(job_id = %master.id, "job running again from its beginning"),
        }
        Ok(attempt)
    }

    /// Returns the newest checkpoint of the job, or the state from which it was first started.
    fn newest(&self) -> Result<Option<Restored>, ExecutionError> {
        let newest = self.coordinator.as_ref().map_or(Ok(None), CheckpointCoordinator::newest);
        let newest = match (newest, &self.first) {
            (Ok(None), _) if self.coordinator.as_ref().is_some_and(CheckpointCoordinator::has_completed) => {
                let location =
                    self.coordinator.as_ref().map(|coordinator| coordinator.options.directory.clone());
                Err(DirectoryError::Gone { location: location.unwrap_or_default() })
            }
            (Ok(None), Some(first)) => read_savepoint(first).map(Some),
            (newest, _) => newest,
        };
        newest.map_err(|error| ExecutionError::Checkpoints(with_causes(&error)))
    }

    /// Waits before a new attempt. Returns a status if the job was asked to end meanwhile.
    fn wait_before_restart(&mut self, pause: Duration) -> Option<JobStatus> {
        let until = self.master.clock.elapsed() + pause;
        loop {
            let left = until.saturating_sub(self.master.clock.elapsed());
            match self.incoming.recv_timeout(left) {
                Ok(Request::Cancel) => return Some(JobStatus::Canceled),
                Ok(Request::Suspend) => return Some(JobStatus::Suspended),
                Ok(request) => request.refuse(),
                Err(RecvTimeoutError::Timeout) if self.master.clock.elapsed() >= until => return None,
                Err(_) => {}
            }
        }
    }

    fn record_failure(&self, text: &str) {
        let mut life = self.master.life.lock();
        life.stability.fail();
        if life.failures.len() == REMEMBERED {
            life.failures.remove(0);
        }
        life.failures.push(Failure { at: self.master.clock.now(), text: text.to_owned() });
    }

    fn end(self, status: JobStatus) {
        let master = &self.master;
        let view = {
            let mut life = master.life.lock();
            let (current, now) = (life.status.current(), master.clock.now());
            // The caller of `cancel` was told that the job would be cancelled.
            let status = if current == JobStatus::Cancelling { JobStatus::Canceled } else { status };
            let through = match status {
                JobStatus::Canceled => Some(JobStatus::Cancelling),
                JobStatus::Failed => Some(JobStatus::Failing),
                _ => None,
            };
            let mut history = life.status.clone();
            for next in through.into_iter().filter(|next| *next != current).chain([status]) {
                history.become_at(next, now).expect("a job that runs can end");
            }
            life.is_settled = true;
            master.view_of(&life, history)
        };
        (self.on_end)(&view); // recorded before anyone is told
        master.life.lock().status = view.history;
        tracing::info!(job_id = %master.id, job = %master.name, status = %view.status, "job ended");
        for request in self.incoming.try_iter() {
            request.refuse();
        }
        master.changed.notify_all();
    }
}

/// Returns the error of an attempt that could not be started.
fn failure(error: StartError) -> ExecutionError {
    match error {
        StartError::Execution(error) => error,
        StartError::Thread(error) => ExecutionError::Thread(error),
        StartError::Checkpoints(error) => ExecutionError::Checkpoints(with_causes(&error)),
        error @ StartError::Options(_) => ExecutionError::Plan(error.to_string()),
    }
}
