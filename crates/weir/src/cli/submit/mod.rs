//! `weir submit`: runs a script on an Apache Flink cluster.
//!
//! `connectors::flink` translates the script, `send` gives its statements to Flink's SQL gateway, and `follow` watches the job
//! until it runs. Only the last statement starts a job, so nothing runs when a statement fails. `take_over` moves a running job of
//! Weir to the cluster.

mod follow;
mod send;
mod take_over;

use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use connectors::flink::{CHECKPOINTS, ClusterOptions, Jar, ResultsTopic, Translation, Writing, translate};
use sql::error::Diagnostic;
use types::Clock;

use super::client::ClientArgs;
use super::gateway::{Gateway, Server};
use super::script::{Script, ScriptArgs};
use super::take_over::{TakeOverArgs, WeirArgs};
use super::terminal::{complain, print};
use super::{Failure, Outcome};
use follow::Job;
use send::Sending;

/// Prefix of the names of results topics.
pub(super) const TOPIC_PREFIX: &str = "weir-results-";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    script: ScriptArgs,
    /// URL of Flink's SQL gateway
    #[arg(long, value_name = "GATEWAY_URL", env = "WEIR_FLINK_URL", required_unless_present = "dry_run")]
    flink: Option<String>,
    /// Name of the job, if the script does not set `pipeline.name` [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Parallelism of the job, instead of the script's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    parallelism: Option<u32>,
    /// Savepoint or checkpoint to start from, as Flink sees it
    #[arg(long, value_name = "SAVEPOINT")]
    savepoint: Option<String>,
    /// Setting of Flink, instead of the script's; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    #[command(flatten)]
    results: ResultsArgs,
    /// Print the statements as they would be sent, without a cluster
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until the job runs
    #[arg(long)]
    detach: bool,
    /// Longest wait until all parts of the job run
    #[arg(long, value_name = "DURATION", default_value = "5 min", value_parser = duration)]
    wait: Duration,
    /// URL of Flink's job manager, if it is not the one that the gateway names
    #[arg(long, value_name = "URL")]
    jobs_url: Option<String>,
    /// Also print the stack traces of Flink's errors
    #[arg(long)]
    verbose: bool,
    /// Running job of Weir to take over, by name or id: the new job continues where it stands, and it is stopped when both have
    /// written equal rows
    #[arg(long, value_name = "JOB", conflicts_with_all = ["dry_run", "detach", "savepoint"])]
    take_over: Option<String>,
    /// URL of Weir's job manager, where the job runs that is taken over
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081", env = "WEIR_JOBS_URL")]
    weir_jobs_url: String,
    #[command(flatten)]
    weir: WeirArgs,
    #[command(flatten)]
    take_over_options: TakeOverArgs,
    #[command(flatten)]
    client: ClientArgs,
}

/// Where the rows of `redis` tables go.
#[derive(Debug, Clone, Args)]
pub(super) struct ResultsArgs {
    /// Prefix of results topics, before the table's name
    #[arg(long, value_name = "PREFIX", default_value = TOPIC_PREFIX)]
    topic_prefix: String,
    /// Brokers of results topics [default: those of the script's sources]
    #[arg(long, value_name = "BROKERS")]
    results_brokers: Option<String>,
}

impl ResultsArgs {
    pub(super) fn options(&self) -> ClusterOptions {
        ClusterOptions {
            topic_prefix: self.topic_prefix.clone(),
            brokers: self.results_brokers.clone(),
            ..ClusterOptions::default()
        }
    }
}

pub(super) fn run(arguments: &Arguments, clock: Arc<dyn Clock>) -> Result<Outcome, Failure> {
    let script = arguments.script.read()?;
    let name = arguments.name.clone().unwrap_or_else(|| script.job_name().to_owned());
    let options =
        ClusterOptions { name: Some(name), settings: arguments.settings(), ..arguments.results.options() };
    let lookup = |name: &str| arguments.script.lookup(name);
    let (translation, findings) = translate(&script.text, &lookup, &options);
    script.show(&findings);
    let Some(translation) = translation else { return Ok(Outcome::No) };

    let url = match &arguments.flink {
        Some(url) if !arguments.dry_run => url,
        _ => return dry_run(&translation),
    };
    let gateway = Gateway::new(&arguments.client, url, Server::Flink)?;
    if let Some(job) = &arguments.take_over {
        return take_over::run(
            &take_over::TakeOver { arguments, script: &script, options, gateway: &gateway, clock },
            job,
        );
    }
    let sending = Sending { script: &script, translation: &translation, is_verbose: arguments.verbose };
    let Some(submitted) = sending.send(&gateway)? else { return Ok(Outcome::No) };

    tell_topics(&translation.results);
    let manager = arguments.jobs_url.clone().or(submitted.manager);
    let job = Job::new(&arguments.client, submitted.job, manager, arguments.verbose)?;
    print(&job.id)?;
    if arguments.detach {
        complain(&format!("the job is submitted{}", job.page()));
        return Ok(Outcome::Done);
    }
    job.follow(&*clock, arguments.wait)
}

impl Arguments {
    /// Returns the settings that the flags stand for, which replace those of the script.
    fn settings(&self) -> Vec<(String, String)> {
        let of = |key: &str, value: String| (key.to_owned(), value);
        let mut settings = Vec::new();
        settings.extend(self.parallelism.map(|n| of("parallelism.default", n.to_string())));
        settings.extend(self.savepoint.clone().map(|path| of("execution.state-recovery.path", path)));
        settings.extend(self.settings.iter().cloned());
        settings
    }
}

/// Prints the statements as they would be sent.
fn dry_run(translation: &Translation) -> Result<Outcome, Failure> {
    for statement in &translation.statements {
        print(&format!("{};\n", statement.text()))?;
    }
    Ok(Outcome::Done)
}

fn tell_topics(results: &[ResultsTopic]) {
    for topic in results {
        let how = match topic.writing {
            Writing::Append => "a record for each row",
            Writing::ByKey => "a record for each change of a row",
        };
        complain(&format!("{} goes to topic {}: {how}", topic.table, topic.topic));
    }
}

/// Remarks that have no place in the script.
pub(super) fn remark_checkpoints() {
    complain(&format!(
        "notice: the script does not set {CHECKPOINTS}, and without it Flink takes no checkpoints: a failure ends the job and \
         loses rows (--set {CHECKPOINTS}='10 s')"
    ));
}

/// Describes jars that a release of Flink does not have.
pub(super) fn extra_jars(jars: &[Jar]) -> Vec<String> {
    let extra = jars.iter().filter(|jar| !jar.is_in_release);
    extra.map(|jar| format!("{} ({})", jar.name, jar.reason)).collect()
}

/// Draws findings, which have places in the script.
fn draw(script: &Script, findings: &[Diagnostic]) {
    let drawn = sql::error::render(findings, &script.text, &script.name, stderr().is_terminal());
    complain(drawn.trim_end());
}

pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("not KEY=VALUE".to_owned()),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = sql::parse_duration(text).and_then(|of| u64::try_from(of.0).ok());
    duration.map(Duration::from_millis).ok_or_else(|| "not a duration such as '5 min'".to_owned())
}
