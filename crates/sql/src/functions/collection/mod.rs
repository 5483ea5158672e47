//! Values that hold values: how they are made, what is read of them, and the functions over arrays and maps.
//!
//! How such a value is held says [`types::nested`]. Elements are compared by their value; nulls are equal to each other
//! where a function collects or removes, and equal to nothing where it searches.

mod array;
mod construct;
mod map;
mod set;

use types::nested::{self, Nested};
use types::{ColumnType, DataType, Scalar};

use super::signature::mismatch;
use super::{Argument, Function, Output, SignatureError};
use crate::typing::common_type;

pub(crate) use construct::item_type;

/// The chapters of this family.
pub(super) static FUNCTIONS: [&[Function]; 4] =
    [construct::FUNCTIONS, array::FUNCTIONS, set::FUNCTIONS, map::FUNCTIONS];

impl Output {
    /// An `ARRAY` of these elements, or a `ROW` of these fields.
    fn list(&mut self, values: &[Scalar<'_>]) {
        self.write_bytes(|out| nested::write_list(values, out));
    }

    /// A `MAP`; of entries with the same key the first has the place, and the last the value.
    fn map(&mut self, entries: &[(Scalar<'_>, Scalar<'_>)]) {
        self.write_bytes(|out| nested::write_map(entries, out));
    }
}

/// The elements of an array, or the fields of a row; none where the argument is no such value.
fn elements<'a>(args: &[Scalar<'a>], index: usize) -> Vec<Scalar<'a>> {
    let nested = args.get(index).and_then(|arg| Nested::of(*arg));
    nested.map(|nested| nested.values().collect()).unwrap_or_default()
}

/// The type of an array's elements, or of a multiset's.
fn element_type<'a>(arg: &Argument<'a>) -> Option<&'a ColumnType> {
    match &arg.column_type.data_type {
        DataType::Array(element) => Some(element),
        _ => None,
    }
}

fn array_of(element: ColumnType) -> DataType {
    DataType::Array(Box::new(element))
}

/// The type that holds all of these values, null where any may be.
fn common_column<'a>(
    types: impl IntoIterator<Item = &'a ColumnType> + Clone,
    expected: &str,
) -> Result<ColumnType, SignatureError> {
    let nullable = types.clone().into_iter().any(|of| of.nullable || of.data_type == DataType::Null);
    let data_type = common_type(types.into_iter().map(|of| &of.data_type));
    let data_type = data_type.filter(|of| of.repr().is_some()).ok_or_else(|| mismatch(expected))?;
    Ok(ColumnType { data_type, nullable })
}

/// Whether both are there and equal.
fn is_equal(a: Scalar<'_>, b: Scalar<'_>) -> bool {
    a.compare(b).is_some_and(|order| order.is_eq())
}

/// Whether they are equal or both null.
fn is_same(a: Scalar<'_>, b: Scalar<'_>) -> bool {
    a.is_null() && b.is_null() || is_equal(a, b)
}
