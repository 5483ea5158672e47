//! Rows as bytes: what operators keep in state, and the keys they find it by.
//!
//! Two forms. The *compact* form is small, and equal values have equal bytes, so that it serves as a hash key: a NaN has
//! one form, and 0.0 and -0.0 are two values, as in Flink's `GROUP BY`. Each value begins with a tag:
//!
//! | tag | value |
//! | --- | --- |
//! | 0 | null |
//! | 1, 2 | false, true |
//! | 3 | double: 8 bytes |
//! | 4 | wide: 16 bytes |
//! | 5, 6 | text, bytes: length as a varint, then the bytes |
//! | 8 … 15 | whole number of 1 … 8 bytes, little-endian, sign-extended |
//! | 16 … 255 | the whole numbers -16 … 223 |
//!
//! The *ordered* form compares as bytes like the values do by an `ORDER BY`: a leading byte tells null from value, whole
//! numbers are big-endian with the sign flipped, texts are escaped and ended, and all bytes of a descending field are
//! inverted. Both forms are part of the snapshot format.

use sql::plan::operator::SortKey;
use types::Scalar;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const DOUBLE: u8 = 3;
const WIDE: u8 = 4;
const TEXT: u8 = 5;
const BYTES: u8 = 6;
/// Less one: the tag of a whole number of so many bytes.
const INT: u8 = 7;
const SMALL: u8 = 16;
const SMALL_LEAST: i64 = -16;
const SMALL_MOST: i64 = SMALL_LEAST + (u8::MAX - SMALL) as i64;

/// Adds a value in the compact form.
#[inline]
pub fn write(value: Scalar<'_>, out: &mut Vec<u8>) {
    match value {
        Scalar::Null => out.push(NULL),
        Scalar::Bool(value) => out.push(if value { TRUE } else { FALSE }),
        Scalar::Int(value) => write_int(value, out),
        Scalar::Double(value) => {
            out.push(DOUBLE);
            let value = if value.is_nan() { f64::NAN } else { value };
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Scalar::Wide(value) => {
            out.push(WIDE);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Scalar::Text(value) => write_run(TEXT, value.as_bytes(), out),
        Scalar::Bytes(value) => write_run(BYTES, value, out),
    }
}

/// Adds values in the compact form.
#[inline]
pub fn write_all<'a>(values: impl IntoIterator<Item = Scalar<'a>>, out: &mut Vec<u8>) {
    values.into_iter().for_each(|value| write(value, out));
}

#[inline]
fn write_int(value: i64, out: &mut Vec<u8>) {
    if (SMALL_LEAST..=SMALL_MOST).contains(&value) {
        out.push((value - SMALL_LEAST) as u8 + SMALL);
        return;
    }
    // The sign bit must fit too.
    let significant = 65 - (if value < 0 { !value } else { value }).leading_zeros() as usize;
    let length = significant.div_ceil(8);
    out.push(INT + length as u8);
    out.extend_from_slice(&value.to_le_bytes()[..length]);
}

#[inline]
fn write_run(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Adds a length as a varint: seven bits a byte, the lowest first.
pub fn write_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Reads values of the compact form, one after another; ends with the bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    /// So many bytes as they are.
    pub fn run(&mut self, length: usize) -> Option<&'a [u8]> {
        self.take(length)
    }

    /// One byte as it is; `None` at the end.
    pub fn tag(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A varint of [`write_length`].
    pub fn length(&mut self) -> Option<usize> {
        let mut length = 0usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.take(1)?[0];
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(length);
            }
        }
        None
    }

    /// The next value; `None` at the end, and where the bytes are no row.
    #[inline]
    pub fn value(&mut self) -> Option<Scalar<'a>> {
        let tag = self.take(1)?[0];
        Some(match tag {
            NULL => Scalar::Null,
            FALSE => Scalar::Bool(false),
            TRUE => Scalar::Bool(true),
            DOUBLE => Scalar::Double(f64::from_bits(u64::from_le_bytes(self.take(8)?.try_into().ok()?))),
            WIDE => Scalar::Wide(i128::from_le_bytes(self.take(16)?.try_into().ok()?)),
            TEXT => {
                let length = self.length()?;
                Scalar::Text(std::str::from_utf8(self.take(length)?).ok()?)
            }
            BYTES => {
                let length = self.length()?;
                Scalar::Bytes(self.take(length)?)
            }
            SMALL.. => Scalar::Int(i64::from(tag - SMALL) + SMALL_LEAST),
            _ => {
                let length = usize::from(tag - INT);
                let bytes = self.take(length)?;
                let negative = bytes.last()? & 0x80 != 0;
                let mut wide = if negative { [0xff; 8] } else { [0; 8] };
                wide[..length].copy_from_slice(bytes);
                Scalar::Int(i64::from_le_bytes(wide))
            }
        })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Scalar<'a>;

    #[inline]
    fn next(&mut self) -> Option<Scalar<'a>> {
        self.value()
    }
}

/// Adds the values of an order in the ordered form.
pub fn write_ordered<'a>(keys: &[SortKey], value: impl Fn(usize) -> Scalar<'a>, out: &mut Vec<u8>) {
    for key in keys {
        let value = value(key.field);
        // Nulls stand where the key says, whatever its direction.
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
            // Negative numbers are ordered backwards by their bits.
            let bits = value.to_bits();
            let ordered = if bits >> 63 == 1 { !bits } else { bits ^ 1 << 63 };
            out.extend_from_slice(&ordered.to_be_bytes());
        }
        Scalar::Text(value) => write_escaped(value.as_bytes(), out),
        Scalar::Bytes(value) => write_escaped(value, out),
    }
}

/// A zero is written as 0 255, and 0 0 ends the run, so that a shorter text comes before a longer one.
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

    /// Two values of one form.
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
