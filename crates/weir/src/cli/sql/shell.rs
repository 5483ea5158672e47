//! The shell for people: reads statements line by line until they are complete, and runs them.

use rustyline::Editor;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;

use super::completion::Completion;
use super::history::{History, config};
use super::runner::{Flow, Runner};
use super::split::split;
use crate::cli::terminal::{complain, print};
use crate::cli::{Failure, Outcome, Script};

const PROMPT: &str = "weir> ";
const PROMPT_INSIDE: &str = "   -> ";

pub(super) fn run(runner: &mut Runner, url: &str) -> Result<Outcome, Failure> {
    let editor = config().and_then(Editor::<Completion, FileHistory>::with_config);
    let mut editor = editor.map_err(Failure::failed)?;
    let history = History::of_user();
    history.load(&mut editor);
    print(&format!("Weir {} at {url}; \\? for help, Ctrl-D leaves", env!("CARGO_PKG_VERSION")))?;
    let mut text = String::new();
    let mut is_history_told = false;

    loop {
        editor.set_helper(Some(Completion::new(runner.connection.session(), &text)));
        match editor.readline(if text.is_empty() { PROMPT } else { PROMPT_INSIDE }) {
            Ok(line) => text.push_str(&line),
            Err(ReadlineError::Interrupted) => {
                text.clear();
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(Outcome::Done),
            Err(error) => {
                return Err(Failure::failed(anyhow::Error::new(error).context("reading the terminal")));
            }
        }
        let pieces = split(&text);
        if pieces.rest.is_some() || pieces.is_open {
            text.push('\n');
            continue;
        }
        let script = Script { name: "statement".to_owned(), text: std::mem::take(&mut text) };
        if pieces.whole.is_empty() {
            continue;
        }
        if let Err(error) = history.add(&mut editor, script.text.trim_end())
            && !std::mem::replace(&mut is_history_told, true)
        {
            complain(&format!("the history is not saved: {error}"));
        }
        runner.signals.forget();
        match runner.run(&script)? {
            Flow::Quit => return Ok(Outcome::Done),
            Flow::On | Flow::Failed | Flow::Stopped => {}
        }
    }
}
