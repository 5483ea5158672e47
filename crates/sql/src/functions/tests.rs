//! Flink's answers for each function, and properties of all functions and casts.

mod bounds;
mod enforced;
mod flink_answers;
mod flink_times;
mod fused_agree;
mod no_panics;

use jiff::tz::TimeZone;
use types::{ColumnType, DataType, Scalar, Value};

use super::{Argument, Env, Nulls, Output, ScalarCall, cast, lookup};
use crate::expr::CastMode;

/// A value with its type.
#[derive(Debug, Clone)]
pub(super) struct Typed(pub(super) Value, pub(super) DataType);

pub(super) fn s(text: &str) -> Typed {
    Typed(Value::Text(text.into()), DataType::STRING)
}

pub(super) fn i(value: i64) -> Typed {
    Typed(Value::Int(value), DataType::Int)
}

pub(super) fn big(value: i64) -> Typed {
    Typed(Value::Int(value), DataType::BigInt)
}

pub(super) fn d(value: f64) -> Typed {
    Typed(Value::Double(value), DataType::Double)
}

pub(super) fn null(data_type: DataType) -> Typed {
    Typed(Value::Null, data_type)
}

/// Creates a decimal literal: `1.50` is a `DECIMAL(3, 2)`.
pub(super) fn m(text: &str) -> Typed {
    let digits = text.trim_start_matches('-').replace('.', "");
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len()) as u8;
    let precision = (digits.trim_start_matches('0').len() as u8).max(scale).max(1);
    let value: i128 = text.replace('.', "").parse().unwrap();
    Typed(Value::Wide(value), DataType::Decimal { precision, scale })
}

pub(super) fn convert_in(
    zone: &TimeZone,
    value: &Typed,
    to: &DataType,
    mode: CastMode,
) -> Result<Value, String> {
    let code = cast::prepare(&value.1, to, mode, zone)?;
    let mut out = Output::default();
    code(&Env { now_ms: 0 }, &[value.0.as_scalar()], &mut out).map_err(|e| e.0)?;
    Ok(out.get().to_value())
}

pub(super) fn convert(value: &Typed, to: DataType, mode: CastMode) -> Result<Value, String> {
    convert_in(&TimeZone::UTC, value, &to, mode)
}

/// Calls a function as the binder does: coerces, prepares, runs one row. Returns the value and its type.
pub(super) fn call_in(zone: &TimeZone, name: &str, args: &[Typed]) -> Result<Typed, String> {
    let function = lookup(name).ok_or(format!("no function {name}"))?;
    let types: Vec<ColumnType> = args.iter().map(|a| a.1.clone().nullable()).collect();
    let arguments: Vec<Argument<'_>> =
        args.iter().zip(&types).map(|(a, t)| Argument { column_type: t, literal: Some(&a.0) }).collect();
    let signature = (function.signature)(&arguments).map_err(|e| e.expected)?;
    let mut values = Vec::new();
    for (arg, to) in args.iter().zip(&signature.args) {
        values.push(convert_in(zone, arg, to, CastMode::Strict)?);
    }
    let types: Vec<ColumnType> = signature.args.iter().map(|t| t.clone().nullable()).collect();

    let arguments: Vec<Argument<'_>> =
        values.iter().zip(&types).map(|(v, t)| Argument { column_type: t, literal: Some(v) }).collect();
    let code =
        (function.prepare)(&ScalarCall { args: &arguments, result: &signature.result, time_zone: zone })?;
    if function.nulls == Nulls::Propagate && values.iter().any(Value::is_null) {
        return Ok(Typed(Value::Null, signature.result.data_type));
    }
    let scalars: Vec<Scalar<'_>> = values.iter().map(Value::as_scalar).collect();
    let mut out = Output::default();
    code(&Env { now_ms: 1_765_279_800_123 }, &scalars, &mut out).map_err(|e| e.0)?;
    assert_eq!(signature.args.len(), args.len(), "{name}");
    Ok(Typed(out.get().to_value(), signature.result.data_type))
}

pub(super) fn call(name: &str, args: &[Typed]) -> Result<Typed, String> {
    call_in(&TimeZone::UTC, name, args)
}

/// Shows the result as `CAST(… AS STRING)` does, `NULL` for null, and `!` with the error if the row fails.
pub(super) fn shown(result: Result<Typed, String>) -> String {
    match result.and_then(|typed| convert(&typed, DataType::STRING, CastMode::Strict)) {
        Ok(Value::Null) => "NULL".into(),
        Ok(Value::Text(text)) => text,
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("!{error}"),
    }
}

#[track_caller]
pub(super) fn check(name: &str, args: &[Typed], expected: &str) {
    assert_eq!(shown(call(name, args)), expected, "{name}({args:?})");
}

#[test]
fn an_error_shows_the_control_characters_of_a_value_and_cuts_a_long_one() {
    let error = |value: &str| super::EvalError(format!("cannot cast '{value}' to BIGINT")).to_string();
    assert_eq!(error("\u{1b}[31m\r\nerror:"), r"cannot cast '\u{1b}[31m\r\nerror:' to BIGINT");
    assert!(error(&"x".repeat(1_000_000)).len() < 200);
}
