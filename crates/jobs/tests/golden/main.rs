//! Golden tests: scripts over files of events, with all their results. `cases/NAME` contains `script.sql` as
//! a user would write it, `TABLE.jsonl` for each table that is read, and `expected.golden`. Results that were
//! observed in Flink are used as the golden file. Every case gives the same bytes with any parallelism and
//! batch size, and the same rows as a live job that is killed and restored.
//!
//! `UPDATE_GOLDEN=1` rewrites the golden files: check the changes before you keep them.

mod interrupted;
#[path = "../support/memory.rs"]
#[expect(dead_code, reason = "other tests ask more of the log and the store")]
mod memory;
#[path = "../support/stage.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage")]
mod stage;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use engine::operator::LedgerCounts;
use serde_json::Value;
use sql::expr::{Expr, ExprGraph};
use sql::plan::Shape;

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cases");
    let entries = std::fs::read_dir(root).expect("the cases are there");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("a directory").path()).collect();
    cases.sort();
    cases
}

fn script(case: &Path) -> String {
    std::fs::read_to_string(case.join("script.sql")).expect("a case has a script")
}

/// Returns the results of a case in readable form: one line per row, and the counts of records.
fn answer(case: &Path, parallelism: u32, batch_rows: usize) -> String {
    let entries = std::fs::read_dir(case).expect("a case is a directory");
    let inputs = entries.map(|entry| entry.expect("a file").path());
    let mut inputs: Vec<PathBuf> =
        inputs.filter(|path| path.extension().is_some_and(|of| of == "jsonl")).collect();
    inputs.sort();
    let tables: Vec<(String, [&Path; 1])> = inputs
        .iter()
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), [path.as_path()]))
        .collect();
    let tables: Vec<(&str, &[&Path])> =
        tables.iter().map(|(table, paths)| (table.as_str(), paths.as_slice())).collect();

    let (output, summary) = support::run(&script(case), &tables, parallelism, batch_rows);
    let mut text = String::new();
    for line in output.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let mut value = line["value"].clone();
        value.as_object_mut().expect("a row is an object").remove("created_at");
        writeln!(text, "{} {} {value}", line["table"], line["key"]).expect("a String takes any text");
    }
    assert!(summary.ledger.balances(), "{:?}", summary.ledger);
    write_ledger(&mut text, &summary.ledger);
    text
}

fn write_ledger(text: &mut String, ledger: &LedgerCounts) {
    write!(
        text,
        "\n{} accepted: {} counted, {} filtered, {} late, {} dead-lettered\n",
        ledger.accepted, ledger.counted, ledger.filtered, ledger.late, ledger.dead_lettered
    )
    .expect("a String takes any text");
    for (what, counts) in [
        ("dead letters", &ledger.reasons),
        ("late for", &ledger.late_by_query),
        ("wrong type", &ledger.wrong_types),
    ] {
        for (of, count) in counts {
            writeln!(text, "{what}: {count} {of}").expect("a String takes any text");
        }
    }
}

#[test]
fn every_case_answers_as_written_down() {
    let mut wrong = Vec::new();
    for case in cases() {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        let found = answer(&case, 1, 4096);
        let golden = case.join("expected.golden");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &found).expect("the golden can be written");
        }

        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        let differing: Vec<String> = (expected.lines().chain(std::iter::repeat("")).zip(found.lines()))
            .filter(|(expected, found)| expected != found)
            .take(3)
            .map(|(expected, found)| format!("  expected {expected}\n     found {found}"))
            .collect();
        if found != expected {
            wrong.push(format!(
                "{name}: {} lines for {}\n{}",
                found.lines().count(),
                expected.lines().count(),
                differing.join("\n")
            ));
        }

        for (parallelism, batch_rows) in [(1, 1), (3, 4096), (3, 1)] {
            if answer(&case, parallelism, batch_rows) != found {
                wrong.push(format!(
                    "{name}: another answer at parallelism {parallelism}, batches of {batch_rows}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn note_functions(graph: &ExprGraph, called: &mut BTreeSet<&'static str>) {
    called.extend(graph.iter().filter_map(|(_, node)| match &node.expr {
        Expr::Call { function, .. } => Some(function.name),
        _ => None,
    }));
}

#[test]
fn every_function_is_called_in_some_case() {
    let mut called = BTreeSet::new();
    let built_in = include_str!("../../../../jobs/analytics.sql").to_owned();
    for script in cases().iter().map(|case| script(case)).chain([built_in]) {
        let plan = sql::compile(&script, &|_| None).unwrap_or_else(|errors| panic!("{errors:#?}"));
        for pipeline in &plan.pipelines {
            note_functions(&pipeline.exprs, &mut called);
            for query in &pipeline.queries {
                if let Shape::Aggregate(aggregate) = &query.shape {
                    note_functions(&aggregate.output, &mut called);
                }
            }
        }
    }
    // Calls without arguments are evaluated by the compiler.
    let texts: String = cases().iter().map(|case| script(case)).collect();
    let names = sql::functions::all().iter().map(|function| function.name);
    let missing: Vec<&str> =
        names.filter(|name| !called.contains(name) && !texts.contains(&format!("{name}()"))).collect();
    assert!(missing.is_empty(), "no golden case calls {}", missing.join(", "));
}
