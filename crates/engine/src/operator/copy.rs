//! Copies values from column to column, and from state to a column.
//!
//! Texts in columns and in state are valid UTF-8: they are copied as bytes and not checked again.

use types::Scalar;

use crate::column::Column;
use crate::evaluate::Vector;
use crate::row::Unchecked;

/// Adds the value of a row to a column of the same representation.
#[inline]
pub(crate) fn push_value(column: &mut Column, values: Vector<'_>, row: usize) {
    match (column, values) {
        (Column::Int(numbers), Vector::Int { values, valid }) => {
            numbers.push((valid[row] != 0).then(|| values[row]));
        }
        (Column::Text(texts), Vector::Text { .. } | Vector::Coded { .. }) => texts.push(values.bytes(row)),
        (column, values) => column.push(values.get(row)),
    }
}

/// Adds a value from state to a column of the same representation; adds null for `None`.
#[inline]
pub(crate) fn push_stored(column: &mut Column, value: Option<Unchecked<'_>>) {
    match (column, value) {
        (Column::Int(numbers), Some(Unchecked::Scalar(Scalar::Int(value)))) => numbers.push(Some(value)),
        (Column::Text(texts), Some(Unchecked::Text(bytes))) => texts.push(Some(bytes)),
        (column, Some(Unchecked::Scalar(value))) => column.push(value),
        (column, Some(Unchecked::Text(bytes))) => {
            column.push(std::str::from_utf8(bytes).map_or(Scalar::Null, Scalar::Text));
        }
        (column, None) => column.push(Scalar::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Coded;
    use crate::row::{Reader, write};
    use types::Repr;

    #[test]
    fn values_arrive_as_they_were() {
        let columns = || {
            [
                Column::new(Repr::Bool),
                Column::new(Repr::Int),
                Column::new(Repr::Double),
                Column::new(Repr::Wide),
                Column::new(Repr::Text),
                Column::new(Repr::Bytes),
                Column::Coded(Coded::default()),
            ]
        };
        let text = Scalar::Text("näme");
        let values = [
            Scalar::Bool(true),
            Scalar::Int(-300),
            Scalar::Double(0.5),
            Scalar::Wide(1 << 80),
            text,
            Scalar::Bytes(&[0xff]),
            text,
        ];

        let mut from = columns();
        for (column, value) in from.iter_mut().zip(values) {
            column.push(value);
            column.push(Scalar::Null);
        }
        for (at, column) in columns().iter_mut().enumerate() {
            let mut stored = Vec::new();
            write(values[at], &mut stored);
            write(Scalar::Null, &mut stored);
            let mut reader = Reader::new(&stored);
            for row in 0..2 {
                push_value(column, Vector::of(&from[at]), row);
                push_stored(column, reader.unchecked());
            }
            push_stored(column, None);

            let expected = [values[at], values[at], Scalar::Null, Scalar::Null, Scalar::Null];
            assert_eq!(std::array::from_fn(|row| column.get(row)), expected);
        }
    }
}
