//! `weir explain`: describes what a script does.

use clap::Args;

use super::script::ScriptArgs;
use super::terminal::print;
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    script: ScriptArgs,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let script = arguments.script.read()?;
    let Some(plan) = script.compile(&|name| arguments.script.lookup(name)) else { return Ok(Outcome::No) };
    print(sql::explain::explain(&plan).trim_end())?;
    Ok(Outcome::Done)
}
