//! The valid tokens, their callers, and for how long a caller's request may go on.

use std::collections::HashMap;
use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use types::Timestamp;

use super::Guard;
use super::role::Role;
use super::token::{Hash, Token};

/// Interval of checks of an expiry, because somebody may set the machine's clock.
const LOOK: Duration = Duration::from_secs(30);

/// The tokens as last read.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_hash: HashMap<Hash, Arc<Token>>,
    by_id: HashMap<String, Arc<Token>>,
    /// Whether there is a file of tokens, even an empty one: its creator meant to restrict access.
    pub(super) is_kept: bool,
}

impl Known {
    pub(super) fn of(tokens: Option<Vec<Token>>) -> Known {
        let mut known = Known { is_kept: tokens.is_some(), ..Known::default() };
        for token in tokens.into_iter().flatten().map(Arc::new) {
            if let Some(hash) = token.hash() {
                known.by_hash.insert(hash, Arc::clone(&token));
                known.by_id.insert(token.id.clone(), token);
            }
        }
        known
    }

    pub(super) fn by_hash(&self, hash: &Hash, now: Timestamp) -> Option<Arc<Token>> {
        self.by_hash.get(hash).filter(|token| !token.is_over(now)).cloned()
    }

    pub(super) fn by_id(&self, id: &str, now: Timestamp) -> Option<Arc<Token>> {
        self.by_id.get(id).filter(|token| !token.is_over(now)).cloned()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Returns whether any token is valid.
    pub(super) fn any_holds(&self, now: Timestamp) -> bool {
        self.by_id.values().any(|token| !token.is_over(now))
    }

    /// Returns the tokens that the other does not have.
    pub(super) fn without<'a>(&'a self, other: &'a Known) -> impl Iterator<Item = &'a Token> {
        let missing = self.by_id.values().filter(|token| !other.by_id.contains_key(&token.id));
        missing.map(Arc::as_ref)
    }
}

/// The sender of a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(super) token: Arc<Token>,
    /// Closed when the session is.
    pub(super) session: Option<watch::Receiver<()>>,
}

/// The permission of a request to go on, as long as its caller's right lasts.
#[derive(Clone)]
pub(crate) struct Lease {
    guard: Arc<Guard>,
    /// `None` where no token was required.
    caller: Option<Caller>,
    /// Address of the caller.
    peer: IpAddr,
}

impl Lease {
    pub(super) fn new(guard: Arc<Guard>, caller: Option<Caller>, peer: IpAddr) -> Lease {
        Lease { guard, caller, peer }
    }

    /// Waits until the token is revoked or expired, its session is closed, or a token has become required.
    pub(crate) async fn ended(&mut self) {
        let mut known = self.guard.known.subscribe();
        while self.holds() {
            let look = async {
                match self.caller.as_ref().and_then(|caller| caller.token.expires()) {
                    Some(expires) => {
                        let left_ms = (expires - self.guard.clock.now()).0.max(1);
                        tokio::time::sleep(Duration::from_millis(left_ms.unsigned_abs()).min(LOOK)).await;
                    }
                    None => pending().await,
                }
            };
            let closed = async {
                match self.caller.clone().and_then(|caller| caller.session) {
                    Some(mut session) => while session.changed().await.is_ok() {},
                    None => pending().await,
                }
            };
            tokio::select! {
                // The guard owns the sender, and `self` holds the guard.
                _ = known.changed() => {}
                () = look => {}
                () = closed => break,
            }
        }

        super::audit::ended(self.name(), self.peer);
    }

    fn holds(&self) -> bool {
        match &self.caller {
            None => !self.guard.is_required(),
            Some(caller) => {
                self.guard.known.borrow().by_id(&caller.token.id, self.guard.clock.now()).is_some()
            }
        }
    }

    /// Returns the name of the token; `-` without one.
    pub(super) fn name(&self) -> &str {
        self.caller.as_ref().map_or("-", |caller| &caller.token.name)
    }
}

impl Caller {
    pub(super) fn may(&self, role: Role) -> bool {
        self.token.may(role)
    }
}
