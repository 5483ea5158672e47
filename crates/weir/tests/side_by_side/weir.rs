//! Runs a case on Weir: `weir local`, over the files of the case.
#![allow(dead_code, reason = "each program uses a part of it")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::case::Case;
use super::rows::Change;

/// Runs a case, and returns its final rows.
///
/// # Errors
/// Fails with Weir's message where it refuses the script or fails.
pub fn run(case: &Case) -> Result<Vec<Change>, String> {
    run_with(case, &[])
}

/// As [`run`], but returns every change of a row.
///
/// # Errors
/// As [`run`].
pub fn changelog(case: &Case) -> Result<Vec<Change>, String> {
    run_with(case, &["--changelog"])
}

/// As [`run`], with several subtasks of each operator.
///
/// # Errors
/// As [`run`].
pub fn run_by(case: &Case, subtasks: u32) -> Result<Vec<Change>, String> {
    run_with(case, &["--parallelism", &subtasks.to_string()])
}

/// As [`run`], without a rewrite rule of the planner.
///
/// # Errors
/// As [`run`].
pub fn run_without(case: &Case, rule: &str) -> Result<Vec<Change>, String> {
    let script = fs::read_to_string(case.directory.join("job.sql")).expect("the case has a script");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("job.sql");
    let setting = format!("SET 'weir.optimizer.disabled-rules' = '{rule}';\n");
    fs::write(&path, setting + &script).expect("the script is written");
    run_script(case, &path, &[])
}

fn run_with(case: &Case, arguments: &[&str]) -> Result<Vec<Change>, String> {
    run_script(case, &case.directory.join("job.sql"), arguments)
}

fn run_script(case: &Case, script: &Path, arguments: &[&str]) -> Result<Vec<Change>, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("rows.jsonl");
    let output = output(case, script, &path, arguments);
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(Change::read_all(&fs::read_to_string(path).expect("rows were written")))
}

fn output(case: &Case, script: &Path, rows: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.arg("local").arg(script).arg("--output").arg(rows).args(arguments);
    for (table, file) in &case.inputs {
        command.arg("--input").arg(format!("{table}={}", file.display()));
    }
    command.output().expect("the binary starts")
}
