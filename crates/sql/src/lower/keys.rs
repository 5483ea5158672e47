//! Keys: which fields tell the rows of a stream apart, and keep their values when a row is updated.

use crate::expr::{Expr, ExprGraph, ExprId};

/// The fields of a Calc that are the key fields of its input; `None` if one is not passed on.
pub(super) fn through_calc(key: &[usize], columns: &[ExprId], exprs: &ExprGraph) -> Option<Vec<usize>> {
    key.iter()
        .map(|field| {
            columns.iter().position(|id| matches!(exprs.expr(*id), Expr::Column(input) if input == field))
        })
        .collect()
}

/// The fields that are the inputs of a group's output which belong to its key; `None` if one is missing.
pub(super) fn of_columns(
    columns: &[ExprId],
    exprs: &ExprGraph,
    is_key: &dyn Fn(usize) -> bool,
) -> Option<Vec<usize>> {
    // Of the window's bounds one is enough: the last three inputs are its start, end and time.
    let width = exprs.inputs.len();
    let keys = (0..width - 3).filter(|&input| is_key(input)).collect::<Vec<_>>();
    let mut key = through_calc(&keys, columns, exprs)?;
    let bound = (width - 3..width)
        .find_map(|input| through_calc(&[input], columns, exprs))
        .map(|fields| fields[0])?;
    key.push(bound);
    Some(key)
}
