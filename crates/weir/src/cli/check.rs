//! `weir check`: checks a script, and prints the errors with their places.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use sql::error::{Diagnostic, Severity};
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
    let places = Places::of(&script.text);
    json!({
        "script": script.name,
        "ok": plan.is_some(),
        "queries": plan.map(queries),
        "sources": plan.map(|plan| plan.pipelines.len()),
        "sinks": plan.map(|plan| plan.sinks.len()),
        "findings": findings.iter().map(|finding| described(finding, &places)).collect::<Vec<Value>>(),
    })
}

/// Returns a finding with its place: bytes from the script's start, and line and column, both from 1, in
/// characters.
fn described(finding: &Diagnostic, places: &Places<'_>) -> Value {
    let (line, column) = places.at(finding.span.start);
    let (end_line, end_column) = places.at(finding.span.end);
    json!({
        "severity": match finding.severity {
            Severity::Error => "error",
            Severity::Notice => "notice",
        },
        "message": finding.message,
        "detail": finding.detail,
        "hint": finding.hint,
        "start": finding.span.start,
        "end": finding.span.end,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    })
}

/// The lines of a script, so that the places of many findings are found fast.
struct Places<'a> {
    script: &'a str,
    /// The first byte of each line.
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(script: &'a str) -> Places<'a> {
        let starts = std::iter::once(0).chain(script.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Places { script, starts }
    }

    /// Returns the line and the column of a byte.
    fn at(&self, byte: usize) -> (usize, usize) {
        let byte = self.script.floor_char_boundary(byte.min(self.script.len()));
        let line = self.starts.partition_point(|start| *start <= byte);
        (line, self.script[self.starts[line - 1]..byte].chars().count() + 1)
    }
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
