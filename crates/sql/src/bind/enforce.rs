//! Checks on written values that the sink's column declarations require, evaluated for each row.

use types::DataType;

use super::nodes::NodeBuilder;
use crate::expr::{Expr, ExprId};
use crate::functions;
use crate::plan::{Lengths, NotNull, TableColumn};

/// Trims or pads texts and bytes to their columns' lengths if the script asks for it.
pub(super) fn enforce_lengths(
    nodes: &mut NodeBuilder<'_>,
    rule: Lengths,
    columns: &mut [ExprId],
    wanted: &[TableColumn],
) {
    let name = match rule {
        Lengths::Ignore => return,
        Lengths::TrimPad => "$TRIM_PAD",
        Lengths::Error => "$CHECK_LENGTH",
    };

    let Some(function) = functions::lookup(name) else { return };
    for (id, column) in columns.iter_mut().zip(wanted) {
        if !has_length(&column.column_type.data_type) {
            continue;
        }
        let value = *id;
        let mut args = vec![value];
        if name == "$CHECK_LENGTH" {
            args.push(nodes.add_text(&format!("`{}`", column.name)));
        }
        let column_type = nodes.type_of(value);
        *id = nodes.add(Expr::Call { function, args: args.into() }, column_type);
    }
}

/// Handles nulls in `NOT NULL` columns: either the row fails the job, or the returned conditions leave it out.
pub(super) fn enforce_not_null(
    nodes: &mut NodeBuilder<'_>,
    rule: NotNull,
    columns: &mut [ExprId],
    wanted: &[TableColumn],
    table: &str,
) -> Vec<ExprId> {
    let mut conditions = vec![];
    let row: Vec<ExprId> = columns.to_vec();
    for (id, column) in columns.iter_mut().zip(wanted) {
        let value = *id;
        if column.column_type.nullable || !nodes.is_nullable(value) {
            continue;
        }
        match rule {
            NotNull::Drop => conditions.push(nodes.add_boolean(Expr::IsNotNull(value), false)),
            NotNull::Error => {
                let place = format!("`{}` of `{table}`", column.name);
                *id = not_null(nodes, value, &place, wanted, &row);
            }
        }
    }

    conditions
}

fn not_null(
    nodes: &mut NodeBuilder<'_>,
    value: ExprId,
    place: &str,
    columns: &[TableColumn],
    row: &[ExprId],
) -> ExprId {
    let Some(function) = functions::lookup("$NOT_NULL") else { return value };
    let mut args = vec![value, nodes.add_text(place)];
    for (column, id) in columns.iter().zip(row) {
        args.extend([nodes.add_text(&column.name), *id]);
    }
    let column_type = nodes.data_type(value).not_null();
    nodes.add(Expr::Call { function, args: args.into() }, column_type)
}

/// Returns whether the type limits the length of its values.
fn has_length(data_type: &DataType) -> bool {
    match data_type {
        DataType::Char(_) | DataType::Binary(_) => true,
        DataType::Varchar(_) => *data_type != DataType::STRING,
        DataType::Varbinary(_) => *data_type != DataType::BYTES,
        _ => false,
    }
}
