//! Writes results that are collections, in the encoding of [`types::nested`].

use types::{Scalar, nested};

use crate::row;

/// Appends an `ARRAY` to a row.
pub(super) fn write_array<'v>(elements: impl Iterator<Item = Scalar<'v>>, out: &mut Vec<u8>) {
    let elements: Vec<Scalar<'v>> = elements.collect();
    let mut bytes = Vec::new();
    nested::write_list(&elements, &mut bytes);
    row::write(Scalar::Bytes(&bytes), out);
}

/// Appends a `MULTISET` to a row.
pub(super) fn write_multiset<'v>(elements: impl Iterator<Item = (Scalar<'v>, i64)>, out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    let entries: Vec<(Scalar<'v>, Scalar<'v>)> =
        elements.map(|(element, count)| (element, Scalar::Int(count))).collect();
    nested::write_hash_map(&entries, &mut bytes);
    row::write(Scalar::Bytes(&bytes), out);
}
