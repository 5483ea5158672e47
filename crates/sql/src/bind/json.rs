//! `JSON_OBJECT` and `JSON_ARRAY`: values are converted to JSON; values that are JSON already are inserted
//! unchanged.

use types::DataType;

use super::function::call_function;
use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::parse::ast::{self, ExprKind};

/// Calls whose result is JSON rather than text.
const JSON: &[&str] = &["JSON_OBJECT", "JSON_ARRAY", "JSON"];

/// Binds a call that makes JSON; `None` for other names.
pub(super) fn json_call(
    binder: &mut ExprBinder<'_>,
    call: &ast::Call,
    name: &str,
    span: Span,
) -> Option<Bound<ExprId>> {
    let per_value = match name {
        "JSON_OBJECT" => 2,
        "JSON_ARRAY" => 1,
        "JSON" => {
            let error = Diagnostic::error(span, "JSON is only allowed inside JSON_OBJECT and JSON_ARRAY")
                .with_hint("JSON_OBJECT('a' VALUE JSON('[1]')); a text that is JSON is used as it is");
            return Some(Err(binder.report(error)));
        }
        _ => return None,
    };
    Some(json_constructor(binder, call, name, per_value, span))
}

fn json_constructor(
    binder: &mut ExprBinder<'_>,
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
        args.push(if is_value { json_value(binder, arg) } else { binder.expr(arg) });
    }
    let args = args.into_iter().collect::<Bound<Vec<ExprId>>>()?;
    call_function(binder.nodes(), name, &args, span)
}

/// Binds an expression as JSON text; null stays null.
pub(super) fn json_value(binder: &mut ExprBinder<'_>, expr: &ast::Expr) -> Bound<ExprId> {
    if let ExprKind::Call(call) = &expr.kind {
        let name = call.name.value.to_ascii_uppercase();
        match (JSON.contains(&name.as_str()), name.as_str(), call.args.as_slice()) {
            (true, "JSON", [text]) => {
                let id = binder.expr(text)?;
                return call_function(binder.nodes(), "$JSON", &[id], expr.span);
            }
            (true, "JSON_OBJECT" | "JSON_ARRAY", _) => return binder.expr(expr),
            _ => {}
        }
    }

    let mut id = binder.expr(expr)?;
    if binder.nodes().data_type(id) == DataType::Null {
        id = binder.nodes().convert(id, &DataType::STRING);
    }
    call_function(binder.nodes(), "JSON_STRING", &[id], expr.span)
}
