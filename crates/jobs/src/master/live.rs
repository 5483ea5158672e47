//! The thread of a job: takes checkpoints, handles requests, and restarts the job when it fails.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, select};
use engine::execution::{Afterwards, ExecutionError, caught};
use types::with_causes;

use super::attempt::{Attempt, Launch, StartError};
use super::checkpoints::{Taker, restored_from};
use super::memory::Told;
use super::uncounted::UncountedShares;
use super::{
    Destination, Failure, First, JobMaster, JobView, NewJob, Request, SavepointError, Sequel, may_pass,
};
use crate::checkpoint::{DirectoryError, Restored, read_savepoint};
use crate::restart::Restarts;
use crate::status::JobStatus;

/// Time that a job gets to end before its blocked writes are given up.
const GRACE: Duration = Duration::from_secs(5);
/// The number of failures that are recorded in detail.
const REMEMBERED: usize = 16;
/// The interval for checking whether the job waits for memory.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Living {
    master: Arc<JobMaster>,
    launch: Launch,
    incoming: Receiver<Request>,
    restarts: Restarts,
    taker: Option<Taker>,
    /// The state from which the first attempt continues.
    restored: Option<Restored>,
    /// The location of the state from which the job was first started.
    first: Option<String>,
    on_checkpoint: Box<dyn Fn() + Send>,
    on_end: Box<dyn Fn(&JobView) + Send>,
}

/// The request that ends an attempt, if there was one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    None,
    Stop,
    Drain,
    Suspend,
}

/// The result of an attempt.
enum Then {
    Over(JobStatus),
    Failed(ExecutionError),
}

impl Living {
    pub fn new(
        master: Arc<JobMaster>,
        new: NewJob,
        launch: Launch,
        taker: Option<Taker>,
        incoming: Receiver<Request>,
    ) -> (First, Living) {
        let living = Living {
            master,
            launch,
            incoming,
            restarts: Restarts::new(new.restart),
            taker,
            first: new.restored.as_ref().map(|restored| restored.location.clone()),
            restored: new.restored,
            on_checkpoint: new.on_checkpoint,
            on_end: new.on_end,
        };
        (new.first, living)
    }

    pub fn live(mut self, first: First) {
        let restored = self.restored.take();
        let started = self.attempt(restored.as_ref());
        let mut attempt = match (first, started) {
            (First::Told(told), started) => {
                let (answer, attempt) = match started {
                    Ok(attempt) => (Ok(()), Some(attempt)),
                    Err(error) => (Err(error), None),
                };
                if attempt.is_none() {
                    self.become_(JobStatus::Failing);
                    self.become_(JobStatus::Failed);
                    self.master.changed.notify_all();
                }
                let _ = told.send(answer); // the caller may be gone; the job exists anyway
                match attempt {
                    Some(attempt) => Ok(attempt),
                    None => return,
                }
            }
            (First::Insisted, started) => started.map_err(|error| {
                self.become_(JobStatus::Running); // as in Flink, whose jobs run while tasks are deployed
                Then::Failed(failure(error))
            }),
        };

        loop {
            let then = match attempt {
                Ok(attempt) => self.attend(attempt),
                Err(then) => then,
            };
            attempt = match then {
                Then::Over(status) => return self.end(status),
                Then::Failed(error) => self.start_again(error),
            };
        }
    }

    /// Starts an attempt and makes it the current one.
    fn attempt(&mut self, from: Option<&Restored>) -> Result<Attempt, StartError> {
        let master = self.master.clone();
        let restore = from.map(Restored::restore);
        let records = self.taker.as_mut().map(|taker| taker.records(from)).transpose();
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
    fn attend(&mut self, attempt: Attempt) -> Then {
        let master = self.master.clone();
        let seen = caught("the job's own thread", || Ok(self.see_through(&attempt)));
        let wish = seen.unwrap_or_else(|error: ExecutionError| {
            master.life.lock().checkpoints.abandon(&with_causes(&error));
            attempt.execution.control().fail(error);
            if attempt.execution.ended().recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                attempt.retry.stop();
            }
            Wish::None
        });
        let outcome = attempt.execution.join();
        attempt.retry.stop(); // a repeated lookup has no use any more
        let is_cancelling = master.status() == JobStatus::Cancelling;
        // The attempt may have ended before it received the request.
        let is_suspending = wish == Wish::None && master.life.lock().suspending;
        match (outcome, wish) {
            _ if is_cancelling => Then::Over(JobStatus::Canceled),
            _ if is_suspending => Then::Over(JobStatus::Suspended),
            (_, Wish::Suspend) => Then::Over(JobStatus::Suspended),
            (Ok(_), _) | (Err(_), Wish::Stop) => Then::Over(JobStatus::Finished),
            (Err(error), Wish::None | Wish::Drain) => Then::Failed(error),
        }
    }

    /// Takes checkpoints and handles requests until the subtasks end. Returns the request that ended them.
    fn see_through(&mut self, attempt: &Attempt) -> Wish {
        let master = self.master.clone();
        let control = attempt.execution.control();
        let ended = attempt.execution.ended();
        let memory = attempt.execution.memory();
        let mut told = Told::default();
        let mut uncounted = UncountedShares::default();
        let max_future = self.launch.max_future();
        let mut wish = Wish::None;
        let mut patient_until = None;
        let mut is_given_up = false;
        if let Some(taker) = &mut self.taker {
            taker.begin(master.clock.elapsed());
        }

        loop {
            let now = master.clock.elapsed();
            // The subtasks may have no rows for a while, and would not notice.
            if let Some(reason) = attempt.retry.aborted().filter(|_| !control.is_cancelled()) {
                control.fail(ExecutionError::Writer(reason.to_owned()));
            }
            // A request ended it, or one of its subtasks did.
            if control.is_cancelled() && !is_given_up {
                patient_until.get_or_insert(now + GRACE);
            }
            let due = self.taker.as_ref().filter(|_| wish == Wish::None).and_then(|taker| taker.wait(now));
            let until = patient_until.map(|until: Duration| until.saturating_sub(now));
            told.tell(master.id, &master.name, &memory.view());
            master.look_at_uncounted(&mut uncounted, now);
            master.look_at_event_time(max_future);
            master.look_at_stability(now);
            let wait = until.or(due).unwrap_or(LOOK).min(LOOK);
            select! {
                recv(ended) -> _ => break,
                recv(self.incoming) -> request => {
                    match request {
                        Ok(Request::Savepoint { to, then, done }) => {
                            // A job that starts from the savepoint would process later events again.
                            let goes_on = then == Sequel::GoOn;
                            let afterwards = if goes_on { Afterwards::ReadOn } else { Afterwards::Hold };
                            let written = self.savepoint(attempt, to, afterwards);
                            match then {
                                _ if written.is_err() => {}
                                Sequel::GoOn => {}
                                Sequel::Stop => {
                                    wish = Wish::Stop;
                                    control.cancel();
                                }
                                Sequel::Drain => {
                                    wish = Wish::Drain;
                                    control.drain();
                                }
                                Sequel::Cancel => {
                                    self.become_(JobStatus::Cancelling);
                                    control.cancel();
                                }
                            }
                            let _ = done.send(written);
                        }
                        Ok(Request::Checkpoint { done }) => {
                            let taken = match &mut self.taker {
                                Some(taker) => taker.take_asked(&master, attempt),
                                None => Err(SavepointError::NoCheckpoints),
                            };
                            self.note_checkpoints();
                            let _ = done.send(taken);
                        }
                        // The job already ends for good.
                        Ok(Request::Suspend) if matches!(wish, Wish::Stop | Wish::Drain) => {}
                        Ok(Request::Suspend) => {
                            if let Some(taker) = &mut self.taker {
                                taker.take_last(&master, attempt);
                            }
                            self.note_checkpoints();
                            wish = Wish::Suspend;
                            control.cancel();
                        }
                        Ok(Request::Cancel) | Err(_) => control.cancel(),
                    }
                }
                default(wait) => {
                    if patient_until.is_some_and(|until| until <= master.clock.elapsed()) {
                        attempt.retry.stop();
                        (patient_until, is_given_up) = (None, true);
                    } else if wish == Wish::None
                        && let Some(taker) = &mut self.taker
                        && taker.is_due(master.clock.elapsed())
                    {
                        if let Err(reason) = taker.take_due(&master, attempt) {
                            control.fail(ExecutionError::Checkpoints(reason));
                        }
                        self.note_checkpoints();
                    }
                }
            }
        }
        wish
    }

    /// Restarts a failed job from its newest checkpoint after a pause, or says why not.
    fn start_again(&mut self, error: ExecutionError) -> Result<Attempt, Then> {
        let master = self.master.clone();
        let text = with_causes(&error);
        self.book_failure(&text);
        let pause = Some(()).filter(|()| may_pass(&error));
        let draw = (crate::id::random() >> 75) as f64 / (1_u64 << 53) as f64;
        let pause = pause.and_then(|()| self.restarts.next(master.clock.elapsed(), draw));
        let Some(pause) = pause else {
            tracing::error!(job_id = %master.id, job = %master.name, error = text, "job failed");
            return Err(Then::Over(JobStatus::Failed));
        };
        tracing::error!(
            job_id = %master.id, job = %master.name, error = text, ?pause,
            "job failed; it is started again"
        );
        self.become_(JobStatus::Restarting);
        if let Some(status) = self.rest(pause) {
            return Err(Then::Over(status));
        }

        let newest = self.newest().map_err(Then::Failed)?;
        let attempt = self.attempt(newest.as_ref()).map_err(|error| Then::Failed(failure(error)))?;
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
        let newest = self.taker.as_ref().map_or(Ok(None), Taker::newest);
        let newest = match (newest, &self.first) {
            (Ok(None), _) if self.taker.as_ref().is_some_and(Taker::has_completed) => {
                let location = self.taker.as_ref().map(|taker| taker.options.directory.clone());
                Err(DirectoryError::Gone { location: location.unwrap_or_default() })
            }
            (Ok(None), Some(first)) => read_savepoint(first).map(Some),
            (newest, _) => newest,
        };
        newest.map_err(|error| ExecutionError::Checkpoints(with_causes(&error)))
    }

    /// Records that the job has checkpoints, as soon as there are any.
    fn note_checkpoints(&self) {
        if self.taker.as_ref().is_some_and(Taker::has_completed) {
            (self.on_checkpoint)();
        }
    }

    /// Waits before a new attempt. Returns a status if the job was asked to end meanwhile.
    fn rest(&mut self, pause: Duration) -> Option<JobStatus> {
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

    fn savepoint(
        &mut self,
        attempt: &Attempt,
        to: Destination,
        afterwards: Afterwards,
    ) -> Result<String, SavepointError> {
        let taker = self.taker.as_mut().ok_or(SavepointError::Nowhere)?;
        taker.savepoint(&self.master, attempt, to, afterwards)
    }

    fn book_failure(&self, text: &str) {
        let mut life = self.master.life.lock();
        life.stability.fail();
        if life.failures.len() == REMEMBERED {
            life.failures.remove(0);
        }
        life.failures.push(Failure { at: self.master.clock.now(), text: text.to_owned() });
    }

    fn become_(&self, status: JobStatus) {
        // A job that is being cancelled keeps this status.
        let _ = self.master.life.lock().status.become_at(status, self.master.clock.now());
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
