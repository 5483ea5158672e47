//! Maps the fields of an edge to the representations of columns.

use sql::plan::operator::Field;
use types::{ColumnType, Repr};

/// Returns the representation of a column. Nested values are bytes in their own encoding.
pub fn repr(column_type: &ColumnType) -> Repr {
    column_type.data_type.repr().unwrap_or(Repr::Bytes)
}

pub fn reprs(fields: &[Field]) -> Vec<Repr> {
    fields.iter().map(|field| repr(&field.column_type)).collect()
}
