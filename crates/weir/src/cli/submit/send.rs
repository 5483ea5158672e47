//! Sends a translated script to Flink's SQL gateway, statement by statement, in a session of its own.
//!
//! The session ends with the command; the job goes on. An error of the gateway is drawn at its place in the script: the sent
//! statement knows which part of it comes from where.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use connectors::flink::{CHECKPOINTS, Sent, Translation};
use crossbeam_channel::{Receiver, never};
use sql::error::{Diagnostic, Span};

use super::{draw, extra_jars, remark_checkpoints};
use crate::cli::gateway::{Answer, Finding, Gateway, Problem, Refusal, RowFormat, Session};
use crate::cli::terminal::complain;
use crate::cli::{Failure, Script};

/// Wait before a gateway is asked again that has no result yet.
const PAUSE: Duration = Duration::from_millis(50);

/// Maximum of lines shown behind a finding; Flink's parser lists every word that it expected.
const LINES_MAX: usize = 8;

/// A script on its way to a gateway.
pub(super) struct Sending<'a> {
    pub(super) script: &'a Script,
    pub(super) translation: &'a Translation,
    pub(super) is_verbose: bool,
}

/// A job that the gateway has submitted.
pub(super) struct Submitted {
    pub(super) job: String,
    /// URL of the job manager, as the gateway knows it.
    pub(super) manager: Option<String>,
}

impl Sending<'_> {
    /// Sends all statements. `None` means that the gateway refused one, which has been reported.
    pub(super) fn send(&self, gateway: &Gateway) -> Result<Option<Submitted>, Failure> {
        let session = match gateway.open_session("weir submit") {
            Ok(session) => session,
            Err(Problem::Unreachable(error)) => return Err(Failure::external(error)),
            Err(Problem::Refused(refusal)) => {
                return Err(Failure::failed(anyhow!(
                    "the gateway refuses to open a session: {}",
                    text(&refusal)
                )));
            }
        };
        let submitted = self.send_in(&session);
        // A session that cannot be closed ends by itself.
        let _ = session.close();
        submitted
    }

    fn send_in(&self, session: &Session) -> Result<Option<Submitted>, Failure> {
        // Not every gateway tells its configuration.
        let properties = session.properties().unwrap_or_default();
        if !self.translation.sets_checkpoints && !properties.contains_key(CHECKPOINTS) {
            remark_checkpoints();
        }

        let mut job = None;
        let count = self.translation.statements.len();
        for (number, sent) in (1..).zip(&self.translation.statements) {
            match execute(session, sent.text()) {
                Ok(started) => job = started.or(job),
                Err(Problem::Refused(refusal)) => {
                    self.show(sent, &refusal);
                    complain("no job was started");
                    return Ok(None);
                }
                Err(Problem::Unreachable(error)) if number == count => {
                    let advice = "the job may have been started: `weir jobs list --jobs-url URL` tells";
                    return Err(Failure::external(error.context(advice)));
                }
                Err(Problem::Unreachable(error)) => {
                    return Err(Failure::external(error.context("no job was started")));
                }
            }
        }

        let Some(job) = job else {
            return Err(Failure::external(anyhow!("the gateway names no job for the last statement")));
        };
        Ok(Some(Submitted { job, manager: manager(&properties) }))
    }

    fn show(&self, sent: &Sent, refusal: &Refusal) {
        let findings: Vec<Diagnostic> =
            refusal.findings.iter().map(|finding| self.placed(sent, finding)).collect();
        draw(self.script, &findings);
        if self.is_verbose {
            complain(refusal.trace.trim_end());
        }

        let jars = extra_jars(&self.translation.jars);
        if !jars.is_empty() {
            complain(&format!("the script needs on the cluster: {}", jars.join("; ")));
        }
    }

    /// Returns a finding of the gateway with its place in the script.
    fn placed(&self, sent: &Sent, finding: &Finding) -> Diagnostic {
        let script = &self.translation.script;
        let place = finding.span(sent.text()).and_then(|range| sent.origin(script, range));
        let place = place.or_else(|| sent.first(script)).unwrap_or(Span { start: 0, end: 0 });

        let mut more: Vec<&str> = finding.more.iter().map(|line| line.trim()).collect();
        if more.len() > LINES_MAX {
            more.truncate(LINES_MAX);
            more.push("…");
        }
        let error = Diagnostic::error(place, format!("Flink: {}", finding.message));
        if more.is_empty() { error } else { error.with_hint(more.join("\n")) }
    }
}

/// Executes a statement to its end. Returns the job that it started.
fn execute(session: &Session, statement: &str) -> Answer<Option<String>> {
    let operation = session.execute(statement)?;
    let waiting: Receiver<()> = never();
    let (mut token, mut job) = (0, None);
    loop {
        let page = operation.fetch(token, RowFormat::Json)?;
        let is_ready = page.head.is_some();
        job = page.head.and_then(|head| head.job).or(job);
        match page.next {
            Some(next) => token = next,
            None => break,
        }
        if !is_ready {
            // Nothing is ever sent here: the channel only serves for waiting.
            let _ = waiting.recv_timeout(PAUSE);
        }
    }
    // The result is small, and ends with the session at the latest.
    let _ = operation.close();
    Ok(job)
}

/// Returns the URL of the job manager in a gateway's configuration.
fn manager(properties: &BTreeMap<String, String>) -> Option<String> {
    let host = properties.get("rest.address").or_else(|| properties.get("jobmanager.rpc.address"))?;
    let port = properties.get("rest.port").map_or("8081", String::as_str);
    let is_secure = properties.get("security.ssl.rest.enabled").is_some_and(|value| value == "true");
    Some(format!("{}://{host}:{port}", if is_secure { "https" } else { "http" }))
}

fn text(refusal: &Refusal) -> String {
    let messages: Vec<&str> = refusal.findings.iter().map(|of| of.message.as_str()).collect();
    messages.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateways_configuration_names_the_job_manager() {
        let of = |entries: &[(&str, &str)]| {
            let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            manager(&entries.collect())
        };
        assert_eq!(of(&[("rest.address", "flink")]).as_deref(), Some("http://flink:8081"));
        let secure = [("rest.address", "flink"), ("rest.port", "443"), ("security.ssl.rest.enabled", "true")];
        assert_eq!(of(&secure).as_deref(), Some("https://flink:443"));
        assert_eq!(of(&[]), None);
    }
}
