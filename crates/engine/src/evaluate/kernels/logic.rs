//! Three-valued logic on bytes, without branches.

use types::Scalar;

use crate::column::{View, tri};
use crate::dictionary::NULL_CODE;
use crate::evaluate::program::Test;
use crate::evaluate::select::{Operand, map, zip};
use crate::evaluate::vector::Vector;
use crate::selection::Selection;

/// Returns the operand of a boolean vector; any other vector is null throughout.
#[inline]
pub(crate) fn truths(vector: Vector<'_>) -> Operand<'_, u8> {
    match vector {
        Vector::Bool(values) => Operand::Each(values),
        Vector::Const(Scalar::Bool(value)) => Operand::Same(tri::of(value)),
        _ => Operand::Same(tri::NULL),
    }
}

/// Kleene's AND: false if either is, true if both are.
#[inline]
pub(crate) fn and(a: u8, b: u8) -> u8 {
    let is_false = (a == tri::FALSE) | (b == tri::FALSE);
    let is_true = (a == tri::TRUE) & (b == tri::TRUE);
    is_false as u8 * tri::FALSE + is_true as u8 * tri::TRUE
}

/// Kleene's OR: true if either is, false if both are.
#[inline]
pub(crate) fn or(a: u8, b: u8) -> u8 {
    let is_true = (a == tri::TRUE) | (b == tri::TRUE);
    let is_false = (a == tri::FALSE) & (b == tri::FALSE);
    is_false as u8 * tri::FALSE + is_true as u8 * tri::TRUE
}

pub(crate) fn not(rows: Selection<'_>, a: Operand<'_, u8>, out: &mut [u8]) {
    zip(rows, a, Operand::Same(()), out, |a, ()| (3 - a) * (a != tri::NULL) as u8);
}

#[inline]
fn known(truth: bool) -> u8 {
    tri::FALSE + truth as u8
}

/// Computes `IS [NOT] NULL | TRUE | FALSE`; never null.
pub(crate) fn test(rows: Selection<'_>, test: Test, vector: Vector<'_>, out: &mut [u8]) {
    match test {
        Test::Null => presence(rows, vector, out, tri::FALSE, tri::TRUE),
        Test::NotNull => presence(rows, vector, out, tri::TRUE, tri::FALSE),
        Test::True => truth(rows, vector, out, |a| known(a == tri::TRUE)),
        Test::NotTrue => truth(rows, vector, out, |a| known(a != tri::TRUE)),
        Test::False => truth(rows, vector, out, |a| known(a == tri::FALSE)),
        Test::NotFalse => truth(rows, vector, out, |a| known(a != tri::FALSE)),
    }
}

#[inline]
fn truth(rows: Selection<'_>, vector: Vector<'_>, out: &mut [u8], f: impl Fn(u8) -> u8) {
    zip(rows, truths(vector), Operand::Same(()), out, |a, ()| f(a));
}

fn presence(rows: Selection<'_>, vector: Vector<'_>, out: &mut [u8], there: u8, missing: u8) {
    let choose = |is_there: bool| if is_there { there } else { missing };
    match vector {
        Vector::Const(value) => rows.each(|row| out[row] = choose(!value.is_null())),
        Vector::Bool(values) => map(rows, values, out, |value| choose(value != tri::NULL)),
        Vector::Int { valid, .. } | Vector::Double { valid, .. } | Vector::Wide { valid, .. } => {
            map(rows, valid, out, |valid| choose(valid != 0));
        }
        Vector::Text { views, .. } | Vector::Bytes { views, .. } => {
            map(rows, views, out, |view: View| choose(!view.is_null()));
        }
        Vector::Coded { codes, .. } => map(rows, codes, out, |code| choose(code != NULL_CODE)),
    }
}
