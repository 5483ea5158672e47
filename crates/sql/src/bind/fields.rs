//! Access to the fields of a `ROW` value.

use types::{DataType, Value};

use super::function::call_function;
use super::nodes::NodeBuilder;
use super::{Cell, Column};
use crate::error::Span;
use crate::expr::ExprId;
use crate::parse::ast::Ident;

/// Returns the field of a row at a path of field names, or `None` if there is no such field.
pub(super) fn field_at(nodes: &mut NodeBuilder<'_>, row: ExprId, path: &[Ident]) -> Option<ExprId> {
    let mut id = row;
    for name in path {
        let DataType::Row(fields) = nodes.data_type(id) else { return None };
        let place = fields.iter().position(|field| field.name == name.value)?;
        let number = nodes.add_literal(Value::Int(place as i64 + 1), DataType::Int);
        id = call_function(nodes, "$FIELD", &[id, number], name.span).ok()?;
    }
    Some(id)
}

/// Returns the fields of a row as columns.
pub(super) fn all_fields(nodes: &mut NodeBuilder<'_>, row: ExprId, span: Span) -> Vec<Column> {
    let DataType::Row(fields) = nodes.data_type(row) else { return vec![] };
    let columns = fields.into_iter().filter_map(|field| {
        let name = Ident { value: field.name.clone(), span };
        let id = field_at(nodes, row, std::slice::from_ref(&name))?;
        Some(Column { name: field.name, cell: Cell::Scalar(id) })
    });
    columns.collect()
}
