//! What is wrong with a script: message, detail, hint and the place.

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};

/// A range of bytes in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// From the start of this one to the end of `last`.
    pub fn to(self, last: Span) -> Span {
        Span { start: self.start, end: last.end.max(self.start) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The script cannot run.
    Error,
    /// It runs, but somebody should know.
    Notice,
}

/// What sort of finding it is, for those who sort by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It was read, and makes no sense.
    Meaning,
    /// It cannot be read.
    Syntax,
    /// It cannot be read because it ends too early: more text could help.
    EndOfInput,
    /// A query reads what is not there: nothing goes by this name.
    NoSuchObject(String),
    /// A statement is about a table or view that is not there.
    NoSuchTable(String),
    /// Something goes by this name already.
    ObjectExists(String),
}

/// One finding about a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub kind: Kind,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// What exactly was found, where the message does not say it.
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

    /// A notice that Flink refuses what is taken here, for those whose script must run there too.
    pub(crate) fn refused_by_flink(span: Span, what: &str, instead: &str) -> Diagnostic {
        Diagnostic::notice(span, format!("{what} is taken here, and Flink refuses it")).with_hint(instead)
    }

    fn new(severity: Severity, span: Span, message: String) -> Diagnostic {
        Diagnostic { severity, kind: Kind::Meaning, message, detail: None, hint: None, span }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub(crate) fn of_kind(mut self, kind: Kind) -> Diagnostic {
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

/// Draws findings with the script's lines around them, the way a compiler does, each ending with an empty line.
///
/// `file_name` is only shown. With `color`, terminal colours are used.
pub fn render(diagnostics: &[Diagnostic], script: &str, file_name: &str, color: bool) -> String {
    let mut out = Vec::new();
    for diagnostic in diagnostics {
        let (kind, paint) = match diagnostic.severity {
            Severity::Error => (ReportKind::Error, Color::Red),
            Severity::Notice => (ReportKind::Advice, Color::Cyan),
        };
        let span = within(diagnostic.span, script);
        let config = Config::default().with_index_type(IndexType::Byte).with_color(color);
        // A label without words would not be underlined.
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
        // Writing into memory does not fail.
        let _ = report.finish().write((file_name, Source::from(script)), &mut out);
        out.push(b'\n');
    }

    String::from_utf8_lossy(&out).into_owned()
}

/// The span as the drawing needs it: inside the script and not cutting a character.
fn within(span: Span, script: &str) -> std::ops::Range<usize> {
    let start = script.floor_char_boundary(span.start.min(script.len()));
    let end = script.ceil_char_boundary(span.end.min(script.len()));
    start..end.max(start)
}

/// Longer names are not compared: comparing takes time and memory by the product of both lengths.
const LONGEST_NAME: usize = 100;

/// The candidate that was probably meant, if one is near enough.
pub(crate) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
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
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}
