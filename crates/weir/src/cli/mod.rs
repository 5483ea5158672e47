//! The command line, one file per command.

mod alerts;
mod api;
mod check;
mod client;
mod compare;
mod completions;
mod config;
mod dashboards;
mod dead_letters;
mod deliver;
mod documents;
mod explain;
mod functions;
mod gateway;
mod generate;
mod health;
mod https;
mod jobs;
mod local;
mod outcome;
mod rest;
mod results;
mod run;
mod script;
mod socket;
mod sql;
mod submit;
mod tail;
mod take_over;
mod terminal;
mod tokens;
mod trust;
mod up;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum as _};
use types::SystemClock;

use crate::shutdown::Shutdown;
use crate::telemetry::{self, LogFilter, LogFormat, Sinks};

pub(crate) use outcome::{Failure, Outcome};
pub(crate) use script::Script;

/// Real-time analytics of query events: events over HTTP, Flink SQL in event-time windows, a live dashboard
#[derive(Debug, Parser)]
#[command(
    name = "weir",
    version,
    after_help = "Exit codes: 0 success, 1 the operation failed (a script has errors, a job failed), 2 the command line or the \
                  configuration is wrong, 3 an external system cannot be reached.",
    arg_required_else_help = true,
    max_term_width = 110
)]
struct Cli {
    #[command(flatten)]
    logs: LogArgs,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
struct LogArgs {
    /// Filter of the log lines on stderr: `info`, or `warn,engine=debug` (environment: WEIR_LOG)
    #[arg(long = "log", value_name = "FILTER", global = true, help_heading = "Logs")]
    filter: Option<String>,
    /// Format of log lines (environment: WEIR_LOG_FORMAT)
    #[arg(long = "log-format", value_name = "FORMAT", global = true, help_heading = "Logs")]
    format: Option<LogFormat>,
}

impl LogArgs {
    /// Starts logging by flags and environment alone. Only commands that run jobs also read files.
    fn start(&self) -> Result<(), Failure> {
        let variable = |name: &str| std::env::var(name).ok();
        let filter = self.filter.clone().or_else(|| variable("WEIR_LOG"));
        let filter = filter.map_or_else(|| Ok(LogFilter::info()), |text| text.parse());
        let format = match (self.format, variable("WEIR_LOG_FORMAT")) {
            (Some(format), _) => Ok(format),
            (None, Some(text)) => LogFormat::from_str(&text, true),
            (None, None) => Ok(LogFormat::Human),
        };
        let wrong = |reason: String| Failure::usage(anyhow::anyhow!(reason));
        telemetry::start(&filter.map_err(wrong)?, format.map_err(wrong)?, Sinks::default())
            .map_err(Failure::failed)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run Weir: receive events, run jobs, store results, serve results and the dashboard
    Up(up::Arguments),
    /// Submit a script to a running Weir and print the job's id
    Run(run::Arguments),
    /// Submit a script to an Apache Flink cluster; results go to topics of Kafka
    Submit(submit::Arguments),
    /// Run SQL on a running Weir: interactively, or from statements or files
    Sql(sql::Arguments),
    /// Show the errors of a script with their places
    Check(check::Arguments),
    /// Print the plan of a script: its queries, its windows and what they share
    Explain(explain::Arguments),
    /// Run a script over files to their end, and write its rows
    Local(local::Arguments),
    /// List the functions that scripts can use
    Functions(functions::Arguments),
    /// Generate realistic events, for a running Weir or into a file
    Generate(generate::Arguments),
    /// List the result tables of a running Weir, or print rows of one
    Results(results::Arguments),
    /// List, print, save and delete the dashboards of a running Weir
    Dashboards(dashboards::Arguments),
    /// List, print, save, delete and test the alerts of a running Weir
    Alerts(alerts::Arguments),
    /// Write the results topics of a Flink cluster to the result store of a running Weir
    Deliver(deliver::Arguments),
    /// Compare the result rows of two Redis servers, such as those of a running system and of Weir
    Compare(compare::Arguments),
    /// Print results as they change
    Tail(tail::Arguments),
    /// List and operate the jobs of a running Weir, or of an Apache Flink cluster
    Jobs(jobs::Arguments),
    /// List, show and replay events that no job could count
    DeadLetters(dead_letters::Arguments),
    /// Create, list and revoke access tokens
    Tokens(tokens::Arguments),
    /// Ask a running Weir whether it works
    Health(health::Arguments),
    /// Print the effective settings and the origin of each
    Config(config::Arguments),
    /// Print the completions of a shell
    Completions(completions::Arguments),
    /// Write the manual pages into a directory
    Manual(completions::ManualArguments),
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(outcome) => outcome.code(),
        Err(failure) => {
            if !failure.is_quiet() {
                terminal::complain(&format!("error: {failure}"));
            }
            failure.code()
        }
    }
}

fn run(cli: Cli) -> Result<Outcome, Failure> {
    let clock = Arc::new(SystemClock::new());
    let Cli { logs, command } = cli;
    let shutdown = || Shutdown::listen().map_err(Failure::failed);

    // These two commands also read settings from a file.
    if !matches!(command, Command::Config(_) | Command::Up(_)) {
        logs.start()?;
    }

    match command {
        Command::Up(arguments) => up::run(&arguments, &logs, clock, shutdown()?),
        Command::Run(arguments) => run::run(&arguments, clock),
        Command::Submit(arguments) => submit::run(&arguments, clock),
        Command::Sql(arguments) => sql::run(&arguments, clock),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Results(arguments) => results::run(&arguments),
        Command::Dashboards(arguments) => dashboards::run(&arguments),
        Command::Alerts(arguments) => alerts::run(&arguments),
        Command::Local(arguments) => local::run(&arguments, clock, &shutdown()?),
        Command::Functions(arguments) => functions::run(&arguments),
        Command::Generate(arguments) => generate::run(arguments, clock, shutdown()?),
        Command::Deliver(arguments) => deliver::run(&arguments, clock),
        Command::Compare(arguments) => compare::run(&arguments, clock),
        Command::Health(arguments) => health::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Manual(arguments) => completions::manual(&arguments),
        Command::Tail(arguments) => tail::run(&arguments, shutdown()?),
        Command::Jobs(arguments) => jobs::run(&arguments),
        Command::DeadLetters(arguments) => dead_letters::run(&arguments),
        Command::Tokens(arguments) => tokens::run(&arguments, &*clock),
        Command::Config(arguments) => config::run(&arguments, &logs),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_flag_is_explained() {
        fn explained(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().filter(|command| command.get_name() != "help").for_each(explained);
        }
        explained(&Cli::command());
    }
}
