//! Decodes the gateway's errors: the last cause of a Java trace, and the place in the statement.
//!
//! Flink writes places in several ways, `From line 1, column 8 to line 1, column 13: …` and `… at line 1,
//! column 8.`; Weir's own gateway appends `(line 1, column 8)` to each finding, and puts detail and hint on
//! lines of their own.

use std::ops::Range;

use serde::Deserialize;

/// The refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Refusal {
    pub(in crate::cli) findings: Vec<Finding>,
    /// The whole error as the server wrote it, with its stack.
    pub(in crate::cli) trace: String,
}

/// One error in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Finding {
    pub(in crate::cli) message: String,
    /// Further lines: the detail and the hint.
    pub(in crate::cli) more: Vec<String>,
    place: Option<Place>,
}

/// The range of an error, as lines and columns from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    start: (usize, usize),
    /// The last character.
    end: (usize, usize),
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

impl Refusal {
    /// Decodes the body of an answer; `None` if it is not that of a gateway.
    pub(in crate::cli) fn of(body: &str) -> Option<Refusal> {
        let Errors { errors } = serde_json::from_str(body).ok()?;
        let causes: Vec<&str> = errors.last()?.split("Caused by: ").map(message).collect();
        let context = causes.iter().rev().find_map(|cause| context(cause));
        let mut findings = findings(causes.last()?);
        if let ([finding], Some((place, _))) = (findings.as_mut_slice(), context)
            && finding.place.is_none_or(|known| known.start == place.start)
        {
            finding.place = Some(place);
        }
        Some(Refusal { findings, trace: errors.last()?.clone() })
    }
}

impl Finding {
    /// Returns the range in the statement, in bytes: the reported place, or else the place of the thing that
    /// the message names.
    pub(in crate::cli) fn span(&self, statement: &str) -> Option<Range<usize>> {
        let Some(place) = self.place else { return named(&self.message, statement) };
        let start = byte(statement, place.start);
        if place.start == place.end {
            // Only the beginning is known: take the word there.
            let word = statement[start..].find(|c| !is_of_word(c)).unwrap_or(statement.len() - start);
            let first = statement[start..].chars().next().map_or(0, char::len_utf8);
            return Some(start..start + word.max(first));
        }
        let end = byte(statement, place.end);
        let last = statement[end..].chars().next().map_or(0, char::len_utf8);
        Some(start..(end + last).max(start))
    }
}

/// Returns the message of the innermost cause in a Java trace.
pub(in crate::cli) fn innermost(trace: &str) -> &str {
    message(trace.rsplit("Caused by: ").next().unwrap_or(trace))
}

/// Returns the message of one cause, without its class and the stack.
fn message(cause: &str) -> &str {
    let cause = cause.strip_prefix("<Exception on server side:\n").unwrap_or(cause);
    let end = ["\n\tat ", "\n\nEnd of exception"].iter().filter_map(|end| cause.find(end)).min();
    let mut message = cause[..end.unwrap_or(cause.len())].trim();
    while let Some((class, rest)) = message.split_once(": ")
        && class.contains('.')
        && !class.contains(char::is_whitespace)
    {
        message = rest;
    }
    message
}

fn findings(message: &str) -> Vec<Finding> {
    let message = context(message).map_or(message, |(_, rest)| rest);
    let mut findings: Vec<Finding> = vec![];

    for line in message.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let (text, place) = match (own_place(line), flink_place(line)) {
            (Some((text, place)), _) => (text, Some(place)),
            (None, place) => (line, place),
        };
        match findings.last_mut() {
            Some(last) if place.is_none() => last.more.push(line.to_owned()),
            _ => findings.push(Finding { message: text.to_owned(), more: vec![], place }),
        }
    }

    // The first finding says only that the statement ends too early.
    if findings.len() == 2 && findings[0].message.starts_with("Encountered \"<EOF>\"") {
        findings.remove(0);
    }

    if findings.is_empty() {
        findings.push(Finding { message: "it gives no reason".to_owned(), more: vec![], place: None });
    }
    findings
}

/// Parses `From line 1, column 8 to line 1, column 13: rest`.
fn context(message: &str) -> Option<(Place, &str)> {
    let at = message.find("From line ")?;
    let (start, rest) = line_and_column(message[at..].strip_prefix("From ")?)?;
    let (end, rest) = line_and_column(rest.strip_prefix(" to ")?)?;
    Some((Place { start, end }, rest.strip_prefix(": ")?))
}

/// Parses `rest (line 1, column 8)`.
fn own_place(line: &str) -> Option<(&str, Place)> {
    let (text, place) = line.strip_suffix(')')?.rsplit_once(" (")?;
    let (start, "") = line_and_column(place)? else { return None };
    Some((text, Place { start, end: start }))
}

/// Parses `… at line 1, column 8…`.
fn flink_place(line: &str) -> Option<Place> {
    let at = line.find("at line ")?;
    let (start, _) = line_and_column(line[at..].strip_prefix("at ")?)?;
    Some(Place { start, end: start })
}

/// Parses `line 1, column 8rest`.
fn line_and_column(text: &str) -> Option<((usize, usize), &str)> {
    let (line, rest) = number(text.strip_prefix("line ")?)?;
    let (column, rest) = number(rest.strip_prefix(", column ")?)?;
    Some(((line, column), rest))
}

fn number(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Returns the byte of a line and column.
fn byte(statement: &str, (line, column): (usize, usize)) -> usize {
    let starts = std::iter::once(0).chain(statement.match_indices('\n').map(|(at, _)| at + 1));
    let start = starts.take(line.max(1)).last().unwrap_or_default();
    let mut characters = statement[start..].char_indices().take_while(|(_, c)| *c != '\n');
    match characters.nth(column.saturating_sub(1)) {
        Some((at, _)) => start + at,
        None => statement[start..].find('\n').map_or(statement.len(), |end| start + end),
    }
}

/// Returns the place of the first thing that the message quotes, by its last name: `c` for `'a.b.c'`.
fn named(message: &str, statement: &str) -> Option<Range<usize>> {
    let quotes = [('\'', '\''), ('`', '`'), ('[', ']'), ('"', '"')];
    let quoted = quotes.iter().filter_map(|(open, close)| {
        let (before, rest) = message.split_once(*open)?;
        Some((before.len(), rest.split_once(*close)?.0))
    });
    let (_, path) = quoted.min_by_key(|(at, _)| *at)?;
    let name = path.rsplit('.').next().filter(|name| !name.is_empty())?;
    let found = statement.match_indices(name).find(|(at, _)| {
        let is_word_before = statement[..*at].ends_with(is_of_word);
        !is_word_before && !statement[at + name.len()..].starts_with(is_of_word)
    });
    found.map(|(at, _)| at..at + name.len())
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(causes: &[&str]) -> String {
        let causes: Vec<String> = causes
            .iter()
            .map(|cause| format!("{cause}\n\tat org.apache.flink.X.y(X.java:1)\n\t... 3 more"))
            .collect();
        let trace = causes.join("\nCaused by: ");
        let trace = format!("<Exception on server side:\n{trace}\n\nEnd of exception on server side>");
        serde_json::json!({"errors": ["Internal server error.", trace]}).to_string()
    }

    fn marked<'a>(refusal: &Refusal, statement: &'a str) -> Vec<Option<&'a str>> {
        refusal.findings.iter().map(|finding| finding.span(statement).map(|span| &statement[span])).collect()
    }

    #[test]
    fn a_place_of_flinks_validator_is_marked() {
        let refusal = Refusal::of(&body(&[
            "org.apache.flink.table.gateway.api.utils.SqlGatewayException: org.apache.flink.X: Failed to fetchResults.",
            "org.apache.flink.table.api.ValidationException: SQL validation failed. From line 2, column 6 to line 2, column 11: Object 'nosuch' not found",
            "org.apache.calcite.runtime.CalciteContextException: From line 2, column 6 to line 2, column 11: Object 'nosuch' not found",
            "org.apache.calcite.sql.validate.SqlValidatorException: Object 'nosuch' not found",
        ])).unwrap();
        assert_eq!(refusal.findings.len(), 1);
        assert_eq!(refusal.findings[0].message, "Object 'nosuch' not found");
        assert_eq!(marked(&refusal, "SELECT é\nFROM nosuch;"), [Some("nosuch")]);
    }

    #[test]
    fn a_place_of_flinks_parser_is_marked() {
        let message = "org.apache.calcite.sql.parser.SqlParseException: Encountered \"FORM\" at line 1, column 10.\nWas expecting one of:\n    <EOF> \n    \"FROM\" ...";
        let refusal = Refusal::of(&body(&["a.B: SQL parse failed.", message])).unwrap();
        assert_eq!(refusal.findings[0].more.len(), 3);
        assert_eq!(marked(&refusal, "SELECT a FORM b"), [Some("FORM")]);
    }

    #[test]
    fn each_finding_of_ours_has_its_place_detail_and_hint() {
        let message = "c.D: unknown column `a` (line 1, column 8)\nit is none of t\ndid you mean `b`?\nunknown function F (line 1, column 11)";
        let refusal = Refusal::of(&body(&["a.B: SQL validation failed.", message])).unwrap();
        assert_eq!(refusal.findings[0].message, "unknown column `a`");
        assert_eq!(refusal.findings[0].more, ["it is none of t", "did you mean `b`?"]);
        assert_eq!(marked(&refusal, "SELECT a, F() FROM t"), [Some("a"), Some("F")]);
    }

    #[test]
    fn without_a_place_the_thing_that_is_named_is_marked() {
        let message = "a.B: Table with identifier 'default_catalog.default_database.t' does not exist.";
        let refusal = Refusal::of(&body(&[message])).unwrap();
        assert_eq!(refusal.findings[0].span("DESCRIBE tt, t;"), Some(13..14));
        assert_eq!(refusal.findings[0].span("DESCRIBE it"), None);
    }

    #[test]
    fn places_outside_of_the_statement_and_other_bodies_harm_nobody() {
        let refusal = Refusal::of(&body(&["a.B: wrong (line 9, column 99)"])).unwrap();
        assert_eq!(refusal.findings[0].span("SELECT\nđ"), Some(9..9));
        assert_eq!(refusal.findings[0].span(""), Some(0..0));
        assert!(Refusal::of("<html>").is_none() && Refusal::of(r#"{"errors":[]}"#).is_none());
        assert_eq!(Refusal::of(r#"{"errors":[""]}"#).unwrap().findings.len(), 1);
        let handler =
            r#"{"errors":["org.apache.flink.runtime.rest.handler.RestHandlerException: Not found: /v9/x"]}"#;
        assert_eq!(Refusal::of(handler).unwrap().findings[0].message, "Not found: /v9/x");
    }
}
