//! `weir check`: checks a script, and prints the errors with their places.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use server::flink::Finding;
use sql::error::Diagnostic;
use sql::plan::Plan;

use super::script::{Script, ScriptArgs};
use super::terminal::print;
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    script: ScriptArgs,
    /// Output format of the findings
    #[arg(long, id = "findings", value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Marked in the script's lines, on stderr
    Text,
    /// One JSON object on stdout, for editors and pipelines
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let script = arguments.script.read()?;
    let lookup = |name: &str| arguments.script.lookup(name);

    match arguments.format {
        Format::Text => {
            let Some(plan) = script.compile(&lookup) else { return Ok(Outcome::No) };
            print(&format!(
                "{}: {} from {} into {}",
                script.name,
                counted(queries(&plan), "query", "queries"),
                counted(plan.pipelines.len(), "table", "tables"),
                counted(plan.sinks.len(), "table", "tables"),
            ))?;
            Ok(Outcome::Done)
        }
        Format::Json => {
            let (plan, findings) = script.check(&lookup);
            print(&report(&script, plan.as_ref(), &findings).to_string())?;
            Ok(if plan.is_some() { Outcome::Done } else { Outcome::No })
        }
    }
}

fn queries(plan: &Plan) -> usize {
    plan.pipelines.iter().map(|pipeline| pipeline.queries.len()).sum()
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Returns `{"script", "ok", "queries", "sources", "sinks", "findings": [{"severity", "message", …}]}`; the
/// counts are null without a plan.
fn report(script: &Script, plan: Option<&Plan>, findings: &[Diagnostic]) -> Value {
    json!({
        "script": script.name,
        "ok": plan.is_some(),
        "queries": plan.map(queries),
        "sources": plan.map(|plan| plan.pipelines.len()),
        "sinks": plan.map(|plan| plan.sinks.len()),
        "findings": Finding::all(findings, &script.text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_reported_with_their_places() {
        let text = "CREATE TABLE t (n INT) WITH ('connector' = 'kafka');\nINSERT INTO học SELECT n FROM t;\n";
        let script = Script { name: "job.sql".to_owned(), text: text.to_owned() };
        let (plan, findings) = script.check(&|_| None);
        let report = report(&script, plan.as_ref(), &findings);
        assert_eq!((report["ok"].as_bool(), report["queries"].is_null()), (Some(false), true));
        let finding = &report["findings"][0];
        assert_eq!(finding["severity"], "error");
        assert_eq!(finding["message"], "there is no table `học`");
        let place = |key: &str| finding[key].as_u64().expect("a number");
        assert_eq!((place("line"), place("column"), place("end_line"), place("end_column")), (2, 13, 2, 16));
        assert_eq!(&text[place("start") as usize..place("end") as usize], "học");
    }
}
