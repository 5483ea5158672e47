//! Arithmetic and conversions of `DECIMAL`: whole numbers with a scale that is fixed by the type.
//!
//! Powers of ten are computed once per call. If an intermediate result does not fit 128 bits, the whole
//! column falls back to the registry's code, which has wider numbers.

use sql::functions::decimals::{Product, Rescale, Sum, TooWide};
use types::Scalar;

use super::KernelCall;
use crate::column::Column;
use crate::evaluate::select::Operand;
use crate::evaluate::slots::Slot;
use crate::evaluate::vector::Vector;

/// Computes `a * b`.
pub(crate) fn multiply(product: &Product, work: KernelCall<'_>, target: &mut Slot) -> bool {
    binary(work, target, |a, b| product.of(a, b))
}

/// Computes `a + b` and `a - b`.
pub(crate) fn add(sum: &Sum, work: KernelCall<'_>, target: &mut Slot) -> bool {
    binary(work, target, |a, b| sum.of(a, b))
}

/// Converts a whole number or a decimal to another decimal type.
pub(crate) fn rescale(rescale: &Rescale, work: KernelCall<'_>, target: &mut Slot) -> bool {
    let Column::Wide(out) = &mut target.column else { return false };
    let mut put = |row: usize, value: i128, valid: u8| -> Result<(), TooWide> {
        match (valid, rescale.of(value)?) {
            (0, _) | (_, None) => out.set_null(row),
            (_, Some(value)) => out.set(row, value),
        }
        Ok(())
    };

    match work.arg(0) {
        Vector::Int { values, valid } => {
            work.rows.try_each(|row| put(row, values[row].into(), valid[row])).is_ok()
        }
        Vector::Wide { values, valid } => work.rows.try_each(|row| put(row, values[row], valid[row])).is_ok(),
        _ => false,
    }
}

/// Applies `f`, which fails if 128 bits do not suffice; `None` is null.
#[inline(always)]
fn binary(
    work: KernelCall<'_>,
    target: &mut Slot,
    f: impl Fn(i128, i128) -> Result<Option<i128>, TooWide>,
) -> bool {
    let (Some((a, valid_a)), Some((b, valid_b))) = (operand(work.arg(0)), operand(work.arg(1))) else {
        return false;
    };
    let Column::Wide(out) = &mut target.column else { return false };

    let compute = |row: usize| {
        match valid_a.at(row) & valid_b.at(row) {
            0 => out.set_null(row),
            _ => match f(a.at(row), b.at(row))? {
                Some(value) => out.set(row, value),
                None => out.set_null(row),
            },
        }
        Ok::<(), TooWide>(())
    };
    work.rows.try_each(compute).is_ok()
}

fn operand(vector: Vector<'_>) -> Option<(Operand<'_, i128>, Operand<'_, u8>)> {
    match vector {
        Vector::Wide { values, valid } => Some((Operand::Each(values), Operand::Each(valid))),
        Vector::Const(Scalar::Wide(value)) => Some((Operand::Same(value), Operand::Same(1))),
        _ => None,
    }
}
