//! Sessions of browsers: a cookie stands for a token, so that no browser stores the token's secret.
//!
//! Sessions live in memory, are shared by all listeners, and end with the process; users then log in again.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::token::{Hash, hash_of, hex, random};

/// Maximum of sessions at one time. A further session replaces the oldest.
const SESSIONS_MAX: usize = 4_096;

pub(super) struct Sessions {
    table: Mutex<HashMap<Hash, Session>>,
    length: Duration,
}

struct Session {
    token_id: String,
    /// End of the session, on the clock's `elapsed`.
    until: Duration,
    /// Dropped with the session, which closes the receivers of its requests.
    alive: watch::Sender<()>,
}

impl Sessions {
    pub(super) fn new(length: Duration) -> Sessions {
        Sessions { table: Mutex::default(), length }
    }

    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// Opens a session and returns its secret. `None` without a source of random numbers.
    pub(super) fn open(&self, token_id: &str, now: Duration) -> Option<String> {
        let secret = hex(&random::<20>()?);
        let mut table = self.table.lock();
        if table.len() >= SESSIONS_MAX {
            table.retain(|_, session| session.until > now);
        }
        if table.len() >= SESSIONS_MAX {
            let oldest = table.iter().min_by_key(|(_, session)| session.until).map(|(key, _)| *key);
            oldest.and_then(|oldest| table.remove(&oldest));
        }
        let session = Session {
            token_id: token_id.to_owned(),
            until: now + self.length,
            alive: watch::Sender::new(()),
        };
        table.insert(hash_of(&secret), session);
        Some(secret)
    }

    /// Returns the id of a session's token, and a receiver that closes with the session.
    pub(super) fn find(&self, secret: &str, now: Duration) -> Option<(String, watch::Receiver<()>)> {
        let mut table = self.table.lock();
        let key = hash_of(secret);
        let session = table.get(&key)?;
        if session.until <= now {
            table.remove(&key);
            return None;
        }
        Some((session.token_id.clone(), session.alive.subscribe()))
    }

    pub(super) fn close(&self, secret: &str) {
        self.table.lock().remove(&hash_of(secret));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_stands_for_its_token_until_it_is_over_or_closed() {
        let sessions = Sessions::new(Duration::from_secs(10));
        let at = Duration::from_secs;
        let (one, two) = (sessions.open("a", at(0)).expect("one"), sessions.open("b", at(5)).expect("two"));
        assert_eq!(sessions.find(&one, at(9)).map(|found| found.0).as_deref(), Some("a"));
        assert!(sessions.find(&one, at(10)).is_none() && sessions.find("guessed", at(0)).is_none());
        let (_, alive) = sessions.find(&two, at(10)).expect("it goes on");
        assert!(alive.has_changed().is_ok());
        sessions.close(&two);
        assert!(sessions.find(&two, at(10)).is_none() && alive.has_changed().is_err());
    }

    #[test]
    fn there_are_only_so_many_and_the_oldest_goes() {
        let sessions = Sessions::new(Duration::from_secs(10));
        let first = sessions.open("a", Duration::ZERO).expect("one");
        for n in 1..=SESSIONS_MAX {
            sessions.open("a", Duration::from_millis(n as u64)).expect("one");
        }
        assert_eq!(sessions.table.lock().len(), SESSIONS_MAX);
        assert!(sessions.find(&first, Duration::from_millis(1)).is_none());
    }
}
