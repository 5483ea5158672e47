//! Scripts as bytes: UTF-8, with or without a byte order mark.

use std::borrow::Cow;

/// The byte order mark, with which some editors begin a file.
const MARK: char = '\u{feff}';
/// As many blanks as the mark has bytes.
const BLANKS: &str = "   ";

/// The error that a script is not UTF-8. Line and column are counted from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the byte 0x{byte:02x} in line {line}, column {column} is not UTF-8: save the script as UTF-8")]
pub struct NotUtf8 {
    pub line: usize,
    pub column: usize,
    pub byte: u8,
}

/// Decodes the bytes of a script, and drops a byte order mark.
///
/// # Errors
/// A byte is not UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String, NotUtf8> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text.strip_prefix(MARK).map(str::to_owned).unwrap_or(text)),
        Err(error) => error,
    };

    let valid = error.utf8_error().valid_up_to();
    let bytes = error.into_bytes();
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let before = before.strip_prefix(MARK).unwrap_or(&before);
    let of_line = before.rsplit('\n').next().unwrap_or_default();
    Err(NotUtf8 {
        line: before.matches('\n').count() + 1,
        column: of_line.chars().count() + 1,
        // The text ends before the first byte that is not valid.
        byte: bytes.get(valid).copied().unwrap_or_default(),
    })
}

/// Returns the text with blanks instead of a byte order mark, so that all places stay the same.
pub(crate) fn without_mark(text: &str) -> Cow<'_, str> {
    match text.strip_prefix(MARK) {
        Some(rest) => Cow::Owned(format!("{BLANKS}{rest}")),
        None => Cow::Borrowed(text),
    }
}

/// Returns the number of bytes of a byte order mark at the start of a text.
pub(crate) fn mark_length(text: &str) -> usize {
    if text.starts_with(MARK) { MARK.len_utf8() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_dropped() {
        assert_eq!(decode(b"\xef\xbb\xbfSELECT 1".to_vec()), Ok("SELECT 1".to_owned()));
        assert_eq!(decode("học".into()), Ok("học".to_owned()));
        assert_eq!(without_mark("\u{feff}a"), "   a");
        assert_eq!(without_mark("a\u{feff}"), "a\u{feff}");
    }

    #[test]
    fn the_first_wrong_byte_has_its_place() {
        for (bytes, line, column, byte) in [
            (&b"\xff\xfeS\0"[..], 1, 1, 0xff),
            (b"SELECT 'h\xe9'", 1, 10, 0xe9),
            (b"\xef\xbb\xbfab\n\xc3\xa9\xc3\xa9\xc3", 2, 3, 0xc3),
            (b"a\nb\n\n  \x80", 4, 3, 0x80),
        ] {
            assert_eq!(decode(bytes.to_vec()), Err(NotUtf8 { line, column, byte }));
        }
        let error = decode(b"a\xe9".to_vec()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the byte 0xe9 in line 1, column 2 is not UTF-8: save the script as UTF-8"
        );
    }
}
