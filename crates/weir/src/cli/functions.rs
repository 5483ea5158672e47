//! `weir functions`: lists what SQL can call, one per line: functions, aggregates, and forms with a grammar
//! of their own.

use clap::Args;

use super::terminal::print;
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Text to search in names and descriptions, case-insensitively [default: list all]
    #[arg(value_name = "TEXT")]
    text: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let wanted = arguments.text.as_deref().unwrap_or_default().to_lowercase();
    let mut found = false;
    for entry in sql::functions::manual() {
        let names = entry.names.join(", ");
        if format!("{names} {}", entry.doc).to_lowercase().contains(&wanted) {
            found = true;
            print(&format!("{names:<32}  {}", entry.doc))?;
        }
    }
    Ok(if found { Outcome::Done } else { Outcome::No })
}
