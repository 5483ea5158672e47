//! Single values in their physical representation, owned and borrowed.
//!
//! A value does not know its logical type; its owner does (a column, a literal's node, a function's
//! signature).

use std::cmp::Ordering;

/// An owned value: a literal, a default, a key of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Wide(i128),
    Text(String),
    Bytes(Vec<u8>),
}

/// A borrowed value: one row of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Wide(i128),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Value {
    pub fn as_scalar(&self) -> Scalar<'_> {
        match self {
            Value::Null => Scalar::Null,
            Value::Bool(v) => Scalar::Bool(*v),
            Value::Int(v) => Scalar::Int(*v),
            Value::Double(v) => Scalar::Double(*v),
            Value::Wide(v) => Scalar::Wide(*v),
            Value::Text(v) => Scalar::Text(v),
            Value::Bytes(v) => Scalar::Bytes(v),
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl Scalar<'_> {
    pub fn to_value(self) -> Value {
        match self {
            Scalar::Null => Value::Null,
            Scalar::Bool(v) => Value::Bool(v),
            Scalar::Int(v) => Value::Int(v),
            Scalar::Double(v) => Value::Double(v),
            Scalar::Wide(v) => Value::Wide(v),
            Scalar::Text(v) => Value::Text(v.to_owned()),
            Scalar::Bytes(v) => Value::Bytes(v.to_vec()),
        }
    }

    pub fn is_null(self) -> bool {
        matches!(self, Scalar::Null)
    }

    /// Compares two values of one type in SQL order; `None` if either is null or the representations differ.
    /// Text is compared by its UTF-8 bytes, as in Flink; NaN is the greatest double and equal to itself, as
    /// in Java.
    pub fn compare(self, other: Scalar<'_>) -> Option<Ordering> {
        Some(match (self, other) {
            (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(&b),
            (Scalar::Int(a), Scalar::Int(b)) => a.cmp(&b),
            (Scalar::Double(a), Scalar::Double(b)) => {
                a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            }
            (Scalar::Wide(a), Scalar::Wide(b)) => a.cmp(&b),
            (Scalar::Text(a), Scalar::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Scalar::Bytes(a), Scalar::Bytes(b)) => a.cmp(b),
            _ => return None,
        })
    }
}
