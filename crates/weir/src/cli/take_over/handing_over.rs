//! The end of a take-over: the old job goes on until it has closed every window that the trial had closed.

use std::time::Duration;

use anyhow::anyhow;
use crossbeam_channel::{Receiver, never};
use types::Clock;

use super::comparing::Verdict;
use super::here::written;
use crate::cli::Failure;
use crate::cli::terminal::{complain, print};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a savepoint is tried.
const SAVEPOINT_MAX: Duration = Duration::from_secs(120);

impl Verdict {
    /// Prints the rows that differ, a JSON object for each.
    ///
    /// # Errors
    /// Not all compared rows are equal.
    pub(in crate::cli) fn demand(self) -> Result<(), Failure> {
        match self {
            Verdict::Equal => Ok(()),
            Verdict::Failed(why) => Err(Failure::failed(anyhow!(why))),
            Verdict::Different(differences) => {
                for difference in &differences {
                    print(&serde_json::to_string(difference).map_err(Failure::failed)?)?;
                }
                Err(Failure::failed(anyhow!("{} rows are not equal", differences.len())))
            }
        }
    }
}

/// Waits until a job has closed all windows up to a wall-clock time. `closed` returns the time up to which it has.
///
/// # Errors
/// The job has not done so after `longest`.
pub(in crate::cli) fn wait_until_closed(
    clock: &dyn Clock,
    longest: Duration,
    until: i64,
    mut closed: impl FnMut() -> Result<Option<i64>, Failure>,
) -> Result<(), Failure> {
    let waiting: Receiver<()> = never();
    let end = clock.elapsed() + longest;
    loop {
        // The job's system may be away for a while, as after a crash.
        let problem = match closed() {
            Ok(Some(closed)) if closed >= until => return Ok(()),
            Ok(Some(closed)) => format!("it has closed windows up to {}", written(closed)),
            Ok(None) => "it has no watermark".to_owned(),
            Err(failure) => failure.to_string(),
        };
        if clock.elapsed() >= end {
            let until = written(until);
            return Err(Failure::failed(anyhow!(
                "the old job does not close the windows up to {until}: {problem}"
            )));
        }
        // Nothing is ever sent here: the channel only serves for waiting.
        let _ = waiting.recv_timeout(PAUSE);
    }
}

/// Takes a savepoint of the trial, and tries again while the trial recovers from a failure.
///
/// # Errors
/// The trial has ended, or there is no savepoint for too long.
pub(in crate::cli) fn savepoint_of_trial(
    clock: &dyn Clock,
    take: impl Fn() -> Result<String, Failure>,
    has_ended: impl Fn() -> Result<bool, Failure>,
) -> Result<String, Failure> {
    let waiting: Receiver<()> = never();
    let end = clock.elapsed() + SAVEPOINT_MAX;
    let mut is_told = false;
    loop {
        let failure = match take() {
            Ok(location) => return Ok(location),
            Err(failure) => failure,
        };
        if clock.elapsed() >= end || has_ended().is_ok_and(|has_ended| has_ended) {
            return Err(failure);
        }
        if !is_told {
            complain(&format!("trying again: {failure}"));
            is_told = true;
        }
        // Nothing is ever sent here: the channel only serves for waiting.
        let _ = waiting.recv_timeout(PAUSE);
    }
}

/// Stops the old job with a savepoint, and returns where its state is, as the end of a sentence. An answer may get lost, so the job is
/// looked at before the request is repeated.
///
/// # Errors
/// Nobody knows whether the old job runs. The new one does, and is not touched, because it may be the only one.
pub(in crate::cli) fn stop_old(
    clock: &dyn Clock,
    name: &str,
    stop: impl Fn() -> Result<String, Failure>,
    has_ended: impl Fn() -> Result<bool, Failure>,
) -> Result<String, Failure> {
    let waiting: Receiver<()> = never();
    let end = clock.elapsed() + SAVEPOINT_MAX;
    loop {
        let failure = match stop() {
            Ok(location) => return Ok(format!(", its state is in {location}")),
            Err(failure) => failure,
        };
        if has_ended().is_ok_and(|has_ended| has_ended) {
            return Ok(String::new());
        }
        if clock.elapsed() >= end {
            complain(&format!(
                "the rows are equal, and the new job runs, but the old job {name} cannot be stopped: stop it by hand"
            ));
            return Err(failure);
        }
        // Nothing is ever sent here: the channel only serves for waiting.
        let _ = waiting.recv_timeout(PAUSE);
    }
}
