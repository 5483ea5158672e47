//! Selections of rows of a batch.

/// Rows of a batch, ascending.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// `0..n`.
    All(usize),
    Some(&'a [u32]),
}

impl<'a> Rows<'a> {
    #[inline]
    pub(crate) fn len(self) -> usize {
        match self {
            Rows::All(rows) => rows,
            Rows::Some(rows) => rows.len(),
        }
    }

    #[inline]
    pub(crate) fn is_all(self) -> bool {
        matches!(self, Rows::All(_))
    }

    #[inline(always)]
    pub(crate) fn each(self, mut f: impl FnMut(usize)) {
        match self {
            Rows::All(rows) => (0..rows).for_each(f),
            Rows::Some(rows) => rows.iter().for_each(|&row| f(row as usize)),
        }
    }

    /// Calls `f` for each row, up to the first error.
    #[inline(always)]
    pub(crate) fn try_each<E>(self, mut f: impl FnMut(usize) -> Result<(), E>) -> Result<(), E> {
        match self {
            Rows::All(rows) => (0..rows).try_for_each(f),
            Rows::Some(rows) => rows.iter().try_for_each(|&row| f(row as usize)),
        }
    }

    /// Returns how many rows meet a condition on their byte.
    #[inline(always)]
    pub(crate) fn count(self, bytes: &[u8], f: impl Fn(u8) -> bool) -> usize {
        match self {
            Rows::All(rows) => bytes[..rows].iter().map(|&byte| f(byte) as usize).sum(),
            Rows::Some(rows) => rows.iter().map(|&row| f(bytes[row as usize]) as usize).sum(),
        }
    }

    /// Makes `out` null (0) where `valid` is 0.
    #[inline(always)]
    pub(crate) fn mask(self, valid: &[u8], out: &mut [u8]) {
        match self {
            Rows::All(rows) => {
                out[..rows].iter_mut().zip(&valid[..rows]).for_each(|(out, &valid)| *out *= valid)
            }
            Rows::Some(rows) => rows.iter().for_each(|&row| out[row as usize] *= valid[row as usize]),
        }
    }

    /// Replaces `into` by the rows that meet a condition.
    #[inline(always)]
    pub(crate) fn pick(self, into: &mut Vec<u32>, mut f: impl FnMut(usize) -> bool) {
        into.clear();
        into.resize(self.len(), 0);
        let mut picked = 0;
        // Always written, counted only if selected: a branch could not be predicted.
        self.each(|row| {
            into[picked] = row as u32;
            picked += f(row) as usize;
        });
        into.truncate(picked);
    }
}

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
pub(crate) fn map<A: Copy, O>(rows: Rows<'_>, a: &[A], out: &mut [O], f: impl Fn(A) -> O) {
    match rows {
        Rows::All(n) => out[..n].iter_mut().zip(&a[..n]).for_each(|(out, &a)| *out = f(a)),
        Rows::Some(rows) => rows.iter().for_each(|&row| out[row as usize] = f(a[row as usize])),
    }
}

/// Computes `out[row] = f(a[row], b[row])`.
#[inline(always)]
pub(crate) fn zip<A: Copy, B: Copy, O: Copy>(
    rows: Rows<'_>,
    a: Operand<'_, A>,
    b: Operand<'_, B>,
    out: &mut [O],
    f: impl Fn(A, B) -> O,
) {
    match (a, b, rows) {
        (Operand::Each(a), Operand::Same(b), _) => map(rows, a, out, |a| f(a, b)),
        (Operand::Same(a), Operand::Each(b), _) => map(rows, b, out, |b| f(a, b)),
        (Operand::Each(a), Operand::Each(b), Rows::All(n)) => {
            out[..n].iter_mut().zip(a[..n].iter().zip(&b[..n])).for_each(|(out, (&a, &b))| *out = f(a, b));
        }
        (Operand::Each(a), Operand::Each(b), Rows::Some(rows)) => {
            rows.iter().for_each(|&row| out[row as usize] = f(a[row as usize], b[row as usize]));
        }
        (Operand::Same(a), Operand::Same(b), _) => {
            let value = f(a, b);
            rows.each(|row| out[row] = value);
        }
    }
}
