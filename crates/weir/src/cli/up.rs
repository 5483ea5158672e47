//! `weir up`: runs all of Weir in one process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use server::flink::LogTail;
use types::Clock;

use super::config::SettingsArgs;
use super::script::{Script, VariableArgs};
use super::terminal::print;
use super::{Failure, LogArgs, Outcome};
use crate::app::{self, Addresses, Start};
use crate::private;
use crate::shutdown::Shutdown;
use crate::telemetry::{self, Sinks};

/// The script of the fifteen analytics.
const ANALYTICS: &str = include_str!("../../../../jobs/analytics.sql");

/// Bytes of log lines that the job manager shows.
const LOG_BYTES: usize = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scripts to run as jobs [default: the built-in analytics, or none with --deliver]
    #[arg(value_name = "JOB.sql")]
    scripts: Vec<PathBuf>,
    /// Start these jobs without their earlier state: their tables are read as their options say
    #[arg(long)]
    afresh: bool,
    /// Results topic of a Flink cluster whose rows go to the result store, as by `weir deliver`; may be repeated. The topics
    /// are on the brokers of `kafka.brokers`, and may begin later
    #[arg(long, value_name = "TOPIC")]
    deliver: Vec<String>,
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
    let log = Arc::new(LogTail::new(LOG_BYTES, clock.clone()));
    let logging = &loaded.config.logging;
    let audit = Some(&loaded.config.security.audit).filter(|path| !path.as_os_str().is_empty());
    let audit = audit.map(|path| telemetry::audit_file(path)).transpose().map_err(Failure::usage)?;
    let sinks = Sinks { tail: Some(log.clone()), audit };
    telemetry::start(&logging.filter, logging.format, sinks).map_err(Failure::failed)?;
    private::create_private_files();
    private::repair(Path::new(&loaded.config.data_dir));

    let scripts = match arguments.scripts.as_slice() {
        [] if !arguments.deliver.is_empty() => Vec::new(),
        [] => vec![Script { name: "analytics".to_owned(), text: ANALYTICS.to_owned() }],
        paths => paths.iter().map(|path| Script::read(path)).collect::<Result<_, _>>()?,
    };

    let mut script_directories: Vec<PathBuf> = Vec::new();
    for script in arguments.scripts.iter().filter(|path| *path != Path::new("-")) {
        let directory = script.parent().unwrap_or(Path::new("")).to_owned();
        if !script_directories.contains(&directory) {
            script_directories.push(directory);
        }
    }

    let (given, settings) = (arguments.variables.clone(), loaded.clone());
    let variables = move |name: &str| {
        given.given(name).or_else(|| settings.variable(name)).or_else(|| std::env::var(name).ok())
    };

    let announce = |addresses: &Addresses| {
        let Addresses { http, jobs_http, gateway_http, scheme } = addresses;
        print(&format!(
            "weir is up: {scheme}://{http}/ jobs: {scheme}://{jobs_http}/ SQL gateway: {scheme}://{gateway_http}/"
        ))
    };

    let start = Start {
        scripts,
        script_directories,
        variables: Arc::new(variables),
        afresh: arguments.afresh,
        deliver: arguments.deliver.clone(),
        log,
    };
    app::run(&loaded, start, clock, shutdown, &announce)
}
