//! `weir check`: whether a script is right, and where it is not.

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
    let queries = plan.pipelines.iter().map(|pipeline| pipeline.queries.len()).sum::<usize>();
    print(&format!(
        "{}: {} from {} into {}",
        script.name,
        counted(queries, "query", "queries"),
        counted(plan.pipelines.len(), "table", "tables"),
        counted(plan.sinks.len(), "table", "tables"),
    ))?;
    Ok(Outcome::Done)
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
