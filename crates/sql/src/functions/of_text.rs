//! Functions of one text whose other arguments are literals, prepared for text columns.
//!
//! The registry's code takes the values of a row and writes a value. For a text that occurs once, that costs
//! more than the function itself. The code here has its literals fixed and returns a part of the bytes, a
//! boolean, or another text. Its results equal those of the registry's code, which the engine's tests check.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem::Finder;
use types::Scalar;

use super::regex::{JavaRegex, Located};
use super::{ScalarCall, like};

/// Returns the byte range of a part of a text; `None` is null.
pub type PartCode = Arc<dyn Fn(&str) -> Option<Range<usize>> + Send + Sync>;

/// Tests a text.
pub type TruthCode = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Appends a text derived from the given one. The result is not much longer than the given text.
pub type TextWriteCode = Arc<dyn Fn(&str, &mut Vec<u8>) + Send + Sync>;

/// Prepared code of a function of one text.
#[derive(Clone)]
pub enum TextCode {
    Part(PartCode),
    Truth(TruthCode),
    Write(TextWriteCode),
}

/// Returns the code for a call. Returns `None` if the function is not supported here, if an argument but the
/// first is no literal, or if the registry's code has to decide (broken patterns, nulls).
pub fn text_code(name: &str, call: &ScalarCall<'_>) -> Option<TextCode> {
    let literals: Vec<Scalar<'_>> = call.args[1.min(call.args.len())..]
        .iter()
        .map(|arg| arg.literal.map(|value| value.as_scalar()).filter(|value| !value.is_null()))
        .collect::<Option<_>>()?;
    let is_text = call.args.first().is_some_and(|arg| arg.column_type.data_type.is_text());
    if !is_text || call.args[0].literal.is_some() {
        return None;
    }

    match (name, literals.as_slice()) {
        ("SPLIT_INDEX", &[separator, Scalar::Int(index)]) => split_index(separator, index),
        ("REGEXP_EXTRACT", &[Scalar::Text(pattern)]) => extract(pattern, 0),
        ("REGEXP_EXTRACT", &[Scalar::Text(pattern), Scalar::Int(group)]) => extract(pattern, group),
        ("TRIM" | "BTRIM", []) => trim(true, true),
        ("LTRIM", []) => trim(true, false),
        ("RTRIM", []) => trim(false, true),

        ("LIKE", &[Scalar::Text(pattern)]) => like::truth(pattern).map(TextCode::Truth),
        ("REGEXP", &[Scalar::Text(pattern)]) if !pattern.is_empty() => {
            let regex = JavaRegex::compile(pattern).ok()?;
            truth(move |text| regex.is_match(text))
        }
        ("STARTSWITH", &[Scalar::Text(start)]) => {
            let start = start.to_owned();
            truth(move |text| text.starts_with(&start))
        }
        ("ENDSWITH", &[Scalar::Text(end)]) => {
            let end = end.to_owned();
            truth(move |text| text.ends_with(&end))
        }

        ("REPLACE", &[Scalar::Text(search), Scalar::Text(with)]) => replace(search, with),
        ("LOWER", []) => Some(TextCode::Write(Arc::new(|text, out| {
            match text.is_ascii() {
                true => ascii(text, out).make_ascii_lowercase(),
                // Both Rust and Java follow Unicode without a language: final sigma, dotted capital I.
                false => out.extend_from_slice(text.to_lowercase().as_bytes()),
            }
        }))),
        ("UPPER", []) => Some(TextCode::Write(Arc::new(|text, out| match text.is_ascii() {
            true => ascii(text, out).make_ascii_uppercase(),
            false => out.extend_from_slice(text.to_uppercase().as_bytes()),
        }))),
        _ => None,
    }
}

/// Appends a text and returns it for changes in place.
fn ascii<'a>(text: &str, out: &'a mut Vec<u8>) -> &'a mut [u8] {
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    &mut out[start..]
}

fn truth(code: impl Fn(&str) -> bool + Send + Sync + 'static) -> Option<TextCode> {
    Some(TextCode::Truth(Arc::new(code)))
}

/// Prepares `SPLIT_INDEX` for separators of one ASCII character, by far the most common ones.
fn split_index(separator: Scalar<'_>, index: i64) -> Option<TextCode> {
    let separator = match separator {
        Scalar::Text(text) => match text.as_bytes() {
            [byte] if byte.is_ascii() => *byte,
            _ => return None,
        },
        Scalar::Int(code @ 1..=127) => code as u8,
        _ => return None,
    };
    let index = usize::try_from(index).ok()?;

    Some(TextCode::Part(Arc::new(move |text| {
        if text.is_empty() {
            return None;
        }
        let start = match index {
            0 => 0,
            _ => nth(text.as_bytes(), separator, index - 1)? + 1,
        };
        let length = nth(&text.as_bytes()[start..], separator, 0);
        Some(start..length.map_or(text.len(), |length| start + length))
    })))
}

/// Returns the index of the byte that follows `n` others of its kind.
///
/// Separators stand close together, so a search for each costs more than the bytes in between. Therefore each
/// step looks at eight bytes: a byte of `marks` has its highest bit set if the text has the wanted byte there
/// (Hacker's Delight, section 6-1).
fn nth(text: &[u8], byte: u8, n: usize) -> Option<usize> {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let wanted = u64::from(byte) * 0x0101_0101_0101_0101;
    let mut left = n;
    let (chunks, rest) = text.as_chunks::<8>();

    for (at, chunk) in chunks.iter().enumerate() {
        let differs = u64::from_le_bytes(*chunk) ^ wanted;
        let mut marks = !(((differs & LOW) + LOW) | differs | LOW);
        let count = marks.count_ones() as usize;
        if left < count {
            for _ in 0..left {
                marks &= marks - 1;
            }
            return Some(at * 8 + marks.trailing_zeros() as usize / 8);
        }
        left -= count;
    }

    let places = rest.iter().enumerate().filter(|(_, of)| **of == byte);
    places.map(|(place, _)| text.len() - rest.len() + place).nth(left)
}

fn extract(pattern: &str, group: i64) -> Option<TextCode> {
    let regex = JavaRegex::compile(pattern).ok()?;
    let group = usize::try_from(group).ok()?;
    // The positions of groups are written into memory that is reused.
    let located = Mutex::new(Located::of(&regex));
    Some(TextCode::Part(Arc::new(move |text| {
        let mut located = located.lock().unwrap_or_else(PoisonError::into_inner);
        regex.locate(text, group, &mut located)
    })))
}

/// Trims blanks (U+0020) only.
fn trim(start: bool, end: bool) -> Option<TextCode> {
    Some(TextCode::Part(Arc::new(move |text| {
        let rest = if start { text.trim_start_matches(' ') } else { text };
        let from = text.len() - rest.len();
        let kept = if end { rest.trim_end_matches(' ') } else { rest };
        Some(from..from + kept.len())
    })))
}

/// Prepares `REPLACE`. Texts that may grow are left to the registry's code, which limits their length.
fn replace(search: &str, with: &str) -> Option<TextCode> {
    if search.is_empty() || with.len() > search.len() {
        return None;
    }
    let with = with.as_bytes().to_owned();
    let write = |text: &[u8],
                 out: &mut Vec<u8>,
                 with: &[u8],
                 width: usize,
                 places: &mut dyn Iterator<Item = usize>| {
        let mut copied = 0;
        for at in places {
            out.extend_from_slice(&text[copied..at]);
            out.extend_from_slice(with);
            copied = at + width;
        }
        out.extend_from_slice(&text[copied..]);
    };

    if let &[byte] = search.as_bytes() {
        return Some(TextCode::Write(Arc::new(move |text, out| {
            write(text.as_bytes(), out, &with, 1, &mut memchr::memchr_iter(byte, text.as_bytes()));
        })));
    }
    let finder = Finder::new(search).into_owned();
    Some(TextCode::Write(Arc::new(move |text, out| {
        write(text.as_bytes(), out, &with, finder.needle().len(), &mut finder.find_iter(text.as_bytes()));
    })))
}

#[cfg(test)]
mod tests {
    use super::nth;

    #[test]
    fn bytes_are_found_by_their_number_wherever_they_stand() {
        let mut random = 7_u64;
        for length in 0..40 {
            for _ in 0..200 {
                let text: Vec<u8> = (0..length)
                    .map(|_| {
                        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        // Bit tricks go wrong for bytes next to the wanted one and for bytes with the highest
                        // bit set.
                        [b'/', b'.', b'0', b'/' | 0x80, 0, 0xff][(random >> 33) as usize % 6]
                    })
                    .collect();
                let places: Vec<usize> = (0..length).filter(|&place| text[place] == b'/').collect();
                for n in 0..=places.len() {
                    assert_eq!(nth(&text, b'/', n), places.get(n).copied(), "{n} of {text:?}");
                }
            }
        }
    }
}
