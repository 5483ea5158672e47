//! The retry policy of a job's writers.
//!
//! A job writes results, topics and dead letters to external systems. A write that fails for a temporary
//! reason (a broker that restarts, a full disk) is repeated with growing pauses until it succeeds or the job
//! ends. A write that can never succeed (a record that is too large, an invalid key) is not repeated, and the
//! job fails with the reason. Lookups are repeated like writes. While a write waits, [`Retry::blocked`]
//! returns what waits, since when and why, for `weir jobs list`, `/readyz`, the metrics and the pages.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use storage::log::LogError;
use storage::store::StoreError;
use types::{Clock, ErrorDomain, Timestamp, with_causes};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Distinguishes temporary from permanent errors.
pub trait Transience {
    /// Returns false if the same operation would always fail in the same way.
    fn is_transient(&self) -> bool;
}

impl Transience for LogError {
    fn is_transient(&self) -> bool {
        self.domain() == ErrorDomain::External
    }
}

impl Transience for StoreError {
    fn is_transient(&self) -> bool {
        self.domain() == ErrorDomain::External
    }
}

/// A write that is being repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Description of the operation, such as `write results`.
    pub doing: String,
    /// The error of the last attempt, with its causes.
    pub error: String,
    /// Time of the first failure.
    pub since: Timestamp,
    /// Number of failed attempts.
    pub failures: u32,
}

/// The retry policy that all writers of a job share.
pub struct Retry {
    clock: Arc<dyn Clock>,
    is_stopped: Mutex<bool>,
    stopping: Condvar,
    /// One entry for each thread that repeats a write now.
    blocked: Mutex<Vec<Blocked>>,
    aborted: OnceLock<String>,
}

/// The reason why a write did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetryError<E> {
    /// The job ended while the write was being repeated.
    #[error("the job ended before the operation succeeded")]
    Stopped,
    /// Repeating the write cannot help.
    #[error(transparent)]
    Permanent(E),
}

/// The job ended while a write was being repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job ended before the operation succeeded")]
pub struct Stopped;

impl Retry {
    pub fn new(clock: Arc<dyn Clock>) -> Retry {
        Retry {
            clock,
            is_stopped: Mutex::new(false),
            stopping: Condvar::new(),
            blocked: Mutex::default(),
            aborted: OnceLock::new(),
        }
    }

    /// Ends all waiting: failed writes are no longer repeated.
    pub fn stop(&self) {
        *self.is_stopped.lock() = true;
        self.stopping.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        *self.is_stopped.lock()
    }

    /// Stops all writes because a writer cannot continue; the job fails with the reason.
    pub fn abort(&self, reason: String) {
        let _ = self.aborted.set(reason);
        self.stop();
    }

    /// Returns the reason given to [`Retry::abort`], if it was called.
    pub fn aborted(&self) -> Option<&str> {
        self.aborted.get().map(String::as_str)
    }

    /// Returns the write that has been repeated for the longest time, if any.
    pub fn blocked(&self) -> Option<Blocked> {
        self.blocked.lock().iter().min_by_key(|blocked| blocked.since).cloned()
    }

    /// Repeats `attempt` until it succeeds, fails permanently, or the job ends. `doing` describes it in
    /// messages.
    pub fn run<T, E: Error + Transience>(
        &self,
        doing: &str,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, RetryError<E>> {
        let mut waiting = Waiting { retry: self, doing, failures: 0, since: Timestamp(0) };
        let mut pause = FIRST_PAUSE;

        loop {
            let error = match attempt() {
                Ok(done) => {
                    if waiting.failures > 0 {
                        tracing::info!(failures = waiting.failures, "could {doing} again");
                    }
                    return Ok(done);
                }
                Err(error) if !error.is_transient() => {
                    tracing::error!(
                        error = with_causes(&error),
                        "cannot {doing}, and repeating it cannot help"
                    );
                    return Err(RetryError::Permanent(error));
                }
                Err(error) => error,
            };

            let text = with_causes(&error);
            tracing::warn!(
                error = text,
                ?pause,
                "cannot {doing}; it is repeated, and the sources wait until it succeeds"
            );
            waiting.failed(text);

            let mut is_stopped = self.is_stopped.lock();
            self.stopping.wait_while_for(&mut is_stopped, |is_stopped| !*is_stopped, pause);
            if *is_stopped {
                tracing::error!(error = with_causes(&error), "could not {doing} before the job ended");
                return Err(RetryError::Stopped);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Lists a write as blocked from its first failure to its end, even if the attempt panics.
struct Waiting<'a> {
    retry: &'a Retry,
    doing: &'a str,
    failures: u32,
    since: Timestamp,
}

impl Waiting<'_> {
    fn failed(&mut self, error: String) {
        self.remove();
        if self.failures == 0 {
            self.since = self.retry.clock.now();
        }
        self.failures += 1;

        let (since, failures) = (self.since, self.failures);
        let blocked = Blocked { doing: self.doing.to_owned(), error, since, failures };
        self.retry.blocked.lock().push(blocked);
    }

    fn remove(&self) {
        if self.failures == 0 {
            return;
        }
        let mut blocked = self.retry.blocked.lock();
        let own =
            |of: &Blocked| of.doing == self.doing && of.since == self.since && of.failures == self.failures;
        if let Some(place) = blocked.iter().position(own) {
            blocked.swap_remove(place);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use types::ManualClock;

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
    enum Refusal {
        #[error("away")]
        Away,
        #[error("too large")]
        TooLarge,
    }

    impl Transience for Refusal {
        fn is_transient(&self) -> bool {
            *self == Refusal::Away
        }
    }

    fn retry() -> Arc<Retry> {
        Arc::new(Retry::new(Arc::new(ManualClock::at(Timestamp(7)))))
    }

    #[test]
    fn a_write_is_repeated_until_it_succeeds() {
        let retry = retry();
        let mut left = 3;
        let outcome = retry.run("write", || {
            left -= 1;
            if left < 2 {
                let blocked = retry.blocked().expect("it failed before");
                assert_eq!((&*blocked.doing, &*blocked.error), ("write", "away"));
                assert_eq!((blocked.since, blocked.failures), (Timestamp(7), 2 - left));
            }
            if left == 0 { Ok("done") } else { Err(Refusal::Away) }
        });
        assert_eq!(outcome, Ok("done"));
        assert_eq!(retry.blocked(), None);
    }

    #[test]
    fn a_write_that_can_never_succeed_is_not_repeated() {
        let mut tries = 0;
        let outcome = retry().run("write", || {
            tries += 1;
            Err::<(), _>(Refusal::TooLarge)
        });
        assert_eq!((outcome, tries), (Err(RetryError::Permanent(Refusal::TooLarge)), 1));
    }

    #[test]
    fn stopping_ends_the_waiting_and_all_that_would_come() {
        let retry = retry();
        let waiting = retry.clone();
        let thread = std::thread::spawn(move || waiting.run("write", || Err::<(), _>(Refusal::Away)));
        while retry.blocked().is_none() {
            std::thread::yield_now();
        }
        retry.stop();
        assert_eq!(thread.join().unwrap(), Err(RetryError::Stopped));
        assert_eq!(retry.run("write", || Err::<(), _>(Refusal::Away)), Err(RetryError::Stopped));
        assert_eq!(retry.run("write", || Ok::<_, Refusal>(1)), Ok(1));
        assert_eq!(retry.blocked(), None);
    }
}
