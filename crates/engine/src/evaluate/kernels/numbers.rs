//! Arithmetic and conversions of numbers.

use types::Scalar;

use super::KernelCall;
use crate::column::{Column, Numbers};
use crate::evaluate::select::{Operand, map, zip};
use crate::evaluate::slots::Slot;
use crate::evaluate::vector::Vector;
use crate::selection::Selection;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

/// The number of bits at which a whole number wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Byte,
    Short,
    Int,
    Long,
}

impl Width {
    #[inline(always)]
    pub(crate) fn wrap(self, value: i64) -> i64 {
        match self {
            Width::Byte => i64::from(value as i8),
            Width::Short => i64::from(value as i16),
            Width::Int => i64::from(value as i32),
            Width::Long => value,
        }
    }
}

/// Computes an operation on whole numbers.
pub(crate) fn ints(arithmetic: Arithmetic, width: Width, work: KernelCall<'_>, target: &mut Slot) -> bool {
    let (Some((a, valid_a)), Some((b, valid_b))) = (int_operand(work.arg(0)), int_operand(work.arg(1)))
    else {
        return false;
    };

    let Column::Int(out) = &mut target.column else { return false };
    let rows = work.rows;
    let values = &mut out.values;

    match (arithmetic, width) {
        (Arithmetic::Add, Width::Long) => zip(rows, a, b, values, i64::wrapping_add),
        (Arithmetic::Subtract, Width::Long) => zip(rows, a, b, values, i64::wrapping_sub),
        (Arithmetic::Add, Width::Int) => zip(rows, a, b, values, |a, b| Width::Int.wrap(a.wrapping_add(b))),
        (Arithmetic::Subtract, Width::Int) => {
            zip(rows, a, b, values, |a, b| Width::Int.wrap(a.wrapping_sub(b)));
        }
        (Arithmetic::Add, width) => zip(rows, a, b, values, |a, b| width.wrap(a.wrapping_add(b))),
        (Arithmetic::Subtract, width) => zip(rows, a, b, values, |a, b| width.wrap(a.wrapping_sub(b))),
        (Arithmetic::Multiply, width) => zip(rows, a, b, values, |a, b| width.wrap(a.wrapping_mul(b))),
    }

    finish(rows, out, valid_a, valid_b);
    true
}

/// Computes the remainder of whole numbers by a number that is not zero, with the sign of the dividend.
pub(crate) fn remainder(width: Width, work: KernelCall<'_>, target: &mut Slot) -> bool {
    let (Vector::Int { values, valid }, Vector::Const(Scalar::Int(divisor)), Column::Int(out)) =
        (work.arg(0), work.arg(1), &mut target.column)
    else {
        return false;
    };
    if divisor == 0 {
        return false;
    }
    map(work.rows, values, &mut out.values, |value| width.wrap(value.wrapping_rem(divisor)));
    map(work.rows, valid, &mut out.valid, |valid| valid);
    true
}

/// Computes an operation on doubles.
pub(crate) fn doubles(arithmetic: Arithmetic, work: KernelCall<'_>, target: &mut Slot) -> bool {
    let (Some((a, valid_a)), Some((b, valid_b))) = (double_operand(work.arg(0)), double_operand(work.arg(1)))
    else {
        return false;
    };
    let Column::Double(out) = &mut target.column else { return false };
    let rows = work.rows;
    let values = &mut out.values;
    match arithmetic {
        Arithmetic::Add => zip(rows, a, b, values, |a, b| a + b),
        Arithmetic::Subtract => zip(rows, a, b, values, |a, b| a - b),
        Arithmetic::Multiply => zip(rows, a, b, values, |a, b| a * b),
    }
    finish(rows, out, valid_a, valid_b);
    true
}

/// Converts whole numbers to `DOUBLE`.
pub(crate) fn to_double(work: KernelCall<'_>, target: &mut Slot) -> bool {
    let (Vector::Int { values, valid }, Column::Double(out)) = (work.arg(0), &mut target.column) else {
        return false;
    };
    map(work.rows, values, &mut out.values, |value| value as f64);
    map(work.rows, valid, &mut out.valid, |valid| valid);
    true
}

/// Converts whole numbers to a narrower type: the lower bits, as in Java.
pub(crate) fn narrow(width: Width, work: KernelCall<'_>, target: &mut Slot) -> bool {
    let (Vector::Int { values, valid }, Column::Int(out)) = (work.arg(0), &mut target.column) else {
        return false;
    };
    match width {
        Width::Int => map(work.rows, values, &mut out.values, |value| Width::Int.wrap(value)),
        width => map(work.rows, values, &mut out.values, |value| width.wrap(value)),
    }
    map(work.rows, valid, &mut out.valid, |valid| valid);
    true
}

fn int_operand(vector: Vector<'_>) -> Option<(Operand<'_, i64>, Operand<'_, u8>)> {
    match vector {
        Vector::Int { values, valid } => Some((Operand::Each(values), Operand::Each(valid))),
        Vector::Const(Scalar::Int(value)) => Some((Operand::Same(value), Operand::Same(1))),
        _ => None,
    }
}

fn double_operand(vector: Vector<'_>) -> Option<(Operand<'_, f64>, Operand<'_, u8>)> {
    match vector {
        Vector::Double { values, valid } => Some((Operand::Each(values), Operand::Each(valid))),
        Vector::Const(Scalar::Double(value)) => Some((Operand::Same(value), Operand::Same(1))),
        _ => None,
    }
}

/// Sets the validity: a result is valid if both arguments are. A null holds a zero.
fn finish<T: Copy + Default>(
    rows: Selection<'_>,
    out: &mut Numbers<T>,
    valid_a: Operand<'_, u8>,
    valid_b: Operand<'_, u8>,
) {
    zip(rows, valid_a, valid_b, &mut out.valid, |a, b| a & b);
    let (values, valid) = (&mut out.values, &out.valid);
    match rows {
        Selection::All(n) => {
            values[..n].iter_mut().zip(&valid[..n]).for_each(|(value, &valid)| clear(value, valid))
        }
        Selection::Selected(rows) => {
            rows.iter().for_each(|&row| clear(&mut values[row as usize], valid[row as usize]));
        }
    }
}

#[inline(always)]
fn clear<T: Default>(value: &mut T, valid: u8) {
    if valid == 0 {
        *value = T::default();
    }
}
