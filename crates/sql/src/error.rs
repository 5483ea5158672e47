//! Findings about a script: message, detail, hint and place.

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};

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
    pub(crate) fn refused_by_flink(span: Span, what: &str, instead: &str) -> Diagnostic {
        Diagnostic::notice(span, format!("{what} is accepted here but refused by Flink")).with_hint(instead)
    }

    fn new(severity: Severity, span: Span, message: String) -> Diagnostic {
        Diagnostic { severity, kind: DiagnosticKind::Meaning, message, detail: None, hint: None, span }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub(crate) fn of_kind(mut self, kind: DiagnosticKind) -> Diagnostic {
        self.kind = kind;
        self
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Diagnostic {
        self.detail = Some(detail.into());
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }
}

/// Formats findings with the script's lines around them, like compiler errors, with an empty line after each.
///
/// `file_name` is only displayed. `color` enables terminal colours.
pub fn render(diagnostics: &[Diagnostic], script: &str, file_name: &str, color: bool) -> String {
    let mut out = Vec::new();
    for diagnostic in diagnostics {
        let (kind, paint) = match diagnostic.severity {
            Severity::Error => (ReportKind::Error, Color::Red),
            Severity::Notice => (ReportKind::Advice, Color::Cyan),
        };
        let span = within(diagnostic.span, script);
        let config = Config::default().with_index_type(IndexType::Byte).with_color(color);
        // A label without a message would not be underlined.
        let label = Label::new((file_name, span.clone()))
            .with_color(paint)
            .with_message(diagnostic.detail.as_deref().unwrap_or("here"));
        let mut report = Report::build(kind, (file_name, span))
            .with_config(config)
            .with_message(&diagnostic.message)
            .with_label(label);
        if let Some(hint) = &diagnostic.hint {
            report = report.with_help(hint);
        }
        // Writing to memory does not fail.
        let _ = report.finish().write((file_name, Source::from(script)), &mut out);
        out.push(b'\n');
    }

    String::from_utf8_lossy(&out).into_owned()
}

/// Clips a span to the script and to character boundaries.
fn within(span: Span, script: &str) -> std::ops::Range<usize> {
    let start = script.floor_char_boundary(span.start.min(script.len()));
    let end = script.ceil_char_boundary(span.end.min(script.len()));
    start..end.max(start)
}

/// Number of unknown names for which similar names are searched. Each is compared with all known names.
pub(crate) const SUGGESTIONS_MAX: usize = 100;

/// Longest name that is compared with others: time and memory grow with the product of both lengths.
const LONGEST_NAME: usize = 100;

/// Returns a hint with the most similar candidate, if one is similar enough.
pub(crate) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(name, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
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
