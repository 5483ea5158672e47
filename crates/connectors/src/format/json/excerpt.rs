//! Excerpts of records in errors: the wrong value, or the text around a position.

use super::skip;

/// Number of bytes that are shown of a value.
const VALUE_BYTES: usize = 60;
/// Number of bytes that are shown before and after a position.
const AROUND_BYTES: usize = 20;

/// Returns the value at a position.
pub(super) fn value(record: &[u8], at: usize) -> String {
    let end = skip::value(record, at, 0).unwrap_or(record.len());
    let value = record.get(at..end).unwrap_or_default();
    match value.get(..VALUE_BYTES) {
        Some(beginning) if value.len() > VALUE_BYTES => format!("{}…", text(beginning)),
        _ => text(value),
    }
}

/// Returns `, near `…`` with the text around a position; empty for an empty record.
pub(super) fn near(record: &[u8], at: usize) -> String {
    let (start, end) = (at.saturating_sub(AROUND_BYTES), at.saturating_add(AROUND_BYTES).min(record.len()));
    match record.get(start..end) {
        Some(around @ [_, ..]) => format!(", near `{}`", text(around)),
        _ => String::new(),
    }
}

/// Formats bytes as one line. Characters that the cut left incomplete are dropped.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let whole = text.trim_matches(char::REPLACEMENT_CHARACTER);
    whole.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_whole_or_from_its_beginning() {
        let record = br#"{"a": "x", "b": [1, {"c": 2}]}"#;
        assert_eq!(value(record, 6), "\"x\"");
        assert_eq!(value(record, 16), "[1, {\"c\": 2}]");
        assert_eq!(value(record, 99), "");
        let long = format!("\"{}é\"", "y".repeat(58));
        assert_eq!(value(long.as_bytes(), 0), format!("\"{}…", "y".repeat(58)));
    }

    #[test]
    fn the_text_around_a_place_is_one_line() {
        assert_eq!(near(b"{\"a\":\n 1 2}", 9), ", near `{\"a\":  1 2}`");
        assert_eq!(near(b"", 0), "");
        assert_eq!(near(b"{", 99), "");
    }
}
