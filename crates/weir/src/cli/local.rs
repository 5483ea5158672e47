//! `weir local`: runs a script over files, to their end, without a server.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write, stdout};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jobs::{LocalError, LocalInput, LocalRun};
use sql::error::quoted;
use types::Clock;

use super::script::ScriptArgs;
use super::terminal::complain;
use super::{Failure, Outcome};
use crate::shutdown::Shutdown;

/// Poll interval of the end of the run.
const POLL: Duration = Duration::from_millis(5);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    script: ScriptArgs,
    /// Files of events, one per line, that replace a source table; each file is a partition of the table
    #[arg(long, short, value_name = "TABLE=FILE", num_args = 1.., value_parser = input)]
    input: Vec<(String, PathBuf)>,
    /// Output file of the rows, one JSON object per line: table, key, value, ttl [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write every change of a row, with `"op"`, instead of the final rows
    #[arg(long)]
    changelog: bool,
    /// Number of subtasks [default: the script's setting, else 1]
    #[arg(long, value_name = "N")]
    parallelism: Option<NonZeroU32>,
    /// Rows per batch; the results do not depend on it
    #[arg(long, value_name = "N", default_value_t = 4096, hide = true,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch_rows: u32,
}

pub(super) fn run(
    arguments: &Arguments,
    clock: Arc<dyn Clock>,
    shutdown: &Shutdown,
) -> Result<Outcome, Failure> {
    let began = clock.elapsed();
    let script = arguments.script.read()?;
    let Some(plan) = script.compile_local(&|name| arguments.script.lookup(name)) else {
        return Ok(Outcome::No);
    };
    let parallelism = arguments.parallelism.map(NonZeroU32::get).or(plan.settings.parallelism).unwrap_or(1);

    let output: Box<dyn Write + Send> = match &arguments.output {
        None => Box::new(BufWriter::new(stdout())),
        Some(path) => {
            let file = File::create(path).with_context(|| format!("writing {}", path.display()));
            Box::new(BufWriter::with_capacity(1 << 20, file.map_err(Failure::failed)?))
        }
    };

    let run = LocalRun {
        plan,
        inputs: inputs(&arguments.input),
        output,
        changelog: arguments.changelog,
        parallelism,
        batch_rows: arguments.batch_rows as usize,
        clock: clock.clone(),
    };

    let failed = |error: LocalError| {
        if let LocalError::Script(diagnostics) = &error {
            script.show(diagnostics);
        }
        if arguments.output.is_none() && is_closed_pipe(&error) {
            return Failure::writing("stdout", ErrorKind::BrokenPipe.into());
        }
        Failure::failed(error)
    };

    let running = run.start().map_err(failed)?;
    while !running.is_finished() && !shutdown.wait(POLL) {}
    if !running.is_finished() {
        running.control().cancel();
    }
    let summary = running.join().map_err(failed)?;
    let seconds = clock.elapsed().saturating_sub(began).as_secs_f64();
    let ledger = &summary.ledger;

    for (reason, records) in &ledger.reasons {
        complain(&format!("{records} dead-lettered: {}", quoted(reason.clone())));
    }
    let late_rows = match summary.late_rows {
        0 => String::new(),
        rows => format!(", {rows} rows late in operators"),
    };
    complain(&format!(
        "{} events, {} late{late_rows}, {} dead-lettered, {} rows written, {seconds:.2} s, {:.0} events/s",
        ledger.accepted,
        ledger.late,
        ledger.dead_lettered,
        summary.rows_written,
        ledger.accepted as f64 / seconds
    ));

    if !shutdown.is_asked() {
        return Ok(Outcome::Done);
    }
    complain("stopped before the end of the input: the rows are not complete");
    Ok(Outcome::No)
}

/// Returns whether the reader of the rows is gone: only rows are written to a pipe.
fn is_closed_pipe(error: &LocalError) -> bool {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    })
}

/// Returns the files of each table, in the order given.
fn inputs(given: &[(String, PathBuf)]) -> Vec<LocalInput> {
    let mut tables: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for (table, path) in given {
        tables.entry(table).or_default().push(path.clone());
    }
    tables.into_iter().map(|(table, paths)| LocalInput { table: table.to_owned(), paths }).collect()
}

fn input(text: &str) -> Result<(String, PathBuf), String> {
    // A script behind the option reads as one of its files.
    let not_a_pair = "not TABLE=FILE; write the script before --input";
    let (table, path) = text.split_once('=').ok_or(not_a_pair)?;
    Ok((table.to_owned(), PathBuf::from(path)))
}
