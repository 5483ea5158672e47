//! `weir jobs`: the operations of Flink's own command line, on a running Weir or an Apache Flink cluster.

pub(super) mod flink;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{Interval, JobId};

use super::rest::{JobManager, ManagerArgs};
use super::terminal::{complain, on_one_line, print};
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
    /// List unfinished jobs, newest first: id, state, start, duration, name; and the problem of a job that
    /// waits, that cannot write checkpoints, or that cannot count most of its records. A job that could not
    /// be started again with Weir is listed as FAILED, with the reason
    List {
        /// Also list the last fifty finished jobs
        #[arg(long, short)]
        all: bool,
    },
    /// Cancel a job
    Cancel {
        /// Id or name of the job, as `weir jobs list` prints them
        job: String,
    },
    /// Take a savepoint, to start from it later, and print its directory; the job continues
    Savepoint {
        /// Id or name of the job, as `weir jobs list` prints them
        job: String,
        /// Directory of the savepoint [default: the configured savepoint directory]
        directory: Option<String>,
    },
    /// Stop a job with a savepoint, and print its directory
    Stop {
        /// Id or name of the job, as `weir jobs list` prints them
        job: String,
        /// Directory of the savepoint [default: the configured savepoint directory]
        directory: Option<String>,
    },
    /// Print how many events of a job were counted, filtered, late or dead letters
    Ledger {
        /// Id or name of the job, as `weir jobs list` prints them
        job: String,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
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
    /// The state is FAILED because the job could not be started again with Weir; its next start tries again.
    #[serde(skip)]
    not_started: bool,
}

impl Job {
    fn is_over(&self) -> bool {
        OVER.contains(&self.state.as_str()) && !self.not_started
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let manager = JobManager::new(&arguments.manager)?;
    let patient = JobManager::patient(&arguments.manager)?;

    match &arguments.action {
        Action::List { all } => list(&manager, *all),
        Action::Cancel { job } => {
            let job = find(&manager, job, Among::Running)?;
            manager.cancel(job)?;
            complain(&format!("job {job} is being cancelled"));
            Ok(Outcome::Done)
        }
        Action::Savepoint { job, directory } => {
            let job = find(&manager, job, Among::Running)?;
            savepoint(&patient, job, directory.as_deref(), false)
        }
        Action::Stop { job, directory } => {
            let job = find(&manager, job, Among::Running)?;
            savepoint(&patient, job, directory.as_deref(), true)
        }
        Action::Ledger { job, json } => ledger(&manager, find(&manager, job, Among::All)?, *json),
    }
}

/// The jobs for which a name may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// Jobs that have not ended.
    Running,
    /// Also the newest ended job, where no other has the name.
    All,
}

/// Finds a job by its id, which need not be known, or by its name.
pub(super) fn find(manager: &JobManager, given: &str, among: Among) -> Result<JobId, Failure> {
    if let Ok(id) = given.parse() {
        return Ok(id);
    }

    let named = |job: &Job| job.name == given || on_one_line(&job.name) == given;
    let jobs = jobs(manager, named)?;
    chosen(jobs, given, among).map_err(|why| Failure::failed(anyhow::anyhow!(why)))
}

/// Returns the jobs that meet a condition.
fn jobs(manager: &JobManager, is_asked_for: impl Fn(&Job) -> bool) -> Result<Vec<Job>, Failure> {
    let mut jobs = manager.get::<Overview>("/v1/jobs/overview")?.jobs;
    jobs.retain(is_asked_for);
    for job in jobs.iter_mut().filter(|job| job.state == FAILED) {
        job.not_started = figures(manager, &job.jid)?.is_some_and(|figures| figures.not_started);
    }
    Ok(jobs)
}

/// Returns the job of a name, or why the name stands for no job or for several.
fn chosen(named: Vec<Job>, name: &str, among: Among) -> Result<JobId, String> {
    let (mut over, running): (Vec<Job>, Vec<Job>) = named.into_iter().partition(Job::is_over);
    over.sort_by_key(|job| job.start_time);

    let found = match (running.as_slice(), over.last()) {
        ([job], _) => job,
        ([], Some(job)) if among == Among::All => job,
        ([], Some(job)) => return Err(format!("job `{name}` is {}: {}", job.state, job.jid)),
        ([], None) => {
            return Err(format!("there is no job `{name}`: `weir jobs list` prints ids and names"));
        }
        (several, _) => {
            let ids: Vec<&str> = several.iter().map(|job| job.jid.as_str()).collect();
            return Err(format!("several jobs are called `{name}`; use an id: {}", ids.join(", ")));
        }
    };
    found.jid.parse().map_err(|_| format!("`{}` is not a job id", found.jid))
}

#[derive(Deserialize)]
struct Written {
    location: String,
}

fn savepoint(
    manager: &JobManager,
    job: JobId,
    directory: Option<&str>,
    stop: bool,
) -> Result<Outcome, Failure> {
    let location = if manager.is_flink()? {
        flink::savepoint(manager, job, directory, stop)?
    } else {
        let body = json!({"target": directory, "stop": stop});
        manager.post::<Written>(&format!("/weir/jobs/{job}/savepoint"), &body)?.location
    };
    print(&location)?;
    Ok(Outcome::Done)
}

#[derive(Deserialize)]
struct Figures {
    ledger: Value,
    not_started: bool,
    problem: Option<String>,
    mostly_dead: Option<String>,
    mostly_late: Option<String>,
}

/// Returns Weir's figures of a job; Flink has none.
fn figures(manager: &JobManager, job: &str) -> Result<Option<Figures>, Failure> {
    if manager.is_flink()? {
        return Ok(None);
    }
    manager.get(&format!("/weir/jobs/{job}")).map(Some)
}

/// Prints the ledger of a job. The exit code also tells whether it balances.
fn ledger(manager: &JobManager, job: JobId, as_json: bool) -> Result<Outcome, Failure> {
    let Some(Figures { ledger, .. }) = figures(manager, &job.to_string())? else {
        return Err(Failure::failed(anyhow::anyhow!("{} is a Flink, which keeps no ledger", manager.url())));
    };
    let count = |name: &str| ledger[name].as_u64().unwrap_or_default();
    let parts = ["counted", "filtered", "empty", "late", "dead_lettered"];
    let balances = count("accepted") == parts.iter().map(|name| count(name)).sum::<u64>();

    if as_json {
        print(&ledger.to_string())?;
        return Ok(if balances { Outcome::Done } else { Outcome::No });
    }

    print(&format!("{:>14}  accepted", count("accepted")))?;
    for name in parts {
        print(&format!("{:>14}  {}", count(name), name.replace('_', "-")))?;
    }
    for (title, of) in
        [("dead letters", "reasons"), ("late, by query", "late_by_query"), ("wrong type", "wrong_types")]
    {
        for (name, number) in ledger[of].as_object().into_iter().flatten() {
            print(&format!("{:>14}  {title}: {name}", number.as_u64().unwrap_or_default()))?;
        }
    }

    if count("lost") > 0 {
        print(&format!(
            "{:>14}  lost to retention before they were read (not part of accepted)",
            count("lost")
        ))?;
    }
    let verdict = if balances { "it balances" } else { "it does not balance" };
    print(&format!("{verdict}: accepted = counted + filtered + empty + late + dead-lettered"))?;
    Ok(if balances { Outcome::Done } else { Outcome::No })
}

/// The states of ended jobs.
const OVER: [&str; 3] = ["FINISHED", "CANCELED", FAILED];
const FAILED: &str = "FAILED";

fn list(manager: &JobManager, all: bool) -> Result<Outcome, Failure> {
    let mut jobs = jobs(manager, |job| all || !["FINISHED", "CANCELED"].contains(&job.state.as_str()))?;
    jobs.retain(|job| all || !job.is_over());
    jobs.sort_by_key(|job| std::cmp::Reverse(job.start_time));
    for job in jobs {
        let start = Timestamp::from_millisecond(job.start_time).unwrap_or_default();
        let lasted = Interval(job.duration / 1000 * 1000).to_string();
        let name = on_one_line(&job.name);
        print(&format!("{}  {:<12}  {start:.0}  {lasted:>8}  {name}", job.jid, job.state))?;
        let Some(figures) = figures(manager, &job.jid)? else { continue };
        for remark in [figures.problem, figures.mostly_dead, figures.mostly_late].into_iter().flatten() {
            print(&format!("  {}", on_one_line(&remark)))?;
        }
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: u32, name: &str, state: &str) -> Job {
        Job {
            jid: format!("{id:032x}"),
            name: name.to_owned(),
            state: state.to_owned(),
            start_time: id.into(),
            duration: 0,
            not_started: false,
        }
    }

    #[test]
    fn a_name_stands_for_the_job_that_runs_under_it() {
        let jobs = || {
            vec![
                job(1, "a", "FINISHED"),
                job(2, "a", "RUNNING"),
                job(3, "b", "CANCELED"),
                job(4, "b", "FAILED"),
                job(5, "c", "RUNNING"),
                job(6, "c", "RESTARTING"),
                job(7, "two\nlines", "RUNNING"),
                Job { not_started: true, ..job(8, "e", "FAILED") },
            ]
        };

        let of = |name: &str, among| {
            let named = jobs().into_iter().filter(|job| job.name == name || on_one_line(&job.name) == name);
            chosen(named.collect(), name, among).map(|id| id.0)
        };

        assert_eq!(of("a", Among::Running), Ok(2));
        assert_eq!((of("two\nlines", Among::Running), of("two\\nlines", Among::All)), (Ok(7), Ok(7)));
        assert_eq!(of("b", Among::All), Ok(4));
        assert_eq!(of("e", Among::Running), Ok(8), "`weir jobs cancel` gives it up");
        assert!(of("b", Among::Running).is_err_and(|why| why.contains("is FAILED")));
        assert!(of("c", Among::All).is_err_and(|why| why.contains("use an id")));
        assert!(of("d", Among::All).is_err_and(|why| why.contains("no job `d`")));
    }
}
