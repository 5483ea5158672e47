//! Selections: which rows of a batch are meant, without a copy of the rows.
//!
//! Filters, partitions and lateness select rows; kernels, aggregates and sinks then read the columns of the
//! batch at the selected rows only. Rows stay at their places in the columns:
//!
//! ```text
//! column        10  20  30  40  50
//! All(3)         ^   ^   ^
//! Selected         ^       ^          [1, 3]
//! ```

/// The selected rows of a batch, in ascending order.
#[derive(Debug, Clone, Copy)]
pub enum Selection<'a> {
    /// The first `n` rows.
    All(usize),
    Selected(&'a [u32]),
}

impl<'a> Selection<'a> {
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Selection::All(n) => n,
            Selection::Selected(rows) => rows.len(),
        }
    }

    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(crate) fn is_all(self) -> bool {
        matches!(self, Selection::All(_))
    }

    /// Returns the rows, in order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = usize> + use<'a> {
        let (selected, all) = match self {
            Selection::All(n) => (&[][..], 0..n),
            Selection::Selected(rows) => (rows, 0..0),
        };
        selected.iter().map(|&row| row as usize).chain(all)
    }

    /// Calls `each` with the position among the selected rows and the row.
    #[inline(always)]
    pub fn for_each(self, mut each: impl FnMut(usize, usize)) {
        match self {
            Selection::All(n) => (0..n).for_each(|row| each(row, row)),
            Selection::Selected(rows) => rows.iter().enumerate().for_each(|(i, &row)| each(i, row as usize)),
        }
    }

    /// Calls `each` with each row.
    #[inline(always)]
    pub(crate) fn each(self, mut each: impl FnMut(usize)) {
        match self {
            Selection::All(n) => (0..n).for_each(each),
            Selection::Selected(rows) => rows.iter().for_each(|&row| each(row as usize)),
        }
    }

    /// Calls `each` with each row, up to the first error.
    #[inline(always)]
    pub(crate) fn try_each<E>(self, mut each: impl FnMut(usize) -> Result<(), E>) -> Result<(), E> {
        match self {
            Selection::All(n) => (0..n).try_for_each(each),
            Selection::Selected(rows) => rows.iter().try_for_each(|&row| each(row as usize)),
        }
    }

    /// Returns how many rows meet a condition on their byte.
    #[inline(always)]
    pub(crate) fn count(self, bytes: &[u8], meets: impl Fn(u8) -> bool) -> usize {
        match self {
            Selection::All(n) => bytes[..n].iter().map(|&byte| meets(byte) as usize).sum(),
            Selection::Selected(rows) => rows.iter().map(|&row| meets(bytes[row as usize]) as usize).sum(),
        }
    }

    /// Makes `out` null (0) where `valid` is 0.
    #[inline(always)]
    pub(crate) fn mask(self, valid: &[u8], out: &mut [u8]) {
        match self {
            Selection::All(n) => out[..n].iter_mut().zip(&valid[..n]).for_each(|(out, &valid)| *out *= valid),
            Selection::Selected(rows) => {
                rows.iter().for_each(|&row| out[row as usize] *= valid[row as usize])
            }
        }
    }

    /// Replaces `into` by the rows that meet a condition.
    #[inline(always)]
    pub(crate) fn pick(self, into: &mut Vec<u32>, mut meets: impl FnMut(usize) -> bool) {
        into.clear();
        into.resize(self.len(), 0);
        let mut picked = 0;
        // Always written, counted only if selected: a branch could not be predicted.
        self.each(|row| {
            into[picked] = row as u32;
            picked += meets(row) as usize;
        });
        into.truncate(picked);
    }
}
