//! Rows as bytes: the form in which operators store rows and keys.
//!
//! There are two forms. The *compact* form ([`types::compact`]) is small, and equal values have equal bytes.
//!
//! The *ordered* form compares as bytes like the values do by an `ORDER BY`: a leading byte distinguishes
//! nulls from values, whole numbers are big-endian with the sign flipped, texts are escaped and terminated,
//! and all bytes of a descending field are inverted. Both forms are part of the snapshot format.

use sql::plan::operator::SortKey;
use types::Scalar;
use types::compact::write_text;
pub use types::compact::{Reader, Unchecked, write, write_all, write_length};

use crate::evaluate::Vector;

/// Appends some fields of a row in the compact form. Texts of columns are UTF-8 and not checked again.
#[inline]
pub fn write_fields(columns: &[Vector<'_>], fields: &[usize], row: usize, out: &mut Vec<u8>) {
    for &field in fields {
        match columns[field] {
            Vector::Text { views, data } => match views[row].of(data) {
                Some(bytes) => write_text(bytes, out),
                None => write(Scalar::Null, out),
            },
            column => write(column.get(row), out),
        }
    }
}

/// Returns whether bytes are values of the compact form and nothing else.
pub fn is_sound(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    while !reader.rest().is_empty() {
        if reader.value().is_none() {
            return false;
        }
    }
    true
}

/// Appends the values of an order in the ordered form.
pub fn write_ordered<'a>(keys: &[SortKey], value: impl Fn(usize) -> Scalar<'a>, out: &mut Vec<u8>) {
    for key in keys {
        let value = value(key.field);
        // Nulls are first or last as the key says, whatever its direction.
        let first = if key.nulls_first { 0 } else { 2 };
        out.push(if value.is_null() { first } else { 1 });

        let start = out.len();
        write_ordered_value(value, out);
        if key.descending {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
}

fn write_ordered_value(value: Scalar<'_>, out: &mut Vec<u8>) {
    match value {
        Scalar::Null => {}
        Scalar::Bool(value) => out.push(u8::from(value)),
        Scalar::Int(value) => out.extend_from_slice(&(value as u64 ^ 1 << 63).to_be_bytes()),
        Scalar::Wide(value) => out.extend_from_slice(&(value as u128 ^ 1 << 127).to_be_bytes()),
        Scalar::Double(value) => {
            let value = if value.is_nan() { f64::NAN } else { value };
            // Negative numbers are in reverse order by their bits.
            let bits = value.to_bits();
            let ordered = if bits >> 63 == 1 { !bits } else { bits ^ 1 << 63 };
            out.extend_from_slice(&ordered.to_be_bytes());
        }
        Scalar::Text(value) => write_escaped(value.as_bytes(), out),
        Scalar::Bytes(value) => write_escaped(value, out),
    }
}

/// Writes a zero byte as 0 255, and 0 0 at the end, so that a shorter text comes before a longer one.
fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::Value;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (-300i64..300).prop_map(Value::Int),
            any::<f64>().prop_map(Value::Double),
            any::<i128>().prop_map(Value::Wide),
            ".{0,40}".prop_map(Value::Text),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
        ]
    }

    /// Generates two values of one representation.
    fn pairs() -> impl Strategy<Value = (Value, Value)> {
        let same = |a: BoxedStrategy<Value>| (a.clone(), a);
        prop_oneof![
            same(any::<i64>().prop_map(Value::Int).boxed()),
            same((-3i64..3).prop_map(Value::Int).boxed()),
            same(
                any::<f64>()
                    .prop_filter("ordered by its value", |v| *v != 0.0)
                    .prop_map(Value::Double)
                    .boxed()
            ),
            same(any::<i128>().prop_map(Value::Wide).boxed()),
            same("[\\x00-\\x02a]{0,4}".prop_map(Value::Text).boxed()),
            same(prop::collection::vec(0u8..3, 0..4).prop_map(Value::Bytes).boxed()),
            same(any::<bool>().prop_map(Value::Bool).boxed()),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(row in prop::collection::vec(values(), 0..8)) {
            let mut bytes = Vec::new();
            write_all(row.iter().map(Value::as_scalar), &mut bytes);
            let read: Vec<String> = Reader::new(&bytes).map(|value| format!("{value:?}")).collect();
            let given: Vec<String> = row.iter().map(|value| format!("{:?}", value.as_scalar())).collect();
            prop_assert_eq!(read, given);
        }

        #[test]
        fn bytes_that_are_no_row_end_the_reading(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(Reader::new(&bytes).count() <= bytes.len());
        }

        #[test]
        fn ordered_rows_compare_as_their_values(
            (a, b) in pairs(), descending: bool, nulls_first: bool, a_null: bool, b_null: bool,
        ) {
            let a = if a_null { Value::Null } else { a };
            let b = if b_null { Value::Null } else { b };
            let key = SortKey { field: 0, descending, nulls_first };

            let ordered = |value: &Value| {
                let mut out = Vec::new();
                write_ordered(&[key], |_| value.as_scalar(), &mut out);
                out
            };

            let expected = match (a.is_null(), b.is_null()) {
                (true, true) => std::cmp::Ordering::Equal,
                (true, false) if nulls_first => std::cmp::Ordering::Less,
                (true, false) => std::cmp::Ordering::Greater,
                (false, true) if nulls_first => std::cmp::Ordering::Greater,
                (false, true) => std::cmp::Ordering::Less,
                (false, false) => {
                    let order = a.as_scalar().compare(b.as_scalar()).unwrap();
                    if descending { order.reverse() } else { order }
                }
            };

            prop_assert_eq!(ordered(&a).cmp(&ordered(&b)), expected);
        }
    }
}
