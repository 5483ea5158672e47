//! The registry of functions: each entry has a signature, a result type, code and a line of documentation.
//!
//! Scalar code works on one row of [`Scalar`]s. For a dictionary column, the engine calls it once for each
//! distinct value. For a few functions on the hot path the engine has vectorised kernels; a test checks that
//! these agree with the code here.

mod arithmetic;
mod calendar;
pub mod cast;
mod choice;
mod clock;
mod collection;
mod compiled;
mod date_pattern;
mod date_text;
mod decimal;
pub mod decimals;
mod encode;
mod enforce;
mod exact;
mod extract;
mod fused;
mod hash;
pub mod json;
mod like;
mod loose_time;
mod manual;
mod math;
pub mod number_text;
pub mod of_text;
pub mod of_time;
mod pad;
mod regex;
mod round;
mod search;
mod session;
mod signature;
mod simple_date;
mod text;
mod time_unit;
pub mod timestamp;
pub mod zone;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::error::quoted;
use types::{ColumnType, DataType, Scalar, Value};

pub(crate) use collection::item_type;
pub(crate) use decimal::Shape;
pub(crate) use like::is_like;
pub use manual::{Entry, manual};

/// Largest size of a computed value in bytes. A longer value fails the row, and so the job.
///
/// A short script can ask for any length, as with `REPEAT('x', 1000000)`, and memory ends long before Java's
/// limit of 2 GiB.
pub const MAX_VALUE_BYTES: usize = 8 << 20;

/// A scalar function.
pub struct ScalarFunction {
    /// Name in upper case, as printed by `explain`.
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// One line for `weir functions` and the manual: description and example.
    pub doc: &'static str,
    pub determinism: Determinism,
    pub nulls: Nulls,
    /// Maps the argument types to the types that arguments are cast to, and to the result type.
    pub signature: fn(&[Argument<'_>]) -> Result<Signature, SignatureError>,
    /// Prepares the code of one call: compiles literal patterns, fixes scales and zones.
    pub prepare: fn(&ScalarCall<'_>) -> Result<Code, String>,
}

impl ScalarFunction {
    /// Returns whether the function is written as an operator between its arguments, such as `a + b`.
    pub(crate) fn is_operator(&self) -> bool {
        !self.name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Determinism {
    /// Equal arguments always give equal results.
    Always,
    /// The result is fixed within one evaluation of a batch, as for `CURRENT_TIMESTAMP`. [`Env::now_ms`]
    /// gives the time.
    Clock,
    /// Calls are never shared or folded, as for `RAND` and `UUID`.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// A null argument gives null without calling the code.
    Propagate,
    /// The code handles null arguments.
    Handled,
}

/// Compile-time information about an argument.
#[derive(Debug, Clone, Copy)]
pub struct Argument<'a> {
    pub column_type: &'a ColumnType,
    /// The value of a literal argument.
    pub literal: Option<&'a Value>,
}

/// Argument and result types of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// One type for each argument; the binder inserts casts where types differ.
    pub args: Vec<DataType>,
    pub result: ColumnType,
}

/// The error for arguments that do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureError {
    /// The accepted forms, such as `SUBSTRING(<text>, <integer>[, <integer>])`.
    pub expected: String,
}

/// A bound call, the input of [`ScalarFunction::prepare`].
#[derive(Debug, Clone, Copy)]
pub struct ScalarCall<'a> {
    /// The arguments after coercion.
    pub args: &'a [Argument<'a>],
    pub result: &'a ColumnType,
    /// Time zone of the session, an IANA name or an offset.
    pub time_zone: &'a jiff::tz::TimeZone,
}

/// The environment of an evaluation: only its time.
#[derive(Debug, Clone, Copy)]
pub struct Env {
    /// Milliseconds since 1970 UTC.
    pub now_ms: i64,
}

/// Prepared code of a call: takes the arguments of one row and writes one value.
pub type Code = Arc<dyn Fn(&Env, &[Scalar<'_>], &mut Output) -> Result<(), EvalError> + Send + Sync>;

/// Receives the value that code computes. The initial value is null.
#[derive(Debug, Default)]
pub struct Output {
    value: Fixed,
    text: String,
    bytes: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Fixed {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Wide(i128),
    Text,
    Bytes,
}

impl Output {
    pub fn clear(&mut self) {
        self.value = Fixed::Null;
    }

    pub fn null(&mut self) {
        self.value = Fixed::Null;
    }

    pub fn bool(&mut self, v: bool) {
        self.value = Fixed::Bool(v);
    }

    pub fn int(&mut self, v: i64) {
        self.value = Fixed::Int(v);
    }

    pub fn double(&mut self, v: f64) {
        self.value = Fixed::Double(v);
    }

    pub fn wide(&mut self, v: i128) {
        self.value = Fixed::Wide(v);
    }

    pub fn text(&mut self, v: &str) {
        self.text.clear();
        self.text.push_str(v);
        self.value = Fixed::Text;
    }

    pub fn bytes(&mut self, v: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(v);
        self.value = Fixed::Bytes;
    }

    /// Lets `write` append bytes in place, without a copy.
    pub fn write_bytes(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.clear();
        write(&mut self.bytes);
        self.value = Fixed::Bytes;
    }

    pub fn int_or_null(&mut self, v: Option<i64>) {
        self.value = v.map_or(Fixed::Null, Fixed::Int);
    }

    pub fn wide_or_null(&mut self, v: Option<i128>) {
        self.value = v.map_or(Fixed::Null, Fixed::Wide);
    }

    pub fn text_or_null(&mut self, v: Option<&str>) {
        match v {
            Some(v) => self.text(v),
            None => self.null(),
        }
    }

    /// Lets `write` append text in place, without a copy.
    pub fn write_text(&mut self, write: impl FnOnce(&mut String)) {
        self.text.clear();
        write(&mut self.text);
        self.value = Fixed::Text;
    }

    pub fn scalar(&mut self, v: Scalar<'_>) {
        match v {
            Scalar::Null => self.null(),
            Scalar::Bool(v) => self.bool(v),
            Scalar::Int(v) => self.int(v),
            Scalar::Double(v) => self.double(v),
            Scalar::Wide(v) => self.wide(v),
            Scalar::Text(v) => self.text(v),
            Scalar::Bytes(v) => self.bytes(v),
        }
    }

    /// Checks the length of the value.
    ///
    /// # Errors
    /// The value has more than [`MAX_VALUE_BYTES`].
    fn within_bounds(&self) -> Result<(), EvalError> {
        match self.value {
            Fixed::Text => EvalError::if_too_long(self.text.len()),
            Fixed::Bytes => EvalError::if_too_long(self.bytes.len()),
            _ => Ok(()),
        }
    }

    /// Returns the written value.
    pub fn get(&self) -> Scalar<'_> {
        match self.value {
            Fixed::Null => Scalar::Null,
            Fixed::Bool(v) => Scalar::Bool(v),
            Fixed::Int(v) => Scalar::Int(v),
            Fixed::Double(v) => Scalar::Double(v),
            Fixed::Wide(v) => Scalar::Wide(v),
            Fixed::Text => Scalar::Text(&self.text),
            Fixed::Bytes => Scalar::Bytes(&self.bytes),
        }
    }
}

/// The reason why a row could not be computed. It fails the job, as in Flink, unless a `TRY_` form turns it
/// into null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalError(pub String);

/// The text may quote a value of an event, which may be long and contain anything. It is made fit to print.
impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(self.0.clone()))
    }
}

impl std::error::Error for EvalError {}

impl EvalError {
    /// Fails if a value of so many bytes is too long.
    fn if_too_long(bytes: usize) -> Result<(), EvalError> {
        if bytes <= MAX_VALUE_BYTES {
            return Ok(());
        }
        const MIB: usize = MAX_VALUE_BYTES >> 20;
        Err(EvalError(format!("a value of {bytes} bytes is too long: a value has at most {MIB} MiB")))
    }
}

/// Returns all functions in the order of the manual.
pub fn all() -> &'static [&'static ScalarFunction] {
    static ALL: LazyLock<Vec<&'static ScalarFunction>> = LazyLock::new(|| {
        let chapters: [&'static [ScalarFunction]; 18] = [
            arithmetic::FUNCTIONS,
            math::FUNCTIONS,
            round::FUNCTIONS,
            choice::FUNCTIONS,
            text::FUNCTIONS,
            pad::FUNCTIONS,
            search::FUNCTIONS,
            like::FUNCTIONS,
            regex::FUNCTIONS,
            encode::FUNCTIONS,
            hash::FUNCTIONS,
            clock::FUNCTIONS,
            date_text::FUNCTIONS,
            extract::FUNCTIONS,
            time_unit::FUNCTIONS,
            fused::FUNCTIONS,
            enforce::FUNCTIONS,
            session::FUNCTIONS,
        ];
        chapters.into_iter().chain(collection::FUNCTIONS).chain(json::FUNCTIONS).flatten().collect()
    });

    &ALL
}

/// Finds a function by its name or an alias, in any case.
pub fn lookup(name: &str) -> Option<&'static ScalarFunction> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static ScalarFunction>> = LazyLock::new(|| {
        let names =
            |f: &'static ScalarFunction| f.aliases.iter().copied().chain([f.name]).map(move |name| (name, f));
        all().iter().copied().flat_map(names).collect()
    });
    BY_NAME.get(name.to_uppercase().as_str()).copied()
}

impl fmt::Debug for ScalarFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
