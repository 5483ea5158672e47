//! The checks that every request of a listener passes: limits, names, rules, tokens. Also sets the security
//! headers of every response.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use tower::ServiceExt as _;

use super::audit::{AboutJob, Asked, OnlyAsked};
use super::known::{Caller, Lease};
use super::login::{self, Own};
use super::mount::{IsMounted, MOUNTED_AT, Mount};
use super::refusal::Refusal;
use super::rules::{Deed, Need, Place, Rule};
use super::{Guard, headers};
use crate::flink::Peer;
use crate::origin::Origins;

/// Maximum bytes of a request's target (414), and of its headers (431).
const TARGET_BYTES_MAX: usize = 8 << 10;
const HEADER_BYTES_MAX: usize = 32 << 10;

/// The entrance of a listener.
#[derive(Clone)]
pub(crate) struct Door {
    guard: Arc<Guard>,
    place: Place,
    origins: Arc<Origins>,
    /// The job manager, where this listener has it too.
    mount: Option<Arc<Mount>>,
}

/// An admitted request.
enum Entry {
    /// The guard itself answers the request.
    Own(Own),
    /// The listener's router answers the request.
    Rule(Lease, Option<Rule>),
}

impl Door {
    pub(super) fn new(guard: Arc<Guard>, place: Place, origins: Arc<Origins>) -> Door {
        Door { guard, place, origins, mount: None }
    }

    /// Returns this door with the job manager behind it, below [`MOUNTED_AT`].
    pub(crate) fn with(self, mount: Mount) -> Door {
        Door { mount: Some(Arc::new(mount)), ..self }
    }

    pub(crate) fn guard(&self) -> &Arc<Guard> {
        &self.guard
    }

    /// Answers a request, by the router if it is admitted.
    pub(crate) async fn pass(&self, mut request: Request, router: Router) -> Response {
        if let Some(mount) = &self.mount
            && mount.answers(request.uri().path())
        {
            return Box::pin(mount.pass(request)).await;
        }

        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let origin = request.headers().get(header::ORIGIN).cloned();

        let mut response = match self.check(&request, peer) {
            Err(refusal) => self.refuse(refusal, &request, peer),
            Ok(Entry::Own(own)) => login::answer(self, own, request, peer).await,
            Ok(Entry::Rule(lease, rule)) => {
                let told = rule.filter(|rule| rule.deed == Deed::Changes);
                let told =
                    told.map(|_| (lease.name().to_owned(), request.method().clone(), request.uri().clone()));
                request.extensions_mut().insert(lease);
                let response = match router.oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                let only_asked = response.extensions().get::<OnlyAsked>().is_some();
                if let Some((who, method, uri)) = told.filter(|_| !only_asked) {
                    let made = response.extensions().get::<AboutJob>();
                    self.asked(&who, peer, &method, uri.path()).acted(response.status(), made);
                }
                response
            }
        };

        self.dress(&mut response, origin.as_ref());
        response
    }

    fn check(&self, request: &Request, peer: IpAddr) -> Result<Entry, Refusal> {
        self.guard.may_ask(peer)?;
        has_measure(request)?;
        self.guard.hosts.admit(request, self.guard.is_required())?;
        let (method, path) = (request.method(), request.uri().path());
        let own = Own::of(method, path);
        let rule = self.place.rule(method, path);
        let acts = !is_read(method)
            || rule.is_some_and(|rule| rule.deed != Deed::Reads)
            || request.headers().contains_key(header::UPGRADE);
        if acts && !self.origins.admits(request.headers()) {
            return Err(Refusal::stranger());
        }
        if let Some(own) = own {
            return Ok(Entry::Own(own));
        }
        if !self.guard.is_required() {
            return Ok(Entry::Rule(Lease::new(Arc::clone(&self.guard), None, peer), rule));
        }
        if rule.is_some_and(|rule| rule.need == Need::Nothing) {
            return Ok(Entry::Rule(Lease::new(Arc::clone(&self.guard), None, peer), rule));
        }
        let caller = self.guard.caller(request.headers(), peer)?.ok_or_else(Refusal::no_token)?;
        // A route without a rule may have been forgotten, so it is not served.
        let rule = rule.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Not Found"))?;

        match rule.need {
            Need::Role(role) if !caller.may(role) => Err(Refusal::no_role(role)),
            _ => Ok(Entry::Rule(Lease::new(Arc::clone(&self.guard), Some(caller), peer), Some(rule))),
        }
    }

    fn refuse(&self, refusal: Refusal, request: &Request, peer: IpAddr) -> Response {
        let (method, path) = (request.method(), request.uri().path());
        let caller = self.guard.known_caller(request.headers());
        let who = caller.as_ref().map_or("-", |caller| &caller.token.name);
        let is_for_people = wants_page(request);
        // A browser asks for a page without a token whenever a session has ended; this is not an attack.
        let is_usual = refusal.status == StatusCode::UNAUTHORIZED && is_for_people;
        let is_usual =
            is_usual || matches!(refusal.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::NOT_FOUND);
        let now = self.guard.clock.elapsed();
        if !is_usual && (caller.is_some() || self.guard.strangers.take(peer, now).is_ok()) {
            self.asked(who, peer, method, path).refused(refusal.status, &refusal.detail);
        }

        let root = if request.extensions().get::<IsMounted>().is_some() { MOUNTED_AT } else { "" };
        match refusal.status {
            StatusCode::UNAUTHORIZED if is_for_people => login::redirect(root, request.uri()),
            StatusCode::FORBIDDEN if is_for_people && caller.is_some() => {
                login::page(refusal.status, &format!("{root}/"), &refusal.detail, Some(who))
            }
            _ => refusal.into_response(self.place.shape()),
        }
    }

    pub(super) fn asked<'a>(
        &self,
        who: &'a str,
        peer: IpAddr,
        method: &'a Method,
        path: &'a str,
    ) -> Asked<'a> {
        Asked { who, peer, listener: self.place.name(), method, path }
    }

    pub(super) fn refusal(&self, refusal: Refusal) -> Response {
        refusal.into_response(self.place.shape())
    }

    fn dress(&self, response: &mut Response, origin: Option<&HeaderValue>) {
        let headers = response.headers_mut();
        let origin = origin.and_then(|origin| origin.to_str().ok().map(|text| (origin, text)));
        if let Some((origin, text)) = origin {
            if !self.origins.allows(text) {
                headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            } else if self.place == Place::Http && !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            {
                // Also for the guard's own answers: a dashboard of another origin should learn what it lacks.
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
                headers.append(header::VARY, HeaderValue::from_static("origin"));
            }
        }
        headers::dress(response, &self.guard);
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn has_measure(request: &Request) -> Result<(), Refusal> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES_MAX {
        let detail = format!("the target is longer than {TARGET_BYTES_MAX} bytes");
        return Err(Refusal::new(StatusCode::URI_TOO_LONG, detail));
    }
    let bytes: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > HEADER_BYTES_MAX {
        let detail = format!("the headers are longer than {HEADER_BYTES_MAX} bytes");
        return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail));
    }
    Ok(())
}

/// Returns whether a browser asks for a page to show to a person.
fn wants_page(request: &Request) -> bool {
    let headers = request.headers();
    let accepts = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok());
    *request.method() == Method::GET
        && !headers.contains_key(header::AUTHORIZATION)
        && !headers.contains_key(header::UPGRADE)
        && accepts.is_some_and(|kinds| kinds.contains("text/html"))
}

impl Guard {
    /// Returns the caller with these headers, if known, ignoring errors.
    fn known_caller(&self, headers: &HeaderMap) -> Option<Caller> {
        self.look(headers).ok().flatten()
    }
}
