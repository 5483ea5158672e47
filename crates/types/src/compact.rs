//! The compact form of values: the form in which operators store values, and the elements of nested values.
//!
//! It is small, and equal values have equal bytes, so that it serves as a hash key: a NaN has one form, and
//! 0.0 and -0.0 are two values, as in Flink's `GROUP BY`. Each value begins with a tag:
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
//! The form is part of the snapshot format.

use crate::Scalar;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const DOUBLE: u8 = 3;
const WIDE: u8 = 4;
const TEXT: u8 = 5;
const BYTES: u8 = 6;
/// The tag of a whole number minus its number of bytes.
const INT: u8 = 7;
const SMALL: u8 = 16;
const SMALL_LEAST: i64 = -16;
const SMALL_MOST: i64 = SMALL_LEAST + (u8::MAX - SMALL) as i64;

/// Appends a value in the compact form.
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

/// Appends values in the compact form.
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

/// Appends a text, given as UTF-8 bytes, in the compact form.
#[inline]
pub fn write_text(bytes: &[u8], out: &mut Vec<u8>) {
    write_run(TEXT, bytes, out);
}

#[inline]
fn write_run(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Appends a length as a varint: seven bits per byte, the lowest first.
pub fn write_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// A value whose text is not checked: for state, whose texts were checked before they were written or
/// restored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unchecked<'a> {
    /// Never a text.
    Scalar(Scalar<'a>),
    Text(&'a [u8]),
}

/// Reads consecutive values of the compact form, up to the end of the bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// Returns the bytes that were not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    /// Reads this many raw bytes.
    pub fn run(&mut self, length: usize) -> Option<&'a [u8]> {
        self.take(length)
    }

    /// Reads one raw byte; `None` at the end.
    pub fn tag(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// Reads a varint of [`write_length`].
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

    /// Reads the next value; `None` at the end, and if the bytes are invalid.
    #[inline]
    pub fn value(&mut self) -> Option<Scalar<'a>> {
        match self.unchecked()? {
            Unchecked::Scalar(value) => Some(value),
            Unchecked::Text(bytes) => Some(Scalar::Text(std::str::from_utf8(bytes).ok()?)),
        }
    }

    /// Reads the next value without checking that a text is UTF-8; `None` as for [`value`](Reader::value).
    #[inline]
    pub fn unchecked(&mut self) -> Option<Unchecked<'a>> {
        let tag = self.take(1)?[0];
        Some(Unchecked::Scalar(match tag {
            NULL => Scalar::Null,
            FALSE => Scalar::Bool(false),
            TRUE => Scalar::Bool(true),
            DOUBLE => Scalar::Double(f64::from_bits(u64::from_le_bytes(self.take(8)?.try_into().ok()?))),
            WIDE => Scalar::Wide(i128::from_le_bytes(self.take(16)?.try_into().ok()?)),

            TEXT => {
                let length = self.length()?;
                return Some(Unchecked::Text(self.take(length)?));
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
        }))
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Scalar<'a>;

    #[inline]
    fn next(&mut self) -> Option<Scalar<'a>> {
        self.value()
    }
}
