//! `REGEXP` and related functions: Java's regular expressions on top of the `regex` crate.
//!
//! `translate` rewrites a Java pattern. Features that it cannot express (look-around, back-references,
//! possessive quantifiers) are refused at compile time. For a pattern that is invalid in Java too, the
//! functions return Flink's answers: null, or false for `REGEXP`.

mod translate;

use std::ops::Range;

use ::regex::{CaptureLocations, Captures, Regex};
use types::{DataType, Scalar};

use super::compiled::Compiled;
use super::signature::{ArgumentKind, fallible, function, literal_text, nullable, optional_int, text, typed};
use super::timestamp::terminator_length;
use super::{Code, EvalError, Output, ScalarCall, ScalarFunction};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "REGEXP",
        "REGEXP(text, pattern): whether the pattern occurs, false for an empty or broken one; REGEXP('abc', 'b+') = TRUE",
        |a| typed(a, "<text>, <pattern>", &[ArgumentKind::Text; 2], 2, DataType::Boolean),
        |call| {
            prepare(call, |regex, args, out| {
                out.bool(!text(args, 1).is_empty() && regex.is_some_and(|r| r.is_match(text(args, 0))));
            })
        },
    ),
    function(
        "REGEXP_REPLACE",
        "REGEXP_REPLACE(text, pattern, replacement): every occurrence replaced, the replacement is literal; REGEXP_REPLACE('a1b22', '\\d+', '#') = 'a#b#'",
        |a| nullable(a, "<text>, <pattern>, <replacement>", &[ArgumentKind::Text; 3], 3, DataType::STRING),
        |call| {
            let patterns = Compiled::new(literal_text(call, 1), usable)?;
            fallible(move |args, out| {
                patterns.with(text(args, 1), |regex| match regex {
                    Some(regex) => {
                        let mut replaced = Ok(());
                        out.write_text(|to| replaced = regex.replace_all(text(args, 0), text(args, 2), to));
                        replaced
                    }
                    None => {
                        out.null();
                        Ok(())
                    }
                })?
            })
        },
    ),
    function(
        "REGEXP_EXTRACT",
        "REGEXP_EXTRACT(text, pattern[, group]): the first occurrence or a group of it, null if there is none; REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2) = 'bar'",
        |a| {
            nullable(
                a,
                "<text>, <pattern>[, <group>]",
                &[ArgumentKind::Text, ArgumentKind::Text, ArgumentKind::Integer],
                2,
                DataType::STRING,
            )
        },
        |call| {
            prepare(call, |regex, args, out| {
                let group = usize::try_from(optional_int(args, 2).unwrap_or(0)).ok();
                let captures = regex.and_then(|r| r.find_at(text(args, 0), 0));
                let found = captures.as_ref().zip(group).and_then(|(captures, group)| captures.get(group));
                out.text_or_null(found.map(|found| found.as_str()));
            })
        },
    ),
];

/// The reason why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PatternError {
    /// Java refuses the pattern too.
    Broken(String),
    /// The pattern is valid in Java, but not supported here.
    Unsupported(String),
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PatternError::Broken(why) => f.write_str(why),
            PatternError::Unsupported(what) => write!(f, "regular expressions with {what} are not supported"),
        }
    }
}

/// A compiled Java pattern.
#[derive(Debug, Clone)]
pub(super) struct JavaRegex {
    regex: Regex,
    /// Whether the pattern has a `$`, which also matches before a line terminator that ends the text.
    has_dollar: bool,
}

impl JavaRegex {
    pub(super) fn compile(pattern: &str) -> Result<JavaRegex, PatternError> {
        let (pattern, has_dollar) = translate::translate(pattern)?;
        match Regex::new(&pattern) {
            Ok(regex) => Ok(JavaRegex { regex, has_dollar }),
            Err(::regex::Error::CompiledTooBig(_)) => {
                Err(PatternError::Unsupported("so large an automaton".into()))
            }
            Err(error) => Err(PatternError::Broken(error.to_string())),
        }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text) || self.trimmed(text).is_some_and(|text| self.regex.is_match(text))
    }

    /// Returns the text without its final line terminator if that can affect a match.
    fn trimmed<'t>(&self, text: &'t str) -> Option<&'t str> {
        let length = if self.has_dollar { terminator_length(text.as_bytes()) } else { 0 };
        (length > 0).then(|| &text[..text.len() - length])
    }

    /// Returns the range of the first occurrence, or of a group in it.
    pub(super) fn locate(&self, text: &str, group: usize, located: &mut Located) -> Option<Range<usize>> {
        if self.trimmed(text).is_some() {
            return self.find_at(text, 0)?.get(group).map(|found| found.range());
        }
        if group == 0 {
            return self.regex.find(text).map(|found| found.range());
        }
        self.regex.captures_read(&mut located.0, text)?;
        located.0.get(group).map(|(start, end)| start..end)
    }

    fn find_at<'t>(&self, text: &'t str, start: usize) -> Option<Captures<'t>> {
        let whole = self.regex.captures_at(text, start);
        let trimmed = self
            .trimmed(text)
            .filter(|trimmed| start <= trimmed.len())
            .and_then(|trimmed| self.regex.captures_at(trimmed, start));
        let begin = |captures: &Captures<'_>| captures.get(0).map_or(usize::MAX, |m| m.start());
        match (whole, trimmed) {
            (Some(a), Some(b)) => Some(if begin(&b) < begin(&a) { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    /// Replaces every occurrence.
    ///
    /// # Errors
    /// The text becomes too long.
    fn replace_all(&self, text: &str, replacement: &str, to: &mut String) -> Result<(), EvalError> {
        let (mut copied, mut start) = (0, 0);
        while let Some(found) = self.find_at(text, start).and_then(|captures| captures.get(0)) {
            EvalError::if_too_long(to.len() + replacement.len())?;
            to.push_str(&text[copied..found.start()]);
            to.push_str(replacement);
            copied = found.end();
            start = found.end();
            if found.is_empty() {
                // The next search begins one character later.
                match text[start..].chars().next() {
                    Some(c) => start += c.len_utf8(),
                    None => break,
                }
            }
        }
        to.push_str(&text[copied..]);
        Ok(())
    }
}

/// Positions of an occurrence's groups; reused, because it is allocated on the heap.
#[derive(Debug)]
pub(super) struct Located(CaptureLocations);

impl Located {
    pub(super) fn of(regex: &JavaRegex) -> Located {
        Located(regex.regex.capture_locations())
    }
}

/// A pattern that separates the parts of a text.
pub(super) struct TextSplitter(JavaRegex);

impl TextSplitter {
    /// Compiles a separator.
    ///
    /// # Errors
    /// The pattern is invalid or cannot be expressed.
    pub(super) fn compile(pattern: &str) -> Result<TextSplitter, String> {
        JavaRegex::compile(pattern).map(TextSplitter).map_err(|error| error.to_string())
    }

    /// Splits a text and drops empty parts at the end; an empty text has no parts.
    pub(super) fn split<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut parts = Vec::new();
        let mut start = 0;
        for found in self.0.regex.find_iter(text) {
            // An empty match at the start of the text separates nothing.
            if !(found.end() == 0 || found.start() == text.len() && found.is_empty()) {
                parts.push(&text[start..found.start()]);
                start = found.end();
            }
        }
        parts.push(&text[start..]);
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        parts
    }

    /// Returns the text before the first separator and the text behind it.
    pub(super) fn split_once<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let found = self.0.regex.find_iter(text).find(|found| found.end() > 0)?;
        Some((&text[..found.start()], &text[found.end()..]))
    }
}

/// Prepares a call; `body` receives `None` for an invalid pattern.
fn prepare(
    call: &ScalarCall<'_>,
    body: impl Fn(Option<&JavaRegex>, &[Scalar<'_>], &mut Output) + Send + Sync + 'static,
) -> Result<Code, String> {
    let patterns = Compiled::new(literal_text(call, 1), usable)?;
    fallible(move |args, out| patterns.with(text(args, 1), |regex| body(regex.as_ref(), args, out)))
}

fn usable(pattern: &str) -> Result<Option<JavaRegex>, String> {
    match JavaRegex::compile(pattern) {
        Ok(regex) => Ok(Some(regex)),
        Err(PatternError::Broken(_)) => Ok(None),
        Err(error @ PatternError::Unsupported(_)) => Err(error.to_string()),
    }
}
