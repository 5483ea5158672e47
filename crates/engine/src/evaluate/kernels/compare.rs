//! Comparisons: of numbers in typed loops, of texts by their bytes.

use std::cmp::Ordering;

use sql::expr::Comparison;
use types::Scalar;

use crate::column::tri;
use crate::evaluate::select::{Operand, zip};
use crate::evaluate::vector::Vector;
use crate::selection::Selection;

pub(crate) fn compare(
    rows: Selection<'_>,
    comparison: Comparison,
    a: Vector<'_>,
    b: Vector<'_>,
    out: &mut [u8],
) {
    if let (Some(a), Some(b)) = (Lanes::ints(a), Lanes::ints(b)) {
        return ordered(rows, comparison, a, b, out);
    }
    if let (Some(a), Some(b)) = (Lanes::doubles(a), Lanes::doubles(b)) {
        return ordered(rows, comparison, a, b, out);
    }
    if let (Some(a), Some(b)) = (Lanes::wides(a), Lanes::wides(b)) {
        return ordered(rows, comparison, a, b, out);
    }

    match (a, b) {
        (Vector::Const(Scalar::Text(_)), Vector::Text { .. } | Vector::Coded { .. })
        | (
            Vector::Text { .. } | Vector::Coded { .. },
            Vector::Text { .. } | Vector::Coded { .. } | Vector::Const(Scalar::Text(_)),
        ) => texts(rows, comparison, a, b, out),
        _ => rows.each(|row| {
            out[row] = match a.get(row).compare(b.get(row)) {
                Some(order) => tri::of(comparison.holds(order)),
                None => tri::NULL,
            };
        }),
    }
}

/// Values and their validity.
#[derive(Clone, Copy)]
struct Lanes<'a, T> {
    values: Operand<'a, T>,
    valid: Operand<'a, u8>,
}

impl<'a> Lanes<'a, i64> {
    fn ints(vector: Vector<'a>) -> Option<Lanes<'a, i64>> {
        match vector {
            Vector::Int { values, valid } => {
                Some(Lanes { values: Operand::Each(values), valid: Operand::Each(valid) })
            }
            Vector::Const(Scalar::Int(value)) => {
                Some(Lanes { values: Operand::Same(value), valid: Operand::Same(1) })
            }
            _ => None,
        }
    }
}

impl<'a> Lanes<'a, i128> {
    fn wides(vector: Vector<'a>) -> Option<Lanes<'a, i128>> {
        match vector {
            Vector::Wide { values, valid } => {
                Some(Lanes { values: Operand::Each(values), valid: Operand::Each(valid) })
            }
            Vector::Const(Scalar::Wide(value)) => {
                Some(Lanes { values: Operand::Same(value), valid: Operand::Same(1) })
            }
            _ => None,
        }
    }
}

impl<'a> Lanes<'a, f64> {
    fn doubles(vector: Vector<'a>) -> Option<Lanes<'a, f64>> {
        match vector {
            Vector::Double { values, valid } => {
                Some(Lanes { values: Operand::Each(values), valid: Operand::Each(valid) })
            }
            Vector::Const(Scalar::Double(value)) => {
                Some(Lanes { values: Operand::Same(value), valid: Operand::Same(1) })
            }
            _ => None,
        }
    }
}

/// A total order, as in [`Scalar::compare`].
trait TotalOrder: Copy {
    fn less(self, other: Self) -> bool;
    fn same(self, other: Self) -> bool;
}

macro_rules! ordered_by_value {
    ($number:ty) => {
        impl TotalOrder for $number {
            #[inline(always)]
            fn less(self, other: $number) -> bool {
                self < other
            }

            #[inline(always)]
            fn same(self, other: $number) -> bool {
                self == other
            }
        }
    };
}

ordered_by_value!(i64);
ordered_by_value!(i128);

/// NaN is the greatest and equal to itself.
impl TotalOrder for f64 {
    #[inline(always)]
    fn less(self, other: f64) -> bool {
        (self < other) | (other.is_nan() & !self.is_nan())
    }

    #[inline(always)]
    fn same(self, other: f64) -> bool {
        (self == other) | (self.is_nan() & other.is_nan())
    }
}

fn ordered<T: TotalOrder>(
    rows: Selection<'_>,
    comparison: Comparison,
    a: Lanes<'_, T>,
    b: Lanes<'_, T>,
    out: &mut [u8],
) {
    let (x, y) = (a.values, b.values);
    match comparison {
        Comparison::Equal => zip(rows, x, y, out, |x, y| tri::FALSE + x.same(y) as u8),
        Comparison::NotEqual => zip(rows, x, y, out, |x, y| tri::TRUE - x.same(y) as u8),
        Comparison::Less => zip(rows, x, y, out, |x, y| tri::FALSE + x.less(y) as u8),
        Comparison::LessOrEqual => zip(rows, x, y, out, |x, y| tri::TRUE - y.less(x) as u8),
        Comparison::Greater => zip(rows, x, y, out, |x, y| tri::FALSE + y.less(x) as u8),
        Comparison::GreaterOrEqual => zip(rows, x, y, out, |x, y| tri::TRUE - x.less(y) as u8),
    }

    for valid in [a.valid, b.valid] {
        if let Operand::Each(valid) = valid {
            rows.mask(valid, out);
        }
    }
}

fn texts(rows: Selection<'_>, comparison: Comparison, a: Vector<'_>, b: Vector<'_>, out: &mut [u8]) {
    let write = |f: &dyn Fn(&[u8], &[u8]) -> bool, out: &mut [u8]| {
        rows.each(|row| {
            out[row] = match (a.bytes(row), b.bytes(row)) {
                (Some(a), Some(b)) => tri::of(f(a, b)),
                _ => tri::NULL,
            };
        });
    };

    // A column is mostly compared with a short constant of another length.
    let constant = match (a, b) {
        (column, Vector::Const(Scalar::Text(text))) | (Vector::Const(Scalar::Text(text)), column) => {
            Some((column, text.as_bytes()))
        }
        _ => None,
    };

    match (comparison, constant) {
        (Comparison::Equal, Some((column, text))) => equal(rows, column, text, tri::TRUE, tri::FALSE, out),
        (Comparison::NotEqual, Some((column, text))) => equal(rows, column, text, tri::FALSE, tri::TRUE, out),
        (Comparison::Equal, None) => write(&|a, b| a == b, out),
        (Comparison::NotEqual, None) => write(&|a, b| a != b, out),
        (comparison, _) => write(&|a: &[u8], b: &[u8]| comparison.holds(Ord::cmp(a, b)), out),
    }
}

fn equal(rows: Selection<'_>, column: Vector<'_>, text: &[u8], same: u8, other: u8, out: &mut [u8]) {
    let truth = |bytes: Option<&[u8]>| match bytes {
        None => tri::NULL,
        Some(bytes) if is(bytes, text) => same,
        Some(_) => other,
    };
    match column {
        Vector::Text { views, data } => rows.each(|row| out[row] = truth(views[row].of(data))),
        column => rows.each(|row| out[row] = truth(column.bytes(row))),
    }
}

/// Compares without a function call for texts of one byte.
#[inline(always)]
pub(crate) fn is(bytes: &[u8], text: &[u8]) -> bool {
    match (bytes, text) {
        ([a], [b]) => a == b,
        _ => bytes.len() == text.len() && Ord::cmp(bytes, text) == Ordering::Equal,
    }
}
