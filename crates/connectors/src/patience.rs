//! Trying again what fails for reasons outside, with growing pauses, until it works or the job gives it up.

use std::error::Error;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a job's writers share: how long they insist.
#[derive(Debug, Default)]
pub struct Patience {
    given_up: Mutex<bool>,
    told: Condvar,
    waiting: AtomicBool,
    broken: OnceLock<String>,
}

/// The job ended while somebody outside did not take what it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job ended before it was written")]
pub struct GivenUp;

impl Patience {
    /// Ends all waiting: whoever insists fails at once, now and later.
    pub fn give_up(&self) {
        *self.given_up.lock() = true;
        self.told.notify_all();
    }

    pub fn is_given_up(&self) -> bool {
        *self.given_up.lock()
    }

    /// One of the writers has panicked, and said this: nothing more comes of waiting.
    pub fn break_off(&self, said: String) {
        let _ = self.broken.set(said);
        self.give_up();
    }

    /// What a writer said that panicked.
    pub fn broken(&self) -> Option<&str> {
        self.broken.get().map(String::as_str)
    }

    /// Whether somebody waits for something outside right now.
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Tries until it works. `doing` says what, for people.
    pub fn insist<T, E: Error>(
        &self,
        doing: &str,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, GivenUp> {
        let mut pause = FIRST_PAUSE;
        let mut failures = 0_u32;
        loop {
            let error = match attempt() {
                Ok(done) => {
                    if failures > 0 {
                        self.waiting.store(false, Ordering::Relaxed);
                        tracing::info!(failures, "could {doing} again");
                    }
                    return Ok(done);
                }
                Err(error) => error,
            };
            failures += 1;
            self.waiting.store(true, Ordering::Relaxed);
            let cause = error.source().map(ToString::to_string);
            tracing::warn!(%error, cause, ?pause, "cannot {doing}; trying again, the sources wait meanwhile");
            let mut given_up = self.given_up.lock();
            self.told.wait_while_for(&mut given_up, |given_up| !*given_up, pause);
            if *given_up {
                tracing::error!(%error, "could not {doing} before the job ended");
                return Err(GivenUp);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn it_goes_on_until_it_works() {
        let patience = Patience::default();
        let mut left = 3;
        let outcome = patience.insist("do it", || {
            left -= 1;
            assert!(left == 2 || patience.is_waiting());
            if left == 0 { Ok("done") } else { Err(std::fmt::Error) }
        });
        assert_eq!(outcome, Ok("done"));
        assert!(!patience.is_waiting());
    }

    #[test]
    fn giving_up_ends_the_waiting_and_all_that_would_come() {
        let patience = Arc::new(Patience::default());
        let waiting = patience.clone();
        let thread = std::thread::spawn(move || waiting.insist("do it", || Err::<(), _>(std::fmt::Error)));
        while !patience.is_waiting() {
            std::thread::yield_now();
        }
        patience.give_up();
        assert_eq!(thread.join().unwrap(), Err(GivenUp));
        assert_eq!(patience.insist("do it", || Err::<(), _>(std::fmt::Error)), Err(GivenUp));
        assert_eq!(patience.insist("do it", || Ok::<_, std::fmt::Error>(1)), Ok(1));
    }
}
