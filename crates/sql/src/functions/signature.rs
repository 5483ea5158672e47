//! Helpers for registry entries: checking argument types, reading arguments, wrapping code.

use std::sync::Arc;

use types::{ColumnType, DataType, Scalar};

use super::{
    Argument, Code, Determinism, EvalError, Nulls, Output, ScalarCall, ScalarFunction, Signature,
    SignatureError,
};

type SignatureOf = fn(&[Argument<'_>]) -> Result<Signature, SignatureError>;
type Prepare = fn(&ScalarCall<'_>) -> Result<Code, String>;

/// Creates an entry that is deterministic and returns null for null.
pub(super) const fn function(
    name: &'static str,
    doc: &'static str,
    signature: SignatureOf,
    prepare: Prepare,
) -> ScalarFunction {
    let (determinism, nulls) = (Determinism::Always, Nulls::Propagate);
    ScalarFunction { name, aliases: &[], doc, determinism, nulls, signature, prepare }
}

/// The accepted kind of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArgumentKind {
    Text,
    /// `TINYINT` to `BIGINT`, without a cast.
    Integer,
    /// Any number, without a cast.
    Number,
    /// Any number, cast to `DOUBLE`.
    Double,
    /// `TIMESTAMP` or `TIMESTAMP_LTZ`.
    Timestamp,
    /// `DATE`, `TIME` or a timestamp.
    Time,
    /// Anything except nested types.
    Any,
    /// A literal text from a list.
    Word(&'static [&'static str]),
}

pub(super) fn mismatch(expected: &str) -> SignatureError {
    SignatureError { expected: expected.to_owned() }
}

impl ArgumentKind {
    /// Returns the type that the argument is cast to, or `None` if it is not accepted.
    fn accept(self, argument: &Argument<'_>) -> Option<DataType> {
        let given = &argument.column_type.data_type;
        let fits = match self {
            ArgumentKind::Text => given.is_text(),
            ArgumentKind::Integer => given.is_integer(),
            ArgumentKind::Number => given.is_numeric(),
            ArgumentKind::Double => {
                return (given.is_numeric() || *given == DataType::Null).then_some(DataType::Double);
            }
            ArgumentKind::Timestamp => given.is_timestamp(),
            ArgumentKind::Time => given.is_timestamp() || matches!(given, DataType::Date | DataType::Time(_)),
            ArgumentKind::Any => given.repr().is_some() && !given.is_nested(),
            ArgumentKind::Word(words) => {
                let word = argument.literal.map(|v| v.as_scalar());
                let Some(Scalar::Text(word)) = word else { return None };
                words.contains(&word.trim_end().to_uppercase().as_str())
            }
        };

        match (fits, given, self) {
            (true, ..) => Some(given.clone()),
            (false, DataType::Null, ArgumentKind::Text | ArgumentKind::Any) => Some(DataType::STRING),
            (false, DataType::Null, ArgumentKind::Integer | ArgumentKind::Number) => Some(DataType::Int),
            (false, DataType::Null, ArgumentKind::Timestamp | ArgumentKind::Time) => {
                Some(DataType::Timestamp(3))
            }
            _ => None,
        }
    }
}

/// Returns the argument types after coercion. Arguments from `required` on are optional; `expected` is for
/// the error.
pub(super) fn accept(
    args: &[Argument<'_>],
    expected: &str,
    kinds: &[ArgumentKind],
    required: usize,
) -> Result<Vec<DataType>, SignatureError> {
    if !(required..=kinds.len()).contains(&args.len()) {
        return Err(mismatch(expected));
    }
    kinds.iter().zip(args).map(|(kind, arg)| kind.accept(arg).ok_or_else(|| mismatch(expected))).collect()
}

/// Returns a signature whose result is nullable only if an argument is.
pub(super) fn typed(
    args: &[Argument<'_>],
    expected: &str,
    kinds: &[ArgumentKind],
    required: usize,
    result: DataType,
) -> Result<Signature, SignatureError> {
    let accepted = accept(args, expected, kinds, required)?;
    Ok(Signature { args: accepted, result: ColumnType { data_type: result, nullable: any_nullable(args) } })
}

/// Returns a signature whose result is always nullable.
pub(super) fn nullable(
    args: &[Argument<'_>],
    expected: &str,
    kinds: &[ArgumentKind],
    required: usize,
    result: DataType,
) -> Result<Signature, SignatureError> {
    Ok(Signature { args: accept(args, expected, kinds, required)?, result: result.nullable() })
}

pub(super) fn any_nullable(args: &[Argument<'_>]) -> bool {
    args.iter().any(|a| a.column_type.nullable || a.column_type.data_type == DataType::Null)
}

/// Wraps code that fails only if its value is too long.
///
/// The length is checked after the value is computed. Code whose value can be many times as long as its
/// arguments must use [`fallible`] and check first.
pub(super) fn simple(f: impl Fn(&[Scalar<'_>], &mut Output) + Send + Sync + 'static) -> Result<Code, String> {
    Ok(Arc::new(move |_, args, out| {
        f(args, out);
        out.within_bounds()
    }))
}

/// Wraps code that can fail a row.
pub(super) fn fallible(
    f: impl Fn(&[Scalar<'_>], &mut Output) -> Result<(), EvalError> + Send + Sync + 'static,
) -> Result<Code, String> {
    Ok(Arc::new(move |_, args, out| {
        f(args, out)?;
        out.within_bounds()
    }))
}

/// Returns the text of an argument; '' if it is none, which the signature rules out.
pub(super) fn text<'a>(args: &[Scalar<'a>], index: usize) -> &'a str {
    match args.get(index) {
        Some(Scalar::Text(v)) => v,
        _ => "",
    }
}

/// Returns the text of an argument, if there is one.
pub(super) fn optional_text<'a>(args: &[Scalar<'a>], index: usize) -> Option<&'a str> {
    match args.get(index) {
        Some(Scalar::Text(v)) => Some(v),
        _ => None,
    }
}

pub(super) fn int(args: &[Scalar<'_>], index: usize) -> i64 {
    optional_int(args, index).unwrap_or(0)
}

pub(super) fn optional_int(args: &[Scalar<'_>], index: usize) -> Option<i64> {
    match args.get(index) {
        Some(Scalar::Int(v)) => Some(*v),
        _ => None,
    }
}

pub(super) fn double(args: &[Scalar<'_>], index: usize) -> f64 {
    match args.get(index) {
        Some(Scalar::Double(v)) => *v,
        _ => 0.0,
    }
}

pub(super) fn wide(args: &[Scalar<'_>], index: usize) -> i128 {
    match args.get(index) {
        Some(Scalar::Wide(v)) => *v,
        _ => 0,
    }
}

/// Returns the text of a literal argument.
pub(super) fn literal_text<'a>(call: &ScalarCall<'a>, index: usize) -> Option<&'a str> {
    match call.args.get(index)?.literal?.as_scalar() {
        Scalar::Text(v) => Some(v),
        _ => None,
    }
}

/// Returns the type of an argument.
pub(super) fn data_type(call: &ScalarCall<'_>, index: usize) -> DataType {
    call.args.get(index).map_or(DataType::Null, |a| a.column_type.data_type.clone())
}

/// Returns the beginning of a text in quotes.
pub(super) fn shortened(text: &str) -> String {
    const CHARACTERS: usize = 60;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("'{}…'", &text[..end]),
        None => format!("'{text}'"),
    }
}

pub(super) fn fail(message: impl Into<String>) -> EvalError {
    EvalError(message.into())
}
