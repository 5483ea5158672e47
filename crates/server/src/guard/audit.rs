//! The audit log: a line for each change and each refusal, under the target `audit`.
//!
//! A line tells the caller (a token's name, `-` without one), the address, the request and its outcome.
//! Ingested events are not changes: they are counted, not listed.

use std::net::IpAddr;

use axum::http::{Method, StatusCode};

use super::token::Token;

/// The job that a request created. The handler attaches it to its response.
#[derive(Debug, Clone)]
pub(crate) struct AboutJob(pub(crate) String);

/// Marks a request as a question. The handler attaches it to its response; the request is then no change,
/// whatever its method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnlyAsked;

/// A request as the audit log shows it.
pub(super) struct Asked<'a> {
    pub(super) who: &'a str,
    pub(super) peer: IpAddr,
    pub(super) listener: &'static str,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
}

impl Asked<'_> {
    /// Logs a request that changed something, or tried to.
    pub(super) fn acted(&self, status: StatusCode, made: Option<&AboutJob>) {
        let job = made.map_or_else(|| job_of(self.path), |made| made.0.as_str());
        self.line("change", job, status, "a change was requested");
    }

    pub(super) fn refused(&self, status: StatusCode, why: &str) {
        self.line("refused", job_of(self.path), status, why);
    }

    pub(super) fn logged(&self, event: &'static str, status: StatusCode) {
        self.line(event, "", status, event);
    }

    fn line(&self, event: &str, job: &str, status: StatusCode, message: &str) {
        let Asked { who, peer, listener, method, path } = self;
        let status = status.as_u16();
        tracing::info!(target: "audit", event, who, %peer, listener, %method, path, job, status, "{message}");
    }
}

/// Logs that a connection was closed because its permission ended.
pub(super) fn ended(who: &str, peer: IpAddr) {
    tracing::info!(target: "audit", event = "ended", who, %peer, "the token is no longer valid");
}

/// Logs that tokens were changed on this machine, by a user who may write the file.
pub(super) fn token(event: &'static str, token: &Token) {
    let roles: Vec<&str> = token.roles.iter().map(|role| role.name()).collect();
    let roles = roles.join(" ");
    tracing::info!(target: "audit", event, token = token.name, id = token.id, roles, "the token file has changed");
}

/// Returns the job that a path names, or an empty text.
fn job_of(path: &str) -> &str {
    let mut parts = path.split('/');
    let named = parts.find(|part| matches!(*part, "jobs" | "applications")).and_then(|_| parts.next());
    named.filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_is_what_the_path_names() {
        let id = "0123456789abcdef0123456789abcdef";
        for path in
            [format!("/jobs/{id}"), format!("/v1/jobs/{id}/savepoints"), format!("/weir/jobs/{id}/savepoint")]
        {
            assert_eq!(job_of(&path), id);
        }
        assert_eq!((job_of("/weir/jobs"), job_of("/jobs/overview"), job_of("/events")), ("", "", ""));
    }
}
