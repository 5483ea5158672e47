//! Values that hold other values: `ARRAY[…]`, `MAP[…]`, `ROW(…)`, and the fields of one.

use super::{Bound, ExprBinder};
use crate::error::Diagnostic;
use crate::expr::ExprId;
use crate::parse::ast::{self, ExprKind};

impl ExprBinder<'_> {
    pub(super) fn nested_value(&mut self, expr: &ast::Expr) -> Bound<ExprId> {
        let error = match &expr.kind {
            ExprKind::Array(_) => Diagnostic::error(expr.span, "an ARRAY has no place here")
                .with_hint("arrays stand only in PERCENTILE(x, ARRAY[0.5, 0.95])[1]"),
            ExprKind::Map(_) => Diagnostic::error(expr.span, "MAP values are not supported")
                .with_hint("a result's columns are scalar: write each value as a column"),
            ExprKind::Row(_) => Diagnostic::error(expr.span, "a row of values has no place here")
                .with_hint("compare or compute the values one by one"),
            _ => Diagnostic::error(expr.span, "only a ROW has fields"),
        };
        Err(self.report(error))
    }
}
