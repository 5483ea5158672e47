//! An owned value in a state: 24 bytes, with numbers inline and texts on the heap.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use types::Scalar;

use crate::row::{self, Reader};

/// An owned [`Scalar`]. Two values are equal if they belong to one group of a `GROUP BY`: nulls are equal,
/// NaN equals NaN, and 0.0 and -0.0 differ.
#[derive(Debug, Clone)]
pub enum OwnedValue {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Two halves, the lower first: the alignment of an `i128` would enlarge every other value.
    Wide([u64; 2]),
    Text(Box<str>),
    Bytes(Box<[u8]>),
}

impl OwnedValue {
    #[inline]
    pub fn of(value: Scalar<'_>) -> OwnedValue {
        match value {
            Scalar::Null => OwnedValue::Null,
            Scalar::Bool(value) => OwnedValue::Bool(value),
            Scalar::Int(value) => OwnedValue::Int(value),
            Scalar::Double(value) => OwnedValue::Double(value),
            Scalar::Wide(value) => OwnedValue::Wide([value as u64, (value >> 64) as u64]),
            Scalar::Text(value) => OwnedValue::Text(value.into()),
            Scalar::Bytes(value) => OwnedValue::Bytes(value.into()),
        }
    }

    #[inline]
    pub fn as_scalar(&self) -> Scalar<'_> {
        match self {
            OwnedValue::Null => Scalar::Null,
            OwnedValue::Bool(value) => Scalar::Bool(*value),
            OwnedValue::Int(value) => Scalar::Int(*value),
            OwnedValue::Double(value) => Scalar::Double(*value),
            OwnedValue::Wide([low, high]) => Scalar::Wide(i128::from(*high as i64) << 64 | i128::from(*low)),
            OwnedValue::Text(value) => Scalar::Text(value),
            OwnedValue::Bytes(value) => Scalar::Bytes(value),
        }
    }

    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, OwnedValue::Null)
    }

    /// Returns the bytes outside the value itself.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        match self {
            OwnedValue::Text(value) => value.len(),
            OwnedValue::Bytes(value) => value.len(),
            _ => 0,
        }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        row::write(self.as_scalar(), out);
    }

    pub fn read(reader: &mut Reader<'_>) -> Option<OwnedValue> {
        reader.value().map(OwnedValue::of)
    }
}

/// Returns whether two values belong to one group.
#[inline]
pub(super) fn is_same(a: Scalar<'_>, b: Scalar<'_>) -> bool {
    match (a, b) {
        (Scalar::Double(a), Scalar::Double(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (a, b) => a == b,
    }
}

/// Hashes a value. Values that are the same by [`is_same`] have the same hash.
#[inline]
pub(super) fn hash_scalar(value: Scalar<'_>, hasher: &mut impl Hasher) {
    match value {
        Scalar::Null => hasher.write_u8(0),
        Scalar::Bool(value) => hasher.write_u8(1 + u8::from(value)),
        Scalar::Int(value) => hasher.write_i64(value),
        Scalar::Double(value) => hasher.write_u64(if value.is_nan() { f64::NAN } else { value }.to_bits()),
        Scalar::Wide(value) => hasher.write_i128(value),
        Scalar::Text(value) => hasher.write(value.as_bytes()),
        Scalar::Bytes(value) => hasher.write(value),
    }
}

impl PartialEq for OwnedValue {
    fn eq(&self, other: &OwnedValue) -> bool {
        is_same(self.as_scalar(), other.as_scalar())
    }
}

impl Eq for OwnedValue {}

impl Hash for OwnedValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_scalar(self.as_scalar(), state);
    }
}

/// A [`OwnedValue`] in SQL's order: nulls first, NaN last; 0.0 and -0.0 are equal.
#[derive(Debug, Clone)]
pub(super) struct InOrder(pub OwnedValue);

impl Ord for InOrder {
    fn cmp(&self, other: &InOrder) -> Ordering {
        let (a, b) = (self.0.as_scalar(), other.0.as_scalar());
        // The values of one call have one representation, so only nulls do not compare.
        a.compare(b).unwrap_or_else(|| b.is_null().cmp(&a.is_null()))
    }
}

impl PartialOrd for InOrder {
    fn partial_cmp(&self, other: &InOrder) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for InOrder {
    fn eq(&self, other: &InOrder) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for InOrder {}
