//! Keys: the fields that identify the rows of a stream and do not change when a row is updated.

use types::DataType;

use crate::expr::{Expr, ExprGraph, ExprId};

/// Returns the fields of a Calc that hold its input's key, or `None` if a key field is not passed on.
pub(super) fn through_calc(key: &[usize], columns: &[ExprId], exprs: &ExprGraph) -> Option<Vec<usize>> {
    key.iter().map(|&field| columns.iter().position(|id| told_apart_by(exprs, *id) == Some(field))).collect()
}

/// Returns the input whose distinct values give distinct values of the expression: the input itself, an input
/// with a sink's checks, or an input cast to a type that holds all its values.
fn told_apart_by(exprs: &ExprGraph, id: ExprId) -> Option<usize> {
    match exprs.expr(id) {
        Expr::Column(input) => Some(*input),
        Expr::Call { function, args } if matches!(function.name, "$NOT_NULL" | "$CHECK_LENGTH") => {
            told_apart_by(exprs, args[0])
        }
        Expr::Cast { input, .. } => {
            let from = &exprs.column_type(*input).data_type;
            holds_all(from, &exprs.column_type(id).data_type).then(|| told_apart_by(exprs, *input))?
        }
        _ => None,
    }
}

/// Returns whether distinct values of `from` stay distinct when cast to `to`.
fn holds_all(from: &DataType, to: &DataType) -> bool {
    let whole = [DataType::TinyInt, DataType::SmallInt, DataType::Int, DataType::BigInt];
    let size = |data_type: &DataType| whole.iter().position(|of| of == data_type);
    match (from, to) {
        (DataType::Varchar(from), DataType::Varchar(to)) => from <= to,
        _ if *to == DataType::STRING => from == to || size(from).is_some(),
        _ => size(from).is_some_and(|from| size(to).is_some_and(|to| from <= to)),
    }
}

/// Returns the fields with the key inputs of a group's output, or `None` if one is missing.
pub(super) fn of_columns(
    columns: &[ExprId],
    exprs: &ExprGraph,
    is_key: &dyn Fn(usize) -> bool,
) -> Option<Vec<usize>> {
    // One of the window's bounds is enough: the last three inputs are its start, end and time.
    let width = exprs.inputs.len();
    let keys = (0..width - 3).filter(|&input| is_key(input)).collect::<Vec<_>>();
    let mut key = through_calc(&keys, columns, exprs)?;
    let bound = (width - 3..width)
        .find_map(|input| through_calc(&[input], columns, exprs))
        .map(|fields| fields[0])?;
    key.push(bound);
    Some(key)
}
