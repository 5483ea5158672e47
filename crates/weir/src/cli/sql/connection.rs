//! The session at the gateway. Keeps it alive while nobody types, and opens another when the gateway has
//! dropped it.

use std::convert::Infallible;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use crate::cli::gateway::{Answer, Gateway, Session};

/// Name of the sessions.
const NAME: &str = "weir sql";

/// Interval of heartbeats, that of Flink's own client.
const HEARTBEAT: Duration = Duration::from_secs(60);

pub(super) struct Connection {
    gateway: Gateway,
    session: Session,
    heart: Heart,
}

/// Sends heartbeats until it is dropped.
struct Heart {
    _stop: Sender<Infallible>,
}

/// Whether the session is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Same,
    /// The declarations and settings of the last session are lost.
    Anew,
}

impl Connection {
    pub(super) fn open(gateway: Gateway) -> Answer<Connection> {
        let session = gateway.open_session(NAME)?;
        let heart = Heart::of(&session);
        Ok(Connection { gateway, session, heart })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Opens a session, after a failure, if the gateway does not know this one any more.
    pub(super) fn mend(&mut self) -> Answer<Standing> {
        if self.session.exists()? {
            return Ok(Standing::Same);
        }
        self.session = self.gateway.open_session(NAME)?;
        self.heart = Heart::of(&self.session);
        Ok(Standing::Anew)
    }

    /// Ends the session and its queries.
    pub(super) fn close(&self) {
        // An unreachable gateway ends the session by itself once it is idle.
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
                // The next statement reports the error.
                let _ = session.heartbeat();
            }
        });
        Heart { _stop: stop }
    }
}
