//! Decodes escapes in strings.

use engine::dictionary::InvalidText;

/// Appends the text of `raw`, the inside of a JSON string. Half of a surrogate pair becomes `?`, as in Java.
/// UTF-8 is not checked.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidText> {
    out.reserve(raw.len());
    let mut rest = raw;

    while let Some(backslash) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..backslash]);
        let escape = rest.get(backslash + 1).ok_or(InvalidText)?;
        rest = &rest[backslash + 2..];
        match escape {
            b'"' | b'\\' | b'/' => out.push(*escape),
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => rest = unicode(rest, out)?,
            _ => return Err(InvalidText),
        }
    }

    out.extend_from_slice(rest);
    Ok(())
}

/// Appends the character of a `\u` escape whose digits begin `rest`, together with the second half of a pair,
/// if there is one. Returns the text behind it.
fn unicode<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], InvalidText> {
    let first = hex(rest).ok_or(InvalidText)?;
    let mut rest = &rest[4..];
    let mut character = char::from_u32(first);
    if (0xD800..0xDC00).contains(&first)
        && let Some(digits) = rest.strip_prefix(b"\\u")
        && let Some(second @ 0xDC00..0xE000) = hex(digits)
    {
        character = char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
        rest = &digits[4..];
    }
    let mut utf8 = [0; 4];
    out.extend_from_slice(character.unwrap_or('?').encode_utf8(&mut utf8).as_bytes());
    Ok(rest)
}

/// Parses four hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    digits
        .first_chunk::<4>()?
        .iter()
        .try_fold(0, |value, &digit| Some(value << 4 | (digit as char).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Option<String> {
        let mut out = Vec::new();
        unescape(raw.as_bytes(), &mut out).ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        assert_eq!(text(r#"a\"b\\c\/\n\t\r\b\f"#).unwrap(), "a\"b\\c/\n\t\r\u{8}\u{c}");
        assert_eq!(text(r"\u0110\u00e0 N\u1EB5ng \u0000").unwrap(), "Đà Nẵng \0");
        assert_eq!(text(r"\ud83d\ude00").unwrap(), "😀");
    }

    #[test]
    fn half_a_pair_becomes_a_question_mark() {
        assert_eq!(text(r"\ud83d").unwrap(), "?");
        assert_eq!(text(r"\ude00x").unwrap(), "?x");
        assert_eq!(text(r"\ud83d\ud83d\ude00").unwrap(), "?😀");
        assert_eq!(text(r"\ud83dA").unwrap(), "?A");
    }

    #[test]
    fn other_escapes_are_errors() {
        for raw in [r"\x", r"\u12", r"\u12g4", r"\", r"\u", r"\ud83d\u12"] {
            assert_eq!(text(raw), None, "{raw}");
        }
    }
}
