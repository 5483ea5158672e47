//! `CAST` and `TRY_CAST`.
//!
//! A value that cannot be converted fails the row under `CAST` and gives null under `TRY_CAST`. A value with
//! too many digits for a `DECIMAL` gives null under both.

mod nested;
mod number;
mod text;
mod time;

use std::sync::Arc;

use jiff::tz::TimeZone;
use types::{DataType, Repr, Scalar};

use super::{Code, Env, EvalError, Output};
use crate::expr::CastMode;

pub(super) use time::parse_date;

/// Converts one non-null value.
type Convert = Box<dyn Fn(Scalar<'_>, &mut Output) -> Result<(), EvalError> + Send + Sync>;

/// Returns whether Flink allows `CAST(from AS to)`.
pub fn allowed(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    if from == to {
        return true;
    }
    let exact = |t: &DataType| t.is_integer() || matches!(t, Decimal { .. });
    let interval = |t: &DataType| matches!(t, IntervalYearMonth | IntervalDayTime);
    let bytes = |t: &DataType| matches!(t, Binary(_) | Varbinary(_));

    match (from, to) {
        (Null, _) => true,
        (_, Null) => false,
        (from, Char(_) | Varchar(_)) => from.repr().is_some(),
        (from, to) if from.is_nested() || to.is_nested() => nested::allowed_nested(from, to),
        (from, Boolean) => from.is_text() || from.is_numeric() || *from == Boolean,
        (from, Binary(_) | Varbinary(_)) => from.is_text() || bytes(from),
        (from, to) if to.is_numeric() => {
            from.is_numeric() || from.is_text() || *from == Boolean || interval(from) && exact(to)
        }
        (from, Date) => from.is_text() || from.is_timestamp() || *from == Date,
        (from, Time(_)) => from.is_text() || from.is_timestamp() || matches!(from, Time(_)),
        (from, Timestamp(_) | TimestampLtz(_)) => {
            from.is_text() || from.is_timestamp() || matches!(from, Date | Time(_))
        }
        // Only literals are intervals.
        (_, _) => false,
    }
}

/// Prepares the conversion of one argument. The error names a conversion that is not supported.
pub fn prepare(from: &DataType, to: &DataType, mode: CastMode, time_zone: &TimeZone) -> Result<Code, String> {
    if !allowed(from, to) {
        return Err(format!("Cast function cannot convert value of type {from} to type {to}"));
    }
    let convert = conversion(from, to, time_zone);

    Ok(Arc::new(move |_: &Env, args: &[Scalar<'_>], out: &mut Output| {
        let value = args.first().copied().unwrap_or(Scalar::Null);
        if value.is_null() {
            out.null();
            return Ok(());
        }
        match (convert(value, out), mode) {
            (Ok(()), _) => out.within_bounds(),
            (Err(_), CastMode::Try) => {
                out.null();
                Ok(())
            }
            (Err(error), CastMode::Strict) => Err(error),
        }
    }))
}

fn conversion(from: &DataType, to: &DataType, zone: &TimeZone) -> Convert {
    match to {
        _ if from == to => Box::new(|value, out| {
            out.scalar(value);
            Ok(())
        }),
        DataType::Char(_) | DataType::Varchar(_) => text::to_text(from, to, zone),
        to if to.is_nested() => nested::to_nested(from, to, zone),
        DataType::Binary(_) | DataType::Varbinary(_) => text::to_bytes(to),
        DataType::Boolean => number::to_boolean(from),
        to if to.is_numeric() => number::to_number(from, to),
        to if to.repr() == Some(Repr::Int) || to.repr() == Some(Repr::Wide) => time::to_time(from, to, zone),
        _ => Box::new(|_, out| {
            out.null();
            Ok(())
        }),
    }
}

/// Returns the error for a value that cannot be converted.
fn unreadable(value: &str, to: &DataType) -> EvalError {
    let value = super::signature::shortened(value);
    EvalError(format!("cannot cast {value} to {to}; TRY_CAST gives NULL instead"))
}
