//! `CASE`: merges the values of the branches.

use types::Scalar;

use crate::column::{Column, Numbers, View, tri};
use crate::evaluate::program::StepId;
use crate::evaluate::slots::{Operands, Slot};
use crate::evaluate::vector::Vector;
use crate::selection::Selection;

/// Returns whether a `CASE` can reuse another step's vector as its own. Codes cannot be reused: a result
/// keeps its form.
pub(crate) fn can_alias(vector: Vector<'_>) -> bool {
    !matches!(vector, Vector::Coded { .. })
}

/// Copies a branch's values of `rows`.
pub(crate) fn merge(operands: Operands<'_>, from: StepId, rows: Selection<'_>, target: &mut Slot) {
    let vector = operands.vector(from);
    if matches!(target.column, Column::Text(_) | Column::Bytes(_)) {
        target.own(operands);
    }

    match (&mut target.column, vector) {
        (Column::Bool(out), Vector::Bool(values)) => rows.each(|row| out[row] = values[row]),
        (Column::Bool(out), Vector::Const(Scalar::Bool(value))) => rows.each(|row| out[row] = tri::of(value)),
        (Column::Int(out), Vector::Int { values, valid }) => copy(rows, values, valid, out),
        (Column::Int(out), Vector::Const(Scalar::Int(value))) => fill(rows, value, out),
        (Column::Double(out), Vector::Double { values, valid }) => copy(rows, values, valid, out),
        (Column::Double(out), Vector::Const(Scalar::Double(value))) => fill(rows, value, out),
        (Column::Wide(out), Vector::Wide { values, valid }) => copy(rows, values, valid, out),
        (Column::Wide(out), Vector::Const(Scalar::Wide(value))) => fill(rows, value, out),
        // A constant's bytes are stored once.
        (Column::Text(out) | Column::Bytes(out), Vector::Const(Scalar::Text(_) | Scalar::Bytes(_))) => {
            let bytes = vector.bytes(0).unwrap_or_default();
            let view = View { start: out.data.len() as u32, len: bytes.len() as u32 };
            out.data.extend_from_slice(bytes);
            rows.each(|row| out.views[row] = view);
        }
        (Column::Text(out), Vector::Text { .. } | Vector::Coded { .. })
        | (Column::Bytes(out), Vector::Bytes { .. }) => rows.each(|row| match vector.bytes(row) {
            None => out.views[row] = View::NULL,
            Some(bytes) => out.set(row, bytes),
        }),
        (column, _) => rows.each(|row| column.set_null(row)),
    }
}

fn copy<T: Copy>(rows: Selection<'_>, values: &[T], valid: &[u8], out: &mut Numbers<T>) {
    rows.each(|row| {
        out.values[row] = values[row];
        out.valid[row] = valid[row];
    });
}

fn fill<T: Copy>(rows: Selection<'_>, value: T, out: &mut Numbers<T>) {
    rows.each(|row| {
        out.values[row] = value;
        out.valid[row] = 1;
    });
}
