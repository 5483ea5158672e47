//! `weir check`: checks a script, and prints the errors with their places.

use clap::{Args, ValueEnum};
use connectors::flink::{ResultsTopic, Translation, translate};
use serde_json::{Value, json};
use server::flink::Finding;
use sql::error::Diagnostic;
use sql::plan::Plan;

use super::script::{Script, ScriptArgs};
use super::submit::{ResultsArgs, extra_jars, remark_checkpoints};
use super::terminal::print;
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    script: ScriptArgs,
    /// Output format of the findings
    #[arg(long, id = "findings", value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Check the script for an Apache Flink cluster: what Flink refuses or answers differently, and which jars
    /// the cluster needs
    #[arg(long)]
    flink: bool,
    #[command(flatten)]
    results: ResultsArgs,
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
    if arguments.flink {
        let (translation, findings) = translate(&script.text, &lookup, &arguments.results.options());
        return for_flink(&script, translation.as_ref(), &findings, arguments.format);
    }

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

/// Prints the findings for Flink, and what a cluster needs.
fn for_flink(
    script: &Script,
    translation: Option<&Translation>,
    findings: &[Diagnostic],
    format: Format,
) -> Result<Outcome, Failure> {
    let outcome = if translation.is_some() { Outcome::Done } else { Outcome::No };

    if format == Format::Json {
        let topics = translation.map(|of| {
            let topic = |of: &ResultsTopic| json!({"table": of.table, "topic": of.topic});
            of.results.iter().map(topic).collect::<Vec<Value>>()
        });
        let jars = translation.map(|of| of.jars.iter().map(|jar| jar.name).collect::<Vec<&str>>());
        let report = json!({
            "script": script.name,
            "ok": translation.is_some(),
            "topics": topics,
            "jars": jars,
            "findings": Finding::all(findings, &script.text),
        });
        print(&report.to_string())?;
        return Ok(outcome);
    }

    script.show(findings);
    let Some(translation) = translation else { return Ok(outcome) };
    if !translation.sets_checkpoints {
        remark_checkpoints();
    }
    let topics = counted(translation.results.len(), "topic", "topics");
    print(&format!("{}: Flink runs it, with results in {topics}", script.name))?;
    for jar in extra_jars(&translation.jars) {
        print(&format!("the cluster needs {jar}"))?;
    }
    Ok(outcome)
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
