//! A failure in the form that Flink's Java clients decode: `serialized-throwable`, without which they poll
//! for ever.
//!
//! The form is a serialized `org.apache.flink.util.SerializedThrowable` (Java Object Serialization
//! Specification, version 5) with no cause, no stack and no nested exception. Only three texts vary: the
//! detail message, the printed stack trace, and the name of the original class.

use serde::Serialize;
use utoipa::ToSchema;

/// The bytes before the first text, and between the first and the second.
static TEMPLATE: &[u8] = include_bytes!("throwable.bin");
const BEFORE_DETAIL: usize = 378;
/// Tags of a string and of null.
const TC_STRING: u8 = b't';
const TC_NULL: u8 = b'p';
/// Limit of a text. Longer texts need another tag, and nobody reads as much.
const TEXT_MAX: usize = 16_000;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct Throwable {
    class: String,
    stack_trace: String,
    /// Base64.
    serialized_throwable: String,
}

impl Throwable {
    /// `class` is the name of a Java exception that Flink would have thrown.
    pub(in crate::flink) fn new(class: &str, message: &str) -> Throwable {
        let detail = format!("{class}: {message}");
        Throwable {
            class: class.to_owned(),
            serialized_throwable: base64(&serialized(class, &detail)),
            stack_trace: detail,
        }
    }
}

fn serialized(class: &str, detail: &str) -> Vec<u8> {
    let (head, middle) = TEMPLATE.split_at(BEFORE_DETAIL);
    let mut bytes = head.to_vec();
    append(&mut bytes, detail);
    bytes.extend_from_slice(middle);
    append(&mut bytes, &format!("{detail}\n"));
    append(&mut bytes, class);
    bytes.push(TC_NULL);
    bytes
}

/// Appends a string in Java's modified UTF-8: two bytes of length, no zero byte, surrogates encoded one by
/// one.
fn append(bytes: &mut Vec<u8>, text: &str) {
    let mut units: Vec<u16> = text.encode_utf16().take(TEXT_MAX).collect();
    // Do not end in half a character.
    if units.len() == TEXT_MAX && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
        units.pop();
    }

    let mut encoded = Vec::with_capacity(units.len());
    for unit in units {
        match unit {
            1..=0x7f => encoded.push(unit as u8),
            0 | 0x80..=0x7ff => encoded.extend([0xc0 | (unit >> 6) as u8, 0x80 | (unit & 0x3f) as u8]),
            _ => encoded.extend([
                0xe0 | (unit >> 12) as u8,
                0x80 | (unit >> 6 & 0x3f) as u8,
                0x80 | (unit & 0x3f) as u8,
            ]),
        }
    }

    bytes.push(TC_STRING);
    bytes.extend((encoded.len() as u16).to_be_bytes());
    bytes.extend(encoded);
}

/// Encodes base64, RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 0x3f) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the texts of a serialized throwable, between the template's parts.
    fn texts(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut rest = &bytes[BEFORE_DETAIL..];
        let mut texts = Vec::new();
        for skipped in [0, TEMPLATE.len() - BEFORE_DETAIL, 0] {
            rest = &rest[skipped..];
            assert_eq!(rest[0], TC_STRING);
            let end = 3 + usize::from(u16::from_be_bytes([rest[1], rest[2]]));
            texts.push(rest[3..end].to_vec());
            rest = &rest[end..];
        }
        assert_eq!(rest, [TC_NULL]);
        texts
    }

    #[test]
    fn the_texts_stand_where_java_looks_for_them() {
        let bytes = serialized("a.B", "a.B: no");
        assert_eq!(texts(&bytes), [&b"a.B: no"[..], b"a.B: no\n", b"a.B"]);
    }

    #[test]
    fn texts_are_written_as_java_does_and_cut_where_they_are_too_long() {
        let mut bytes = Vec::new();
        append(&mut bytes, "a\0é€😀");
        let expected = b"a\xc0\x80\xc3\xa9\xe2\x82\xac\xed\xa0\xbd\xed\xb8\x80";
        assert_eq!(bytes[3..], expected[..]);
        let long = texts(&serialized("a.B", &format!("{}😀", "x".repeat(TEXT_MAX - 1))));
        assert_eq!(long[0].len(), TEXT_MAX - 1);
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (bytes, text) in pairs {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
