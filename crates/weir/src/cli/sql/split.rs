//! Splits a script into statements. A statement ends at a `;` outside of quotes and comments, and outside of
//! an open statement set.
//!
//! The functions are pure, and understand only as much SQL as that needs; the gateway checks the statements.

use std::ops::Range;

/// A part of a script as a range of its bytes, without surrounding blanks and comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A statement with its `;`, if it has one.
    Statement(Range<usize>),
    /// A line that begins with `\` where a statement could begin, without its line end.
    Meta(Range<usize>),
}

/// A split script.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    pub(super) whole: Vec<Piece>,
    /// A statement that was begun and not ended by a `;`.
    pub(super) rest: Option<Range<usize>>,
    /// Whether a quote, a comment or a statement set is open at the end, so that a `;` would not end the
    /// statement.
    pub(super) is_open: bool,
}

/// Splits a script.
pub(super) fn split(script: &str) -> Pieces {
    let mut pieces = Pieces::default();
    let mut statement = Statement::default();
    let mut at = 0;

    while let Some(token) = next(script, at) {
        let end = at + token.bytes;
        let is_first = statement.start.is_none();
        match token.kind {
            Kind::Blank => {}
            Kind::OpenComment => pieces.is_open = true,
            Kind::Other if is_first && script[at..].starts_with('\\') => {
                let line = script[at..].find('\n').map_or(script.len(), |newline| at + newline);
                let length = script[at..line].trim_end().len();
                pieces.whole.push(Piece::Meta(at..at + length));
                at = line;
                continue;
            }
            // An empty statement.
            Kind::Semicolon if is_first => {}
            Kind::Semicolon => {
                statement.reached(at, end);
                if statement.ends_here() {
                    pieces.whole.push(Piece::Statement(statement.range()));
                    statement = Statement::default();
                }
            }
            Kind::Word => {
                statement.reached(at, end);
                statement.word(&script[at..end]);
            }
            Kind::Other | Kind::OpenQuote => {
                statement.reached(at, end);
                statement.sign();
                pieces.is_open |= token.kind == Kind::OpenQuote;
            }
        }
        at = end;
    }

    if statement.start.is_some() {
        pieces.is_open |= statement.set == Set::Inside;
        pieces.rest = Some(statement.range());
    }

    pieces
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Blanks and comments.
    Blank,
    /// A comment without an end.
    OpenComment,
    Semicolon,
    Word,
    /// A quoted text or name, a number or a sign.
    Other,
    /// A quote without an end.
    OpenQuote,
}

struct Token {
    kind: Kind,
    bytes: usize,
}

fn next(script: &str, at: usize) -> Option<Token> {
    let rest = &script[at..];
    let first = rest.chars().next()?;
    let token = |kind, bytes| Some(Token { kind, bytes });
    let run = |is_in: fn(char) -> bool| rest.find(|c| !is_in(c)).unwrap_or(rest.len());
    if rest.starts_with("--") {
        return token(Kind::Blank, rest.find('\n').unwrap_or(rest.len()));
    }

    if let Some(comment) = rest.strip_prefix("/*") {
        return match comment.find("*/") {
            Some(end) => token(Kind::Blank, end + 4),
            None => token(Kind::OpenComment, rest.len()),
        };
    }

    match first {
        // A doubled quote inside counts as two quoted parts, which is equivalent.
        '\'' | '"' | '`' => match rest[1..].find(first) {
            Some(end) => token(Kind::Other, end + 2),
            None => token(Kind::OpenQuote, rest.len()),
        },
        ';' => token(Kind::Semicolon, 1),
        _ if first.is_whitespace() => token(Kind::Blank, run(char::is_whitespace)),
        _ if is_of_word(first) => token(Kind::Word, run(is_of_word)),
        _ => token(Kind::Other, first.len_utf8()),
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// Whether a statement is a statement set: `… STATEMENT SET BEGIN INSERT …; INSERT …; END;`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Set {
    #[default]
    No,
    /// This many words of `STATEMENT SET BEGIN` have come.
    Perhaps(usize),
    Inside,
    /// `END` has come.
    Over,
}

const SET_BEGINS: [&str; 3] = ["STATEMENT", "SET", "BEGIN"];

#[derive(Debug, Default)]
struct Statement {
    start: Option<usize>,
    end: usize,
    set: Set,
    /// Whether `END` would end the set here, and not belong to `CASE … END`.
    is_after_insert: bool,
}

impl Statement {
    fn reached(&mut self, start: usize, end: usize) {
        self.start.get_or_insert(start);
        self.end = end;
    }

    fn range(&self) -> Range<usize> {
        self.start.unwrap_or_default()..self.end
    }

    fn word(&mut self, word: &str) {
        self.set = match self.set {
            Set::No | Set::Perhaps(_) => {
                let come = if let Set::Perhaps(come) = self.set { come } else { 0 };
                let follows = |come: usize| word.eq_ignore_ascii_case(SET_BEGINS[come]);
                match come {
                    2 if follows(2) => Set::Inside,
                    _ if follows(come) => Set::Perhaps(come + 1),
                    _ if follows(0) => Set::Perhaps(1),
                    _ => Set::No,
                }
            }
            Set::Inside if self.is_after_insert && word.eq_ignore_ascii_case("END") => Set::Over,
            same @ (Set::Inside | Set::Over) => same,
        };
        // Behind `BEGIN` too: the gateway refuses an empty set.
        self.is_after_insert = self.set == Set::Inside && word.eq_ignore_ascii_case("BEGIN");
    }

    /// Consumes another token, which is in the middle of a statement.
    fn sign(&mut self) {
        self.is_after_insert = false;
        if matches!(self.set, Set::Perhaps(_)) {
            self.set = Set::No;
        }
    }

    /// Returns whether the statement ends at a `;`.
    fn ends_here(&mut self) -> bool {
        self.is_after_insert = true;
        self.set != Set::Inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(script: &str) -> Vec<&str> {
        let whole = split(script).whole.into_iter();
        whole
            .map(|piece| match piece {
                Piece::Statement(range) | Piece::Meta(range) => &script[range],
            })
            .collect()
    }

    fn rest(script: &str) -> (Option<&str>, bool) {
        let pieces = split(script);
        (pieces.rest.map(|range| &script[range]), pieces.is_open)
    }

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes_and_comments() {
        let script =
            "-- first; of all\nSET 'a;b' = 'it''s; so';\n/* ; */ SELECT `a;``b`, \";\" -- ; no\nFROM t ; ;\n";
        assert_eq!(
            statements(script),
            ["SET 'a;b' = 'it''s; so';", "SELECT `a;``b`, \";\" -- ; no\nFROM t ;"]
        );
        assert_eq!(rest(script), (None, false));
    }

    #[test]
    fn a_statement_set_is_one_statement() {
        let set = "EXECUTE STATEMENT SET BEGIN\nINSERT INTO a SELECT CASE WHEN x THEN 1 END FROM t;\n-- between\nINSERT INTO b SELECT CASE x WHEN 1 THEN 2 END\nEND FROM t;\nEnd;";
        assert_eq!(statements(&format!("{set} SELECT 1;")), [set, "SELECT 1;"]);
        let explained = "explain statement /* a */ set begin insert into a select 1; end;";
        assert_eq!(statements(explained), [explained]);
        assert_eq!(statements("EXECUTE STATEMENT SET BEGIN END; SELECT 1;").len(), 2);
        // The older form is one statement after another.
        assert_eq!(statements("BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END;").len(), 3);
        assert_eq!(statements("SELECT statement, set, begin; SELECT 2;").len(), 2);
    }

    #[test]
    fn what_is_begun_is_left_over() {
        assert_eq!(rest("SELECT 1; SELECT 2 -- more"), (Some("SELECT 2"), false));
        assert_eq!(rest("SELECT 'a;\n"), (Some("SELECT 'a;\n"), true));
        assert_eq!(rest("SELECT 1 /* ;"), (Some("SELECT 1"), true));
        let set = "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;";
        assert_eq!(rest(set), (Some(set), true));
        assert_eq!(rest(" -- nothing\n /* at all */ ;"), (None, false));
    }

    #[test]
    fn a_line_for_the_shell_ends_with_the_line() {
        assert_eq!(
            statements("\\x\n  \\d t ;  \nSELECT 1 \\\n;\\q"),
            ["\\x", "\\d t ;", "SELECT 1 \\\n;", "\\q"]
        );
    }

    #[test]
    fn the_built_in_job_falls_into_its_statements() {
        let script = include_str!("../../../../../jobs/analytics.sql");
        let pieces = split(script);
        assert_eq!(pieces.rest, None);
        let last = statements(script).pop().expect("statements");
        assert!(last.starts_with("EXECUTE STATEMENT SET") && last.ends_with("END;"), "{last}");
        assert_eq!(last.matches("INSERT INTO").count(), 15);
    }
}
