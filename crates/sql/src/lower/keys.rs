//! Keys: the fields that identify the rows of a stream and do not change when a row is updated.

use std::collections::HashMap;

use types::DataType;

use super::Producer;
use super::values::{ValueId, Values};
use crate::expr::{Expr, ExprGraph, ExprId};

/// The columns of a Calc, and what they tell apart.
pub(super) struct CalcColumns {
    /// The value of each column.
    pub(super) values: Vec<ValueId>,
    /// The first column that tells apart each input.
    by_input: HashMap<usize, usize>,
    /// The first column that tells apart each value.
    by_value: HashMap<ValueId, usize>,
}

impl CalcColumns {
    /// `columns` and `exprs` are those of the query, `simplified` are those of the operator, and `inputs` holds
    /// the value of each input.
    pub(super) fn new(
        (columns, exprs): (&[ExprId], &ExprGraph),
        simplified: (&[ExprId], &ExprGraph),
        inputs: &[ValueId],
        values: &mut Values,
    ) -> CalcColumns {
        // Values are compared with those of other operators, so they must not depend on simplifications.
        let of_exprs = values.of_exprs(exprs, columns, &mut |_, input| inputs[input]);
        let mut by_value = HashMap::new();
        for (column, id) in columns.iter().enumerate() {
            for part in told_apart_by(exprs, *id) {
                by_value.entry(of_exprs[&part]).or_insert(column);
            }
        }
        let values = columns.iter().map(|id| of_exprs[id]).collect();
        CalcColumns { values, by_input: columns_by_input(simplified.0, simplified.1), by_value }
    }

    /// Returns the columns that hold the key of the input, or `None` if a part of the key is not passed on.
    pub(super) fn key(&self, input: &Producer) -> Option<Vec<usize>> {
        let values = input.key_values.as_ref()?;
        let column = |(place, value): (usize, &ValueId)| {
            // A field itself is preferred to another field with its value.
            let field = input.key.as_ref().map(|key| key[place]);
            field.and_then(|field| self.by_input.get(&field)).or_else(|| self.by_value.get(value)).copied()
        };
        values.iter().enumerate().map(column).collect()
    }

    /// Returns the columns that hold the plain key of the input.
    pub(super) fn plain_key(&self, input: &Producer) -> Option<Vec<usize>> {
        input.plain_key.as_ref()?.iter().map(|field| self.by_input.get(field).copied()).collect()
    }
}

/// Returns the columns that hold the key inputs, or `None` if one is not passed on.
fn through(key: &[usize], columns: &[ExprId], exprs: &ExprGraph) -> Option<Vec<usize>> {
    let by_input = columns_by_input(columns, exprs);
    key.iter().map(|input| by_input.get(input).copied()).collect()
}

/// Returns the first column that tells apart each input.
fn columns_by_input(columns: &[ExprId], exprs: &ExprGraph) -> HashMap<usize, usize> {
    let mut by_input = HashMap::new();
    for (column, id) in columns.iter().enumerate() {
        for part in told_apart_by(exprs, *id) {
            if let Expr::Column(input) = exprs.expr(part) {
                by_input.entry(*input).or_insert(column);
            }
        }
    }
    by_input
}

/// Returns the expression and its parts whose distinct values give distinct values of the expression: a value
/// with a sink's checks, or a value cast to a type that holds all its values.
fn told_apart_by(exprs: &ExprGraph, id: ExprId) -> impl Iterator<Item = ExprId> {
    std::iter::successors(Some(id), |id| match exprs.expr(*id) {
        Expr::Call { function, args } if matches!(function.name, "$NOT_NULL" | "$CHECK_LENGTH") => {
            Some(args[0])
        }
        Expr::Cast { input, .. } => {
            let from = &exprs.column_type(*input).data_type;
            holds_all(from, &exprs.column_type(*id).data_type).then_some(*input)
        }
        _ => None,
    })
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
    let mut key = through(&keys, columns, exprs)?;
    let bound =
        (width - 3..width).find_map(|input| through(&[input], columns, exprs)).map(|fields| fields[0])?;
    key.push(bound);
    Some(key)
}
