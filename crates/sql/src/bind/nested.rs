//! Nested values: `ARRAY[…]`, `MAP[…]`, `ROW(…)`, and access to their fields and elements.

use types::{DataType, Value};

use super::call::call_value;
use super::fields::field_at;
use super::function::call_function;
use super::{Bound, Cell, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::functions;
use crate::parse::ast::{self, ExprKind, Ident};

/// Binds `ARRAY[…]`, `MAP[…]`, `ROW(…)` and the access to a field.
pub(super) fn nested_value(binder: &mut ExprBinder<'_>, expr: &ast::Expr) -> Bound<ExprId> {
    match &expr.kind {
        ExprKind::Array(items) => constructed(binder, "$ARRAY", "an ARRAY", items, expr.span),
        ExprKind::Map(items) => {
            let items: Vec<ast::Expr> = items.iter().flat_map(|(key, value)| [key, value]).cloned().collect();
            constructed(binder, "$MAP", "a MAP", &items, expr.span)
        }
        ExprKind::Row(items) => constructed(binder, "$ROW", "a ROW", items, expr.span),
        ExprKind::Field(row, field) => {
            let id = binder.expr(row)?;
            if !binder.nodes().is_row(id) {
                let error = Diagnostic::error(row.span, "only a ROW has fields")
                    .with_detail(format!("this is {}", binder.nodes().data_type(id)));
                return Err(binder.report(error));
            }
            field_at(binder.nodes(), id, std::slice::from_ref(field)).ok_or_else(|| {
                let error = Diagnostic::error(field.span, format!("there is no field `{}`", field.value))
                    .with_detail(format!("the row is {}", binder.nodes().data_type(id)));
                binder.report(error)
            })
        }
        _ => Err(binder.report(Diagnostic::error(expr.span, "this holds no values"))),
    }
}

fn constructed(
    binder: &mut ExprBinder<'_>,
    function: &str,
    what: &str,
    items: &[ast::Expr],
    span: Span,
) -> Bound<ExprId> {
    let ids = binder.all(items)?;
    // If every value lacks a type, the nested value would have none.
    let untyped = ids.iter().all(|id| binder.nodes().data_type(*id) == DataType::Null);
    if untyped {
        let error = Diagnostic::error(span, format!("{what} with only NULL values has no type"))
            .with_hint("give one of them a type: CAST(NULL AS STRING)");
        return Err(binder.report(error));
    }
    call_function(binder.nodes(), function, &ids, span)
}

/// Returns the value of a map of metadata, or `Some(None)` if it has no such key; `None` if the name is no
/// such map.
fn metadata_value(
    binder: &mut ExprBinder<'_>,
    path: &[Ident],
    index: &ast::Expr,
) -> Option<Option<(String, ExprId)>> {
    // Such a map may have thousands of values, so the cell is not copied.
    if let Some(cell) = binder.names().cell(path) {
        return match cell {
            Cell::Map { values, .. } => Some(map_value(values, index)),
            _ => None,
        };
    }
    match binder.find(path) {
        Ok(Cell::Map { values, .. }) => Some(map_value(&values, index)),
        _ => None,
    }
}

/// Binds `PERCENTILE(x, ARRAY[…])[1]`, `array[n]` and `map['key']`.
pub(super) fn index(
    binder: &mut ExprBinder<'_>,
    input: &ast::Expr,
    index: &ast::Expr,
    span: Span,
) -> Bound<ExprId> {
    // An indexed percentile is computed alone instead of all of the array.
    if let ExprKind::Call(call) = &input.kind
        && call.name.value.eq_ignore_ascii_case("PERCENTILE")
        && let Some(percentage) = array_item(call, index)
    {
        let mut scalar = call.clone();
        scalar.args[1] = percentage.clone();
        return call_value(binder, &scalar, span);
    }

    if let ExprKind::Name(path) = &input.kind
        && let Some(value) = metadata_value(binder, path, index)
    {
        if let Some((key, id)) = value {
            binder.names().note_use(id, Ident { value: key, span });
            return Ok(id);
        }
        let error = Diagnostic::error(index.span, "the key of a record's metadata must be a literal")
            .with_hint("a text in single quotes: headers['name']");
        return Err(binder.report(error));
    }

    let (container, index_id) = (binder.expr(input), binder.expr(index));
    let (container, index_id) = (container?, index_id?);
    if functions::item_type(&binder.nodes().data_type(container)).is_none() {
        let error = Diagnostic::error(span, "`[…]` stands behind an ARRAY or a MAP")
            .with_detail(format!("this is {}", binder.nodes().data_type(container)));
        return Err(binder.report(error));
    }
    call_function(binder.nodes(), "$ITEM", &[container, index_id], span)
}

/// Returns the key and value of a map of metadata; `None` if it has no such key.
fn map_value<T: Copy>(values: &[(String, T)], index: &ast::Expr) -> Option<(String, T)> {
    let ExprKind::Literal { value: Value::Text(key), .. } = &index.kind else { return None };
    // The keys of a map are sorted.
    let place = values.binary_search_by(|(of, _)| of.cmp(key)).ok()?;
    Some(values[place].clone())
}

/// Returns the item of the call's second argument that a literal index selects.
fn array_item<'a>(call: &'a ast::Call, index: &ast::Expr) -> Option<&'a ast::Expr> {
    let ExprKind::Array(items) = &call.args.get(1)?.kind else { return None };
    let ExprKind::Literal { value: Value::Int(index), .. } = index.kind else { return None };
    items.get(usize::try_from(index).ok()?.checked_sub(1)?)
}
