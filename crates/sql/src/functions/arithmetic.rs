//! `+ - * / %` on numbers, and on times and intervals.
//!
//! Integers wrap around at their type's width and divide toward zero. Division by zero fails the job, except
//! for floating-point numbers. Decimals follow `decimal`.

use types::{ColumnType, DataType, Scalar};

use super::calendar::{DAY_MS, Date, PreciseTime};
use super::decimal::{self, Decimal, Shape};
use super::signature::{
    any_nullable, data_type, double, fail, fallible, function, int, mismatch, simple, wide,
};
use super::{Argument, Code, EvalError, Output, ScalarCall, ScalarFunction, Signature, SignatureError};
use crate::typing::common_of_two;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "+",
        "a + b: sum; 2147483647 + 1 = -2147483648 (INT wraps)",
        |a| signature(Op::Add, a),
        |c| prepare(Op::Add, c),
    ),
    function(
        "-",
        "a - b: difference; 1.50 - 1 = 0.50",
        |a| signature(Op::Subtract, a),
        |c| prepare(Op::Subtract, c),
    ),
    function(
        "*",
        "a * b: product; 7 * 100.0 = 700.0",
        |a| signature(Op::Multiply, a),
        |c| prepare(Op::Multiply, c),
    ),
    function(
        "/",
        "a / b: quotient; -7 / 2 = -3, 7 / 2.0 = 3.500000",
        |a| signature(Op::Divide, a),
        |c| prepare(Op::Divide, c),
    ),
    ScalarFunction {
        aliases: &["MOD"],
        ..function(
            "%",
            "MOD(a, b): remainder with the sign of a; MOD(-7, 3) = -1",
            |a| signature(Op::Remainder, a),
            |c| prepare(Op::Remainder, c),
        )
    },
    function("NEGATE", "-a: the number with the other sign; -(2.5) = -2.5", negate_signature, prepare_negate),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

const EXPECTED: &str = "<number> <operator> <number>, <time> ± <interval>, <interval> ± <interval>";

/// Truncates an integer to the width of its type.
pub(super) fn wrap(value: i64, to: &DataType) -> i64 {
    match to {
        DataType::TinyInt => i64::from(value as i8),
        DataType::SmallInt => i64::from(value as i16),
        DataType::Int => i64::from(value as i32),
        _ => value,
    }
}

fn signature(op: Op, args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let [a, b] = args else { return Err(mismatch(EXPECTED)) };
    let (left, right) = (&a.column_type.data_type, &b.column_type.data_type);
    let nullable = any_nullable(args);
    let with = |args: [DataType; 2], data_type: DataType, nullable: bool| {
        Ok(Signature { args: args.into(), result: ColumnType { data_type, nullable } })
    };
    if let Some(result) = time_result(op, left, right) {
        return with([left.clone(), right.clone()], result, nullable);
    }

    // Between FLOAT and DOUBLE, the left operand's type is used.
    let common = match (left, right) {
        (DataType::Float, DataType::Double) => Some(DataType::Float),
        _ => common_of_two(left, right),
    };

    let Some(common) = common.filter(DataType::is_numeric) else { return Err(mismatch(EXPECTED)) };
    let DataType::Decimal { .. } = common else {
        // The remainder has the type of the divisor.
        let result = if op == Op::Remainder && common.is_integer() { right.clone() } else { common.clone() };
        return with([common.clone(), common], result, nullable);
    };

    let exact = |t: &DataType| if *t == DataType::Null { Shape::of(&common) } else { Shape::of(t) };
    let (Some(x), Some(y)) = (exact(left), exact(right)) else { return Err(mismatch(EXPECTED)) };

    let result = match op {
        Op::Add | Op::Subtract => x.of_sum(y),
        Op::Multiply => x.of_product(y),
        Op::Divide => x.of_quotient(y),
        Op::Remainder => x.of_remainder(y),
    };

    // A result with too many digits is null.
    with([x.data_type(), y.data_type()], result.data_type(), true)
}

fn is_interval(t: &DataType) -> bool {
    matches!(t, DataType::IntervalYearMonth | DataType::IntervalDayTime)
}

/// Returns the type of a sum or difference of a time and an interval, or of two intervals.
fn time_result(op: Op, left: &DataType, right: &DataType) -> Option<DataType> {
    let is_time = |t: &DataType| t.is_timestamp() || matches!(t, DataType::Date | DataType::Time(_));
    // A DATE stays a DATE: only the whole days of the interval count.
    match op {
        Op::Add | Op::Subtract if is_interval(left) && left == right => Some(left.clone()),
        Op::Add | Op::Subtract if is_time(left) && is_interval(right) => Some(left.clone()),
        Op::Add if is_interval(left) && is_time(right) => Some(right.clone()),
        _ => None,
    }
}

fn prepare(op: Op, call: &ScalarCall<'_>) -> Result<Code, String> {
    let (left, right) = (data_type(call, 0), data_type(call, 1));
    let result = call.result.data_type.clone();
    if is_interval(&left) || is_interval(&right) {
        return prepare_time(op, left, right, result);
    }

    match (&left, &result) {
        (DataType::Decimal { .. }, DataType::Decimal { precision, scale }) => {
            let to = Shape { precision: *precision, scale: *scale };
            let (Some(x), Some(y)) = (Shape::of(&left), Shape::of(&right)) else {
                return Err(format!("no decimal arithmetic over {left} and {right}"));
            };
            fallible(move |args, out| {
                let (a, b) = (
                    Decimal { value: wide(args, 0), scale: x.scale },
                    Decimal { value: wide(args, 1), scale: y.scale },
                );
                out.wide_or_null(decimals(op, a, b, to)?);
                Ok(())
            })
        }
        (DataType::Double | DataType::Float, _) => {
            let single = left == DataType::Float;
            simple(move |args, out| {
                let (a, b) = (double(args, 0), double(args, 1));
                let value = match op {
                    Op::Add => a + b,
                    Op::Subtract => a - b,
                    Op::Multiply => a * b,
                    Op::Divide => a / b,
                    Op::Remainder => a % b,
                };
                // Rounding the double result of two floats gives the correctly rounded float result.
                out.double(if single { f64::from(value as f32) } else { value });
            })
        }
        _ => {
            let common = left;
            fallible(move |args, out| {
                out.int(wrap(wrap(whole(op, int(args, 0), int(args, 1))?, &common), &result));
                Ok(())
            })
        }
    }
}

/// Hint for division by zero.
const NO_ZERO: &str = "NULLIF(…, 0) as the divisor gives NULL instead";

fn whole(op: Op, a: i64, b: i64) -> Result<i64, EvalError> {
    Ok(match op {
        Op::Add => a.wrapping_add(b),
        Op::Subtract => a.wrapping_sub(b),
        Op::Multiply => a.wrapping_mul(b),
        Op::Divide | Op::Remainder if b == 0 => {
            return Err(fail(format!("/ by zero: the dividend is {a}; {NO_ZERO}")));
        }
        Op::Divide => a.wrapping_div(b),
        Op::Remainder => a.wrapping_rem(b),
    })
}

fn decimals(op: Op, a: Decimal, b: Decimal, to: Shape) -> Result<Option<i128>, EvalError> {
    Ok(match op {
        Op::Add => decimal::add(a, b, to),
        Op::Subtract => decimal::add(a, Decimal { value: b.value.saturating_neg(), ..b }, to),
        Op::Multiply => decimal::multiply(a, b, to),
        Op::Divide | Op::Remainder if b.value == 0 => {
            let what = if a.value == 0 { "Division undefined" } else { "Division by zero" };
            return Err(fail(format!("{what}; {NO_ZERO}")));
        }
        Op::Divide => decimal::divide(a, b, to),
        Op::Remainder => decimal::remainder(a, b, to),
    })
}

fn prepare_time(op: Op, left: DataType, right: DataType, result: DataType) -> Result<Code, String> {
    let sign = if op == Op::Subtract { -1 } else { 1 };
    if is_interval(&left) && is_interval(&right) {
        return simple(move |args, out| out.int(int(args, 0).wrapping_add(int(args, 1).wrapping_mul(sign))));
    }
    let (time_at, interval_at) = if is_interval(&left) { (1, 0) } else { (0, 1) };
    let (time, interval) = if time_at == 0 { (left, right) } else { (right, left) };
    simple(move |args, out| {
        let amount = int(args, interval_at).wrapping_mul(sign);
        let value = args.get(time_at).copied().unwrap_or(Scalar::Null);
        shift(value, &time, amount, &interval, &result, out);
    })
}

/// Adds an interval to a time.
pub(super) fn shift(
    value: Scalar<'_>,
    time: &DataType,
    amount: i64,
    interval: &DataType,
    result: &DataType,
    out: &mut Output,
) {
    let months = *interval == DataType::IntervalYearMonth;
    match (time, value) {
        (DataType::Date, Scalar::Int(day)) if months => {
            out.int(Date::of_day(day).plus_months(amount).number_saturating())
        }
        (DataType::Date, Scalar::Int(day)) if *result == DataType::Date => {
            out.int(day.saturating_add(amount / DAY_MS))
        }
        (DataType::Date, Scalar::Int(day)) => {
            PreciseTime::of_ms(day.saturating_mul(DAY_MS)).plus_ms(amount).write_whole(result, out);
        }
        (DataType::Time(_), Scalar::Int(ms)) if months => out.int(ms),
        (DataType::Time(_), Scalar::Int(ms)) => out.int(ms.wrapping_add(amount).rem_euclid(DAY_MS)),
        (_, value) if months => PreciseTime::read(value).plus_months(amount).write_whole(result, out),
        (_, value) => PreciseTime::read(value).plus_ms(amount).write_whole(result, out),
    }
}

fn negate_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let [a] = args else { return Err(mismatch("-<number or interval>")) };
    let given = &a.column_type.data_type;
    if !given.is_numeric() && !is_interval(given) {
        return Err(mismatch("-<number or interval>"));
    }
    Ok(Signature { args: vec![given.clone()], result: a.column_type.clone() })
}

fn prepare_negate(call: &ScalarCall<'_>) -> Result<Code, String> {
    let result = call.result.data_type.clone();
    simple(move |args, out| match args.first() {
        Some(Scalar::Int(v)) => out.int(wrap(v.wrapping_neg(), &result)),
        Some(Scalar::Double(v)) => out.double(-v),
        Some(Scalar::Wide(v)) => out.wide(v.wrapping_neg()),
        _ => out.null(),
    })
}
