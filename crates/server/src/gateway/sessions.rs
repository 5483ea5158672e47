//! Sessions by handle. A session is closed when it has not been used for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::fault::{Fault, GATEWAY};
use super::handle::Handle;
use super::operations::Operations;
use super::queries::Queries;

pub(super) struct Sessions {
    open: Mutex<Open>,
    at_most: usize,
    /// Queries of all sessions.
    pub(super) queries: Queries,
}

#[derive(Default)]
struct Open {
    by_handle: BTreeMap<Handle, Arc<Session>>,
    /// Whether no more sessions are opened.
    is_over: bool,
}

pub(super) struct Session {
    pub(super) handle: Handle,
    /// Declarations and settings. Locked while a statement is analysed, one at a time.
    pub(super) sql: Mutex<sql::session::Session>,
    pub(super) operations: Mutex<Operations>,
    used: Mutex<Used>,
}

/// Time of a session's last use, and the number of requests that use it now.
struct Used {
    at: Duration,
    now: usize,
}

/// A request that uses a session. While it exists, the session is not idle.
pub(super) struct Use {
    session: Arc<Session>,
    clock: Arc<dyn types::Clock>,
}

impl std::ops::Deref for Use {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut used = self.session.used.lock();
        used.now -= 1;
        used.at = self.clock.elapsed();
    }
}

impl Sessions {
    pub(super) fn new(at_most: usize) -> Sessions {
        Sessions { open: Mutex::default(), at_most, queries: Queries::default() }
    }

    pub(super) fn open(&self, properties: BTreeMap<String, String>, now: Duration) -> Result<Handle, Fault> {
        let mut open = self.open.lock();
        if open.is_over || open.by_handle.len() >= self.at_most {
            let message = format!("there are {} sessions already: close some of them", open.by_handle.len());
            return Err(Fault::new(GATEWAY, message));
        }
        let session = Session {
            handle: Handle::new(),
            sql: Mutex::new(sql::session::Session::new(properties)),
            operations: Mutex::default(),
            used: Mutex::new(Used { at: now, now: 0 }),
        };
        let handle = session.handle;
        open.by_handle.insert(handle, Arc::new(session));
        Ok(handle)
    }

    /// Returns a session for a request that uses it.
    pub(super) fn take(&self, handle: Handle, clock: &Arc<dyn types::Clock>) -> Result<Use, Fault> {
        let open = self.open.lock();
        let session = open.by_handle.get(&handle).cloned().ok_or_else(|| unknown(handle))?;
        // Count the use under the lock, so that the session does not count as idle meanwhile.
        session.used.lock().now += 1;
        Ok(Use { session, clock: Arc::clone(clock) })
    }

    pub(super) fn close(&self, handle: Handle) -> Result<(), Fault> {
        let session = self.open.lock().by_handle.remove(&handle).ok_or_else(|| unknown(handle))?;
        session.operations.lock().close_all();
        Ok(())
    }

    /// Closes sessions that were idle for `idle` or longer.
    pub(super) fn expire(&self, now: Duration, idle: Duration) {
        let mut open = self.open.lock();
        let is_idle = |session: &Session| {
            let used = session.used.lock();
            used.now == 0 && now.saturating_sub(used.at) >= idle
        };
        let expired: Vec<Handle> =
            open.by_handle.values().filter(|of| is_idle(of)).map(|of| of.handle).collect();
        let closed: Vec<Arc<Session>> =
            expired.iter().filter_map(|handle| open.by_handle.remove(handle)).collect();
        drop(open);
        for session in closed {
            tracing::info!(session = %session.handle, "a session of the SQL gateway was idle and is closed");
            session.operations.lock().close_all();
        }
    }

    pub(super) fn close_all(&self) {
        let mut open = self.open.lock();
        open.is_over = true;
        let closed = std::mem::take(&mut open.by_handle);
        drop(open);
        closed.values().for_each(|session| session.operations.lock().close_all());
    }
}

fn unknown(handle: Handle) -> Fault {
    Fault::new(GATEWAY, format!("Session '{handle}' does not exist."))
}

#[cfg(test)]
mod tests {
    use types::{Clock, Interval, ManualClock, Timestamp};

    use super::*;

    #[test]
    fn a_session_that_is_used_is_not_idle() {
        let manual = Arc::new(ManualClock::at(Timestamp(0)));
        let clock: Arc<dyn Clock> = manual.clone();
        let sessions = Sessions::new(8);
        let idle = Duration::from_secs(10);
        let open = || sessions.open(BTreeMap::new(), clock.elapsed()).expect("room");
        let (used, unused) = (open(), open());
        let request = sessions.take(used, &clock).expect("a session");
        manual.advance(Interval(11_000));
        sessions.expire(clock.elapsed(), idle);
        assert!(sessions.take(unused, &clock).is_err());
        drop(request);
        manual.advance(Interval(9_000));
        sessions.expire(clock.elapsed(), idle);
        assert!(sessions.take(used, &clock).is_ok(), "it was used until nine seconds ago");
        manual.advance(Interval(10_000));
        sessions.expire(clock.elapsed(), idle);
        assert!(sessions.take(used, &clock).is_err());
    }

    #[test]
    fn there_are_so_many_sessions() {
        let sessions = Sessions::new(1);
        let first = sessions.open(BTreeMap::new(), Duration::ZERO).expect("room");
        assert!(sessions.open(BTreeMap::new(), Duration::ZERO).is_err());
        sessions.close(first).expect("it was open");
        assert!(sessions.close(first).is_err());
        sessions.open(BTreeMap::new(), Duration::ZERO).expect("room");
        sessions.close_all();
        assert!(sessions.open(BTreeMap::new(), Duration::ZERO).is_err(), "nothing is opened any more");
    }
}
