//! Completion by Tab. The gateway, which knows the session, completes words of SQL, tables and columns; the
//! shell completes `\` lines.

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::meta;
use crate::cli::gateway::Session;

/// The editor's completer while a line is typed.
pub(super) struct Completion {
    session: Session,
    /// The lines of the statement before this one.
    before: String,
}

impl Completion {
    pub(super) fn new(session: &Session, before: &str) -> Completion {
        Completion { session: session.clone(), before: before.to_owned() }
    }

    fn candidates(&self, head: &str) -> Vec<String> {
        if self.before.is_empty() && head.starts_with('\\') {
            return meta::names().filter(|name| name.starts_with(head)).map(str::to_owned).collect();
        }
        // Without an answer there are no candidates; the statement itself will report the error.
        self.session.complete(&format!("{}{head}", self.before)).unwrap_or_default()
    }
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let head = &line[..at];
        Ok((word_start(head), self.candidates(head)))
    }
}

/// Returns the beginning of the word that a candidate replaces.
fn word_start(head: &str) -> usize {
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '`' | '\\');
    head.char_indices().rev().take_while(|(_, c)| is_of_word(*c)).last().map_or(head.len(), |(at, _)| at)
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}

impl Validator for Completion {}

impl Helper for Completion {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_takes_the_place_of_the_word_at_the_cursor() {
        assert_eq!(word_start("SELECT que"), 7);
        assert_eq!(word_start("FROM `đăng"), 5);
        assert_eq!(word_start("FROM t WHERE "), 13);
        assert_eq!(word_start("f(a.b"), 4);
        assert_eq!(word_start(r"\fo"), 0);
        assert_eq!(word_start(""), 0);
    }
}
