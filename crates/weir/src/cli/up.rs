//! `weir up`: the whole of it in one process.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use types::Clock;

use super::config::SettingsArgs;
use super::script::{Script, VariableArgs};
use super::terminal::print;
use super::{Failure, LogArgs, Outcome};
use crate::app::{self, Addresses};
use crate::shutdown::Shutdown;
use crate::telemetry;

/// The fifteen analytics.
const ANALYTICS: &str = include_str!("../../../../jobs/analytics.sql");

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scripts to run as jobs [default: the built-in analytics]
    #[arg(value_name = "JOB.sql")]
    scripts: Vec<PathBuf>,
    /// Begins without what is known of these jobs from before: their tables are read as their options say
    #[arg(long)]
    afresh: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    variables: VariableArgs,
}

pub(super) fn run(
    arguments: &Arguments,
    logs: &LogArgs,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<Outcome, Failure> {
    let loaded = arguments.settings.load(logs)?;
    telemetry::start(&loaded.config.logging.filter, loaded.config.logging.format).map_err(Failure::failed)?;
    let scripts = match arguments.scripts.as_slice() {
        [] => vec![Script { name: "analytics".to_owned(), text: ANALYTICS.to_owned() }],
        paths => paths.iter().map(|path| Script::read(path)).collect::<Result<_, _>>()?,
    };
    let (given, settings) = (arguments.variables.clone(), loaded.clone());
    let variables = move |name: &str| {
        given.given(name).or_else(|| settings.variable(name)).or_else(|| std::env::var(name).ok())
    };
    let announce = |addresses: &Addresses| {
        print(&format!("weir is up: http://{}/ jobs: http://{}/", addresses.http, addresses.jobs_http))
    };
    app::run(&loaded, &scripts, Arc::new(variables), arguments.afresh, clock, shutdown, &announce)
}
