//! The trial of a job that is to replace another: whether the new job has shown that it runs.
//!
//! A job that fails because of its first record is RUNNING until it reads that record. So the trial requests
//! two checkpoints, one after the other: sources take part in the first before they read, and in the second
//! only after successful reading. A checkpoint that fails does not count, and the trial requests another one.
//! A job that still runs at the end of the trial is accepted, because a slow or full disk is no reason to go
//! back to the old job.
//!
//! ```text
//! request   1 ───► written   2 ───► failed   pause   3 ───► written
//! written                1                                        2: passed
//! ```

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::{JobMaster, Request, SavepointError};
use crate::status::JobStatus;

/// The number of checkpoints that a job must complete.
const CHECKPOINTS: u32 = 2;
/// The interval in which the job is looked at.
const STEP: Duration = Duration::from_millis(10);
/// The number of looks between a failed request and the next one.
const PAUSE: u32 = 10;

/// The checkpoints of a job on trial.
#[derive(Debug, Default)]
struct Trial {
    /// Receives the outcome of the current request.
    outcome: Option<Receiver<Result<u64, SavepointError>>>,
    written: u32,
    /// The number of looks before the next request.
    pause: u32,
}

impl Trial {
    /// Counts a written checkpoint, and requests the next one if it is time.
    fn look(&mut self, requests: &Sender<Request>) {
        match self.outcome.as_ref().map(Receiver::try_recv) {
            Some(Err(TryRecvError::Empty)) => return,
            Some(Ok(Ok(_))) => self.written += 1,
            Some(Ok(Err(_)) | Err(TryRecvError::Disconnected)) => self.pause = PAUSE,
            None => {}
        }
        self.outcome = None;

        if self.pause > 0 {
            self.pause -= 1;
        } else if !self.is_passed() {
            let (done, outcome) = bounded(1);
            // If the queue is full, the next look tries again.
            self.outcome = requests.try_send(Request::Checkpoint { done }).is_ok().then_some(outcome);
        }
    }

    fn is_passed(&self) -> bool {
        self.written >= CHECKPOINTS
    }
}

impl JobMaster {
    /// Waits until the job has written two checkpoints, or still runs at the end of the time. Fails with the
    /// reason for which the job does not run.
    pub(crate) fn shows_that_it_runs(&self, at_most: Duration) -> Result<(), String> {
        let mut trial = Trial::default();
        let mut left = at_most;

        loop {
            trial.look(&self.requests);

            let mut life = self.life.lock();
            let status = life.status.current();
            if let Some(failure) = life.failures.last() {
                return Err(failure.text.clone());
            }
            if status != JobStatus::Running {
                return Err(format!("it became {status}"));
            }

            // A subtask may have just failed, before this is recorded.
            let is_failing = life.control.as_ref().is_some_and(|control| control.is_cancelled());
            if left.is_zero() || (trial.is_passed() && !is_failing) {
                return Ok(());
            }
            self.changed.wait_for(&mut life, STEP);
            left = left.saturating_sub(STEP);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks until the job is asked for a checkpoint, and answers.
    fn answer(trial: &mut Trial, queue: &(Sender<Request>, Receiver<Request>), is_written: bool) {
        for _ in 0..=PAUSE {
            trial.look(&queue.0);
        }
        let Ok(Request::Checkpoint { done }) = queue.1.try_recv() else {
            panic!("no checkpoint was requested")
        };
        let outcome = if is_written { Ok(1) } else { Err(SavepointError::NoCheckpoints) };
        done.send(outcome).expect("the trial waits");
        trial.look(&queue.0);
    }

    #[test]
    fn only_written_checkpoints_count() {
        let (mut trial, queue) = (Trial::default(), bounded(1));
        answer(&mut trial, &queue, true);
        answer(&mut trial, &queue, false);
        assert!(!trial.is_passed(), "one was written, and one failed");
        answer(&mut trial, &queue, true);
        assert!(trial.is_passed());

        trial.look(&queue.0);
        assert!(queue.1.is_empty(), "no further checkpoint is requested");
    }

    #[test]
    fn a_full_queue_of_requests_delays_the_trial() {
        let (mut trial, queue) = (Trial::default(), bounded(1));
        queue.0.send(Request::Cancel).expect("there is room");
        trial.look(&queue.0);
        assert!(matches!(queue.1.try_recv(), Ok(Request::Cancel)));

        answer(&mut trial, &queue, true);
        answer(&mut trial, &queue, true);
        assert!(trial.is_passed());
    }
}
