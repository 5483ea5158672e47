//! `ROUND`, `TRUNCATE`, `FLOOR` and `CEIL` of numbers.
//!
//! Ties round away from zero. Doubles are rounded by their decimal text, so `ROUND(1.005e0, 2)` is 1.01
//! although the nearest double is below 1.005.

use types::{DataType, Scalar};

use super::arithmetic::wrap;
use super::decimal::{Shape, divide_half_up, fit, power_of_ten, write};
use super::number_text::{Digits, digits_of_double, digits_of_float, round_up};
use super::signature::{
    ArgumentKind, accept, any_nullable, data_type, function, mismatch, optional_int, simple, wide,
};
use super::{Argument, Code, ScalarCall, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "ROUND",
        "ROUND(x[, digits]): rounded half away from zero; ROUND(2.345, 2) = 2.35",
        to_digits,
        |c| prepare(Way::HalfUp, c),
    ),
    function(
        "TRUNCATE",
        "TRUNCATE(x[, digits]): cut toward zero; TRUNCATE(-2.345, 2) = -2.34",
        to_digits,
        |c| prepare(Way::TowardZero, c),
    ),
    function("FLOOR", "FLOOR(x): the next whole number down; FLOOR(-2.5) = -3", to_whole, |c| {
        prepare(Way::Down, c)
    }),
    ScalarFunction {
        aliases: &["CEILING"],
        ..function("CEIL", "CEIL(x): the next whole number up; CEIL(2.1) = 3", to_whole, |c| {
            prepare(Way::Up, c)
        })
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    HalfUp,
    TowardZero,
    Down,
    Up,
}

fn to_digits(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let accepted = accept(args, "<number>[, <digits>]", &[ArgumentKind::Number, ArgumentKind::Integer], 1)?;
    let digits = match args.get(1) {
        None => Some(0),
        Some(arg) => match arg.literal.map(|v| v.as_scalar()) {
            Some(Scalar::Int(digits)) => Some(digits),
            _ => None,
        },
    };
    let result = match (&accepted[0], digits) {
        (DataType::Decimal { precision, scale }, Some(digits)) => {
            Shape { precision: *precision, scale: *scale }.of_round(digits).data_type()
        }
        (other, _) => other.clone(),
    };
    let nullable = any_nullable(args) || matches!(result, DataType::Decimal { .. });
    Ok(Signature { args: accepted, result: types::ColumnType { data_type: result, nullable } })
}

fn to_whole(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let accepted = accept(args, "<number>", &[ArgumentKind::Number], 1)?;
    let result = match &accepted[0] {
        DataType::Decimal { precision, .. } => DataType::Decimal { precision: *precision, scale: 0 },
        other => other.clone(),
    };
    let nullable = any_nullable(args) || matches!(result, DataType::Decimal { .. });
    Ok(Signature { args: accepted, result: types::ColumnType { data_type: result, nullable } })
}

fn prepare(way: Way, call: &ScalarCall<'_>) -> Result<Code, String> {
    let from = data_type(call, 0);
    let to = call.result.data_type.clone();
    let single = from == DataType::Float;
    let scale = Shape::of(&from).map_or(0, |s| s.scale);
    let target = Shape::of(&to);

    simple(move |args, out| {
        let digits = optional_int(args, 1).unwrap_or(0);
        match (args.first(), target) {
            (Some(Scalar::Int(v)), _) => {
                let rounded = round_whole(i128::from(*v), 0, digits, way);
                // A result out of range wraps, as in Java's `intValue`.
                out.int(wrap(rounded as i64, &to));
            }
            (Some(Scalar::Double(v)), _) if matches!(way, Way::Down) => out.double(v.floor()),
            (Some(Scalar::Double(v)), _) if matches!(way, Way::Up) => out.double(v.ceil()),
            (Some(Scalar::Double(v)), _) => out.double(round_double(*v, digits, way, single)),
            (Some(Scalar::Wide(v)), Some(target)) => {
                let rounded = round_whole(*v, scale, digits, way);
                let fitted = if target.scale >= scale {
                    fit(rounded, target.precision)
                } else {
                    fit(rounded / power_of_ten((scale - target.scale).into()), target.precision)
                };
                out.wide_or_null(fitted);
            }
            _ => out.null(),
        }
    })
}

/// Prepares `CAST(ROUND(m, digits) AS STRING)`.
pub(super) fn rounded_text(call: &ScalarCall<'_>) -> Result<Code, String> {
    text_of(Way::HalfUp, call)
}

/// Prepares `CAST(TRUNCATE(m, digits) AS STRING)`.
pub(super) fn truncated_text(call: &ScalarCall<'_>) -> Result<Code, String> {
    text_of(Way::TowardZero, call)
}

pub(super) fn to_text(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let accepted = accept(args, "<decimal>, <digits>", &[ArgumentKind::Number, ArgumentKind::Integer], 2)?;
    if !matches!(accepted[0], DataType::Decimal { .. }) {
        return Err(mismatch("<decimal>, <digits>"));
    }
    Ok(Signature { args: accepted, result: DataType::STRING.nullable() })
}

/// Prepares the text of a rounded decimal, with the given number of digits but no more than its scale.
fn text_of(way: Way, call: &ScalarCall<'_>) -> Result<Code, String> {
    let from = Shape::of(&data_type(call, 0)).ok_or("only decimals are rounded to text")?;
    simple(move |args, out| {
        let digits = optional_int(args, 1).unwrap_or(0);
        let shown = digits.clamp(0, from.scale.into()) as u8;
        let unit = power_of_ten((from.scale - shown).into());
        let rounded = round_whole(wide(args, 0), from.scale, digits, way);
        match fit(rounded, from.precision) {
            Some(rounded) => out.write_text(|to| write(rounded / unit, shown, to)),
            None => out.null(),
        }
    })
}

/// Rounds `value × 10^-scale` to a number of decimal digits and keeps the scale.
fn round_whole(value: i128, scale: u8, digits: i64, way: Way) -> i128 {
    let drop = i64::from(scale).saturating_sub(digits);
    if drop <= 0 {
        return value;
    }
    if drop > 38 {
        return 0;
    }
    let unit = power_of_ten(drop as u32);
    let quotient = match way {
        Way::HalfUp => divide_half_up(value, unit),
        Way::TowardZero => value / unit,
        Way::Down => value.div_euclid(unit),
        Way::Up => value.div_euclid(unit) + i128::from(value.rem_euclid(unit) != 0),
    };
    quotient.saturating_mul(unit)
}

fn round_double(value: f64, places: i64, way: Way, single: bool) -> f64 {
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let magnitude = value.abs();
    let Digits { mut digits, mut point } =
        if single { digits_of_float(magnitude as f32) } else { digits_of_double(magnitude) };
    let keep = i64::from(point).saturating_add(places);
    if keep >= digits.len() as i64 {
        return value;
    }
    let Ok(keep) = usize::try_from(keep) else { return 0.0 };
    let up = way == Way::HalfUp && digits[keep] >= 5;

    if keep == 0 {
        // Either no digit is left, or a one in the place before.
        digits = vec![u8::from(up)];
        point += 1;
    } else {
        digits.truncate(keep);
        if up {
            point += round_up(&mut digits);
        }
    }

    let text: String = digits.iter().map(|d| char::from(b'0' + d)).collect();
    let text = format!("{text}e{}", i64::from(point) - digits.len() as i64);
    let rounded = if single { text.parse::<f32>().map(f64::from) } else { text.parse() }.unwrap_or(value);
    if rounded == 0.0 { 0.0 } else { rounded.copysign(value) }
}
