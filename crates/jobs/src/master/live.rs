//! The thread of a job: takes its checkpoints, hears what is asked of it, and starts it again when it fails.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, select};
use engine::execution::{Afterwards, ExecutionError};
use engine::snapshot::Snapshot;

use super::attempt::{Attempt, Launch, StartError};
use super::checkpoints::{Taker, restored_from};
use super::memory::Told;
use super::{Failure, JobMaster, NewJob, Request, SavepointError, Sequel, may_pass, with_causes};
use crate::checkpoint::{Restored, read_savepoint};
use crate::restart::Restarts;
use crate::status::JobStatus;

/// How long what is written to may take to let a job end that was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// Failures that are remembered one by one.
const REMEMBERED: usize = 16;
/// How often to look whether the job has to wait for memory.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Living {
    master: Arc<JobMaster>,
    launch: Launch,
    incoming: Receiver<Request>,
    restarts: Restarts,
    taker: Option<Taker>,
    /// Where that lies which the job was first started from.
    first: Option<String>,
    on_end: Box<dyn Fn(JobStatus) + Send>,
}

/// Why an attempt is at its end, as far as somebody wanted that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    None,
    Stop,
    Drain,
    Suspend,
}

/// What becomes of a job after an attempt.
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
    ) -> Living {
        Living {
            master,
            launch,
            incoming,
            restarts: Restarts::new(new.restart),
            taker,
            first: new.restored.map(|restored| restored.location),
            on_end: new.on_end,
        }
    }

    pub fn live(mut self, mut attempt: Attempt) {
        loop {
            let mut error = match self.attend(attempt) {
                Then::Over(status) => return self.end(status),
                Then::Failed(error) => error,
            };
            attempt = loop {
                match self.start_again(error) {
                    Ok(attempt) => break attempt,
                    Err(Then::Over(status)) => return self.end(status),
                    Err(Then::Failed(another)) => error = another,
                }
            };
        }
    }

    /// Sees an attempt through to its end.
    fn attend(&mut self, attempt: Attempt) -> Then {
        let master = self.master.clone();
        let control = attempt.execution.control();
        let ended = attempt.execution.ended();
        let memory = attempt.execution.memory();
        let mut told = Told::default();
        let mut wish = Wish::None;
        let mut patient_until = None;
        if let Some(taker) = &mut self.taker {
            taker.begin(master.clock.elapsed());
        }
        loop {
            let now = master.clock.elapsed();
            let due = self.taker.as_ref().filter(|_| wish == Wish::None).and_then(|taker| taker.wait(now));
            let until = patient_until.map(|until: Duration| until.saturating_sub(now));
            told.tell(master.id, &master.name, &memory.view());
            let wait = until.or(due).unwrap_or(LOOK).min(LOOK);
            select! {
                recv(ended) -> _ => break,
                recv(self.incoming) -> request => {
                    match request {
                        Ok(Request::Savepoint { target, then, done }) => {
                            // What happened after it would happen again to whoever starts from it.
                            let goes_on = then == Sequel::GoOn;
                            let afterwards = if goes_on { Afterwards::ReadOn } else { Afterwards::Hold };
                            let written = self.savepoint(&attempt, target.as_deref(), afterwards);
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
                                Some(taker) => taker.take_asked(&master, &attempt),
                                None => Err(SavepointError::NoCheckpoints),
                            };
                            let _ = done.send(taken);
                        }
                        // It ends for good already, and stays what it was asked to become.
                        Ok(Request::Suspend) if matches!(wish, Wish::Stop | Wish::Drain) => {}
                        Ok(Request::Suspend) => {
                            if let Some(taker) = &mut self.taker {
                                taker.take_last(&master, &attempt);
                            }
                            wish = Wish::Suspend;
                            control.cancel();
                        }
                        Ok(Request::Cancel) | Err(_) => control.cancel(),
                    }
                    if control.is_cancelled() {
                        patient_until = Some(master.clock.elapsed() + GRACE);
                    }
                }
                default(wait) => {
                    if patient_until.is_some_and(|until| until <= master.clock.elapsed()) {
                        attempt.patience.give_up();
                        patient_until = None;
                    } else if wish == Wish::None
                        && let Some(taker) = &mut self.taker
                        && taker.is_due(master.clock.elapsed())
                        && let Err(reason) = taker.take_due(&master, &attempt)
                    {
                        control.fail(ExecutionError::Checkpoints(reason));
                    }
                }
            }
        }
        let outcome = attempt.execution.join();
        let is_cancelling = master.status() == JobStatus::Cancelling;
        // It may have ended before it heard of that.
        let is_suspending = wish == Wish::None && master.life.lock().suspending;
        match (outcome, wish) {
            _ if is_cancelling => Then::Over(JobStatus::Canceled),
            _ if is_suspending => Then::Over(JobStatus::Suspended),
            (_, Wish::Suspend) => Then::Over(JobStatus::Suspended),
            (Ok(_), _) | (Err(_), Wish::Stop) => Then::Over(JobStatus::Finished),
            (Err(error), Wish::None | Wish::Drain) => Then::Failed(error),
        }
    }

    /// Starts a job that has failed again, after a while, where its newest checkpoint stands; or tells why not.
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
        let snapshot: Option<&Arc<Snapshot>> = newest.as_ref().map(|restored| &restored.snapshot);
        let started = self.launch.start(snapshot, &|patience| master.starting(patience));
        master.life.lock().starting = false;
        match started {
            Ok(attempt) => {
                let mut life = master.life.lock();
                // Somebody may have cancelled it just now.
                let runs = life.status.become_at(JobStatus::Running, master.clock.now()).is_ok();
                if !runs || life.given_up {
                    attempt.execution.cancel();
                }
                life.restarts += 1;
                life.control = attempt.execution.control();
                life.tasks = attempt.execution.tasks().to_vec();
                life.patience = attempt.patience.clone();
                life.memory = attempt.execution.memory();
                match &newest {
                    Some(restored) => {
                        life.checkpoints.restore(restored_from(restored, master.clock.now()));
                        let location = &restored.location;
                        tracing::info!(job_id = %master.id, location, "job running again from its checkpoint");
                    }
                    None => tracing::info!(job_id = %master.id, "job running again from its beginning"),
                }
                drop(life);
                Ok(attempt)
            }
            Err(StartError::Execution(error)) => Err(Then::Failed(error)),
            Err(error) => Err(Then::Failed(ExecutionError::Plan(error.to_string()))),
        }
    }

    /// What the job goes on from: its newest checkpoint, or what it was first started from.
    fn newest(&self) -> Result<Option<Restored>, ExecutionError> {
        let newest = self.taker.as_ref().map_or(Ok(None), Taker::newest);
        let newest = match (newest, &self.first) {
            (Ok(None), Some(first)) => read_savepoint(first).map(Some),
            (newest, _) => newest,
        };
        newest.map_err(|error| ExecutionError::Checkpoints(with_causes(&error)))
    }

    /// Waits before a new attempt; a status if the job is asked to end meanwhile.
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
        target: Option<&str>,
        afterwards: Afterwards,
    ) -> Result<String, SavepointError> {
        let taker = self.taker.as_mut().ok_or(SavepointError::Nowhere)?;
        taker.savepoint(&self.master, attempt, target, afterwards)
    }

    fn book_failure(&self, text: &str) {
        let mut life = self.master.life.lock();
        if life.failures.len() == REMEMBERED {
            life.failures.remove(0);
        }
        life.failures.push(Failure { at: self.master.clock.now(), text: text.to_owned() });
    }

    fn become_(&self, status: JobStatus) {
        // A job that is being cancelled stays so.
        let _ = self.master.life.lock().status.become_at(status, self.master.clock.now());
    }

    fn end(self, status: JobStatus) {
        let master = &self.master;
        if status == JobStatus::Failed {
            self.become_(JobStatus::Failing);
        }
        // On record before anyone hears of it.
        (self.on_end)(status);
        if status == JobStatus::Canceled {
            self.become_(JobStatus::Cancelling);
        }
        self.become_(status);
        tracing::info!(job_id = %master.id, job = %master.name, status = %master.status(), "job ended");
        for request in self.incoming.try_iter() {
            request.refuse();
        }
        master.changed.notify_all();
    }
}
