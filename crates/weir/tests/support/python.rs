//! Python programs of others that tests run: `scripts/python.sh` gets them.
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told what is missing")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where they are. `None`, with a line that says what to do, where there are none; in CI that is a failure.
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

/// Runs one to its end.
pub fn run(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    // They go to this machine only, whatever proxy its user has.
    command.args(arguments).env("NO_PROXY", "*").env("PYTHONDONTWRITEBYTECODE", "1");
    command.output().expect("the program starts")
}
