//! Functions on nested values: constructors, access to parts, and functions on arrays and maps.
//!
//! [`types::nested`] defines the representation. Elements are compared by value. Nulls equal each other where
//! a function collects or removes elements, and equal nothing where it searches.

mod array;
mod construct;
mod map;
mod set;

use types::nested::{self, Nested};
use types::{ColumnType, DataType, Scalar};

use super::signature::mismatch;
use super::{Argument, Output, ScalarFunction, SignatureError};
use crate::typing::common_type;

pub(crate) use construct::item_type;

/// The function lists of this module.
pub(super) static FUNCTIONS: [&[ScalarFunction]; 4] =
    [construct::FUNCTIONS, array::FUNCTIONS, set::FUNCTIONS, map::FUNCTIONS];

impl Output {
    /// Writes an `ARRAY` of elements, or a `ROW` of fields.
    fn list(&mut self, values: &[Scalar<'_>]) {
        self.write_bytes(|out| nested::write_list(values, out));
    }

    /// Writes a `MAP`. Among entries with the same key, the first one's position and the last one's value are
    /// kept.
    fn map(&mut self, entries: &[(Scalar<'_>, Scalar<'_>)]) {
        self.write_bytes(|out| nested::write_map(entries, out));
    }
}

/// Returns the elements of an array or the fields of a row; nothing for other arguments.
fn elements<'a>(args: &[Scalar<'a>], index: usize) -> Vec<Scalar<'a>> {
    let nested = args.get(index).and_then(|arg| Nested::of(*arg));
    nested.map(|nested| nested.values().collect()).unwrap_or_default()
}

/// Returns the element type of an array. As in Flink, the functions of arrays do not take a `MULTISET`, whose
/// elements have no order.
fn element_type<'a>(arg: &Argument<'a>) -> Option<&'a ColumnType> {
    match &arg.column_type.data_type {
        DataType::Array(element) => Some(element),
        _ => None,
    }
}

fn array_of(element: ColumnType) -> DataType {
    DataType::Array(Box::new(element))
}

/// Returns the common type of values; nullable if one of them is.
fn common_column<'a>(
    types: impl IntoIterator<Item = &'a ColumnType> + Clone,
    expected: &str,
) -> Result<ColumnType, SignatureError> {
    let nullable = types.clone().into_iter().any(|of| of.nullable || of.data_type == DataType::Null);
    let data_type = common_type(types.into_iter().map(|of| &of.data_type));
    let data_type = data_type.filter(|of| of.repr().is_some()).ok_or_else(|| mismatch(expected))?;
    Ok(ColumnType { data_type, nullable })
}

/// Returns whether both values are non-null and equal.
fn is_equal(a: Scalar<'_>, b: Scalar<'_>) -> bool {
    a.compare(b).is_some_and(|order| order.is_eq())
}

/// Returns whether the values are equal or both null.
fn is_same(a: Scalar<'_>, b: Scalar<'_>) -> bool {
    a.is_null() && b.is_null() || is_equal(a, b)
}
