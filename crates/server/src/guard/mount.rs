//! The job manager below `/jobs/` of another listener, with its own rules and login.
//!
//! It is there only while tokens are required. Without tokens, whoever publishes the other listener through a
//! proxy would publish scripts and cancellations too: to the server, such requests come from this machine.

use axum::Router;
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::door::Door;

/// The path of the job manager on another listener.
pub(super) const MOUNTED_AT: &str = "/jobs";

/// The job manager's rules and routes, for another listener.
#[derive(Clone)]
pub struct Mount {
    door: Door,
    router: Router,
}

/// Marks a request whose path was below [`MOUNTED_AT`].
#[derive(Debug, Clone, Copy)]
pub(super) struct IsMounted;

impl Mount {
    /// Returns the mount of a router; `door` has the rules of the job manager.
    pub(crate) fn new(door: Door, router: Router) -> Mount {
        Mount { door, router }
    }

    /// Returns whether the job manager answers this path.
    pub(super) fn answers(&self, path: &str) -> bool {
        let rest = path.strip_prefix(MOUNTED_AT);
        self.door.guard().is_required() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Answers a request as the job manager's own listener would, except that the login leads back here.
    pub(super) async fn pass(&self, mut request: Request) -> Response {
        let Some(uri) = below(request.uri()) else {
            // The page asks relative to its address, which therefore ends in a slash. The target is relative too, so
            // that it is right behind a proxy that adds a prefix.
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "jobs/")]).into_response();
        };
        *request.uri_mut() = uri;
        request.extensions_mut().insert(IsMounted);
        self.door.pass(request, self.router.clone()).await
    }
}

/// Returns a target without [`MOUNTED_AT`]; `None` if nothing is left.
fn below(uri: &Uri) -> Option<Uri> {
    let target = uri.path_and_query()?.as_str().strip_prefix(MOUNTED_AT)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.starts_with('/').then(|| PathAndQuery::try_from(target).ok())??);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_mount_is_the_target_of_the_job_manager() {
        for (target, expected) in [
            ("/jobs/", Some("/")),
            ("/jobs/jobs/overview?x=%20", Some("/jobs/overview?x=%20")),
            ("http://weir.example/jobs/config", Some("http://weir.example/config")),
            ("/jobs", None),
            ("/jobs?x", None),
        ] {
            let found = below(&target.parse().expect("a target"));
            assert_eq!(found, expected.map(|uri| uri.parse().expect("a target")), "{target}");
        }
    }
}
