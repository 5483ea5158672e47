//! Converts any JSON value to any type as flink-json does. This is the slow, complete path.

use types::Scalar;

use super::leaf::ValueKind;
use super::options::TimestampFormat;
use super::{base64, decimal, number, time};

/// A non-null JSON value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Token<'a> {
    Bool(bool),
    /// The original text of a number.
    Number(&'a [u8]),
    /// A text without its escapes; it may be invalid UTF-8.
    Text(&'a [u8]),
    /// An object or an array.
    Nested,
}

/// Converts a token to the scalar type `kind`, which is not text; returns `None` if the value has another
/// type. Bytes are stored in `scratch`.
pub(super) fn convert<'s>(
    token: Token<'_>,
    kind: ValueKind,
    format: TimestampFormat,
    scratch: &'s mut Vec<u8>,
) -> Option<Scalar<'s>> {
    Some(match kind {
        ValueKind::Boolean => Scalar::Bool(boolean(token)),
        ValueKind::Integer { min, max } => Scalar::Int(integer(token, min, max)?),
        ValueKind::Double => Scalar::Double(double(token)?),
        ValueKind::Float => Scalar::Double(f64::from(double(token)? as f32)),
        ValueKind::Decimal { precision, scale } => match token {
            Token::Number(text) => Scalar::Wide(decimal::parse(text, precision, scale)?),
            Token::Text(text) => Scalar::Wide(decimal::parse(trim(text), precision, scale)?),
            Token::Bool(_) | Token::Nested => return None,
        },
        ValueKind::Bytes => {
            *scratch = base64::decode(text(token)?)?;
            Scalar::Bytes(scratch)
        }
        ValueKind::Date => Scalar::Int(time::date(text(token)?)?),
        ValueKind::Time { digits } => Scalar::Int(time::time(text(token)?)?.cut(digits).milliseconds()),
        ValueKind::Timestamp { digits, zone } => {
            let moment = time::timestamp(text(token)?, format, zone)?.cut(digits);
            if digits <= 3 { Scalar::Int(moment.milliseconds()) } else { Scalar::Wide(moment.nanoseconds()) }
        }
        ValueKind::Text | ValueKind::Nested => return None,
    })
}

fn text(token: Token<'_>) -> Option<&[u8]> {
    match token {
        Token::Text(text) => Some(text),
        Token::Bool(_) | Token::Number(_) | Token::Nested => None,
    }
}

/// Converts to a boolean: anything but `true`, in quotes or not and in any case, is false: `1`, `"yes"`,
/// `["true"]`.
fn boolean(token: Token<'_>) -> bool {
    match token {
        Token::Bool(value) => value,
        Token::Number(_) | Token::Nested => false,
        Token::Text(text) => trim(text).eq_ignore_ascii_case(b"true"),
    }
}

/// Converts to an integer. INT and BIGINT truncate the fraction of numbers, but refuse one in text; narrower
/// types accept neither a fraction nor an exponent.
fn integer(token: Token<'_>, min: i64, max: i64) -> Option<i64> {
    let (text, number) = match token {
        Token::Number(text) => (text, true),
        Token::Text(text) => (trim(text), false),
        Token::Bool(_) | Token::Nested => return None,
    };
    let is_wide = max >= i32::MAX.into();
    if number && is_wide && text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        let value = number::double(text)?;
        return (value >= min as f64 && value <= max as f64).then_some(value as i64);
    }
    let value = std::str::from_utf8(text).ok()?.parse::<i64>().ok()?;
    (min..=max).contains(&value).then_some(value)
}

/// Converts to a double; text may use Java's names and suffixes.
fn double(token: Token<'_>) -> Option<f64> {
    let text = match token {
        Token::Number(text) => return number::double(text),
        Token::Text(text) => trim(text),
        Token::Bool(_) | Token::Nested => return None,
    };

    let (sign, unsigned) = match text.split_first()? {
        (b'-', rest) => (-1.0, rest),
        (b'+', rest) => (1.0, rest),
        _ => (1.0, text),
    };

    match unsigned {
        b"NaN" => return Some(f64::NAN),
        b"Infinity" => return Some(sign * f64::INFINITY),
        _ => {}
    }

    let digits = unsigned.strip_suffix(b"d").or(unsigned.strip_suffix(b"D"));
    let digits = digits.or(unsigned.strip_suffix(b"f")).or(unsigned.strip_suffix(b"F")).unwrap_or(unsigned);
    // The standard parser also accepts names in any case, which Java does not.
    let plain = matches!(digits.first()?, b'0'..=b'9' | b'.');
    if plain { number::double(digits).map(|value| sign * value) } else { None }
}

/// Removes surrounding blanks and control characters, as Java's `trim` does.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [0..=b' ', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., 0..=b' '] = text {
        text = rest;
    }
    text
}
