//! Vectors: borrowed views of one value per row, which are the inputs and results of expressions.
//!
//! A result can be the input of another evaluator, so that the results of a window are passed on without a
//! copy. The form of a vector is fixed by its expression and does not change from batch to batch, except that
//! any vector may be [`Vector::Const`] in a batch.

use std::ops::Range;

use types::Scalar;

use crate::column::{Column, View, tri};
use crate::dictionary::{Dictionary, NULL_CODE};

/// One value per row, or one for all.
///
/// Only requested rows are valid: other rows hold values of earlier work.
#[derive(Debug, Clone, Copy)]
pub enum Vector<'a> {
    /// The same in every row.
    Const(Scalar<'a>),
    /// See [`tri`].
    Bool(&'a [u8]),
    Int {
        values: &'a [i64],
        valid: &'a [u8],
    },
    Double {
        values: &'a [f64],
        valid: &'a [u8],
    },
    Wide {
        values: &'a [i128],
        valid: &'a [u8],
    },
    /// The buffer may belong to another column.
    Text {
        views: &'a [View],
        data: &'a [u8],
    },
    Bytes {
        views: &'a [View],
        data: &'a [u8],
    },
    Coded {
        codes: &'a [u32],
        dictionary: &'a Dictionary,
    },
}

/// The columns of a graph's scope, in its order.
#[derive(Debug, Clone, Copy)]
pub enum Inputs<'a> {
    Columns(&'a [Column]),
    /// Views, for inputs that come from several owners or are the same in every row (the bounds of a window).
    Vectors(&'a [Vector<'a>]),
}

impl<'a> Vector<'a> {
    #[inline]
    pub fn of(column: &'a Column) -> Vector<'a> {
        match column {
            Column::Bool(values) => Vector::Bool(values),
            Column::Int(numbers) => Vector::Int { values: &numbers.values, valid: &numbers.valid },
            Column::Double(numbers) => Vector::Double { values: &numbers.values, valid: &numbers.valid },
            Column::Wide(numbers) => Vector::Wide { values: &numbers.values, valid: &numbers.valid },
            Column::Text(texts) => Vector::Text { views: &texts.views, data: &texts.data },
            Column::Bytes(texts) => Vector::Bytes { views: &texts.views, data: &texts.data },
            Column::Coded(coded) => Vector::Coded { codes: &coded.codes, dictionary: &coded.dictionary },
        }
    }

    /// Returns a range of rows.
    pub fn part(self, rows: Range<usize>) -> Vector<'a> {
        match self {
            Vector::Const(value) => Vector::Const(value),
            Vector::Bool(values) => Vector::Bool(&values[rows]),
            Vector::Int { values, valid } => {
                Vector::Int { values: &values[rows.clone()], valid: &valid[rows] }
            }
            Vector::Double { values, valid } => {
                Vector::Double { values: &values[rows.clone()], valid: &valid[rows] }
            }
            Vector::Wide { values, valid } => {
                Vector::Wide { values: &values[rows.clone()], valid: &valid[rows] }
            }
            Vector::Text { views, data } => Vector::Text { views: &views[rows], data },
            Vector::Bytes { views, data } => Vector::Bytes { views: &views[rows], data },
            Vector::Coded { codes, dictionary } => Vector::Coded { codes: &codes[rows], dictionary },
        }
    }

    /// Returns one value.
    #[inline]
    pub fn get(self, row: usize) -> Scalar<'a> {
        match self {
            Vector::Const(value) => value,
            Vector::Bool(values) => match values[row] {
                tri::NULL => Scalar::Null,
                value => Scalar::Bool(value == tri::TRUE),
            },
            Vector::Int { values, valid } if valid[row] != 0 => Scalar::Int(values[row]),
            Vector::Double { values, valid } if valid[row] != 0 => Scalar::Double(values[row]),
            Vector::Wide { values, valid } if valid[row] != 0 => Scalar::Wide(values[row]),
            Vector::Int { .. } | Vector::Double { .. } | Vector::Wide { .. } => Scalar::Null,
            // Texts are checked when a batch is closed.
            Vector::Text { views, data } => views[row]
                .of(data)
                .map_or(Scalar::Null, |bytes| Scalar::Text(std::str::from_utf8(bytes).unwrap_or_default())),
            Vector::Bytes { views, data } => views[row].of(data).map_or(Scalar::Null, Scalar::Bytes),
            Vector::Coded { codes, dictionary } => match codes[row] {
                NULL_CODE => Scalar::Null,
                code => Scalar::Text(dictionary.text(code)),
            },
        }
    }

    /// Returns whether a row's value is `TRUE`: neither `FALSE` nor null.
    #[inline]
    pub fn is_true(self, row: usize) -> bool {
        match self {
            Vector::Bool(flags) => flags[row] == tri::TRUE,
            other => other.get(row) == Scalar::Bool(true),
        }
    }

    /// Returns the bytes of a text or binary value; `None` for null and for vectors of other values.
    #[inline]
    pub fn bytes(self, row: usize) -> Option<&'a [u8]> {
        match self {
            Vector::Text { views, data } | Vector::Bytes { views, data } => views[row].of(data),
            Vector::Coded { codes, dictionary } => match codes[row] {
                NULL_CODE => None,
                code => Some(dictionary.bytes(code)),
            },
            Vector::Const(Scalar::Text(text)) => Some(text.as_bytes()),
            Vector::Const(Scalar::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }
}

impl<'a> Inputs<'a> {
    #[inline]
    pub fn get(self, index: usize) -> Vector<'a> {
        match self {
            Inputs::Columns(columns) => Vector::of(&columns[index]),
            Inputs::Vectors(vectors) => vectors[index],
        }
    }
}

impl<'a> From<&'a [Column]> for Inputs<'a> {
    fn from(columns: &'a [Column]) -> Inputs<'a> {
        Inputs::Columns(columns)
    }
}

impl<'a> From<&'a Vec<Column>> for Inputs<'a> {
    fn from(columns: &'a Vec<Column>) -> Inputs<'a> {
        Inputs::Columns(columns)
    }
}

impl<'a> From<&'a [Vector<'a>]> for Inputs<'a> {
    fn from(vectors: &'a [Vector<'a>]) -> Inputs<'a> {
        Inputs::Vectors(vectors)
    }
}
