//! `weir config`, and the flags that override the settings it prints.

use std::path::PathBuf;

use clap::Args;

use super::terminal::{complain, print};
use super::{Failure, LogArgs, Outcome};
use crate::config::{Flag, Loaded, Sources, show};
use crate::telemetry::LogFormat;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Flags of the commands that read settings.
#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    /// Settings file [default: weir.toml, if it exists]
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory of events, results and checkpoints
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<String>,
    /// Address of events, analytics, the feed and the dashboard
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Address of the job manager
    #[arg(long, value_name = "ADDRESS")]
    jobs_http: Option<String>,
    /// Address of the SQL gateway
    #[arg(long, value_name = "ADDRESS")]
    gateway_http: Option<String>,
    /// Allow access without a token, also from other machines
    #[arg(long)]
    insecure: bool,
    /// Any other setting, as in `--set http.headers=100`; `weir config` lists all settings
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl SettingsArgs {
    /// Returns the effective settings of this process.
    pub(super) fn load(&self, logs: &LogArgs) -> Result<Loaded, Failure> {
        let named = [
            ("--data-dir", "data_dir", self.data_dir.clone()),
            ("--http", "http.address", self.http.clone()),
            ("--jobs-http", "jobs_http.address", self.jobs_http.clone()),
            ("--gateway-http", "gateway_http.address", self.gateway_http.clone()),
            ("--insecure", "security.insecure", self.insecure.then(|| "true".to_owned())),
            ("--log", "logging.filter", logs.filter.clone()),
            ("--log-format", "logging.format", logs.format.map(LogFormat::name).map(str::to_owned)),
        ];
        let set = self.set.iter().map(|(key, value)| ("--set", key.as_str(), Some(value.clone())));
        let flags = named.into_iter().chain(set).filter_map(|(name, key, value)| {
            Some(Flag { name: name.to_owned(), key: key.to_owned(), value: value? })
        });
        let sources =
            Sources { file: self.config.clone(), environment: environment(), flags: flags.collect() };
        Loaded::load(&sources).map_err(Failure::usage)
    }
}

/// Flags of the commands that need to know where a Weir keeps its data, and nothing else of it.
#[derive(Debug, Args)]
pub(super) struct DataArgs {
    /// Settings file [default: weir.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory of events, results and checkpoints
    #[arg(long, global = true, value_name = "DIRECTORY")]
    data_dir: Option<String>,
}

impl DataArgs {
    /// Returns the data directory by flags, environment and file.
    pub(super) fn directory(&self) -> Result<PathBuf, Failure> {
        let flag = self.data_dir.clone();
        let flag =
            flag.map(|value| Flag { name: "--data-dir".to_owned(), key: "data_dir".to_owned(), value });
        let flags = flag.into_iter().collect();
        let sources = Sources { file: self.config.clone(), environment: environment(), flags };
        Ok(Loaded::load(&sources).map_err(Failure::usage)?.config.data_dir)
    }
}

/// Returns the environment variables that are Unicode. No setting is anything else.
pub(super) fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

pub(super) fn run(arguments: &Arguments, logs: &LogArgs) -> Result<Outcome, Failure> {
    let loaded = arguments.settings.load(logs)?;
    print(show(&loaded).trim_end())?;
    for remark in &loaded.remarks {
        complain(&format!("remark: {remark}"));
    }
    Ok(Outcome::Done)
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("not KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
