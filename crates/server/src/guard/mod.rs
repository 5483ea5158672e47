//! Authentication and authorization on every listener.
//!
//! No token is required as long as there are none and only this machine can connect. Once there is a file of
//! tokens, or a listener is reachable from other machines, each request needs a token with the role that
//! `rules` demands: as `Authorization: Bearer`, or by a session's cookie. Every request passes `door`; the
//! other modules answer its checks.

mod role;
mod token;

mod file;
mod known;
mod session;

mod rules;

mod audit;
mod body;
mod door;
mod headers;
mod host;
mod login;
mod mount;
mod rate;
mod refusal;
mod tls;
mod uses;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use parking_lot::Mutex;
use tokio::sync::watch;
use types::{Clock, ErrorDomain};

pub(crate) use audit::{AboutJob, OnlyAsked};
pub(crate) use body::{is_late, timed};
pub(crate) use door::Door;
pub use file::{TokenError, TokenFile};
pub(crate) use known::Lease;
pub use mount::Mount;
pub use rate::Rate;
pub use role::Role;
pub(crate) use rules::Place;
pub use tls::{Tls, TlsError};
pub use token::{PREFIX, Secret, Token};

use crate::error::Error;
use crate::origin::Origins;
use file::Stamp;
use host::Hosts;
use known::{Caller, Known};
use rate::Buckets;
use refusal::Refusal;
use session::Sessions;
use token::hash_of;
use uses::Uses;

/// Interval of checks of the files. A revoked token ends within this time.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Wrong tokens per address: a burst, then one every six seconds.
const FAILURES: Rate = Rate { per_second: 1.0 / 6.0, burst: 10.0 };

/// Lines of the audit log about refusals without a token, per address, so that strangers cannot fill a disk.
const STRANGERS: Rate = Rate { per_second: 1.0, burst: 100.0 };

/// Condition under which a token is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Required once there is a file of tokens.
    IfAny,
    /// Always required.
    Always,
}

/// Whether requests from this machine count against the limit per address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThisMachine {
    Unlimited,
    Limited,
}

/// Options of the guard.
#[derive(Debug, Clone)]
pub struct Options {
    /// `None` when there are no tokens.
    pub tokens: Option<TokenFile>,
    pub access: Access,
    /// Host names without ports, besides those of this machine, that requests may use; `*` for any.
    pub allowed_hosts: Vec<String>,
    /// Time for which a browser stays logged in.
    pub session_length: Duration,
    /// Limit of requests per address; `None` for no limit.
    pub requests: Option<Rate>,
    pub this_machine: ThisMachine,
    /// Files of the certificate and its key, as PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            tokens: None,
            access: Access::IfAny,
            allowed_hosts: Vec::new(),
            session_length: Duration::from_secs(12 * 3600),
            requests: None,
            this_machine: ThisMachine::Unlimited,
            tls: None,
        }
    }
}

/// Causes for which the guard cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    #[error(
        "{address} can be reached from other machines, and there is no token: create one with `weir tokens create`, \
         or start with --insecure to give everybody full access"
    )]
    Exposed { address: SocketAddr },
    #[error("the tokens cannot be read")]
    Tokens(#[source] TokenError),
    #[error(transparent)]
    Tls(TlsError),
    #[error(transparent)]
    Host(Error),
}

impl GuardError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            GuardError::Exposed { .. } | GuardError::Host(_) => ErrorDomain::User,
            GuardError::Tokens(error) => error.domain(),
            GuardError::Tls(_) => ErrorDomain::User,
        }
    }
}

/// The guard of all listeners of a process.
pub struct Guard {
    file: Option<TokenFile>,
    access: Access,
    hosts: Hosts,
    known: watch::Sender<Arc<Known>>,
    /// State of the token file as last read.
    read: Mutex<Option<Stamp>>,
    sessions: Sessions,
    failures: Buckets,
    strangers: Buckets,
    requests: Option<Buckets>,
    this_machine: ThisMachine,
    tls: Option<Arc<Tls>>,
    uses: Uses,
    clock: Arc<dyn Clock>,
}

impl Guard {
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Arc<Guard>, GuardError> {
        let Options { tokens: file, access, allowed_hosts, session_length, requests, this_machine, tls } =
            options;
        // Take the stamp before reading: a change in between is then read again, and not missed.
        let stamp = file.as_ref().and_then(|file| Stamp::of(file.path()).ok().flatten());
        let tokens = file.as_ref().map_or(Ok(None), TokenFile::read).map_err(GuardError::Tokens)?;
        let tls =
            tls.map(|(certificate, key)| Tls::load(certificate, key)).transpose().map_err(GuardError::Tls)?;

        Ok(Arc::new(Guard {
            uses: Uses::beside(file.as_ref().map(TokenFile::path)),
            file,
            access,
            hosts: Hosts::new(&allowed_hosts).map_err(GuardError::Host)?,
            known: watch::Sender::new(Arc::new(Known::of(tokens))),
            read: Mutex::new(stamp),
            sessions: Sessions::new(session_length),
            failures: Buckets::new(FAILURES),
            strangers: Buckets::new(STRANGERS),
            requests: requests.map(Buckets::new),
            this_machine,
            tls: tls.map(Arc::new),
            clock,
        }))
    }

    /// Returns a guard that admits everybody on this machine.
    pub fn open(clock: Arc<dyn Clock>) -> Arc<Guard> {
        Guard::new(Options::default(), clock).expect("the defaults read no file and name no host")
    }

    /// Fails if other machines could connect and there is no token to require.
    pub fn may_serve(&self, addresses: &[SocketAddr]) -> Result<(), GuardError> {
        let exposed = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback());
        match exposed {
            Some(address) if !self.known.borrow().any_holds(self.clock.now()) => {
                Err(GuardError::Exposed { address: *address })
            }
            _ => Ok(()),
        }
    }

    /// Returns whether a request needs a token.
    pub fn is_required(&self) -> bool {
        self.access == Access::Always || self.known.borrow().is_kept
    }

    pub fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// Follows the files of tokens, certificate and key as long as the process serves.
    pub async fn keep(self: Arc<Guard>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let guard = Arc::clone(&self);
            // The files may be on a slow or missing disk.
            let looked = tokio::task::spawn_blocking(move || {
                guard.look_now();
                let known = guard.known.borrow().clone();
                guard.uses.write(|id| known.has(id), guard.clock.elapsed());
            });
            if let Err(error) = looked.await {
                tracing::error!(%error, "checking the tokens failed");
            }
        }
    }

    /// Reads the files again if they have changed.
    pub fn look_now(&self) {
        self.reread();
        if let Some(tls) = &self.tls {
            tls.reread();
        }
    }

    /// Applies a changed file of tokens. An unreadable file changes nothing.
    fn reread(&self) {
        let Some(file) = &self.file else { return };
        let mut read = self.read.lock();

        let stamp = match Stamp::of(file.path()) {
            Ok(stamp) if stamp == *read => return,
            Ok(stamp) => stamp,
            Err(error) => {
                tracing::error!(%error, path = %file.path().display(), "the token file cannot be checked");
                return;
            }
        };

        *read = stamp;
        let tokens = match file.read() {
            Ok(tokens) => tokens,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the tokens cannot be read: the known tokens stay valid");
                return;
            }
        };

        let new = Arc::new(Known::of(tokens));
        let old = self.known.send_replace(Arc::clone(&new));
        new.without(&old).for_each(|token| audit::token("token created", token));
        old.without(&new).for_each(|token| audit::token("token revoked", token));
    }

    /// Returns the door of a listener.
    pub(crate) fn at(self: &Arc<Guard>, place: Place, origins: &Arc<Origins>) -> Door {
        Door::new(Arc::clone(self), place, Arc::clone(origins))
    }

    /// Counts a request against the limit of its address.
    fn may_ask(&self, peer: IpAddr) -> Result<(), Refusal> {
        match &self.requests {
            Some(requests) if self.this_machine == ThisMachine::Limited || !peer.is_loopback() => {
                requests.take(peer, self.clock.elapsed()).map_err(|wait| Refusal::too_many("requests", wait))
            }
            _ => Ok(()),
        }
    }

    /// Returns the caller with these headers; `None` if they name none.
    fn caller(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Option<Caller>, Refusal> {
        let found = self.look(headers);
        match &found {
            Ok(Some(caller)) if caller.session.is_none() => self.used(&caller.token),
            Ok(_) => {}
            // A valid token always passes, so wrong ones from the same address lock nobody out.
            Err(_) => {
                let taken = self.failures.take(peer, self.clock.elapsed());
                taken.map_err(|wait| Refusal::too_many("wrong tokens", wait))?;
            }
        }
        found
    }

    fn look(&self, headers: &HeaderMap) -> Result<Option<Caller>, Refusal> {
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(first) = sent.next() {
            let secret = first.to_str().ok().and_then(|text| text.split_once(' '));
            let secret =
                secret.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") && sent.next().is_none());
            let hash = secret.map(|(_, secret)| hash_of(secret.trim()));
            let token = hash.and_then(|hash| self.known.borrow().by_hash(&hash, self.clock.now()));
            return token.map(|token| Some(Caller { token, session: None })).ok_or_else(Refusal::wrong_token);
        }
        // Treat an expired session as no session: its holder logs in again.
        let session =
            login::cookie(headers, self).and_then(|secret| self.sessions.find(secret, self.clock.elapsed()));
        Ok(session.and_then(|(id, session)| {
            let token = self.known.borrow().by_id(&id, self.clock.now())?;
            Some(Caller { token, session: Some(session) })
        }))
    }

    fn used(&self, token: &Token) {
        self.uses.note(&token.id, self.clock.now());
    }
}
