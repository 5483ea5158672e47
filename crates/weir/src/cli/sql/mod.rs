//! `weir sql`: a shell on the SQL gateway of a running Weir.
//!
//! `split` cuts a script into statements, and a `runner` executes them one by one (`execution`) in the
//! session of a `connection`; results go to an `output`. For people, `shell` adds a line editor.

mod complaint;
mod completion;
mod connection;
mod execution;
mod history;
mod meta;
mod output;
mod runner;
mod shell;
mod signals;
mod split;

use std::io::{IsTerminal as _, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::SignalKind;
use types::Clock;

use self::complaint::unreachable;
use self::connection::Connection;
use self::output::{Changes, Format, Look};
use self::runner::{Audience, Flow, Runner};
use self::signals::Signals;
use super::client::ClientArgs;
use super::gateway::{Gateway, Problem, Server};
use super::{Failure, Outcome, Script};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// URL of the SQL gateway
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8083", env = "WEIR_GATEWAY_URL")]
    gateway: String,
    #[command(flatten)]
    client: ClientArgs,
    /// Run this statement after the files, without a prompt; may be repeated
    #[arg(long = "execute", short = 'e', value_name = "STATEMENT")]
    statements: Vec<String>,
    /// Run the statements of a file, without a prompt; `-` is stdin; may be repeated
    #[arg(long = "file", short = 'f', value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Format of results [default: table on a terminal, else csv]
    #[arg(long = "format", value_name = "FORMAT")]
    result_format: Option<Format>,
    /// Add a column `op` with the kind of each row to CSV and JSON: `+I`, `-U`, `+U` or `-D`
    #[arg(long)]
    changes: bool,
}

pub(super) fn run(arguments: &Arguments, clock: Arc<dyn Clock>) -> Result<Outcome, Failure> {
    let scripts = scripts(arguments)?;
    let gateway = Gateway::new(&arguments.client, &arguments.gateway, Server::Weir)?;

    let connection = Connection::open(gateway).map_err(|problem| match problem {
        Problem::Unreachable(error) => unreachable(error),
        Problem::Refused(refusal) => {
            let messages: Vec<&str> = refusal.findings.iter().map(|of| of.message.as_str()).collect();
            Failure::failed(anyhow::anyhow!("the gateway refuses to open a session: {}", messages.join("; ")))
        }
    })?;

    let audience = if scripts.is_some() { Audience::Program } else { Audience::Person };
    let signals = match audience {
        // Nothing handles a signal at the prompt, so SIGTERM must end the shell there at once.
        Audience::Person => Signals::listen(&[SignalKind::interrupt()])?,
        Audience::Program => Signals::listen(&[SignalKind::interrupt(), SignalKind::terminate()])?,
    };

    let changes = if arguments.changes { Changes::Told } else { Changes::Refused };
    let look = Look::of(arguments.result_format, changes);
    let mut runner = Runner { connection, look, signals, clock, audience, is_timing: false };

    let outcome = match scripts {
        Some(scripts) => run_all(&mut runner, &scripts),
        None => shell::run(&mut runner, &arguments.gateway),
    };

    runner.connection.close();
    outcome
}

/// Returns the scripts to run instead of typed statements. Each is named if there are several.
fn scripts(arguments: &Arguments) -> Result<Option<Vec<Script>>, Failure> {
    let mut scripts = vec![];
    for path in &arguments.files {
        scripts.push(Script::read(path)?);
    }
    let lone = arguments.statements.len() == 1;
    for (at, statement) in arguments.statements.iter().enumerate() {
        let name = if lone { "-e".to_owned() } else { format!("-e {}", at + 1) };
        scripts.push(Script { name, text: statement.clone() });
    }
    let is_typed = scripts.is_empty() && stdin().is_terminal() && stdout().is_terminal();
    if scripts.is_empty() && !is_typed {
        scripts.push(Script::read(Path::new("-"))?);
    }
    Ok((!is_typed).then_some(scripts))
}

fn run_all(runner: &mut Runner, scripts: &[Script]) -> Result<Outcome, Failure> {
    for (at, script) in scripts.iter().enumerate() {
        match runner.run(script)? {
            Flow::On => {}
            Flow::Failed => return Ok(Outcome::No),
            Flow::Quit => return Ok(Outcome::Done),
            Flow::Stopped if at + 1 == scripts.len() => return Ok(Outcome::Done),
            Flow::Stopped => return Ok(Outcome::No),
        }
    }
    Ok(Outcome::Done)
}
