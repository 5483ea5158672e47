//! Findings about a script: message, detail, hint and place.
//!
//! A finding may quote the script, which may contain anything. Its texts are made fit to print when it is created
//! (`quote`), and the lines of the script when it is drawn (`render`).

mod places;
mod quote;
mod render;

pub use places::Places;
pub(crate) use quote::{cut, is_control};
pub use quote::{quoted, quoted_lines};
pub use render::render;

/// A range of bytes in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// Returns the span from the start of `self` to the end of `last`.
    pub fn to(self, last: Span) -> Span {
        Span { start: self.start, end: last.end.max(self.start) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The script cannot run.
    Error,
    /// The script runs, but the user should know.
    Notice,
}

/// The category of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiagnosticKind {
    /// The script parses but is invalid.
    Meaning,
    /// The script does not parse.
    Syntax,
    /// The script ends too early to be parsed; more text could complete it.
    EndOfInput,
    /// A query reads a table or view that does not exist.
    NoSuchObject(String),
    /// A statement names a table or view that does not exist.
    NoSuchTable(String),
    /// The name of a new object is taken.
    ObjectExists(String),
    /// The script is valid here, but Flink refuses it.
    RefusedByFlink,
    /// A setting that has no effect here.
    NotUsedHere,
}

/// One finding about a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub kind: DiagnosticKind,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// The exact problem, if the message does not give it.
    pub detail: Option<String>,
    /// What to do, or what was probably meant.
    pub hint: Option<String>,
    pub span: Span,
}

impl Diagnostic {
    pub fn error(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, span, message.into())
    }

    pub fn notice(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Notice, span, message.into())
    }

    /// Creates a notice for SQL that is accepted here but refused by Flink.
    pub fn refused_by_flink(span: Span, what: &str, instead: &str) -> Diagnostic {
        Diagnostic::notice(span, format!("{what} is accepted here but refused by Flink"))
            .of_kind(DiagnosticKind::RefusedByFlink)
            .with_hint(instead)
    }

    fn new(severity: Severity, span: Span, message: String) -> Diagnostic {
        let message = quoted(message);
        Diagnostic { severity, kind: DiagnosticKind::Meaning, message, detail: None, hint: None, span }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub fn of_kind(mut self, kind: DiagnosticKind) -> Diagnostic {
        self.kind = kind;
        self
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Diagnostic {
        self.detail = Some(quoted_lines(detail.into()));
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(quoted_lines(hint.into()));
        self
    }
}

/// Number of unknown names for which similar names are searched. Each is compared with all known names.
pub(crate) const SUGGESTIONS_MAX: usize = 100;

/// Longest name that is compared with others: time and memory grow with the product of both lengths.
const LONGEST_NAME: usize = 100;

/// Returns a hint with the most similar candidate, if one is similar enough.
pub(crate) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(name, candidates).map(|candidate| quoted(format!("did you mean `{candidate}`?")))
}

/// Returns the most similar candidate, if one is similar enough: one letter in four may differ.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST_NAME)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(name.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
