//! How the fields of an edge are held in columns.

use sql::plan::operator::Field;
use types::{ColumnType, Repr};

/// Nested values are bytes in an encoding of their own.
pub fn repr(column_type: &ColumnType) -> Repr {
    column_type.data_type.repr().unwrap_or(Repr::Bytes)
}

pub fn reprs(fields: &[Field]) -> Vec<Repr> {
    fields.iter().map(|field| repr(&field.column_type)).collect()
}
