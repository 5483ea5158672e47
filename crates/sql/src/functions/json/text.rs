//! Writes JSON in the form in which Jackson writes it for Flink.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::value::RawValue;
use types::nested::Nested;
use types::{DataType, Scalar};

use super::super::calendar::{PreciseTime, write_timestamp};
use super::super::number_text::write_double;
use super::super::{decimal, encode};
use super::path::{elements, members};

/// Appends a text in quotes.
pub fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\x1f' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04X}", char as u32);
            }
            _ => out.push(char),
        }
    }
    out.push('"');
}

/// Compares member names in the order in which Flink writes them: Java's string order, by UTF-16 unit.
pub fn write_key_order(a: &str, b: &str) -> std::cmp::Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Returns whether values of a type can be written as JSON.
pub(super) fn is_writable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Date | DataType::Time(_) | DataType::IntervalDayTime | DataType::IntervalYearMonth => false,
        DataType::Array(element) => is_writable(&element.data_type),
        DataType::Multiset(element) => element.data_type.is_text(),
        DataType::Map(key, value) => key.data_type.is_text() && is_writable(&value.data_type),
        DataType::Row(fields) => fields.iter().all(|field| is_writable(&field.column_type.data_type)),
        other => other.repr().is_some(),
    }
}

/// Appends a value of a writable type.
pub(super) fn write_value(value: Scalar<'_>, of: &DataType, out: &mut String) {
    match (of, value) {
        (_, Scalar::Null) => out.push_str("null"),
        (_, Scalar::Bool(value)) => out.push_str(if value { "true" } else { "false" }),
        (_, Scalar::Text(text)) => write_text(text, out),
        (DataType::Float | DataType::Double, Scalar::Double(value)) if !value.is_finite() => {
            let mut name = String::new();
            write_double(value, &mut name);
            write_text(&name, out);
        }
        (_, Scalar::Double(value)) => number(out, |out| write_double(value, out)),
        (DataType::Decimal { scale, .. }, Scalar::Wide(value)) => {
            number(out, |out| decimal::write(value, *scale, out));
        }
        (DataType::Timestamp(_) | DataType::TimestampLtz(_), value) => {
            let mut text = String::new();
            write_timestamp(PreciseTime::read(value), 9, &mut text);
            out.push('"');
            out.push_str(&text.trim_end_matches('0').trim_end_matches('.').replacen(' ', "T", 1));
            out.push_str(if matches!(of, DataType::TimestampLtz(_)) { "Z\"" } else { "\"" });
        }
        (of, Scalar::Bytes(bytes)) if of.is_nested() => write_nested(bytes, of, out),
        (_, Scalar::Bytes(bytes)) => write_text(&encode::base64(bytes), out),
        (_, Scalar::Int(value)) => out.push_str(&value.to_string()),
        (_, Scalar::Wide(value)) => out.push_str(&value.to_string()),
    }
}

fn write_nested(bytes: &[u8], of: &DataType, out: &mut String) {
    let Some(nested) = Nested::read(bytes) else {
        out.push_str("null");
        return;
    };
    let between = |out: &mut String, at: usize| out.push_str(if at > 0 { "," } else { "" });

    match of {
        DataType::Array(element) => {
            out.push('[');
            for (at, value) in nested.values().enumerate() {
                between(out, at);
                write_value(value, &element.data_type, out);
            }
            out.push(']');
        }
        DataType::Row(fields) => {
            out.push('{');
            for (at, (field, value)) in fields.iter().zip(nested.values()).enumerate() {
                between(out, at);
                write_text(&field.name, out);
                out.push(':');
                write_value(value, &field.column_type.data_type, out);
            }
            out.push('}');
        }
        DataType::Map(_, value_type) => write_entries(&nested, &value_type.data_type, out),
        _ => write_entries(&nested, &DataType::Int, out),
    }
}

fn write_entries(nested: &Nested<'_>, of_values: &DataType, out: &mut String) {
    out.push('{');
    for (at, (key, value)) in nested.entries().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        write_text(if let Scalar::Text(text) = key { text } else { "null" }, out);
        out.push(':');
        write_value(value, of_values, out);
    }
    out.push('}');
}

/// Writes a number in the form of Java's `BigDecimal`.
fn number(out: &mut String, write: impl FnOnce(&mut String)) {
    let mut text = String::new();
    write(&mut text);
    write_number(&text, out);
}

/// Appends JSON without blanks, with members sorted by name, and with escapes only where they are needed.
pub(super) fn write_compact(json: &RawValue, out: &mut String) {
    let text = json.get();
    match text.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<Cow<'_, str>>(text) {
            Ok(value) => write_text(&value, out),
            Err(_) => out.push_str(text),
        },
        Some(b'[') => {
            out.push('[');
            for (at, element) in elements(text).into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_compact(element, out);
            }
            out.push(']');
        }
        Some(b'{') => {
            let mut members = members(text);
            // The last of several members with the same name is used.
            members.reverse();
            members.sort_by(|(a, _), (b, _)| write_key_order(a, b));
            members.dedup_by(|(a, _), (b, _)| a == b);

            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_text(&name, out);
                out.push(':');
                write_compact(value, out);
            }
            out.push('}');
        }
        Some(b'-' | b'0'..=b'9') => write_number(text, out),
        _ => out.push_str(text),
    }
}

/// Writes a JSON number as Java's `BigDecimal` does: with all of its digits, and with an exponent if the
/// given exponent is positive or the first significant digit is more than six places behind the point.
pub(super) fn write_number(number: &str, to: &mut String) {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));

    let all = format!("{whole}{fraction}");
    let digits = match all.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    // BigDecimal has no exponents beyond an `i32`; such a number is copied unchanged.
    let Ok(exponent) = exponent.parse::<i32>() else { return to.push_str(number) };
    let scale = fraction.len() as i64 - i64::from(exponent);
    let first = digits.len() as i64 - 1 - scale;

    if mantissa.starts_with('-') && digits != "0" {
        to.push('-');
    }
    if scale == 0 {
        to.push_str(digits);
    } else if scale > 0 && first >= -6 {
        let places = scale as usize;
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        to.extend([whole, ".", fraction]);
    } else {
        let (head, tail) = digits.split_at(1);
        to.push_str(head);
        if !tail.is_empty() {
            to.extend([".", tail]);
        }
        to.push_str(&format!("E{first:+}"));
    }
}
