//! `weir completions` and `weir manual`: what packages install besides the binary, made from the command line itself.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Shell whose completions to print
    shell: Shell,
}

/// Prints a shell's completions.
pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    // The generator panics where it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "weir", &mut script);
    io::Write::write_all(&mut io::stdout().lock(), &script)
        .map_err(|error| Failure::writing("stdout", error))?;
    Ok(Outcome::Done)
}

#[derive(Debug, Args)]
pub(super) struct ManualArguments {
    /// Directory of the pages, which is created: weir.1, weir-up.1 …
    directory: PathBuf,
}

/// Writes the manual pages.
pub(super) fn manual(arguments: &ManualArguments) -> Result<Outcome, Failure> {
    let directory = &arguments.directory;
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
        .with_context(|| format!("writing manual pages to {}", directory.display()))
        .map_err(Failure::failed)?;
    Ok(Outcome::Done)
}
