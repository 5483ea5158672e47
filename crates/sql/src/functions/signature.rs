//! What the entries of the registry have in common: checking argument types, reading arguments, wrapping code.

use std::sync::Arc;

use types::{ColumnType, DataType, Scalar};

use super::{
    Argument, Call, Code, Determinism, EvalError, Function, Nulls, Output, Signature, SignatureError,
};

type SignatureOf = fn(&[Argument<'_>]) -> Result<Signature, SignatureError>;
type Prepare = fn(&Call<'_>) -> Result<Code, String>;

/// An entry that always gives the same for the same arguments, and null for null.
pub(super) const fn function(
    name: &'static str,
    doc: &'static str,
    signature: SignatureOf,
    prepare: Prepare,
) -> Function {
    let (determinism, nulls) = (Determinism::Always, Nulls::Propagate);
    Function { name, aliases: &[], doc, determinism, nulls, signature, prepare }
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// `TINYINT` to `BIGINT`, as it is.
    Integer,
    /// Any number, as it is.
    Number,
    /// Any number, cast to `DOUBLE`.
    Double,
    /// `TIMESTAMP` or `TIMESTAMP_LTZ`.
    Timestamp,
    /// `DATE`, `TIME` or a timestamp.
    Time,
    /// Anything but nested types.
    Any,
    /// A literal text out of a list.
    Word(&'static [&'static str]),
}

pub(super) fn mismatch(expected: &str) -> SignatureError {
    SignatureError { expected: expected.to_owned() }
}

impl Kind {
    /// The type the argument is cast to, or `None` if it does not fit.
    fn accept(self, argument: &Argument<'_>) -> Option<DataType> {
        let given = &argument.column_type.data_type;
        let fits = match self {
            Kind::Text => given.is_text(),
            Kind::Integer => given.is_integer(),
            Kind::Number => given.is_numeric(),
            Kind::Double => {
                return (given.is_numeric() || *given == DataType::Null).then_some(DataType::Double);
            }
            Kind::Timestamp => given.is_timestamp(),
            Kind::Time => given.is_timestamp() || matches!(given, DataType::Date | DataType::Time(_)),
            Kind::Any => given.repr().is_some() && !given.is_nested(),
            Kind::Word(words) => {
                let word = argument.literal.map(|v| v.as_scalar());
                let Some(Scalar::Text(word)) = word else { return None };
                words.contains(&word.trim_end().to_uppercase().as_str())
            }
        };

        match (fits, given, self) {
            (true, ..) => Some(given.clone()),
            (false, DataType::Null, Kind::Text | Kind::Any) => Some(DataType::STRING),
            (false, DataType::Null, Kind::Integer | Kind::Number) => Some(DataType::Int),
            (false, DataType::Null, Kind::Timestamp | Kind::Time) => Some(DataType::Timestamp(3)),
            _ => None,
        }
    }
}

/// The types of the arguments after coercion. Arguments from `required` on may be missing; `expected` is for people.
pub(super) fn accept(
    args: &[Argument<'_>],
    expected: &str,
    kinds: &[Kind],
    required: usize,
) -> Result<Vec<DataType>, SignatureError> {
    if !(required..=kinds.len()).contains(&args.len()) {
        return Err(mismatch(expected));
    }
    kinds.iter().zip(args).map(|(kind, arg)| kind.accept(arg).ok_or_else(|| mismatch(expected))).collect()
}

/// A result that is null only where an argument is.
pub(super) fn typed(
    args: &[Argument<'_>],
    expected: &str,
    kinds: &[Kind],
    required: usize,
    result: DataType,
) -> Result<Signature, SignatureError> {
    let accepted = accept(args, expected, kinds, required)?;
    Ok(Signature { args: accepted, result: ColumnType { data_type: result, nullable: any_nullable(args) } })
}

/// A result that can be null whatever the arguments are.
pub(super) fn nullable(
    args: &[Argument<'_>],
    expected: &str,
    kinds: &[Kind],
    required: usize,
    result: DataType,
) -> Result<Signature, SignatureError> {
    Ok(Signature { args: accept(args, expected, kinds, required)?, result: result.nullable() })
}

pub(super) fn any_nullable(args: &[Argument<'_>]) -> bool {
    args.iter().any(|a| a.column_type.nullable || a.column_type.data_type == DataType::Null)
}

/// Code that fails only where its value is too long.
///
/// The value is measured when it is there. Code whose value can be many times as long as its arguments must use
/// [`fallible`] and measure first.
pub(super) fn simple(f: impl Fn(&[Scalar<'_>], &mut Output) + Send + Sync + 'static) -> Result<Code, String> {
    Ok(Arc::new(move |_, args, out| {
        f(args, out);
        out.within_bounds()
    }))
}

/// Code that can fail a row.
pub(super) fn fallible(
    f: impl Fn(&[Scalar<'_>], &mut Output) -> Result<(), EvalError> + Send + Sync + 'static,
) -> Result<Code, String> {
    Ok(Arc::new(move |_, args, out| {
        f(args, out)?;
        out.within_bounds()
    }))
}

/// The text of an argument; '' where it is none, which the signature rules out.
pub(super) fn text<'a>(args: &[Scalar<'a>], index: usize) -> &'a str {
    match args.get(index) {
        Some(Scalar::Text(v)) => v,
        _ => "",
    }
}

/// The text of an argument, if there is such an argument.
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

/// The literal text of an argument of a call.
pub(super) fn literal_text<'a>(call: &Call<'a>, index: usize) -> Option<&'a str> {
    match call.args.get(index)?.literal?.as_scalar() {
        Scalar::Text(v) => Some(v),
        _ => None,
    }
}

/// The type of an argument of a call.
pub(super) fn data_type(call: &Call<'_>, index: usize) -> DataType {
    call.args.get(index).map_or(DataType::Null, |a| a.column_type.data_type.clone())
}

/// The beginning of a text, in quotes.
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
