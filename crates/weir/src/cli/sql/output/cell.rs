//! Formats a value as a cell of a table on a terminal: one line, without control characters, and its
//! displayed width.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Text for a null, as in Flink's own client.
pub(super) const NULL: &str = "<NULL>";
const CUT: char = '…';

/// Returns the text without characters that control a terminal: values come from strangers.
pub(super) fn cell(value: Option<String>) -> String {
    let Some(text) = value else { return NULL.to_owned() };
    if !text.contains(is_unfit) {
        return text;
    }
    let mut cell = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => cell.push_str("\\n"),
            '\r' => cell.push_str("\\r"),
            '\t' => cell.push_str("\\t"),
            c if is_unfit(c) => cell.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => cell.push(c),
        }
    }
    cell
}

/// Returns whether a character is a control character or changes the direction of text.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// Returns the number of terminal columns of a cell.
pub(super) fn width(cell: &str) -> usize {
    cell.width()
}

/// Cuts a text to a width, with a sign where something is missing.
pub(super) fn cut(text: &str, width_max: usize) -> String {
    if width(text) <= width_max {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or_default();
        if used > width_max {
            break;
        }
        cut.push(c);
    }
    if width_max > 0 {
        cut.push(CUT);
    }
    cut
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Pads a text with blanks to a width.
pub(super) fn filled(text: &str, to: usize, side: Side) -> String {
    let blanks = " ".repeat(to.saturating_sub(width(text)));
    match side {
        Side::Left => format!("{text}{blanks}"),
        Side::Right => format!("{blanks}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_commands_from_values() {
        assert_eq!(
            cell(Some("a\u{1b}[2J\nb\t\u{9b}c\u{202e}".to_owned())),
            "a\\u{1b}[2J\\nb\\t\\u{9b}c\\u{202e}"
        );
        assert_eq!(cell(Some("Học sinh".to_owned())), "Học sinh");
        assert_eq!(cell(None), "<NULL>");
    }

    #[test]
    fn width_is_what_is_shown() {
        let composed = "Tiếng Việt";
        let decomposed = "Tie\u{302}\u{301}ng Vie\u{323}\u{302}t";
        assert_eq!((width(composed), width(decomposed)), (10, 10));
        assert_eq!(width("日本"), 4);
        assert_eq!(cut(composed, 7), "Tiếng …");
        assert_eq!(cut(decomposed, 4), "Tie\u{302}\u{301}…");
        assert_eq!(
            (cut("日本語", 4).as_str(), cut("ab", 2).as_str(), cut("ab", 0).as_str()),
            ("日…", "ab", "")
        );
        assert_eq!(filled("日", 4, Side::Right), "  日");
        assert_eq!(filled("ế", 3, Side::Left), "ế  ");
    }
}
