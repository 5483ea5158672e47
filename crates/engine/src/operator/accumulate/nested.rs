//! Results that are collections, as bytes.
//!
//! There is no encoding of nested values yet: an array is its elements one after another in the compact form, a multiset
//! each element followed by its count.

use types::Scalar;

use crate::row;

/// Adds an `ARRAY` to a row.
pub(super) fn write_array<'v>(elements: impl Iterator<Item = Scalar<'v>>, out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    row::write_all(elements, &mut bytes);
    row::write(Scalar::Bytes(&bytes), out);
}

/// Adds a `MULTISET` to a row.
pub(super) fn write_multiset<'v>(elements: impl Iterator<Item = (Scalar<'v>, i64)>, out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    elements.for_each(|(element, count)| row::write_all([element, Scalar::Int(count)], &mut bytes));
    row::write(Scalar::Bytes(&bytes), out);
}
