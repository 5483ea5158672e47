//! `JSON_OBJECT` and `JSON_ARRAY`: values are converted to JSON; values that are JSON already are inserted
//! unchanged.

use types::DataType;

use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::parse::ast::{self, ExprKind};

/// Calls whose result is JSON rather than text.
const JSON: &[&str] = &["JSON_OBJECT", "JSON_ARRAY", "JSON"];

impl ExprBinder<'_> {
    /// Binds a call that makes JSON; `None` for other names.
    pub(super) fn json_call(&mut self, call: &ast::Call, name: &str, span: Span) -> Option<Bound<ExprId>> {
        let per_value = match name {
            "JSON_OBJECT" => 2,
            "JSON_ARRAY" => 1,
            "JSON" => {
                let error = Diagnostic::error(span, "JSON is only allowed inside JSON_OBJECT and JSON_ARRAY")
                    .with_hint("JSON_OBJECT('a' VALUE JSON('[1]')); a text that is JSON is used as it is");
                return Some(Err(self.report(error)));
            }
            _ => return None,
        };
        Some(self.json_constructor(call, name, per_value, span))
    }

    fn json_constructor(
        &mut self,
        call: &ast::Call,
        name: &str,
        per_value: usize,
        span: Span,
    ) -> Bound<ExprId> {
        // The last argument says how nulls are treated.
        let values = call.args.len().saturating_sub(1);
        let mut args = Vec::with_capacity(call.args.len());
        for (at, arg) in call.args.iter().enumerate() {
            let is_value = at < values && at % per_value == per_value - 1;
            args.push(if is_value { self.json_value(arg) } else { self.expr(arg) });
        }
        let args = args.into_iter().collect::<Bound<Vec<ExprId>>>()?;
        self.call_function(name, &args, span)
    }

    /// Binds an expression as JSON text; null stays null.
    pub(super) fn json_value(&mut self, expr: &ast::Expr) -> Bound<ExprId> {
        if let ExprKind::Call(call) = &expr.kind {
            let name = call.name.value.to_ascii_uppercase();
            match (JSON.contains(&name.as_str()), name.as_str(), call.args.as_slice()) {
                (true, "JSON", [text]) => {
                    let id = self.expr(text)?;
                    return self.call_function("$JSON", &[id], expr.span);
                }
                (true, "JSON_OBJECT" | "JSON_ARRAY", _) => return self.expr(expr),
                _ => {}
            }
        }

        let mut id = self.expr(expr)?;
        if self.data_type(id) == DataType::Null {
            id = self.convert(id, &DataType::STRING);
        }
        self.call_function("JSON_STRING", &[id], expr.span)
    }
}
