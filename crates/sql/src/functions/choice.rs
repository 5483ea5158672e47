//! Functions that choose among arguments or test them.

use types::{ColumnType, DataType, Scalar};

use super::number_text::parse_double;
use super::signature::{ArgumentKind, any_nullable, function, mismatch, simple, typed};
use super::{Argument, Code, Nulls, ScalarFunction, Signature, SignatureError};
use crate::typing::common_of_two;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "GREATEST",
        "GREATEST(a, b, …): the greatest, null if any is null; GREATEST(1, 3, 2) = 3",
        common,
        |_| pick(std::cmp::Ordering::Greater),
    ),
    function("LEAST", "LEAST(a, b, …): the least, null if any is null; LEAST(1, 3, 2) = 1", common, |_| {
        pick(std::cmp::Ordering::Less)
    }),
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "TYPEOF",
            "TYPEOF(x): the name of its type; TYPEOF(1) = 'INT NOT NULL'",
            |args| match args {
                [only] => Ok(Signature {
                    args: vec![only.column_type.data_type.clone()],
                    result: DataType::STRING.not_null(),
                }),
                _ => Err(mismatch("<value>")),
            },
            |call| {
                let name = call.args.first().map_or_else(String::new, |arg| arg.column_type.to_string());
                simple(move |_, out| out.text(&name))
            },
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "IS_DECIMAL",
            "IS_DECIMAL(x): whether it is, or reads as, a number; IS_DECIMAL('1.5') = TRUE",
            any,
            |_| ask(is_decimal),
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "IS_DIGIT",
            "IS_DIGIT(x): whether it is a whole number or has digits only; IS_DIGIT('15') = TRUE",
            any,
            |_| ask(is_digit),
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "IS_ALPHA",
            "IS_ALPHA(text): whether it has letters only; IS_ALPHA('học') = TRUE",
            any,
            |_| ask(is_alpha),
        )
    },
];

/// Returns the common type of two arguments. Unlike elsewhere, a wall clock and an instant have one, and a
/// date and a timestamp have none.
fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Date, Timestamp, TimestampLtz};
    match (a, b) {
        (Timestamp(m), TimestampLtz(n)) | (TimestampLtz(m), Timestamp(n)) => Some(TimestampLtz(*m.max(n))),
        (Date, Timestamp(_)) | (Timestamp(_), Date) => None,
        _ => common_of_two(a, b),
    }
}

fn common(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<value>, <value>, … of one kind";
    let mut result = DataType::Null;
    for arg in args {
        result = common_type(&result, &arg.column_type.data_type).ok_or_else(|| mismatch(expected))?;
    }
    if result.repr().is_none() || result.is_nested() {
        return Err(mismatch(expected));
    }
    let nullable = any_nullable(args);
    Ok(Signature {
        args: vec![result.clone(); args.len()],
        result: ColumnType { data_type: result, nullable },
    })
}

fn pick(wanted: std::cmp::Ordering) -> Result<Code, String> {
    simple(move |args, out| {
        let mut best = args.first().copied().unwrap_or(Scalar::Null);
        for value in args.iter().skip(1) {
            if value.compare(best) == Some(wanted) {
                best = *value;
            }
        }
        out.scalar(best);
    })
}

fn any(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let mut signature = typed(args, "<value>", &[ArgumentKind::Any], 1, DataType::Boolean)?;
    signature.result.nullable = false;
    Ok(signature)
}

/// Builds a test of a value that is false for null.
fn ask(answer: fn(Scalar<'_>) -> bool) -> Result<Code, String> {
    simple(move |args, out| out.bool(args.first().is_some_and(|v| answer(*v))))
}

fn is_decimal(value: Scalar<'_>) -> bool {
    match value {
        Scalar::Text(text) => parse_double(text).is_some(),
        Scalar::Int(_) | Scalar::Double(_) | Scalar::Wide(_) => true,
        _ => false,
    }
}

fn is_digit(value: Scalar<'_>) -> bool {
    match value {
        Scalar::Text(text) => !text.is_empty() && text.chars().all(char::is_numeric),
        Scalar::Int(_) => true,
        _ => false,
    }
}

fn is_alpha(value: Scalar<'_>) -> bool {
    matches!(value, Scalar::Text(text) if !text.is_empty() && text.chars().all(char::is_alphabetic))
}
