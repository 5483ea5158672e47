//! Casts to numbers and booleans.
//!
//! A double becomes an integer by truncation toward zero and saturates at the bounds of INT or BIGINT. An
//! integer is truncated to the bits of a narrower type. Text with a fraction is truncated toward zero.

use types::{DataType, Scalar};

use super::super::EvalError;
use super::super::arithmetic::wrap;
use super::super::decimal::{self, NotADecimal, Shape, power_of_ten, rescale, to_double};
use super::super::number_text::{parse_double, parse_float, write_double};
use super::{Convert, unreadable};

pub(super) fn to_boolean(from: &DataType) -> Convert {
    if !from.is_text() {
        return Box::new(|value, out| {
            out.bool(match value {
                Scalar::Int(v) => v != 0,
                Scalar::Double(v) => v != 0.0,
                Scalar::Wide(v) => v != 0,
                _ => false,
            });
            Ok(())
        });
    }

    Box::new(|value, out| {
        let Scalar::Text(text) = value else { return Ok(()) };
        match text.to_ascii_lowercase().as_str() {
            "t" | "true" | "y" | "yes" | "1" => out.bool(true),
            "f" | "false" | "n" | "no" | "0" => out.bool(false),
            _ => return Err(unreadable(text, &DataType::Boolean)),
        }
        Ok(())
    })
}

pub(super) fn to_number(from: &DataType, to: &DataType) -> Convert {
    let scale = match from {
        DataType::Decimal { scale, .. } => *scale,
        _ => 0,
    };
    match to {
        DataType::Decimal { precision, scale: target } => {
            to_decimal(Shape { precision: *precision, scale: *target }, scale)
        }
        DataType::Float | DataType::Double => to_floating(*to == DataType::Float, scale),
        _ => to_whole(to.clone(), scale),
    }
}

fn to_whole(to: DataType, scale: u8) -> Convert {
    let unit = power_of_ten(scale.into());
    Box::new(move |value, out| {
        let whole = match value {
            Scalar::Bool(v) => i64::from(v),
            Scalar::Int(v) => wrap(v, &to),
            // Narrow types are converted by way of INT.
            Scalar::Double(v) if to == DataType::BigInt => v as i64,
            Scalar::Double(v) => wrap(i64::from(v as i32), &to),
            Scalar::Wide(v) => wrap((v / unit) as i64, &to),
            Scalar::Text(text) => parse_whole(text, &to).ok_or_else(|| unreadable(text, &to))?,
            Scalar::Null | Scalar::Bytes(_) => return Ok(()),
        };
        out.int(whole);
        Ok(())
    })
}

/// Parses an integer: surrounding blanks, a sign, digits, and a fraction that is dropped.
fn parse_whole(text: &str, to: &DataType) -> Option<i64> {
    let text = text.trim_matches(' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.is_empty() {
        return None;
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut value = 0i64;
    for digit in whole.bytes() {
        value = value.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))?;
    }
    let value = if text.starts_with('-') { value } else { value.checked_neg()? };
    (wrap(value, to) == value).then_some(value)
}

fn to_floating(single: bool, scale: u8) -> Convert {
    Box::new(move |value, out| {
        let number = match value {
            Scalar::Bool(v) => f64::from(u8::from(v)),
            Scalar::Int(v) if single => f64::from(v as f32),
            Scalar::Int(v) => v as f64,
            Scalar::Double(v) => v,
            Scalar::Wide(v) => to_double(v, scale),
            Scalar::Text(text) => {
                let (read, to) = match single {
                    true => (parse_float(text), DataType::Float),
                    false => (parse_double(text), DataType::Double),
                };
                read.ok_or_else(|| unreadable(text, &to))?
            }
            Scalar::Null | Scalar::Bytes(_) => return Ok(()),
        };
        out.double(if single { f64::from(number as f32) } else { number });
        Ok(())
    })
}

fn to_decimal(to: Shape, scale: u8) -> Convert {
    let read = move |text: &str| match decimal::parse(text, to) {
        Ok(value) => Ok(Some(value)),
        Err(NotADecimal::Overflow) => Ok(None),
        Err(NotADecimal::Malformed) => Err(unreadable(text, &to.data_type())),
    };

    Box::new(move |value, out| {
        let number: Option<i128> = match value {
            Scalar::Bool(v) => rescale(v.into(), 0, to.scale, to.precision),
            Scalar::Int(v) => rescale(v.into(), 0, to.scale, to.precision),
            Scalar::Wide(v) => rescale(v, scale, to.scale, to.precision),
            // A FLOAT is read by the digits of its double as well: 0.1 is 0.10000000149011612.
            Scalar::Double(v) => {
                let mut text = String::new();
                write_double(v, &mut text);
                read(&text)?
            }
            Scalar::Text(text) => {
                let trimmed = text.trim_matches([' ', '\n', '\t']);
                read(trimmed)?
            }
            Scalar::Null | Scalar::Bytes(_) => None,
        };
        out.wide_or_null(number);
        Ok::<(), EvalError>(())
    })
}
