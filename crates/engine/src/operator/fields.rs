//! Maps the fields of an edge to the representations of columns.

use sql::plan::operator::Field;
use types::{ColumnType, DataType, Repr};

/// Returns the representation of a column.
pub fn repr(column_type: &ColumnType) -> Repr {
    repr_of(&column_type.data_type)
}

/// Returns the representation of the values of a type. A type without values in columns (`NULL`) has bytes, since
/// each of its values is null.
pub fn repr_of(data_type: &DataType) -> Repr {
    data_type.repr().unwrap_or(Repr::Bytes)
}

pub fn reprs(fields: &[Field]) -> Vec<Repr> {
    fields.iter().map(|field| repr(&field.column_type)).collect()
}
