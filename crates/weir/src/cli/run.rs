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
    #[command(flatten)]
    manager: ManagerArgs,
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
    let body = json!({"script": script.text, "name": name, "variables": variables});
    let submitted: Submitted = JobManager::new(&arguments.manager).post("/weir/jobs", &body)?;
    print(&submitted.jobid)?;
    Ok(Outcome::Done)
}
