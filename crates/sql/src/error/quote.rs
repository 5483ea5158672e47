//! Makes the texts of findings fit to print: what they quote of a script may be a megabyte long, or contain
//! characters that a terminal executes.

use std::borrow::Cow;

/// Longest quotation, in characters, that is shown whole.
const WHOLE_MAX: usize = 100;
/// Length to which a longer quotation is cut.
const CUT: usize = 60;
/// Longest text of a finding, in characters. Some texts list names.
const TEXT_MAX: usize = 1_000;

/// Returns a text on one line without control characters and long quotations.
pub fn quoted(text: String) -> String {
    shortened(escaped(text, false))
}

/// Returns a text without control characters and long quotations, which may have several lines.
pub fn quoted_lines(text: String) -> String {
    shortened(escaped(text, true))
}

/// Returns a quotation, cut if it is long. Texts of findings only need it for quotations that contain quotes.
pub(crate) fn cut(quotation: &str) -> Cow<'_, str> {
    if quotation.chars().nth(WHOLE_MAX).is_none() {
        return Cow::Borrowed(quotation);
    }
    Cow::Owned(quotation.chars().take(CUT).chain(['…']).collect())
}

/// Returns whether a terminal may act on a character instead of showing it. Besides control characters, these
/// are the characters that change the direction of text.
pub(crate) fn is_control(c: char) -> bool {
    let changes_direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends_line = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() || changes_direction || ends_line
}

/// Writes control characters as in Rust: `\n`, `\u{1b}`.
fn escaped(text: String, keeps_lines: bool) -> String {
    let is_escaped = |c: char| is_control(c) && !(keeps_lines && c == '\n');
    if !text.contains(is_escaped) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_escaped(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// Cuts long quotations: texts in quotes or back-quotes, and words.
fn shortened(text: String) -> String {
    if text.len() <= WHOLE_MAX {
        return text;
    }
    let mut out = String::new();
    let mut rest = text.as_str();
    let mut before = ' ';

    while let Some(first) = rest.chars().next() {
        // An apostrophe inside a word opens no quotation.
        let opens = first == '`' || (first == '\'' && !before.is_alphanumeric());
        let length = if opens { rest[1..].find(first) } else { None };
        if let Some(length) = length {
            out.push(first);
            out.push_str(&cut(&rest[1..=length]));
            out.push(first);
            rest = &rest[length + 2..];
            before = first;
        } else {
            let is_blank = first.is_whitespace();
            let ends = |(at, c): &(usize, char)| {
                *at > 0 && (c.is_whitespace() != is_blank || matches!(c, '`' | '\''))
            };
            let end = rest.char_indices().find(ends).map_or(rest.len(), |(end, _)| end);
            out.push_str(&cut(&rest[..end]));
            before = rest[..end].chars().next_back().unwrap_or(first);
            rest = &rest[end..];
        }
    }

    if let Some((end, _)) = out.char_indices().nth(TEXT_MAX) {
        out.truncate(end);
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        let text = "a\0b \u{1b}[31mred\u{7f}\u{9b}\u{202e}\u{2028}".to_owned();
        assert_eq!(quoted(text), r"a\u{0}b \u{1b}[31mred\u{7f}\u{9b}\u{202e}\u{2028}");
        assert_eq!(quoted("a\n\tb\r".to_owned()), r"a\n\tb\r");
        assert_eq!(quoted_lines("a\nb\r".to_owned()), "a\nb\\r");
        assert_eq!(quoted("học 'sinh' …".to_owned()), "học 'sinh' …");
    }

    #[test]
    fn long_quotations_are_cut_and_the_text_around_them_stays() {
        let long = "đ".repeat(1_000_000);
        let cut = "đ".repeat(60);
        for (text, shown) in [
            (format!("there is no column `{long}` in t"), format!("there is no column `{cut}…` in t")),
            (format!("the table's value '{long}' is bad"), format!("the table's value '{cut}…' is bad")),
            (format!("unknown word {long}, it's odd"), format!("unknown word {cut}… it's odd")),
            (format!("'{}' is no date", "a b ".repeat(50)), format!("'{}…' is no date", "a b ".repeat(15))),
            (format!("never `{long}"), format!("never `{}…", "đ".repeat(59))),
        ] {
            assert_eq!(quoted(text), shown);
        }
        let fits = format!("`{}` and `{}`", "a".repeat(100), "b".repeat(90));
        assert_eq!(quoted(fits.clone()), fits);
    }

    #[test]
    fn long_lists_are_cut() {
        let list = vec!["name"; 10_000].join(", ");
        let shown = quoted(list);
        assert_eq!(shown.chars().count(), TEXT_MAX + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn a_text_that_was_made_fit_stays_the_same() {
        for text in ["`\u{1b}` is bad".to_owned(), "x".repeat(5_000), format!("'{}'", "y z ".repeat(5_000))] {
            let once = quoted(text);
            assert_eq!(quoted(once.clone()), once);
        }
    }
}
