//! Writes values as JSON text like flink-json: integral doubles as `812.0`, NaN and infinities in quotes,
//! times in the format `SQL` by default.

use std::io::Write;

use types::{DataType, Scalar};

use super::base64;
use super::nested;
use super::options::{DecimalFormat, TimestampFormat, WriteOptions};
use super::time::{NANOS, calendar};

/// Appends a value of type `data_type`; decimals have all of their digits.
pub fn write_scalar(out: &mut Vec<u8>, value: Scalar<'_>, data_type: &DataType) {
    let options = WriteOptions { decimals: DecimalFormat::Plain, ..WriteOptions::default() };
    write_value(out, value, data_type, &options);
}

/// Like [`write_scalar`], with options for timestamps and decimals.
pub fn write_value(out: &mut Vec<u8>, value: Scalar<'_>, data_type: &DataType, options: &WriteOptions) {
    let format = options.timestamp_format;
    let mut timestamp = |nanos: i128, zone: &[u8]| {
        quoted(out, |out| {
            write_timestamp(out, nanos, format);
            out.extend_from_slice(zone);
        });
    };

    match (value, data_type) {
        (Scalar::Int(millis), DataType::Timestamp(_)) => timestamp(i128::from(millis) * 1_000_000, b""),
        (Scalar::Int(millis), DataType::TimestampLtz(_)) => timestamp(i128::from(millis) * 1_000_000, b"Z"),
        (Scalar::Wide(nanos), DataType::Timestamp(_)) => timestamp(nanos, b""),
        (Scalar::Wide(nanos), DataType::TimestampLtz(_)) => timestamp(nanos, b"Z"),
        (Scalar::Null, _) => out.extend_from_slice(b"null"),
        (Scalar::Bool(value), _) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        (Scalar::Text(text), _) => write_string(out, text),
        (Scalar::Bytes(bytes), of) if of.is_nested() => nested::write(out, bytes, of, options),
        (Scalar::Bytes(bytes), _) => quoted(out, |out| base64::encode(bytes, out)),
        (Scalar::Double(value), DataType::Float) => write_float(out, value as f32),
        (Scalar::Double(value), _) => write_double(out, value),
        (Scalar::Int(days), DataType::Date) => quoted(out, |out| write_date(out, days)),
        (Scalar::Int(millis), DataType::Time(_)) => {
            quoted(out, |out| write_time(out, i128::from(millis) * 1_000_000));
        }
        (Scalar::Int(value), _) => write_integer(out, value),
        (Scalar::Wide(value), DataType::Decimal { scale, .. }) => match options.decimals {
            DecimalFormat::Plain => write_decimal(out, value, *scale),
            DecimalFormat::Scientific => write_scientific(out, value, *scale),
        },
        (Scalar::Wide(value), _) => append(out, format_args!("{value}")),
    }
}

/// Appends text in quotes, with the necessary escapes.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    write_raw_string(out, text.as_bytes());
}

/// Like [`write_string`], for text whose UTF-8 is checked elsewhere.
pub(super) fn write_raw_string(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;

    loop {
        let (plain, special) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            _ => append(out, format_args!("\\u{byte:04X}")),
        }
        rest = after;
    }

    out.push(b'"');
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Returns the length of the prefix that needs no escapes.
fn plain_prefix(text: &[u8]) -> usize {
    let (chunks, _) = text.as_chunks::<16>();
    // There is no early exit inside of a chunk, so that the compiler vectorises the loop.
    let plain = chunks.iter().take_while(|chunk| !chunk.iter().fold(false, |any, &b| any | is_special(b)));
    let start = plain.count() * 16;
    let found = text[start..].iter().position(|&byte| is_special(byte));
    found.map_or(text.len(), |at| start + at)
}

/// Appends bytes as base64 in quotes.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    quoted(out, |out| base64::encode(bytes, out));
}

/// Appends an integer.
pub fn write_integer(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a double with the fewest digits that read back as the same value, in Java's layout: `812.0`,
/// `1.0E7`, `1.0E-4`.
pub fn write_double(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        write_java(out, zmij::Buffer::new().format_finite(value));
    } else {
        write_non_finite(out, value);
    }
}

/// Like [`write_double`], in single precision.
pub fn write_float(out: &mut Vec<u8>, value: f32) {
    if value.is_finite() {
        write_java(out, zmij::Buffer::new().format_finite(value));
    } else {
        write_non_finite(out, value.into());
    }
}

fn write_non_finite(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(match value {
        f64::INFINITY => b"\"Infinity\"",
        f64::NEG_INFINITY => b"\"-Infinity\"",
        _ => b"\"NaN\"",
    });
}

/// Appends the digits of `text`, a finite number in any form, in Java's layout.
fn write_java(out: &mut Vec<u8>, text: &str) {
    // Without an exponent and with one to seven digits before the point, the first of them not zero, the text
    // is in Java's layout already.
    let point = text.bytes().position(|byte| byte == b'.').unwrap_or(usize::MAX);
    if text.as_bytes()[0] > b'0' && point <= 7 && !text.contains('e') {
        out.extend_from_slice(text.as_bytes());
        return;
    }

    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if unsigned.len() < mantissa.len() {
        out.push(b'-');
    }
    let all = [whole, fraction].concat();
    let digits = all.trim_start_matches('0');

    // Exponent of the first significant digit.
    let exponent = exponent.parse::<i32>().expect("a printed exponent") + whole.len() as i32
        - 1
        - (all.len() - digits.len()) as i32;

    let digits = digits.trim_end_matches('0');
    match exponent {
        _ if digits.is_empty() => out.extend_from_slice(b"0.0"),
        -3..0 => append(out, format_args!("0.{:0>zeros$}{digits}", "", zeros = (-exponent - 1) as usize)),
        0..7 => {
            let (whole, fraction) = digits.split_at((exponent as usize + 1).min(digits.len()));
            append(
                out,
                format_args!("{whole:0<width$}.{}", or_zero(fraction), width = exponent as usize + 1),
            );
        }
        _ => {
            let (whole, fraction) = digits.split_at(1);
            append(out, format_args!("{whole}.{}E{exponent}", or_zero(fraction)));
        }
    }
}

/// Returns the digits behind a point, at least one.
fn or_zero(digits: &str) -> &str {
    if digits.is_empty() { "0" } else { digits }
}

/// Appends an unscaled decimal with its point, without an exponent.
pub fn write_decimal(out: &mut Vec<u8>, unscaled: i128, scale: u8) {
    let sign = if unscaled < 0 { "-" } else { "" };
    let size = unscaled.unsigned_abs();
    match 10u128.checked_pow(scale.into()) {
        Some(unit) if scale > 0 => {
            let (whole, fraction) = (size / unit, size % unit);
            append(out, format_args!("{sign}{whole}.{fraction:0width$}", width = usize::from(scale)));
        }
        _ => append(out, format_args!("{unscaled}")),
    }
}

/// Appends an unscaled decimal like Java's `BigDecimal.stripTrailingZeros().toString()`: without trailing
/// zeros, and with an exponent if zeros precede the point (100 is `1E+2`) or more than five follow it
/// (`1E-7`).
fn write_scientific(out: &mut Vec<u8>, unscaled: i128, scale: u8) {
    if unscaled == 0 {
        out.push(b'0');
        return;
    }
    let (mut digits, mut scale) = (unscaled.unsigned_abs(), i32::from(scale));
    while digits.is_multiple_of(10) {
        digits /= 10;
        scale -= 1;
    }

    let text = digits.to_string();
    // Exponent of the first digit.
    let exponent = text.len() as i32 - 1 - scale;
    if scale >= 0 && exponent >= -6 {
        let stripped = if unscaled < 0 { -(digits as i128) } else { digits as i128 };
        write_decimal(out, stripped, scale as u8);
        return;
    }

    let sign = if unscaled < 0 { "-" } else { "" };
    let (first, rest) = text.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    append(out, format_args!("{sign}{first}{point}{rest}E{exponent:+}"));
}

/// Appends days since 1970 as `yyyy-MM-dd`.
fn write_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = calendar(days);
    match year {
        0..=9999 => append(out, format_args!("{year:04}-{month:02}-{day:02}")),
        // As in Java's ISO formats, years of more than four digits have a sign.
        _ => append(out, format_args!("{year:+05}-{month:02}-{day:02}")),
    }
}

/// Appends nanoseconds of the day as `HH:mm:ss`, with the fraction without trailing zeros.
fn write_time(out: &mut Vec<u8>, nanos: i128) {
    let seconds = nanos.div_euclid(NANOS.into());
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    append(out, format_args!("{hours:02}:{minutes:02}:{rest:02}"));
    let fraction = nanos.rem_euclid(NANOS.into());
    if fraction > 0 {
        let digits = format!("{fraction:09}");
        append(out, format_args!(".{}", digits.trim_end_matches('0')));
    }
}

/// Appends nanoseconds since 1970 as `yyyy-MM-dd HH:mm:ss[.fffffffff]`, or with a `T` instead of the blank.
fn write_timestamp(out: &mut Vec<u8>, nanos: i128, format: TimestampFormat) {
    let day = i128::from(NANOS) * 86_400;
    write_date(out, nanos.div_euclid(day) as i64);
    out.push(match format {
        TimestampFormat::Sql => b' ',
        TimestampFormat::Iso8601 => b'T',
    });
    write_time(out, nanos.rem_euclid(day));
}

fn quoted(out: &mut Vec<u8>, inside: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    inside(out);
    out.push(b'"');
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes every write");
}
