//! Runs Python programs of third parties, which `scripts/python.sh` installs.
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told what is missing")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Returns the directory of the programs. `None`, with a line that tells what to do, where it is missing; in
/// CI that is a failure.
pub fn programs() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_weir")).ancestors().nth(2)?;
    let directory = target.join("python");
    if directory.join("complete").exists() {
        return Some(directory.join("bin"));
    }
    let message = "skipped: there are no clients in Python (scripts/python.sh gets them; it needs Python 3)";
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
    eprintln!("{message}");
    None
}

/// Runs a program to its end.
pub fn run(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    // The programs call only this machine, whatever proxy its user has.
    command.args(arguments).env("NO_PROXY", "*").env("PYTHONDONTWRITEBYTECODE", "1");
    command.output().expect("the program starts")
}
