//! Constants: what depends on no row is computed once. What fails, like `1/0`, is left to fail in the row that meets
//! it, as in Flink. What is much longer than its arguments, like `REPEAT('x', 1000000)`, is left to the run too: a short
//! script must not fill the memory with constants.

use types::{ColumnType, Scalar, Value};

use super::Rewriter;
use crate::bind::cast_value;
use crate::expr::{CastMode, Comparison, Expr, ExprId};
use crate::functions::{Argument, Call, Determinism, Env, Function, Nulls, Output};

/// A constant of at most so many bytes is always kept.
const SHORT_BYTES: usize = 1 << 10;

/// Whether a value computed from literals of `given` bytes may stand in the plan instead of the computation.
pub(crate) fn is_worth_keeping(value: Scalar<'_>, given: usize) -> bool {
    length(value) <= SHORT_BYTES.max(given.saturating_mul(4))
}

/// Bytes of a text or of bytes; other values are short.
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
        function: &'static Function,
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

        let call = Call { args: &arguments, result: column_type, time_zone: self.time_zone };
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
        // Comparing with NaN has rules of its own, which the engine has.
        let is_nan = |value: &Value| matches!(value, Value::Double(v) if v.is_nan());
        if is_nan(left) || is_nan(right) {
            return None;
        }
        let order = left.as_scalar().compare(right.as_scalar())?;

        let answer = match op {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        };

        Some(self.boolean(Value::Bool(answer)))
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
