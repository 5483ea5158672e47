//! `weir run`: submits a script to a running Weir.

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::rest::{JobManager, ManagerArgs};
use super::script::ScriptArgs;
use super::terminal::print;
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    script: ScriptArgs,
    /// The job's name, where the script does not set `pipeline.name` [default: the file's]
    #[arg(long)]
    name: Option<String>,
    /// The savepoint or checkpoint to start from: its directory, as Weir sees it
    #[arg(long, value_name = "SAVEPOINT")]
    from: Option<String>,
    /// Starts nothing, and says what of the savepoint would be kept and what dropped
    #[arg(long, requires = "from")]
    dry_run: bool,
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
}

/// The script is compiled over there: with the settings in force there, and the variables given here.
pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let script = arguments.script.read()?;
    let variables: BTreeMap<&str, &str> = arguments.script.given().collect();
    let name = arguments.name.as_deref().unwrap_or(&script.name);
    let manager = JobManager::new(&arguments.manager)?;
    let mut body =
        json!({"script": script.text, "name": name, "variables": variables, "from": arguments.from});
    if arguments.dry_run {
        body["dry_run"] = true.into();
        let answer: DryRun = manager.post("/weir/jobs", &body)?;
        print(answer.report.trim_end())?;
        return Ok(if answer.complete { Outcome::Done } else { Outcome::No });
    }
    let submitted: Submitted = manager.post("/weir/jobs", &body)?;
    print(&submitted.jobid)?;
    Ok(Outcome::Done)
}
