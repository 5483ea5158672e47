//! The session at the gateway: kept alive while nobody types, and made anew when the gateway has forgotten it.

use std::convert::Infallible;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::gateway::{Answer, Gateway, Session};

/// As often as Flink's own client.
const HEARTBEAT: Duration = Duration::from_secs(60);

pub(super) struct Connection {
    gateway: Gateway,
    session: Session,
    heart: Heart,
}

/// Beats until it is dropped.
struct Heart {
    _stop: Sender<Infallible>,
}

/// Whether the session is the one of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Same,
    /// What was declared and set in the one before is gone.
    Anew,
}

impl Connection {
    pub(super) fn open(gateway: Gateway) -> Answer<Connection> {
        let session = gateway.open_session()?;
        let heart = Heart::of(&session);
        Ok(Connection { gateway, session, heart })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// After something has failed: opens a session if the gateway does not know this one any more.
    pub(super) fn mend(&mut self) -> Answer<Standing> {
        if self.session.exists()? {
            return Ok(Standing::Same);
        }
        self.session = self.gateway.open_session()?;
        self.heart = Heart::of(&self.session);
        Ok(Standing::Anew)
    }

    /// Ends the session and its queries.
    pub(super) fn close(&self) {
        // Whoever cannot be reached ends it by itself, for doing nothing.
        let _ = self.session.close();
    }
}

impl Heart {
    fn of(session: &Session) -> Heart {
        let (stop, stopped) = bounded::<Infallible>(0);
        let session = session.clone();
        // Without a thread the session lives as long as it is used.
        let _ = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(HEARTBEAT) {
                // The next statement finds out what is wrong.
                let _ = session.heartbeat();
            }
        });
        Heart { _stop: stop }
    }
}
