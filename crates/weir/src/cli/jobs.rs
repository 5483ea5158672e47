//! `weir jobs`: what Flink's own command line does, against a running Weir.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{Interval, JobId};

use super::rest::JobManager;
use super::terminal::{complain, print};
use super::{Failure, Outcome};
use crate::shutdown::Shutdown;

/// Between two looks at a savepoint under way.
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the job manager is
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8081",
        env = "WEIR_JOBS_URL"
    )]
    url: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the jobs, newest first
    List,
    /// Ends a job at once; its state is dropped
    Cancel {
        /// The job, as `weir jobs list` prints it
        job: JobId,
    },
    /// Ends a job after a savepoint, from which it can be started again
    Stop {
        /// The job, as `weir jobs list` prints it
        job: JobId,
        /// Where to put the savepoint [default: in the data directory]
        directory: Option<String>,
    },
    /// Takes a savepoint of a job, which goes on
    Savepoint {
        /// The job, as `weir jobs list` prints it
        job: JobId,
        /// Where to put the savepoint [default: in the data directory]
        directory: Option<String>,
    },
}

#[derive(Deserialize)]
struct Overview {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Job {
    jid: String,
    name: String,
    state: String,
    start_time: i64,
    duration: i64,
}

/// The handle of something under way.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Trigger {
    request_id: String,
}

#[derive(Deserialize)]
struct Progress {
    status: ProgressStatus,
    operation: Option<Value>,
}

#[derive(Deserialize)]
struct ProgressStatus {
    id: String,
}

pub(super) fn run(arguments: Arguments, shutdown: Shutdown) -> Result<Outcome, Failure> {
    let manager = JobManager::new(&arguments.url);
    match arguments.action {
        Action::List => list(&manager),
        Action::Cancel { job } => {
            manager.cancel(job)?;
            complain(&format!("job {job} is being cancelled"));
            Ok(Outcome::Done)
        }
        Action::Stop { job, directory } => {
            let body = json!({"targetDirectory": directory, "drain": false});
            let trigger = manager.post(&format!("/v1/jobs/{job}/stop"), &body)?;
            savepoint(&manager, job, &trigger, &shutdown)
        }
        Action::Savepoint { job, directory } => {
            let body = json!({"target-directory": directory, "cancel-job": false});
            let trigger = manager.post(&format!("/v1/jobs/{job}/savepoints"), &body)?;
            savepoint(&manager, job, &trigger, &shutdown)
        }
    }
}

fn list(manager: &JobManager) -> Result<Outcome, Failure> {
    let mut jobs = manager.get::<Overview>("/v1/jobs/overview")?.jobs;
    jobs.sort_by_key(|job| std::cmp::Reverse(job.start_time));
    for job in jobs {
        let start = Timestamp::from_millisecond(job.start_time).unwrap_or_default();
        let lasted = Interval(job.duration / 1000 * 1000);
        print(&format!("{}  {:<12}  {start:.0}  {lasted:>8}  {}", job.jid, job.state, job.name))?;
    }
    Ok(Outcome::Done)
}

/// Waits for a savepoint and prints where it is.
fn savepoint(
    manager: &JobManager,
    job: JobId,
    trigger: &Trigger,
    shutdown: &Shutdown,
) -> Result<Outcome, Failure> {
    let path = format!("/v1/jobs/{job}/savepoints/{}", trigger.request_id);
    loop {
        let progress: Progress = manager.get(&path)?;
        if progress.status.id == "COMPLETED" {
            let operation = progress.operation.unwrap_or_default();
            if let Some(location) = operation["location"].as_str() {
                print(location)?;
                return Ok(Outcome::Done);
            }
            let cause =
                operation["failure-cause"]["stack-trace"].as_str().and_then(|trace| trace.lines().next());
            return Err(Failure::failed(anyhow::anyhow!(
                "the savepoint failed: {}",
                cause.unwrap_or("no reason given")
            )));
        }
        if shutdown.wait(POLL) {
            complain("the savepoint goes on without us");
            return Ok(Outcome::No);
        }
    }
}
