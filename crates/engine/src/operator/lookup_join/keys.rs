//! The key of a look-up: what the columns of the table must equal, which are fields of the left row and
//! literals.

use sql::plan::operator::LookupKey;
use types::Scalar;

use crate::row::{self, Reader};

/// Per compared column: its index among the table's fields, and what it must equal.
pub(super) struct LookupKeys(Vec<(usize, KeyPart)>);

/// The value that a column of the table must equal.
enum KeyPart {
    Field(usize),
    /// A value in the compact form.
    Literal(Box<[u8]>),
}

impl LookupKeys {
    pub fn new(keys: &[(usize, LookupKey)]) -> LookupKeys {
        let part = |(column, key): &(usize, LookupKey)| {
            let part = match key {
                LookupKey::Field(field) => KeyPart::Field(*field),
                LookupKey::Literal(value) => {
                    let mut bytes = Vec::new();
                    row::write(value.as_scalar(), &mut bytes);
                    KeyPart::Literal(bytes.into())
                }
            };
            (*column, part)
        };
        LookupKeys(keys.iter().map(part).collect())
    }

    /// Replaces `key` by the key of a left row; returns false if a null in it keeps the row from having
    /// partners.
    pub fn write(&self, left: &[u8], key: &mut Vec<u8>) -> bool {
        key.clear();
        for (_, part) in &self.0 {
            match part {
                KeyPart::Literal(bytes) => key.extend_from_slice(bytes),
                KeyPart::Field(field) => match Reader::new(left).nth(*field) {
                    // 0.0 and -0.0 are equal, and must have one key.
                    Some(Scalar::Double(0.0)) => row::write(Scalar::Double(0.0), key),
                    value => row::write(value.unwrap_or(Scalar::Null), key),
                },
            }
        }
        !Reader::new(key).any(Scalar::is_null)
    }

    /// Appends the compared fields of a left row.
    pub fn write_fields(&self, left: &[u8], out: &mut Vec<u8>) {
        for (_, part) in &self.0 {
            if let KeyPart::Field(field) = part {
                row::write(Reader::new(left).nth(*field).unwrap_or(Scalar::Null), out);
            }
        }
    }

    /// Returns whether a found row equals a key in all columns.
    pub fn equal(&self, key: &[u8], found: &[u8]) -> bool {
        let values: Vec<Scalar<'_>> = Reader::new(found).collect();
        let is_equal = |column: usize, value: Scalar<'_>| {
            let order = values.get(column).and_then(|of| of.compare(value));
            order.is_some_and(|order| order.is_eq())
        };
        self.0.iter().zip(Reader::new(key)).all(|((column, _), value)| is_equal(*column, value))
    }
}
