//! Supervises one attempt: takes the checkpoints that are due, handles requests, and updates the job's view
//! until the subtasks have ended.
//!
//! An attempt that was cancelled or has failed gets some seconds to end by itself. Then its blocked writes
//! are given up, so that a sink that does not answer cannot hold the job for ever.
//!
//! ```text
//! running ──► cancelled or failed ──── GRACE ────► blocked writes are given up ──► the subtasks end
//! ```

use std::time::Duration;

use crossbeam_channel::{Receiver, select};
use engine::execution::{Afterwards, ExecutionError};
use types::Interval;

use super::attempt::Attempt;
use super::checkpoints::CheckpointCoordinator;
use super::memory::MemoryReport;
use super::uncounted::UncountedShares;
use super::{Destination, JobMaster, Request, SavepointError, Sequel};
use crate::status::JobStatus;

/// Time that a job gets to end before its blocked writes are given up.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// The interval for updating the job's view.
const LOOK: Duration = Duration::from_secs(1);

/// The supervisor of one attempt.
pub(super) struct Supervisor<'a> {
    master: &'a JobMaster,
    attempt: &'a Attempt,
    /// `None` if the job writes no checkpoints.
    coordinator: Option<&'a mut CheckpointCoordinator>,
    /// Called when a checkpoint was completed.
    on_checkpoint: &'a dyn Fn(),
    reports: Reports,
    grace: Grace,
    end_request: Option<EndRequest>,
}

/// The request that ends an attempt. A request to cancel is in the job's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndRequest {
    Stop,
    Drain,
    Suspend,
}

impl<'a> Supervisor<'a> {
    pub fn new(
        master: &'a JobMaster,
        attempt: &'a Attempt,
        coordinator: Option<&'a mut CheckpointCoordinator>,
        max_future: Interval,
        on_checkpoint: &'a dyn Fn(),
    ) -> Supervisor<'a> {
        Supervisor {
            master,
            attempt,
            coordinator,
            on_checkpoint,
            reports: Reports {
                memory: MemoryReport::default(),
                uncounted: UncountedShares::default(),
                max_future,
            },
            grace: Grace::default(),
            end_request: None,
        }
    }

    /// Takes checkpoints and handles requests until the subtasks have ended. Returns the request that ended
    /// them, if there was one.
    pub fn supervise(mut self, incoming: &Receiver<Request>) -> Option<EndRequest> {
        let control = self.attempt.execution.control();
        let ended = self.attempt.execution.ended();
        let began = self.now();
        if let Some(coordinator) = &mut self.coordinator {
            coordinator.begin(began);
        }

        loop {
            let now = self.now();
            self.fail_if_aborted();
            // A request ended it, or one of its subtasks did.
            if control.is_cancelled() {
                self.grace.begin(now);
            }
            self.reports.update(self.master, self.attempt, now);

            let wait = self.wait(now);
            select! {
                recv(ended) -> _ => return self.end_request,
                recv(incoming) -> request => match request {
                    Ok(request) => self.handle(request),
                    Err(_) => control.cancel(),
                },
                default(wait) => self.do_what_is_due(),
            }
        }
    }

    /// Fails the attempt if a writer has given up. The subtasks may have no rows for a while, and would not
    /// notice.
    fn fail_if_aborted(&self) {
        let control = self.attempt.execution.control();
        if let Some(reason) = self.attempt.retry.aborted().filter(|_| !control.is_cancelled()) {
            control.fail(ExecutionError::Writer(reason.to_owned()));
        }
    }

    /// Returns the time to wait for a request.
    fn wait(&self, now: Duration) -> Duration {
        let checkpoint = self.coordinator.as_ref().filter(|_| self.end_request.is_none());
        let checkpoint = checkpoint.and_then(|coordinator| coordinator.wait(now));
        self.grace.left(now).or(checkpoint).unwrap_or(LOOK).min(LOOK)
    }

    /// Gives up blocked writes after the grace period, or takes a checkpoint that is due.
    fn do_what_is_due(&mut self) {
        let now = self.now();
        if self.grace.expires(now) {
            self.attempt.retry.stop();
            return;
        }

        if self.end_request.is_none()
            && let Some(coordinator) = &mut self.coordinator
            && coordinator.is_due(now)
        {
            if let Err(reason) = coordinator.take_due(self.master, self.attempt) {
                self.attempt.execution.control().fail(ExecutionError::Checkpoints(reason));
            }
            self.report_checkpoints();
        }
    }

    fn handle(&mut self, request: Request) {
        match request {
            Request::Savepoint { to, then, done } => {
                let written = self.savepoint(to, then);
                if written.is_ok() {
                    self.follow_savepoint(then);
                }
                let _ = done.send(written);
            }
            Request::Checkpoint { done } => {
                let taken = match &mut self.coordinator {
                    Some(coordinator) => coordinator.take_asked(self.master, self.attempt),
                    None => Err(SavepointError::NoCheckpoints),
                };
                self.report_checkpoints();
                let _ = done.send(taken);
            }
            Request::Suspend => self.suspend(),
            Request::Cancel => self.attempt.execution.control().cancel(),
        }
    }

    fn savepoint(&mut self, to: Destination, then: Sequel) -> Result<String, SavepointError> {
        let afterwards = match then {
            Sequel::GoOn => Afterwards::ReadOn,
            // A job that starts from the savepoint would process later events again.
            Sequel::Stop | Sequel::Drain | Sequel::Cancel => Afterwards::Hold,
        };
        let coordinator = self.coordinator.as_mut().ok_or(SavepointError::Nowhere)?;
        coordinator.savepoint(self.master, self.attempt, to, afterwards)
    }

    /// Ends the attempt after its savepoint, if that was the request.
    fn follow_savepoint(&mut self, then: Sequel) {
        let control = self.attempt.execution.control();
        match then {
            Sequel::GoOn => {}
            Sequel::Stop => {
                self.end_request = Some(EndRequest::Stop);
                control.cancel();
            }
            Sequel::Drain => {
                self.end_request = Some(EndRequest::Drain);
                control.drain();
            }
            Sequel::Cancel => {
                self.master.set_status(JobStatus::Cancelling);
                control.cancel();
            }
        }
    }

    /// Takes a last checkpoint and ends the attempt, because the process ends.
    fn suspend(&mut self) {
        // The job already ends for good.
        if matches!(self.end_request, Some(EndRequest::Stop | EndRequest::Drain)) {
            return;
        }

        if let Some(coordinator) = &mut self.coordinator {
            coordinator.take_last(self.master, self.attempt);
        }
        self.report_checkpoints();
        self.end_request = Some(EndRequest::Suspend);
        self.attempt.execution.control().cancel();
    }

    /// Reports that the job has checkpoints, as soon as there are any.
    fn report_checkpoints(&self) {
        if self.coordinator.as_ref().is_some_and(|coordinator| coordinator.has_completed()) {
            (self.on_checkpoint)();
        }
    }

    fn now(&self) -> Duration {
        self.master.clock.elapsed()
    }
}

/// The report of a running job.
struct Reports {
    memory: MemoryReport,
    uncounted: UncountedShares,
    /// How far events may be ahead of the clock.
    max_future: Interval,
}

impl Reports {
    /// Updates the job's view, and logs what has changed.
    fn update(&mut self, master: &JobMaster, attempt: &Attempt, now: Duration) {
        self.memory.tell(master.id, &master.name, &attempt.execution.memory().view());
        master.look_at_uncounted(&mut self.uncounted, now);
        master.look_at_event_time(self.max_future);
        master.look_at_stability(now);
    }
}

/// The time in which an attempt may end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Grace {
    #[default]
    NotBegun,
    /// Ends at this time of the clock's `elapsed`.
    Until(Duration),
    Over,
}

impl Grace {
    /// Begins the grace period, unless it has begun before.
    fn begin(&mut self, now: Duration) {
        if *self == Grace::NotBegun {
            *self = Grace::Until(now + GRACE);
        }
    }

    /// Returns the rest of the grace period.
    fn left(self, now: Duration) -> Option<Duration> {
        match self {
            Grace::Until(end) => Some(end.saturating_sub(now)),
            Grace::NotBegun | Grace::Over => None,
        }
    }

    /// Ends the grace period if its time has come. Returns true once.
    fn expires(&mut self, now: Duration) -> bool {
        let expires = self.left(now).is_some_and(|left| left.is_zero());
        if expires {
            *self = Grace::Over;
        }
        expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_gets_one_grace_period() {
        let mut grace = Grace::default();
        let at = Duration::from_secs;
        assert_eq!((grace.left(at(1)), grace.expires(at(1_000))), (None, false));

        grace.begin(at(1));
        grace.begin(at(3));
        assert_eq!(grace.left(at(2)), Some(GRACE - at(1)));
        assert!(!grace.expires(at(2)));
        assert!(grace.expires(at(1) + GRACE));

        grace.begin(at(100));
        assert_eq!((grace.left(at(100)), grace.expires(at(200))), (None, false));
    }
}
