//! `weir run`: submits a script to a running Weir, and prints what happens, line by line.

mod take_over;

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use types::Clock;

use super::rest::{JobManager, ManagerArgs};
use super::script::ScriptArgs;
use super::submit::ResultsArgs;
use super::take_over::{TakeOverArgs, WeirArgs};
use super::terminal::{complain, print};
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    script: ScriptArgs,
    /// Name of the job, if the script does not set `pipeline.name` [default: the file's name, or the replaced
    /// job's]
    #[arg(long)]
    name: Option<String>,
    /// Directory of the savepoint or checkpoint to start from, as Weir sees it
    #[arg(long, value_name = "SAVEPOINT")]
    from: Option<String>,
    /// Running job to replace, by name or id: it is stopped with a savepoint, from which the new job starts;
    /// if the new job fails to start, the old job resumes
    #[arg(long, value_name = "JOB", conflicts_with = "from")]
    replace: Option<String>,
    /// Report which state would be kept and which dropped, without starting or stopping a job
    #[arg(long)]
    dry_run: bool,
    /// Running job of a Flink cluster to take over, such as http://flink:8081/jobs/ID: the new job continues where it stands, and it
    /// is stopped when both have written equal rows
    #[arg(long, value_name = "JOB_URL", conflicts_with_all = ["from", "replace", "dry_run"])]
    take_over: Option<String>,
    #[command(flatten)]
    take_over_options: TakeOverArgs,
    #[command(flatten)]
    results: ResultsArgs,
    #[command(flatten)]
    weir: WeirArgs,
    #[command(flatten)]
    manager: ManagerArgs,
}

#[derive(Deserialize)]
struct DryRun {
    complete: bool,
    report: String,
}

#[derive(Deserialize)]
struct Submitted {
    jobid: String,
    name: String,
    state: String,
    sources: Vec<String>,
    queries: Vec<String>,
    replaced: Option<Replaced>,
}

#[derive(Deserialize)]
struct Replaced {
    jobid: String,
    name: String,
    savepoint: String,
    report: String,
}

/// Submits a script, which the server compiles with its settings and the variables given here. Prints the id
/// to stdout, for scripts, and messages for people to stderr.
pub(super) fn run(arguments: &Arguments, clock: Arc<dyn Clock>) -> Result<Outcome, Failure> {
    if let Some(job) = &arguments.take_over {
        return take_over::run(arguments, job, clock);
    }
    if arguments.dry_run && arguments.from.is_none() && arguments.replace.is_none() {
        let message =
            "--dry-run needs --from SAVEPOINT or --replace JOB: it reports what happens to their state";
        return Err(Failure::usage(anyhow::anyhow!(message)));
    }

    let script = arguments.script.read()?;
    let variables: BTreeMap<&str, &str> = arguments.script.given().collect();
    let name = match (&arguments.name, &arguments.replace) {
        (Some(name), _) => Some(name.as_str()),
        // Without a name, the successor takes the old job's.
        (None, Some(_)) => None,
        (None, None) => Some(script.job_name()),
    };

    let manager = JobManager::patient(&arguments.manager)?;
    let body = json!({
        "script": script.text, "name": name, "file": script.name, "variables": variables,
        "from": arguments.from, "replace": arguments.replace, "dry_run": arguments.dry_run,
    });
    submit(&manager, &body)
}

/// Sends a script to the job manager, and prints what it answers.
pub(super) fn submit(manager: &JobManager, body: &Value) -> Result<Outcome, Failure> {
    let answered = manager.post::<Value>("/weir/jobs", body);
    let answer = match answered {
        Ok(answer) => answer,
        Err(failure) if body["dry_run"] == true => return drawn(failure),
        Err(failure) => {
            // Scripts search the output for the first words, and for those of `Submitted::tell`.
            let outcome = drawn(failure);
            let place = if outcome.is_ok() { "above" } else { "below" };
            complain(&format!(
                "Failed to submit job: the reason is {place}; correct it and run the command again"
            ));
            return outcome;
        }
    };

    let wrong = |error| Failure::external(anyhow::Error::new(error).context("the job manager's answer"));
    if body["dry_run"] == true {
        let answer: DryRun = serde_json::from_value(answer).map_err(wrong)?;
        print(answer.report.trim_end())?;
        return Ok(if answer.complete { Outcome::Done } else { Outcome::No });
    }

    let submitted: Submitted = serde_json::from_value(answer).map_err(wrong)?;
    submitted.tell();
    print(&submitted.jobid)?;
    Ok(Outcome::Done)
}

impl Submitted {
    fn tell(&self) {
        self.sources.iter().chain(&self.queries).for_each(|line| complain(line));
        if let Some(old) = &self.replaced {
            complain(&format!(
                "job {} ({}) has stopped; its state is in {}",
                old.name, old.jobid, old.savepoint
            ));
            old.report.lines().for_each(complain);
        }
        complain(&format!("Job submitted successfully: {} with the id {}", self.name, self.jobid));
        complain(&format!("job {} is {}", self.name, self.state));
    }
}

/// Prints findings as `weir check` draws them, without a prefix.
fn drawn(failure: Failure) -> Result<Outcome, Failure> {
    let text = failure.to_string();
    if !text.starts_with("Error: ") {
        return Err(failure);
    }
    complain(&text);
    Ok(Outcome::No)
}
