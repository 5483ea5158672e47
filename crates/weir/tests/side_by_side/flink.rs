//! Runs a case on a real Flink, through its SQL gateway.
//!
//! Sources read the files of the case with Flink's `filesystem` connector and the script's formats. Each
//! query of an `INSERT` runs as a `SELECT`, whose changes the gateway returns.
//!
//! Three settings make the answers repeatable: one subtask, a watermark after each row
//! (`pipeline.auto-watermark-interval` = 0), and no restart of a failed query.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::case::{Case, Statement, Table};
use super::gateway::Session;
use super::rows::Change;

const SETTINGS: [&str; 5] = [
    "SET 'execution.runtime-mode' = 'streaming'",
    "SET 'parallelism.default' = '1'",
    "SET 'pipeline.auto-watermark-interval' = '0'",
    "SET 'restart-strategy.type' = 'none'",
    "SET 'table.local-time-zone' = 'UTC'",
];

/// Runs a case, and returns Flink's changes in order.
///
/// # Errors
/// Fails with the innermost cause where Flink refuses a statement or fails.
pub fn changelog(case: &Case, gateway: &str) -> Result<Vec<Change>, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let session = Session::open(gateway);
    for setting in SETTINGS {
        session.run(setting)?;
    }

    let mut changes = Vec::new();
    for statement in &case.statements {
        match statement {
            Statement::Other(text) => drop(session.run(text)?),
            Statement::Table(table) => {
                let Some(file) = case.inputs.get(&table.name) else { continue };
                if table.options["connector"] == "upsert-kafka" {
                    session.run("SET 'table.exec.source.cdc-events-duplicate' = 'true'")?;
                }
                session.run(&source(table, file, directory.path()))?;
            }
            Statement::Insert { sink, query } => {
                let sink = case.table(sink).unwrap_or_else(|| panic!("{}: no table {sink}", case.name));
                for row in session.run(query)? {
                    let names = sink.columns.iter().map(|(name, _)| name.clone());
                    changes.push(Change {
                        table: sink.name.clone(),
                        op: Some(row.op.to_owned()),
                        value: names.zip(row.values).collect(),
                    });
                }
            }
        }
    }
    Ok(changes)
}

/// Returns the declaration of a source that reads the file of a case.
fn source(table: &Table, file: &Path, directory: &Path) -> String {
    let is_upsert = table.options["connector"] == "upsert-kafka";
    let (file, format) = match is_upsert {
        true => (envelopes(table, file, directory), "debezium-json"),
        false => (file.to_owned(), table.options["format"].as_str()),
    };

    let mut options = vec![
        "'connector' = 'filesystem'".to_owned(),
        format!("'path' = '{}'", fs::canonicalize(file).expect("an input").display()),
        format!("'format' = '{format}'"),
    ];
    let of_format = table.options.iter().filter(|(name, _)| name.starts_with(&format!("{format}.")));
    options.extend(of_format.map(|(name, value)| format!("'{name}' = '{value}'")));
    format!("{} WITH ({})", table.head, options.join(", "))
}

/// Writes the records of an `upsert-kafka` table in a format for files: Flink replaces a change by a later
/// one with the same key (`table.exec.source.cdc-events-duplicate`), as it does with an upsert.
fn envelopes(table: &Table, file: &Path, directory: &Path) -> std::path::PathBuf {
    let text = fs::read_to_string(file).expect("an input");
    let lines = text.lines().map(|line| {
        let record: Value = serde_json::from_str(line).expect("an input is JSON");
        let envelope = match &record["value"] {
            Value::Null => json!({ "before": record["key"], "after": null, "op": "d" }),
            value => json!({ "before": null, "after": value, "op": "c" }),
        };
        envelope.to_string() + "\n"
    });

    let path = directory.join(format!("{}.jsonl", table.name));
    fs::write(&path, lines.collect::<String>()).expect("a file is written");
    path
}
