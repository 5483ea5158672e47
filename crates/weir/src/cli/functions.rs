//! `weir functions`: the scalar functions of SQL, a line each.

use clap::Args;

use super::terminal::print;
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only those whose name or line holds this text, in any case
    #[arg(value_name = "TEXT")]
    text: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let wanted = arguments.text.as_deref().unwrap_or_default().to_lowercase();
    let mut found = false;
    for function in sql::functions::all() {
        let names = [&[function.name], function.aliases].concat().join(", ");
        if format!("{names} {}", function.doc).to_lowercase().contains(&wanted) {
            found = true;
            print(&format!("{names:<32}  {}", function.doc))?;
        }
    }
    Ok(if found { Outcome::Done } else { Outcome::No })
}
