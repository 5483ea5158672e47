//! Arguments of aggregates: columns of a batch.

use super::exact_sum::FixedColumn;

/// An argument column of a batch.
#[derive(Debug, Clone, Copy)]
pub enum Arg<'a> {
    Bool(&'a [u8]),
    Int(Slice<'a, i64>),
    /// With its fixed form, if a sum needs it.
    Double(Slice<'a, f64>, Option<&'a FixedColumn>),
    Wide(Slice<'a, i128>),
}

/// Numbers and their validity: 1, or 0 for null.
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a, T> {
    pub values: &'a [T],
    pub valid: &'a [u8],
}

pub(super) fn bools<'a>(arg: &Arg<'a>) -> &'a [u8] {
    let Arg::Bool(flags) = arg else { unreachable!("the binder gives a boolean here, not {arg:?}") };
    flags
}

pub(super) fn ints<'a>(arg: &Arg<'a>) -> Slice<'a, i64> {
    let Arg::Int(numbers) = arg else { unreachable!("the binder gives a whole number here, not {arg:?}") };
    *numbers
}

pub(super) fn wides<'a>(arg: &Arg<'a>) -> Slice<'a, i128> {
    let Arg::Wide(numbers) = arg else { unreachable!("the binder gives a decimal here, not {arg:?}") };
    *numbers
}

pub(super) fn doubles<'a>(arg: &Arg<'a>) -> (Slice<'a, f64>, Option<&'a FixedColumn>) {
    let Arg::Double(numbers, fixed) = arg else {
        unreachable!("the binder gives a double here, not {arg:?}")
    };
    (*numbers, *fixed)
}
