//! Constant folding: expressions that depend on no row are computed once.
//!
//! An expression that fails, like `1/0`, is kept and fails in the row that meets it, as in Flink. An
//! expression whose value is much longer than its arguments, like `REPEAT('x', 1000000)`, is kept as well, so
//! that a short script cannot fill the memory with constants.

use types::{ColumnType, Scalar, Value};

use super::Rewriter;
use crate::bind::cast_value;
use crate::expr::{CastMode, Comparison, Expr, ExprId};
use crate::functions::{Argument, Determinism, Env, Nulls, Output, ScalarCall, ScalarFunction};

/// Constants of up to this length in bytes are always folded.
const SHORT_BYTES: usize = 1 << 10;

/// Returns whether a value computed from literals of `given` bytes should replace the computation.
pub(crate) fn is_worth_keeping(value: Scalar<'_>, given: usize) -> bool {
    length(value) <= SHORT_BYTES.max(given.saturating_mul(4))
}

/// Returns the bytes of a text or binary value, 0 for others.
pub(crate) fn length(value: Scalar<'_>) -> usize {
    match value {
        Scalar::Text(text) => text.len(),
        Scalar::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

impl Rewriter<'_> {
    pub(super) fn cast(&mut self, input: ExprId, mode: CastMode, column_type: &ColumnType) -> Option<ExprId> {
        let from = &self.to.column_type(input).data_type;
        if *from == column_type.data_type {
            return Some(input);
        }
        let value = cast_value(self.literal(input)?, from, &column_type.data_type, mode, self.time_zone)?;
        Some(self.constant(value, column_type))
    }

    pub(super) fn folded_call(
        &mut self,
        function: &'static ScalarFunction,
        args: &[ExprId],
        column_type: &ColumnType,
    ) -> Option<ExprId> {
        if function.determinism != Determinism::Always {
            return None;
        }
        let literals: Vec<Option<&Value>> = args.iter().map(|arg| self.literal(*arg)).collect();
        if function.nulls == Nulls::Propagate && literals.iter().flatten().any(|value| value.is_null()) {
            return Some(self.constant(Value::Null, column_type));
        }
        let values: Vec<&Value> = literals.into_iter().collect::<Option<_>>()?;

        let arguments: Vec<Argument<'_>> = args
            .iter()
            .zip(&values)
            .map(|(arg, value)| Argument { column_type: self.to.column_type(*arg), literal: Some(*value) })
            .collect();

        let call = ScalarCall { args: &arguments, result: column_type, time_zone: self.time_zone };
        let code = (function.prepare)(&call).ok()?;
        let scalars: Vec<_> = values.iter().map(|value| value.as_scalar()).collect();
        let mut out = Output::default();
        code(&Env { now_ms: 0 }, &scalars, &mut out).ok()?;
        let given: usize = values.iter().map(|value| length(value.as_scalar())).sum();
        is_worth_keeping(out.get(), given).then(|| self.constant(out.get().to_value(), column_type))
    }

    pub(super) fn compared(&mut self, op: Comparison, a: ExprId, b: ExprId) -> Option<ExprId> {
        let (left, right) = (self.literal(a), self.literal(b));
        if left.is_some_and(Value::is_null) || right.is_some_and(Value::is_null) {
            return Some(self.boolean(Value::Null));
        }
        let (left, right) = (left?, right?);
        // Comparisons with NaN follow special rules, which are in the engine.
        let is_nan = |value: &Value| matches!(value, Value::Double(v) if v.is_nan());
        if is_nan(left) || is_nan(right) {
            return None;
        }
        let order = left.as_scalar().compare(right.as_scalar())?;
        Some(self.boolean(Value::Bool(op.holds(order))))
    }

    pub(super) fn member(&mut self, input: ExprId, values: &[Value], has_null: bool) -> Option<ExprId> {
        let value = self.literal(input)?;
        let answer = match value {
            Value::Null => Value::Null,
            value if values.contains(value) => Value::Bool(true),
            _ if has_null => Value::Null,
            _ => Value::Bool(false),
        };
        Some(self.boolean(answer))
    }

    fn constant(&mut self, value: Value, column_type: &ColumnType) -> ExprId {
        let nullable = value.is_null();
        self.to.add(Expr::Literal(value), ColumnType { data_type: column_type.data_type.clone(), nullable })
    }
}
