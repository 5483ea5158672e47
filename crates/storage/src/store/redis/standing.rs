//! How the server stands: whether it answers, whether it takes rows, and what else whoever operates it should know.

use std::time::Duration;

use parking_lot::Mutex;

use crate::store::StoreError;

/// An answer that takes so long is worth a word.
const SLOW: Duration = Duration::from_secs(1);
/// How long after the last eviction it still counts as one that evicts.
const EVICTED_LATELY: Duration = Duration::from_secs(60);

/// What was last found.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    trouble: Option<Trouble>,
    is_slow: bool,
    /// Keys evicted since the server started, as it counts them.
    evicted: Option<u64>,
    evicted_at: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Trouble {
    Unreachable(String),
    Refuses(String),
}

impl Standing {
    /// Takes what came of asking, or of writing.
    pub fn found<T>(&self, outcome: &Result<T, StoreError>) {
        let trouble = outcome.as_ref().err().map(|error| match error {
            StoreError::Refused { answer } => Trouble::Refuses(answer.clone()),
            error => Trouble::Unreachable(causes(error)),
        });
        let before = std::mem::replace(&mut self.0.lock().trouble, trouble.clone());
        match (before, trouble) {
            (Some(_), None) => tracing::info!("the result store takes results again"),
            (None | Some(Trouble::Refuses(_)), Some(Trouble::Unreachable(error))) => {
                tracing::warn!(error, "the result store does not answer");
            }
            (None | Some(Trouble::Unreachable(_)), Some(Trouble::Refuses(answer))) => {
                tracing::warn!(answer, "the result store answers, and takes no results");
            }
            _ => {}
        }
    }

    /// Takes how long an answer took.
    pub fn took(&self, length: Duration) {
        let is_slow = length >= SLOW;
        if is_slow != std::mem::replace(&mut self.0.lock().is_slow, is_slow) {
            match is_slow {
                true => tracing::warn!(?length, "the result store is slow to answer"),
                false => tracing::info!("the result store answers fast again"),
            }
        }
    }

    /// Takes how many keys the server has evicted since it started.
    pub fn evicted(&self, keys: u64, now: Duration) {
        let mut state = self.0.lock();
        // A server that was started again counts from nothing.
        if let Some(before) = state.evicted.replace(keys).filter(|before| *before < keys) {
            let lately = state.evicts(now);
            state.evicted_at = Some(now);
            if !lately {
                let lost = keys - before;
                tracing::warn!(lost, "the result store is full and has evicted keys before their time");
            }
        }
    }

    /// Whether it takes results.
    pub fn answer(&self) -> Result<(), StoreError> {
        match self.0.lock().trouble.clone() {
            None => Ok(()),
            Some(Trouble::Unreachable(error)) => Err(StoreError::Unreachable { source: error.into() }),
            Some(Trouble::Refuses(answer)) => Err(StoreError::Refused { answer }),
        }
    }

    /// What is worth a word though it takes results.
    pub fn remark(&self, now: Duration) -> Option<String> {
        let state = self.0.lock();
        if state.evicts(now) {
            return Some("the result store is full and evicts results before their time".to_owned());
        }
        state.is_slow.then(|| "the result store takes seconds to answer".to_owned())
    }
}

impl State {
    fn evicts(&self, now: Duration) -> bool {
        self.evicted_at.is_some_and(|at| now.saturating_sub(at) < EVICTED_LATELY)
    }
}

/// What went wrong beneath the store's own words.
fn causes(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_as_it_was_last_found() {
        let standing = Standing::default();
        standing.found::<()>(&Err(StoreError::Unreachable { source: "refused".into() }));
        let away = standing.answer().unwrap_err();
        assert_eq!(std::error::Error::source(&away).unwrap().to_string(), "refused");
        standing.found::<()>(&Err(StoreError::Refused { answer: "OOM".to_owned() }));
        assert_eq!(standing.answer().unwrap_err().to_string(), "the result store refused: OOM");
        standing.found(&Ok(()));
        assert!(standing.answer().is_ok());
    }

    #[test]
    fn keys_evicted_before_we_looked_or_long_ago_are_no_news() {
        let standing = Standing::default();
        standing.evicted(70, at(0));
        assert_eq!(standing.remark(at(1)), None);
        standing.evicted(71, at(10));
        assert!(standing.remark(at(69)).is_some_and(|remark| remark.contains("evicts")));
        assert_eq!(standing.remark(at(70)), None);
        standing.evicted(0, at(80));
        assert_eq!(standing.remark(at(80)), None);
    }

    #[test]
    fn one_that_takes_seconds_is_slow_until_it_does_not() {
        let standing = Standing::default();
        standing.took(at(2));
        assert!(standing.remark(at(0)).is_some());
        standing.took(at(0));
        assert_eq!(standing.remark(at(0)), None);
    }
}
