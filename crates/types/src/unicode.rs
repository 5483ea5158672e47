//! JSON in encodings other than UTF-8: detects the encoding, and converts to UTF-8.
//!
//! JSON begins with an ASCII character, so a byte order mark or the zero bytes among the first four determine
//! the encoding (RFC 4627, section 3):
//!
//! ```text
//! FE FF | 00 xx   UTF-16, big endian          00 00 FE FF | 00 00 00 xx   UTF-32, big endian
//! FF FE | xx 00   UTF-16, little endian       FF FE 00 00 | xx 00 00 00   UTF-32, little endian
//! ```
//!
//! The rules and the treatment of broken characters are those of Jackson, Flink's JSON parser, and of the
//! Java decoders that it uses.

/// Replaces a character that cannot be read.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
/// A byte order mark read in the wrong byte order.
const REVERSED_MARK: u16 = 0xFFFE;

/// An encoding whose characters take more than one byte, and the byte order mark before a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WideEncoding {
    width: Width,
    order: Order,
    /// The bytes of the byte order mark; 0 without one.
    mark: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Two,
    Four,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    BigEndian,
    LittleEndian,
}

/// A code point beyond the last one of Unicode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not UTF-32")]
pub struct NotUnicode;

impl WideEncoding {
    /// Returns the encoding of a JSON text; `None` for UTF-8, and if the encoding is unknown.
    pub fn of(text: &[u8]) -> Option<WideEncoding> {
        use Order::{BigEndian, LittleEndian};
        use Width::{Four, Two};

        let found = |width, order, mark| Some(WideEncoding { width, order, mark });
        match *text {
            [0x00, 0x00, 0xFE, 0xFF, ..] => found(Four, BigEndian, 4),
            [0xFF, 0xFE, 0x00, 0x00, ..] => found(Four, LittleEndian, 4),
            // Unusual byte orders of UCS-4 that nobody writes, with a mark and without one.
            [0x00, 0x00, 0xFF, 0xFE, ..] | [0xFE, 0xFF, 0x00, 0x00, ..] => None,
            [0x00, 1..=0xFF, 0x00, 0x00, ..] | [0x00, 0x00, 1..=0xFF, 0x00, ..] => None,
            [0xFE, 0xFF, _, _, ..] => found(Two, BigEndian, 2),
            [0xFF, 0xFE, _, _, ..] => found(Two, LittleEndian, 2),
            [0x00, 0x00, 0x00, _, ..] => found(Four, BigEndian, 0),
            [_, 0x00, 0x00, 0x00, ..] => found(Four, LittleEndian, 0),
            [0x00, _, ..] => found(Two, BigEndian, 0),
            [_, 0x00, ..] => found(Two, LittleEndian, 0),
            _ => None,
        }
    }

    /// Returns whether the text begins with a byte order mark.
    pub fn has_mark(self) -> bool {
        self.mark > 0
    }

    /// Appends the text in UTF-8, without its byte order mark.
    pub fn decode(self, text: &[u8], out: &mut Vec<u8>) -> Result<(), NotUnicode> {
        let text = text.get(self.mark..).unwrap_or_default();
        out.reserve(text.len());
        match self.width {
            Width::Two => decode_two(self.order, text, out),
            Width::Four => decode_four(self.order, text, out)?,
        }
        Ok(())
    }
}

/// Decodes UTF-16 like Java's decoder: a high surrogate without a low one consumes the unit after it.
fn decode_two(order: Order, text: &[u8], out: &mut Vec<u8>) {
    let mut units = text.chunks(2).map(|unit| match (order, unit) {
        (Order::BigEndian, &[a, b]) => Some(u16::from_be_bytes([a, b])),
        (Order::LittleEndian, &[a, b]) => Some(u16::from_le_bytes([a, b])),
        _ => None,
    });
    while let Some(unit) = units.next() {
        let character = match unit {
            Some(first @ 0xD800..0xDC00) => pair(first, units.next().flatten()),
            Some(unit) if unit != REVERSED_MARK => char::from_u32(u32::from(unit)).unwrap_or(REPLACEMENT),
            _ => REPLACEMENT,
        };
        push(character, out);
    }
}

/// Decodes UTF-32 like Jackson, via the UTF-16 of Java: two surrogates make one character, and a lone one a
/// `?`.
fn decode_four(order: Order, text: &[u8], out: &mut Vec<u8>) -> Result<(), NotUnicode> {
    let mut first: Option<u16> = None;
    for unit in text.as_chunks::<4>().0 {
        let code = match order {
            Order::BigEndian => u32::from_be_bytes(*unit),
            Order::LittleEndian => u32::from_le_bytes(*unit),
        };
        let before = first.take();
        match (before, code) {
            (Some(first), 0xDC00..0xE000) => {
                push(pair(first, u16::try_from(code).ok()), out);
                continue;
            }
            (Some(_), _) => out.push(b'?'),
            (None, _) => {}
        }

        match code {
            0xD800..0xDC00 => first = u16::try_from(code).ok(),
            0xDC00..0xE000 => out.push(b'?'),
            _ => push(char::from_u32(code).ok_or(NotUnicode)?, out),
        }
    }
    if first.is_some() {
        out.push(b'?');
    }
    Ok(())
}

/// Returns the character of two surrogates.
fn pair(first: u16, second: Option<u16>) -> char {
    match second {
        Some(second @ 0xDC00..0xE000) => {
            let code = 0x10000 + ((u32::from(first) - 0xD800) << 10) + (u32::from(second) - 0xDC00);
            char::from_u32(code).unwrap_or(REPLACEMENT)
        }
        _ => REPLACEMENT,
    }
}

fn push(character: char, out: &mut Vec<u8>) {
    let mut utf8 = [0; 4];
    out.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"q\":\"Đà Nẵng 😀\"}";

    fn utf16(text: &str, unit: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    fn utf32(text: &str, unit: impl Fn(u32) -> [u8; 4]) -> Vec<u8> {
        text.chars().flat_map(|character| unit(u32::from(character))).collect()
    }

    fn decoded(bytes: &[u8]) -> Option<Result<String, NotUnicode>> {
        let mut out = Vec::new();
        let done = WideEncoding::of(bytes)?.decode(bytes, &mut out);
        Some(done.map(|()| String::from_utf8(out).expect("UTF-8")))
    }

    #[test]
    fn every_encoding_is_recognized_with_a_mark_and_without_one() {
        for text in [TEXT, "{}", "[1]"] {
            let marked = format!("\u{feff}{text}");
            for text_of in [text, &marked] {
                let all = [
                    utf16(text_of, u16::to_be_bytes),
                    utf16(text_of, u16::to_le_bytes),
                    utf32(text_of, u32::to_be_bytes),
                    utf32(text_of, u32::to_le_bytes),
                ];
                for bytes in all {
                    assert_eq!(decoded(&bytes), Some(Ok(text.to_owned())), "{bytes:x?}");
                    let has_mark = WideEncoding::of(&bytes).is_some_and(WideEncoding::has_mark);
                    assert_eq!(has_mark, text_of.len() > text.len());
                }
            }
        }
    }

    #[test]
    fn utf8_and_orders_that_nobody_writes_are_left_alone() {
        let orders: [&[u8]; 4] = [b"\0\0\xff\xfe", b"\xfe\xff\0\0", b"\0{\0\0", b"\0\0{\0"];
        for bytes in orders.into_iter().chain([&b""[..], b"{", b"{}", b"\xEF\xBB\xBF{}", TEXT.as_bytes()]) {
            assert_eq!(WideEncoding::of(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn broken_characters_become_what_they_become_in_java() {
        let of_units = |units: &[u16]| {
            let bytes: Vec<u8> = [0x7B].iter().chain(units).flat_map(|unit| unit.to_be_bytes()).collect();
            decoded(&bytes).expect("UTF-16").expect("UTF-16")
        };
        assert_eq!(of_units(&[0xD83D, 0xDE00]), "{😀");
        assert_eq!(of_units(&[0xD83D, 0x41, 0x42]), "{\u{fffd}B");
        assert_eq!(of_units(&[0xDE00, 0x41]), "{\u{fffd}A");
        assert_eq!(of_units(&[0x41, 0xFFFE]), "{A\u{fffd}");
        assert_eq!(of_units(&[0xD83D]), "{\u{fffd}");
        assert_eq!(decoded(b"\0{\0}\0").expect("UTF-16").expect("UTF-16"), "{}\u{fffd}");

        let of_codes = |codes: &[u32]| {
            let bytes: Vec<u8> = [0x7B].iter().chain(codes).flat_map(|code| code.to_le_bytes()).collect();
            decoded(&bytes).expect("UTF-32")
        };
        assert_eq!(of_codes(&[0xD83D, 0xDE00, 0xD83D, 0x41, 0xDE00]), Ok("{😀?A?".to_owned()));
        assert_eq!(of_codes(&[0x41, 0xD83D]), Ok("{A?".to_owned()));
        assert_eq!(of_codes(&[0x11_0000]), Err(NotUnicode));
    }
}
