//! Padding, repeating and replacing. As in Flink, lengths count UTF-16 units: an emoji that is cut in two
//! becomes `?`.

use types::{DataType, Scalar};

use super::signature::{ArgumentKind, fallible, function, int, nullable, optional_int, simple, text, typed};
use super::{EvalError, Output, ScalarFunction};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "LPAD",
        "LPAD(text, length, pad): filled up or cut to the length, from the left; LPAD('7', 3, '0') = '007'",
        |a| {
            nullable(
                a,
                "<text>, <length>, <pad>",
                &[ArgumentKind::Text, ArgumentKind::Integer, ArgumentKind::Text],
                3,
                DataType::STRING,
            )
        },
        |_| fallible(|args, out| pad(Side::Left, args, out)),
    ),
    function(
        "RPAD",
        "RPAD(text, length, pad): filled up or cut to the length, at the right; RPAD('7', 3, '0') = '700'",
        |a| {
            nullable(
                a,
                "<text>, <length>, <pad>",
                &[ArgumentKind::Text, ArgumentKind::Integer, ArgumentKind::Text],
                3,
                DataType::STRING,
            )
        },
        |_| fallible(|args, out| pad(Side::Right, args, out)),
    ),
    function(
        "REPEAT",
        "REPEAT(text, n): n times; REPEAT('ab', 2) = 'abab'",
        |a| typed(a, "<text>, <times>", &[ArgumentKind::Text, ArgumentKind::Integer], 2, DataType::STRING),
        |_| fallible(repeat),
    ),
    function(
        "REPLACE",
        "REPLACE(text, search, replacement): every occurrence replaced; REPLACE('2025-12-09T11:30', 'T', ' ') = '2025-12-09 11:30'",
        |a| typed(a, "<text>, <search>, <replacement>", &[ArgumentKind::Text; 3], 3, DataType::STRING),
        |_| fallible(|args, out| replace(text(args, 0), text(args, 1), text(args, 2), out)),
    ),
    function(
        "OVERLAY",
        "OVERLAY(text PLACING new FROM start [FOR length]), bound as OVERLAY(text, new, start[, length]): a part replaced; OVERLAY('xxxxx', 'ab', 2) = 'xabxx'",
        |a| {
            typed(
                a,
                "<text> PLACING <new> FROM <start> [FOR <length>]",
                &[ArgumentKind::Text, ArgumentKind::Text, ArgumentKind::Integer, ArgumentKind::Integer],
                3,
                DataType::STRING,
            )
        },
        |_| simple(overlay),
    ),
];

/// Writes UTF-16 units as text; half of a surrogate pair becomes `?`.
fn write_units(units: impl IntoIterator<Item = u16>, out: &mut Output) {
    out.write_text(|to| to.extend(char::decode_utf16(units).map(|c| c.unwrap_or('?'))));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn pad(side: Side, args: &[Scalar<'_>], out: &mut Output) -> Result<(), EvalError> {
    let (base, length, pad) = (text(args, 0), int(args, 1), text(args, 2));
    if length < 0 || pad.is_empty() {
        out.null();
        return Ok(());
    }
    let length = length as usize;
    EvalError::if_too_long(length)?;
    let base: Vec<u16> = base.encode_utf16().take(length).collect();
    let padding = pad.encode_utf16().collect::<Vec<_>>().into_iter().cycle().take(length - base.len());
    match side {
        Side::Left => write_units(padding.chain(base), out),
        Side::Right => write_units(base.into_iter().chain(padding), out),
    }
    Ok(())
}

fn repeat(args: &[Scalar<'_>], out: &mut Output) -> Result<(), EvalError> {
    let (text, times) = (text(args, 0), int(args, 1).max(0));
    EvalError::if_too_long(text.len().saturating_mul(times as usize))?;
    let times = if text.is_empty() { 0 } else { times };
    out.write_text(|to| (0..times).for_each(|_| to.push_str(text)));
    Ok(())
}

/// Replaces every occurrence; the empty text occurs around every UTF-16 unit.
pub(super) fn replace(
    text: &str,
    search: &str,
    replacement: &str,
    out: &mut Output,
) -> Result<(), EvalError> {
    if search.is_empty() {
        let places = text.encode_utf16().count() + 1;
        EvalError::if_too_long(text.len().saturating_add(places.saturating_mul(replacement.len())))?;
        let new: Vec<u16> = replacement.encode_utf16().collect();
        let units = text.encode_utf16().flat_map(|unit| std::iter::once(unit).chain(new.iter().copied()));
        write_units(new.iter().copied().chain(units), out);
        return Ok(());
    }

    if replacement.len() > search.len() {
        let places = text.matches(search).count();
        let growth = places.saturating_mul(replacement.len() - search.len());
        EvalError::if_too_long(text.len().saturating_add(growth))?;
    }
    out.write_text(|to| {
        let mut rest = text;
        while let Some(at) = rest.find(search) {
            to.push_str(&rest[..at]);
            to.push_str(replacement);
            rest = &rest[at + search.len()..];
        }
        to.push_str(rest);
    });
    Ok(())
}

fn overlay(args: &[Scalar<'_>], out: &mut Output) {
    let (base, start) = (text(args, 0), int(args, 2));
    let units: Vec<u16> = base.encode_utf16().collect();
    let new: Vec<u16> = text(args, 1).encode_utf16().collect();
    let length = units.len() as i64;
    if start <= 0 || start > length {
        return out.text(base);
    }
    let replaced = optional_int(args, 3).unwrap_or(new.len() as i64);
    let tail = match start.checked_add(replaced) {
        Some(end) if replaced > 0 && end <= length => &units[end as usize - 1..],
        _ => &[],
    };
    let head = &units[..start as usize - 1];
    write_units(head.iter().chain(&new).chain(tail).copied(), out);
}
