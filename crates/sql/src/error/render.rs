//! Draws findings with the lines of the script around them.
//!
//! Each finding is drawn over an excerpt of the script: the lines of its span at their numbers, with control
//! characters made visible, and long lines cut around the span.
//!
//! ```text
//! SELECT a, b, c, … a megabyte …, wrong, … another megabyte … FROM t        the script
//! …y, z, wrong, aa, bb, …                                                   the excerpt
//! ```

use std::ops::Range;

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};

use super::quote::{is_control, quoted, quoted_lines};
use super::{Diagnostic, Severity, Span};
use crate::encoding::mark_length;

/// Largest number of findings that are drawn.
const FINDINGS_MAX: usize = 100;

/// Longest line that is shown whole, in characters.
const LINE_MAX: usize = 200;
/// Characters of a longer line that are shown before a span, of the span and behind the span.
const BEFORE: usize = 60;
const INSIDE: usize = 80;
const BEHIND: usize = 40;

/// Formats findings with the script's lines around them, like compiler errors, with an empty line after each.
/// At most 100 findings are drawn, errors first; the number of all others follows.
///
/// `file_name` is only displayed. `color` enables terminal colours.
pub fn render(diagnostics: &[Diagnostic], script: &str, file_name: &str, color: bool) -> String {
    let errors = diagnostics.iter().filter(|found| found.is_error()).count();
    let mut room_for_errors = errors.min(FINDINGS_MAX);
    let mut room_for_notices = FINDINGS_MAX - room_for_errors;
    let mut out = String::new();
    for diagnostic in diagnostics {
        let room = if diagnostic.is_error() { &mut room_for_errors } else { &mut room_for_notices };
        if *room > 0 {
            *room -= 1;
            draw(diagnostic, script, file_name, color, &mut out);
        }
    }

    if let Some(more) = diagnostics.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
        let findings = if more == 1 { "finding is" } else { "findings are" };
        out.push_str(&format!("{more} more {findings} not shown\n\n"));
    }
    out
}

fn draw(diagnostic: &Diagnostic, script: &str, file_name: &str, color: bool, to: &mut String) {
    let (kind, paint) = match diagnostic.severity {
        Severity::Error => (ReportKind::Error, Color::Red),
        Severity::Notice => (ReportKind::Advice, Color::Cyan),
    };
    let excerpt = Excerpt::of(script, within(diagnostic.span, script));
    let config = Config::default().with_index_type(IndexType::Byte).with_color(color);
    // A label without a message would not be underlined.
    let detail = diagnostic.detail.as_deref().unwrap_or("here");
    let label = Label::new((file_name, excerpt.span.clone()))
        .with_color(paint)
        .with_message(quoted_lines(detail.to_owned()));
    let mut report = Report::build(kind, (file_name, excerpt.span.clone()))
        .with_config(config)
        .with_message(quoted(diagnostic.message.clone()))
        .with_label(label);
    if let Some(hint) = &diagnostic.hint {
        report = report.with_help(quoted_lines(hint.clone()));
    }

    let mut drawn = Vec::new();
    // Writing to memory does not fail.
    let _ = report.finish().write((file_name, Source::from(&excerpt.text)), &mut drawn);
    let drawn = String::from_utf8_lossy(&drawn);

    // The place is the first one behind the message's line.
    let (message, rest) = drawn.split_once('\n').unwrap_or((&drawn, ""));
    let place = |column: usize| format!(" {file_name}:{}:{column} ", excerpt.line);
    let rest = rest.replacen(&place(excerpt.shown_column), &place(excerpt.column), 1);
    to.push_str(message);
    to.push('\n');
    to.push_str(&rest);
    to.push('\n');
}

/// Clips a span to the script's text and to character boundaries.
fn within(span: Span, script: &str) -> Range<usize> {
    let end_of_text = script.trim_end().len();
    if span.start >= end_of_text {
        return end_of_text..end_of_text;
    }

    let start = script.floor_char_boundary(span.start);
    let end = script.ceil_char_boundary(span.end.min(script.len()));
    start..end.max(start)
}

/// The lines of a span, as they are shown.
struct Excerpt {
    /// Empty lines, so that the shown lines have their numbers, and the shown lines.
    text: String,
    /// The span's bytes in `text`.
    span: Range<usize>,
    /// The place of the span's start in the script, from 1; columns are counted in characters.
    line: usize,
    column: usize,
    /// The column in `text`.
    shown_column: usize,
}

impl Excerpt {
    fn of(script: &str, span: Range<usize>) -> Excerpt {
        let before = &script[..span.start];
        // A byte order mark has no column.
        let mark = mark_length(script).min(span.start);
        let line_start = before.rfind('\n').map_or(mark, |at| at + 1);
        let lines_before = before.matches('\n').count();
        let mut text = "\n".repeat(lines_before);
        let text_start = text.len();

        // A span that ends with its line's end does not reach into the next line.
        let last_byte = script.floor_char_boundary(span.end.saturating_sub(1).max(span.start));
        let lines_inside = script[span.start..last_byte].matches('\n').count();
        let is_one_line = lines_inside == 0;
        let first_end = match is_one_line {
            true => span.end,
            false => script[span.start..].find('\n').map_or(script.len(), |at| span.start + at),
        };
        let line_of = |at: usize| -> Range<usize> {
            let start = script[..at].rfind('\n').map_or(0, |at| at + 1);
            let end = script[at..].find('\n').map_or(script.len(), |length| at + length);
            start..end
        };

        let first = Line::of(script, line_of(span.start));
        let shown_before = first.shown(line_start..span.start, Keeps::End(BEFORE));
        text.push_str(&shown_before);
        let start = text.len();
        text.push_str(&first.shown(span.start..first_end, Keeps::Start(INSIDE)));

        let (last, end) = if is_one_line {
            (first, text.len())
        } else {
            // The lines in between are not drawn.
            text.push_str(&"\n".repeat(lines_inside));
            let last = Line::of(script, line_of(last_byte));
            text.push_str(&last.shown(last.range.start..span.end, Keeps::End(INSIDE)));
            (last, text.len())
        };
        text.push_str(&last.shown(span.end..last.range.end, Keeps::Start(BEHIND)));

        Excerpt {
            span: start..end,
            line: lines_before + 1,
            column: script[line_start..span.start].chars().count() + 1,
            shown_column: text[text_start..start].chars().count() + 1,
            text,
        }
    }
}

/// A line of the script.
#[derive(Clone)]
struct Line<'a> {
    script: &'a str,
    range: Range<usize>,
    is_long: bool,
}

/// The part of a text that is kept if its line is long, in characters.
#[derive(Clone, Copy)]
enum Keeps {
    Start(usize),
    End(usize),
}

impl<'a> Line<'a> {
    fn of(script: &'a str, range: Range<usize>) -> Line<'a> {
        let is_long = script[range.clone()].chars().nth(LINE_MAX).is_some();
        Line { script, range, is_long }
    }

    /// Returns a part of the line, cut if the line is long.
    fn shown(&self, part: Range<usize>, keeps: Keeps) -> String {
        let end = part.end.clamp(part.start, self.range.end.max(part.start));
        let text = &self.script[part.start..end];
        let text = text.strip_suffix('\r').unwrap_or(text);
        let visible = text.chars().map(visible);
        match keeps {
            _ if !self.is_long => visible.collect(),
            Keeps::Start(length) => {
                let cut = text.chars().nth(length).map(|_| '…');
                visible.take(length).chain(cut).collect()
            }
            Keeps::End(length) => match text.char_indices().rev().nth(length) {
                None => visible.collect(),
                Some((at, cut)) => {
                    let kept = text[at + cut.len_utf8()..].chars().map(self::visible);
                    std::iter::once('…').chain(kept).collect()
                }
            },
        }
    }
}

/// Returns a character that shows a character of a line. Tabs are drawn as blanks.
fn visible(c: char) -> char {
    match c {
        '\t' => c,
        // Unicode has a picture for each.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('�'),
        '\u{7f}' => '␡',
        c if is_control(c) => '�',
        c => c,
    }
}
