//! Loops over the selected rows of columns.

use crate::selection::Selection;

/// A value per row, or one for all rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand<'a, T> {
    Each(&'a [T]),
    Same(T),
}

impl<T: Copy> Operand<'_, T> {
    #[inline(always)]
    pub(crate) fn at(self, row: usize) -> T {
        match self {
            Operand::Each(values) => values[row],
            Operand::Same(value) => value,
        }
    }
}

/// Computes `out[row] = f(a[row])`.
#[inline(always)]
pub(crate) fn map<A: Copy, O>(rows: Selection<'_>, a: &[A], out: &mut [O], f: impl Fn(A) -> O) {
    match rows {
        Selection::All(n) => out[..n].iter_mut().zip(&a[..n]).for_each(|(out, &a)| *out = f(a)),
        Selection::Selected(rows) => rows.iter().for_each(|&row| out[row as usize] = f(a[row as usize])),
    }
}

/// Computes `out[row] = f(a[row], b[row])`.
#[inline(always)]
pub(crate) fn zip<A: Copy, B: Copy, O: Copy>(
    rows: Selection<'_>,
    a: Operand<'_, A>,
    b: Operand<'_, B>,
    out: &mut [O],
    f: impl Fn(A, B) -> O,
) {
    match (a, b, rows) {
        (Operand::Each(a), Operand::Same(b), _) => map(rows, a, out, |a| f(a, b)),
        (Operand::Same(a), Operand::Each(b), _) => map(rows, b, out, |b| f(a, b)),
        (Operand::Each(a), Operand::Each(b), Selection::All(n)) => {
            out[..n].iter_mut().zip(a[..n].iter().zip(&b[..n])).for_each(|(out, (&a, &b))| *out = f(a, b));
        }
        (Operand::Each(a), Operand::Each(b), Selection::Selected(rows)) => {
            rows.iter().for_each(|&row| out[row as usize] = f(a[row as usize], b[row as usize]));
        }
        (Operand::Same(a), Operand::Same(b), _) => {
            let value = f(a, b);
            rows.each(|row| out[row] = value);
        }
    }
}
