//! `weir jobs`: what Flink's own command line does, against a running Weir.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Deserialize;
use types::{Interval, JobId};

use super::rest::{JobManager, ManagerArgs};
use super::terminal::{complain, print};
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    manager: ManagerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the jobs, newest first: id, state, start, how long, name
    List,
    /// Ends a job
    Cancel {
        /// The job, as `weir jobs list` prints it
        job: JobId,
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

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let manager = JobManager::new(&arguments.manager);
    match &arguments.action {
        Action::List => list(&manager),
        Action::Cancel { job } => {
            manager.cancel(*job)?;
            complain(&format!("job {job} is being cancelled"));
            Ok(Outcome::Done)
        }
    }
}

fn list(manager: &JobManager) -> Result<Outcome, Failure> {
    let mut jobs = manager.get::<Overview>("/v1/jobs/overview")?.jobs;
    jobs.sort_by_key(|job| std::cmp::Reverse(job.start_time));
    for job in jobs {
        let start = Timestamp::from_millisecond(job.start_time).unwrap_or_default();
        let lasted = Interval(job.duration / 1000 * 1000).to_string();
        print(&format!("{}  {:<12}  {start:.0}  {lasted:>8}  {}", job.jid, job.state, job.name))?;
    }
    Ok(Outcome::Done)
}
