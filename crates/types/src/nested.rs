//! Nested values: `ARRAY`, `MAP`, `MULTISET` and `ROW`.
//!
//! A nested value is held as bytes ([`Repr::Bytes`](crate::Repr::Bytes)): the number of inner values as a
//! varint, then the inner values in the [compact form](crate::compact), one after another. An inner value
//! that is nested itself is again such bytes.
//!
//! | type | inner values |
//! | --- | --- |
//! | `ARRAY` | the elements |
//! | `ROW` | the fields |
//! | `MAP` | key, value, key, value, …; each key occurs once |
//! | `MULTISET` | element, count, element, count, …; as of a `MAP` |
//!
//! `GROUP BY` and `DISTINCT` compare bytes, so maps in different orders are different values there, as in
//! Flink. `=` sorts them first.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::compact::{self, Reader};
use crate::{Scalar, java_map};

/// A reader of a nested value.
#[derive(Debug, Clone)]
pub struct Nested<'a> {
    len: usize,
    values: Reader<'a>,
}

impl<'a> Nested<'a> {
    /// Returns the nested value of these bytes; `None` if they are invalid.
    pub fn read(bytes: &'a [u8]) -> Option<Nested<'a>> {
        let mut values = Reader::new(bytes);
        // Every value has at least one byte.
        let len = values.length().filter(|len| *len <= bytes.len())?;
        Some(Nested { len, values })
    }

    /// As [`Nested::read`] for a scalar; `None` for null too.
    pub fn of(scalar: Scalar<'a>) -> Option<Nested<'a>> {
        match scalar {
            Scalar::Bytes(bytes) => Nested::read(bytes),
            _ => None,
        }
    }

    /// Returns the number of elements or fields; for entries, twice their number.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the elements or fields.
    pub fn values(&self) -> impl Iterator<Item = Scalar<'a>> + use<'a> {
        self.values.clone()
    }

    /// Returns an element or field, counted from 0.
    pub fn get(&self, index: usize) -> Option<Scalar<'a>> {
        self.values().nth(index)
    }

    /// Returns the entries of a `MAP`, or the elements of a `MULTISET` with their counts.
    pub fn entries(&self) -> impl Iterator<Item = (Scalar<'a>, Scalar<'a>)> + use<'a> {
        let mut values = self.values();
        std::iter::from_fn(move || Some((values.next()?, values.next()?)))
    }
}

/// Appends an `ARRAY` of these elements, or a `ROW` of these fields.
pub fn write_list(values: &[Scalar<'_>], out: &mut Vec<u8>) {
    compact::write_length(values.len(), out);
    compact::write_all(values.iter().copied(), out);
}

/// Appends a `MAP` with its entries in this order; of equal keys the first determines the position, and the
/// last the value.
pub fn write_map(entries: &[(Scalar<'_>, Scalar<'_>)], out: &mut Vec<u8>) {
    let kept = put_all(entries);
    compact::write_length(kept.len() * 2, out);
    kept.into_iter().for_each(|(key, value)| compact::write_all([key, value], out));
}

/// Appends a `MAP` or a `MULTISET` whose entries have no order: they are written in the order of a Java
/// `HashMap`, and equal maps have equal bytes.
pub fn write_hash_map(entries: &[(Scalar<'_>, Scalar<'_>)], out: &mut Vec<u8>) {
    let mut kept = put_all(entries);
    kept.sort_by(|(a, _), (b, _)| compare(*a, *b));
    let count = kept.len();
    kept.sort_by_cached_key(|(key, _)| java_map::bucket(*key, count));

    compact::write_length(count * 2, out);
    kept.into_iter().for_each(|(key, value)| compact::write_all([key, value], out));
}

fn put_all<'a>(entries: &[(Scalar<'a>, Scalar<'a>)]) -> Vec<(Scalar<'a>, Scalar<'a>)> {
    let mut places: HashMap<Vec<u8>, usize> = HashMap::with_capacity(entries.len());
    let mut kept: Vec<(Scalar<'a>, Scalar<'a>)> = Vec::with_capacity(entries.len());
    for &(key, value) in entries {
        let mut bytes = Vec::new();
        compact::write(key, &mut bytes);
        match places.entry(bytes) {
            Entry::Occupied(place) => kept[*place.get()].1 = value,
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}

/// A total order of the values of one type, null first.
pub fn compare(a: Scalar<'_>, b: Scalar<'_>) -> Ordering {
    a.compare(b).unwrap_or_else(|| b.is_null().cmp(&a.is_null()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars<'a>(entries: &[(&'a str, i64)]) -> Vec<(Scalar<'a>, Scalar<'a>)> {
        entries.iter().map(|(key, value)| (Scalar::Text(key), Scalar::Int(*value))).collect()
    }

    fn hash_map(entries: &[(&str, i64)]) -> Vec<u8> {
        let mut out = Vec::new();
        write_hash_map(&scalars(entries), &mut out);
        out
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let mut inner = Vec::new();
        write_list(&[Scalar::Int(1), Scalar::Null], &mut inner);
        let mut outer = Vec::new();
        write_list(&[Scalar::Bytes(&inner), Scalar::Text("x")], &mut outer);

        let read = Nested::read(&outer).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read.get(1), Some(Scalar::Text("x")));
        assert_eq!(read.get(2), None);
        let inside = Nested::of(read.get(0).unwrap()).unwrap();
        assert_eq!(inside.values().collect::<Vec<_>>(), [Scalar::Int(1), Scalar::Null]);
    }

    #[test]
    fn the_first_of_equal_keys_has_the_place_and_the_last_the_value() {
        let mut written = Vec::new();
        write_map(&scalars(&[("b", 1), ("aa", 2), ("b", 3)]), &mut written);
        let entries: Vec<_> = Nested::read(&written).unwrap().entries().collect();
        assert_eq!(entries, scalars(&[("b", 3), ("aa", 2)]));
    }

    #[test]
    fn equal_hash_maps_have_equal_bytes() {
        assert_eq!(hash_map(&[("b", 1), ("aa", 2), ("b", 3)]), hash_map(&[("aa", 2), ("b", 3)]));
        let written = hash_map(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)]);
        let entries: Vec<_> = Nested::read(&written).unwrap().entries().collect();
        assert_eq!(entries, scalars(&[("a", 1), ("d", 4), ("c", 3), ("b", 2)]));
    }

    #[test]
    fn bytes_that_are_no_value_are_none_or_end_early() {
        assert!(Nested::read(&[]).is_none());
        assert!(Nested::read(&[200, 1]).is_none());
        assert_eq!(Nested::read(&[1, 5]).unwrap().values().count(), 0);
    }
}
