//! Functions that the planner puts around written values so that they fit the sink's columns.
//!
//! `table.exec.sink.not-null-enforcer` and `table.exec.sink.type-length-enforcer` select among them.

use types::{ColumnType, DataType, Repr, Scalar};

use super::signature::{
    ArgumentKind, accept, data_type, fallible, function, literal_text, mismatch, shortened, text,
};
use super::text::length;
use super::{
    Argument, Code, Env, EvalError, Nulls, Output, ScalarCall, ScalarFunction, Signature, SignatureError,
    cast,
};
use crate::expr::CastMode;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "$NOT_NULL",
            "$NOT_NULL(value, 'column', name, value, …): the value, or a failure that names the column and the row",
            not_null_signature,
            not_null,
        )
    },
    function(
        "$TRIM_PAD",
        "$TRIM_PAD(value): the value cut and filled up to the length of its type",
        one_text,
        trim_pad,
    ),
    function(
        "$CHECK_LENGTH",
        "$CHECK_LENGTH(value, 'column'): the value, or a failure if it has not the length of its type",
        text_and_name,
        check_length,
    ),
];

fn not_null_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let kinds = [
        &[ArgumentKind::Any, ArgumentKind::Text][..],
        &[ArgumentKind::Text, ArgumentKind::Any].repeat(args.len() / 2),
    ]
    .concat();
    let accepted = accept(args, "<value>, <column>[, <name>, <value>…]", &kinds, 2)?;
    let result = accepted[0].clone().not_null();
    Ok(Signature { args: accepted, result })
}

fn one_text(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let accepted = accept(args, "<text or bytes>", &[ArgumentKind::Any], 1)?;
    of_length(args, accepted)
}

fn text_and_name(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let accepted = accept(args, "<text or bytes>, <column>", &[ArgumentKind::Any, ArgumentKind::Text], 2)?;
    of_length(args, accepted)
}

/// Returns a signature with the first argument's type if that type has a length.
fn of_length(args: &[Argument<'_>], accepted: Vec<DataType>) -> Result<Signature, SignatureError> {
    if !matches!(accepted[0].repr(), Some(Repr::Text | Repr::Bytes)) {
        return Err(mismatch("<text or bytes>"));
    }
    let result = ColumnType { data_type: accepted[0].clone(), nullable: args[0].column_type.nullable };
    Ok(Signature { args: accepted, result })
}

fn not_null(call: &ScalarCall<'_>) -> Result<Code, String> {
    let column = literal_text(call, 1).unwrap_or_default().to_owned();
    let mut shown = vec![];
    // Further arguments are pairs of a column's name and its value.
    for place in (3..call.args.len()).step_by(2) {
        let to_text =
            cast::prepare(&data_type(call, place), &DataType::STRING, CastMode::Try, call.time_zone)?;
        shown.push((literal_text(call, place - 1).unwrap_or_default().to_owned(), place, to_text));
    }
    Ok(std::sync::Arc::new(move |env: &Env, args: &[Scalar<'_>], out: &mut Output| {
        let value = args.first().copied().unwrap_or(Scalar::Null);
        if !value.is_null() {
            out.scalar(value);
            return Ok(());
        }

        let mut row = vec![];
        for (name, place, to_text) in &shown {
            to_text(env, &args[*place..=*place], out)?;
            row.push(match out.get() {
                Scalar::Text(text) => format!("{name} = {}", shortened(text)),
                _ => format!("{name} = NULL"),
            });
        }
        Err(EvalError(format!(
            "the column {column} is NOT NULL, and a null is written into it, in the row ({}); \
             SET 'table.exec.sink.not-null-enforcer' = 'DROP' leaves such rows out",
            row.join(", ")
        )))
    }))
}

fn trim_pad(call: &ScalarCall<'_>) -> Result<Code, String> {
    let from = match call.result.data_type.repr() {
        Some(Repr::Bytes) => DataType::BYTES,
        _ => DataType::STRING,
    };
    cast::prepare(&from, &call.result.data_type, CastMode::Strict, call.time_zone)
}

fn check_length(call: &ScalarCall<'_>) -> Result<Code, String> {
    let of = call.result.data_type.clone();
    let (least, most) = match of {
        DataType::Char(n) | DataType::Binary(n) => (i64::from(n), i64::from(n)),
        DataType::Varchar(n) | DataType::Varbinary(n) => (0, i64::from(n)),
        _ => (0, i64::MAX),
    };

    fallible(move |args, out| {
        let (given, unit) = match args.first() {
            Some(Scalar::Text(text)) => (length(text), "characters"),
            Some(Scalar::Bytes(bytes)) => (bytes.len() as i64, "bytes"),
            _ => (least, ""),
        };
        if !(least..=most).contains(&given) {
            let column = text(args, 1);
            let plural = if given == 1 { unit.trim_end_matches('s') } else { unit };
            let verb = if given == 1 { "is" } else { "are" };
            let value = match args.first() {
                Some(Scalar::Text(text)) => format!(": {}", shortened(text)),
                _ => String::new(),
            };
            return Err(EvalError(format!(
                "the column {column} is {of}, and {given} {plural} {verb} written into it{value}; \
                 SET 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD' cuts and fills values up"
            )));
        }
        out.scalar(args.first().copied().unwrap_or(Scalar::Null));
        Ok(())
    })
}
