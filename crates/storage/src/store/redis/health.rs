//! Health of the result store: whether it takes rows, whether readers hear of them, and warnings for its
//! operator.
//!
//! Four activities are watched, each with a slot of its own, since one can fail while the others succeed:
//!
//! * writing: a write of rows fails. Ends with a successful write, with a successful heartbeat after one that
//!   failed for the same reason, or 30 s after the last failure.
//! * heartbeat: the check of the servers, every second, fails. Ends with a successful check.
//! * telling: a `PUBLISH` is refused. Ends with an accepted one, or 15 min after the last refusal.
//! * hearing: a `SUBSCRIBE` is refused. Ends with an accepted one. Only a warning, since Weir's own rows do
//!   not need it.
//!
//! A successful heartbeat says nothing about rows: the user may lack the right to write them, or their slot
//! in a cluster may have no master.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

use super::connection::code;
use crate::store::StoreError;

/// Duration of a heartbeat above which the server counts as slow.
const SLOW: Duration = Duration::from_secs(1);
/// Time after the last eviction during which the server counts as evicting.
const EVICTED_LATELY: Duration = Duration::from_secs(60);
/// Time for which a failed write counts that is not repeated. A job repeats within five seconds.
const UNTRIED: Duration = Duration::from_secs(30);
/// The same for a refused message; the next follow with the next results, which may be minutes away.
const UNTOLD: Duration = Duration::from_secs(15 * 60);

/// The latest findings.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<HealthState>);

#[derive(Debug, Default)]
struct HealthState {
    writing: Option<Failure>,
    heartbeat: Option<Trouble>,
    telling: Option<Failure>,
    /// Reason why changes of others are not received.
    hearing: Option<String>,
    /// The trouble that was logged last.
    logged: Option<Trouble>,
    is_slow: bool,
    /// Keys evicted since a server started, as the server counts them.
    evicted: BTreeMap<String, u64>,
    evicted_at: Option<Duration>,
}

/// Trouble that ends after a time without another failure.
#[derive(Debug)]
struct Failure {
    trouble: Trouble,
    at: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Unreachable {
        why: String,
    },
    Refused {
        command: String,
        answer: String,
    },
    /// The server takes rows, but refuses the messages about them.
    Untold {
        command: String,
        answer: String,
    },
}

impl Health {
    /// Records the outcome of a write of rows. A write that failed on this machine says nothing about Redis.
    pub fn wrote<T>(&self, outcome: &Result<T, StoreError>, now: Duration) {
        let trouble = match outcome {
            Ok(_) => None,
            Err(error @ (StoreError::Unreachable { .. } | StoreError::Refused { .. })) => {
                Some(Trouble::of(error))
            }
            Err(_) => return,
        };
        self.change(now, |state| state.writing = trouble.map(|trouble| Failure { trouble, at: now }));
    }

    /// Records the outcome of a check of the servers.
    pub fn looked<T>(&self, outcome: &Result<T, StoreError>, now: Duration) {
        self.change(now, |state| {
            let found = outcome.as_ref().err().map(Trouble::of);
            if found.is_none()
                && let (Some(before), Some(write)) = (&state.heartbeat, &state.writing)
                && before.is_kind_of(&write.trouble)
            {
                state.writing = None;
            }
            state.heartbeat = found;
        });
    }

    /// Records the outcome of publishing messages about written rows.
    pub fn told<T>(&self, outcome: &Result<T, StoreError>, now: Duration) {
        let trouble = outcome.as_ref().err().map(|error| Trouble::of(error).beside_rows());
        self.change(now, |state| state.telling = trouble.map(|trouble| Failure { trouble, at: now }));
    }

    /// Records the outcome of subscribing to the changes of others.
    pub fn subscribed<T>(&self, outcome: &Result<T, StoreError>) {
        let why = match outcome {
            Ok(_) => None,
            Err(error @ StoreError::Refused { .. }) => Some(error.to_string()),
            // An unreachable server says nothing about the right to subscribe.
            Err(_) => return,
        };
        let before = std::mem::replace(&mut self.0.lock().hearing, why.clone());
        if let (None, Some(why)) = (before, why) {
            tracing::warn!(why, "Weir does not notice rows that other programs write into the result store");
        }
    }

    /// Fails when the store does not take rows or does not publish messages.
    pub fn answer(&self, now: Duration) -> Result<(), StoreError> {
        match self.0.lock().worst(now) {
            None => Ok(()),
            Some(Trouble::Unreachable { why }) => Err(StoreError::Unreachable { source: why.clone().into() }),
            Some(Trouble::Refused { command, answer }) => {
                Err(StoreError::Refused { command: command.clone(), answer: answer.clone() })
            }
            Some(Trouble::Untold { command, answer }) => {
                Err(StoreError::Untold { command: command.clone(), answer: answer.clone() })
            }
        }
    }

    /// Returns a warning about a store that takes results.
    pub fn remark(&self, now: Duration) -> Option<String> {
        let state = self.0.lock();
        if state.evicts(now) {
            return Some("the result store is full and evicts results before their time".to_owned());
        }
        if state.is_slow {
            return Some("the result store takes seconds to answer".to_owned());
        }
        let why = state.hearing.as_ref()?;
        Some(format!("Weir does not notice rows that other programs write: {why}"))
    }

    /// Records the duration of a check.
    pub fn took(&self, length: Duration) {
        let is_slow = length >= SLOW;
        if is_slow != std::mem::replace(&mut self.0.lock().is_slow, is_slow) {
            match is_slow {
                true => tracing::warn!(?length, "the result store is slow to answer"),
                false => tracing::info!("the result store answers fast again"),
            }
        }
    }

    /// Records how many keys a server has evicted since it started.
    pub fn evicted(&self, server: &str, keys: u64, now: Duration) {
        let mut state = self.0.lock();
        let before = state.evicted.insert(server.to_owned(), keys);
        // A restarted server counts from zero.
        if let Some(before) = before.filter(|before| *before < keys) {
            let lately = state.evicts(now);
            state.evicted_at = Some(now);
            if !lately {
                let lost = keys - before;
                tracing::warn!(
                    server,
                    lost,
                    "the result store is full and has evicted keys before their time"
                );
            }
        }
    }

    /// Changes the state, and logs the difference.
    fn change(&self, now: Duration, change: impl FnOnce(&mut HealthState)) {
        let mut state = self.0.lock();
        change(&mut state);

        let worst = state.worst(now).cloned();
        let is_news = match (&state.logged, &worst) {
            (Some(before), Some(now)) => !before.is_kind_of(now),
            (before, now) => before.is_some() != now.is_some(),
        };
        if !is_news {
            return;
        }
        match &worst {
            None => tracing::info!("the result store accepts results again"),
            Some(Trouble::Unreachable { why }) => {
                // Scripts search logs for the first four words, a line of the programs that Weir replaces.
                tracing::error!(
                    "Connection refused to Redis at {why}; jobs wait and lose nothing: start Redis, or correct `redis.url` \
                     (REDIS_URL) or `redis.host` and `redis.port` (REDIS_HOST, REDIS_PORT)"
                );
                tracing::warn!(error = why, "the result store does not answer")
            }
            Some(Trouble::Refused { command, answer }) => {
                tracing::warn!(command, answer, "the result store answers, but refuses results");
            }
            Some(Trouble::Untold { command, answer }) => {
                tracing::warn!(
                    command,
                    answer,
                    "the result store accepts results, but refuses their notifications"
                );
            }
        }
        state.logged = worst;
    }
}

impl HealthState {
    /// Returns the most important of the current troubles.
    fn worst(&self, now: Duration) -> Option<&Trouble> {
        let lasting = |failure: &'_ Option<Failure>, most: Duration| {
            failure.as_ref().is_some_and(|failure| now.saturating_sub(failure.at) < most)
        };
        let writing = self.writing.as_ref().filter(|_| lasting(&self.writing, UNTRIED));
        let writing = writing.map(|failure| &failure.trouble);
        let telling = self.telling.as_ref().filter(|_| lasting(&self.telling, UNTOLD));
        let telling = telling.map(|failure| &failure.trouble);
        writing.or(self.heartbeat.as_ref()).or(telling)
    }

    fn evicts(&self, now: Duration) -> bool {
        self.evicted_at.is_some_and(|at| now.saturating_sub(at) < EVICTED_LATELY)
    }
}

impl Trouble {
    fn of(error: &StoreError) -> Trouble {
        match error {
            StoreError::Refused { command, answer } => {
                Trouble::Refused { command: command.clone(), answer: answer.clone() }
            }
            // The message of the cause, without the store's own.
            error => Trouble::Unreachable {
                why: std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string),
            },
        }
    }

    /// Returns the same trouble for a server that takes rows all the same.
    fn beside_rows(self) -> Trouble {
        match self {
            Trouble::Refused { command, answer } => Trouble::Untold { command, answer },
            other => other,
        }
    }

    /// Returns whether both have the same reason: an unreachable server, or the same error code.
    fn is_kind_of(&self, other: &Trouble) -> bool {
        match (self, other) {
            (Trouble::Unreachable { .. }, Trouble::Unreachable { .. }) => true,
            (Trouble::Refused { answer, .. }, Trouble::Refused { answer: other, .. }) => {
                code(answer) == code(other)
            }
            (Trouble::Untold { .. }, Trouble::Untold { .. }) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn away() -> Result<(), StoreError> {
        Err(StoreError::Unreachable { source: "refused".into() })
    }

    fn refused(command: &str, answer: &str) -> Result<(), StoreError> {
        Err(StoreError::Refused { command: command.to_owned(), answer: answer.to_owned() })
    }

    #[test]
    fn a_heartbeat_does_not_end_the_trouble_of_writes() {
        let health = Health::default();
        health.wrote(&refused("SETEX analytics:a", "NOPERM"), at(0));
        health.looked(&Ok(()), at(1));
        let told = health.answer(at(1)).unwrap_err().to_string();
        assert_eq!(told, "the result store refused SETEX analytics:a: NOPERM");
        health.wrote(&Ok(()), at(2));
        assert!(health.answer(at(2)).is_ok());
    }

    #[test]
    fn the_trouble_of_writes_ends_when_nobody_tries_any_more() {
        let health = Health::default();
        health.wrote(&refused("SETEX analytics:a", "NOPERM"), at(0));
        assert!(health.answer(at(29)).is_err());
        assert!(health.answer(at(30)).is_ok());
    }

    #[test]
    fn a_heartbeat_that_is_back_ends_the_trouble_of_writes_that_it_shared() {
        let health = Health::default();
        for (trouble, other) in
            [(away(), away()), (refused("SETEX a", "OOM command"), refused("SADD b", "OOM"))]
        {
            health.wrote(&trouble, at(0));
            health.looked(&other, at(1));
            assert!(health.answer(at(1)).is_err());
            health.looked(&Ok(()), at(2));
            assert!(health.answer(at(2)).is_ok());
        }
        health.wrote(&refused("SETEX a", "NOPERM"), at(0));
        health.looked(&away(), at(1));
        health.looked(&Ok(()), at(2));
        assert!(health.answer(at(2)).is_err(), "another reason");
    }

    #[test]
    fn a_refused_message_is_told_beside_rows_that_are_written() {
        let health = Health::default();
        health.wrote(&Ok(()), at(0));
        health.told(&refused("PUBLISH analytics:updates", "NOPERM"), at(0));
        let told = health.answer(at(1)).unwrap_err().to_string();
        assert!(
            told.contains("PUBLISH analytics:updates") && told.ends_with("do not learn of changes: NOPERM"),
            "{told}"
        );
        health.told(&Ok(()), at(2));
        assert!(health.answer(at(2)).is_ok());
        health.told(&refused("PUBLISH analytics:updates", "NOPERM"), at(3));
        health.looked(&away(), at(3));
        assert!(
            health.answer(at(3)).unwrap_err().to_string().contains("reached"),
            "what is worse comes first"
        );
    }

    #[test]
    fn a_refused_subscription_is_a_remark() {
        let health = Health::default();
        health.subscribed(&refused("SUBSCRIBE analytics:updates", "NOPERM"));
        assert!(health.remark(at(9)).is_some_and(|remark| remark.contains("SUBSCRIBE analytics:updates")));
        assert!(health.answer(at(9)).is_ok());
        health.subscribed(&Ok(()));
        assert_eq!(health.remark(at(9)), None);
    }

    #[test]
    fn keys_evicted_before_we_looked_or_long_ago_are_no_news() {
        let health = Health::default();
        health.evicted("a", 70, at(0));
        health.evicted("b", 90, at(0));
        assert_eq!(health.remark(at(1)), None);
        health.evicted("a", 71, at(10));
        assert!(health.remark(at(69)).is_some_and(|remark| remark.contains("evicts")));
        assert_eq!(health.remark(at(70)), None);
        health.evicted("a", 0, at(80));
        assert_eq!(health.remark(at(80)), None);
    }

    #[test]
    fn a_store_that_takes_seconds_is_slow_until_it_does_not() {
        let health = Health::default();
        health.took(at(2));
        assert!(health.remark(at(0)).is_some());
        health.took(at(0));
        assert_eq!(health.remark(at(0)), None);
    }
}
