//! `weir jobs` on an Apache Flink cluster: the operations for which Weir has routes of its own, by Flink's.

use std::time::Duration;

use anyhow::anyhow;
use crossbeam_channel::{Receiver, never};
use serde::Deserialize;
use serde_json::json;
use types::JobId;

use crate::cli::Failure;
use crate::cli::gateway::innermost;
use crate::cli::rest::JobManager;

/// Interval of questions for a savepoint.
const PAUSE: Duration = Duration::from_millis(200);

/// An operation that Flink has begun.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Begun {
    request_id: String,
}

#[derive(Deserialize)]
struct Progress {
    status: Status,
    operation: Option<Operation>,
}

#[derive(Deserialize)]
struct Status {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Operation {
    location: Option<String>,
    failure_cause: Option<Cause>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cause {
    stack_trace: String,
}

/// Takes a savepoint, and with `stop` ends the job with it. Returns the savepoint's directory once it is complete; Flink
/// gives up a savepoint that takes longer than its own limit.
///
/// # Errors
/// The job does not run, or the savepoint fails.
pub(in crate::cli) fn savepoint(
    manager: &JobManager,
    job: JobId,
    directory: Option<&str>,
    stop: bool,
) -> Result<String, Failure> {
    let begun: Begun = match stop {
        true => {
            manager.post(&format!("/jobs/{job}/stop"), &json!({"targetDirectory": directory, "drain": false}))
        }
        false => {
            let body = json!({"target-directory": directory, "cancel-job": false});
            manager.post(&format!("/jobs/{job}/savepoints"), &body)
        }
    }?;

    let waiting: Receiver<()> = never();
    loop {
        let path = format!("/jobs/{job}/savepoints/{}", begun.request_id);
        let progress: Progress = manager.get(&path)?;
        if progress.status.id == "COMPLETED" {
            return written(progress.operation);
        }
        // Nothing is ever sent here: the channel only serves for waiting.
        let _ = waiting.recv_timeout(PAUSE);
    }
}

/// Returns the directory of a savepoint that is complete, or why there is none.
fn written(operation: Option<Operation>) -> Result<String, Failure> {
    match operation {
        Some(Operation { location: Some(location), .. }) => Ok(location),
        Some(Operation { failure_cause: Some(cause), .. }) => {
            Err(Failure::failed(anyhow!("Flink took no savepoint: {}", innermost(&cause.stack_trace))))
        }
        _ => Err(Failure::external(anyhow!("Flink names no directory of the savepoint"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_savepoint_has_a_directory_or_a_reason() {
        let progress = |operation: &str| {
            let body = format!(r#"{{"status": {{"id": "COMPLETED"}}, "operation": {operation}}}"#);
            written(serde_json::from_str::<Progress>(&body).expect("an answer").operation)
        };
        let place = progress(r#"{"location": "file:/s/savepoint-1"}"#);
        assert_eq!(place.expect("a directory"), "file:/s/savepoint-1");
        let trace = r#"{"failure-cause": {"class": "a.B", "stack-trace": "a.B: x\n\tat c\nCaused by: d.E: the disk is full\n\tat f"}}"#;
        let failure = progress(trace).expect_err("a failure").to_string();
        assert_eq!(failure, "Flink took no savepoint: the disk is full");
        assert!(progress("{}").is_err());
    }
}
