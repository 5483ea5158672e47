//! A statement as it is sent, with the places in the script that its parts come from.

use std::ops::Range;

use sql::error::Span;
use sql::statements::Statements;

/// A statement for Flink's gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    text: String,
    parts: Vec<Part>,
}

/// A range of the sent text that comes from the script.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    sent: Range<usize>,
    /// The place in the filled script.
    source: Span,
    /// Whether the text is that of the script, or made for it.
    is_verbatim: bool,
}

impl Sent {
    /// Returns a part of the script as it stands.
    pub(super) fn verbatim(script: &Statements, source: Span) -> Sent {
        let mut sent = Sent::made(String::new());
        sent.push_verbatim(script, source);
        sent
    }

    /// Returns a statement that the script does not have.
    pub(super) fn made(text: String) -> Sent {
        Sent { text, parts: Vec::new() }
    }

    /// Returns a statement that replaces one of the script.
    pub(super) fn replacing(text: String, source: Span) -> Sent {
        let whole = Part { sent: 0..text.len(), source, is_verbatim: false };
        Sent { text, parts: vec![whole] }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends text that stands for a part of the script.
    pub(super) fn push_for(&mut self, text: &str, source: Span) {
        let start = self.text.len();
        self.text.push_str(text);
        self.parts.push(Part { sent: start..self.text.len(), source, is_verbatim: false });
    }

    pub(super) fn push_verbatim(&mut self, script: &Statements, source: Span) {
        let start = self.text.len();
        self.text.push_str(script.text(source));
        self.parts.push(Part { sent: start..self.text.len(), source, is_verbatim: true });
    }

    pub(super) fn append(&mut self, other: Sent) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.parts.extend(
            other
                .parts
                .into_iter()
                .map(|part| Part { sent: part.sent.start + start..part.sent.end + start, ..part }),
        );
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the place in the user's script that a range of the sent text comes from: `None` if that text was made
    /// and stands for nothing in the script.
    pub fn origin(&self, script: &Statements, sent: Range<usize>) -> Option<Span> {
        let part =
            self.parts.iter().find(|part| part.sent.start <= sent.start && sent.start < part.sent.end)?;
        if !part.is_verbatim {
            return Some(script.origin(part.source));
        }
        let within =
            |at: usize| part.source.start + at.clamp(part.sent.start, part.sent.end) - part.sent.start;
        Some(script.origin(Span { start: within(sent.start), end: within(sent.end) }))
    }

    /// Returns the place of the first part that comes from the script.
    pub fn first(&self, script: &Statements) -> Option<Span> {
        self.parts.first().map(|part| script.origin(part.source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_back_through_made_text_and_variables() {
        let text = "SET 'a' = '${NAME:b}';\nCREATE VIEW học AS SELECT x AS n";
        let script = Statements::of(text, &|_| Some("much longer".to_owned())).expect("a script");
        let spans: Vec<Span> = script.iter().map(|statement| statement.span).collect();
        let mut sent = Sent::made("BEGIN ".to_owned());
        sent.append(Sent::verbatim(&script, spans[1]));
        sent.push_for("made", spans[0]);

        let at = |word: &str| {
            let start = sent.text().find(word).expect("it is sent");
            sent.origin(&script, start..start + word.len()).map(|span| &text[span.start..span.end])
        };
        assert_eq!((at("học"), at("x")), (Some("học"), Some("x")));
        assert_eq!((at("made"), at("BEGIN")), (Some("SET 'a' = '${NAME:b}'"), None));
        assert_eq!(sent.origin(&script, 900..901), None);
    }
}
