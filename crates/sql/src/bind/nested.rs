//! Nested values: `ARRAY[…]`, `MAP[…]`, `ROW(…)`, and access to their fields and elements.

use types::{DataType, Value};

use super::resolve::Found;
use super::{Bound, Cell, Column, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::functions;
use crate::parse::ast::{self, ExprKind, Ident};

impl ExprBinder<'_> {
    pub(super) fn nested_value(&mut self, expr: &ast::Expr) -> Bound<ExprId> {
        match &expr.kind {
            ExprKind::Array(items) => self.constructed("$ARRAY", "an ARRAY", items, expr.span),
            ExprKind::Map(items) => {
                let items: Vec<ast::Expr> =
                    items.iter().flat_map(|(key, value)| [key, value]).cloned().collect();
                self.constructed("$MAP", "a MAP", &items, expr.span)
            }
            ExprKind::Row(items) => self.constructed("$ROW", "a ROW", items, expr.span),
            ExprKind::Field(row, field) => {
                let id = self.expr(row)?;
                if !self.is_row(id) {
                    let error = Diagnostic::error(row.span, "only a ROW has fields")
                        .with_detail(format!("this is {}", self.data_type(id)));
                    return Err(self.report(error));
                }
                self.fields(id, std::slice::from_ref(field)).ok_or_else(|| {
                    let error = Diagnostic::error(field.span, format!("there is no field `{}`", field.value))
                        .with_detail(format!("the row is {}", self.data_type(id)));
                    self.report(error)
                })
            }
            _ => Err(self.report(Diagnostic::error(expr.span, "this holds no values"))),
        }
    }

    fn constructed(&mut self, function: &str, what: &str, items: &[ast::Expr], span: Span) -> Bound<ExprId> {
        let ids = self.all(items)?;
        // If every value lacks a type, the nested value would have none.
        let untyped = ids.iter().all(|id| self.data_type(*id) == DataType::Null);
        if untyped {
            let error = Diagnostic::error(span, format!("{what} with only NULL values has no type"))
                .with_hint("give one of them a type: CAST(NULL AS STRING)");
            return Err(self.report(error));
        }
        self.call_function(function, &ids, span)
    }

    pub(super) fn is_row(&self, id: ExprId) -> bool {
        matches!(self.graph.exprs.column_type(id).data_type, DataType::Row(_))
    }

    /// Returns the field of a row at a path of field names, or `None` if there is no such field.
    pub(super) fn fields(&mut self, row: ExprId, path: &[Ident]) -> Option<ExprId> {
        let mut id = row;
        for name in path {
            let DataType::Row(fields) = self.data_type(id) else { return None };
            let place = fields.iter().position(|field| field.name == name.value)?;
            let number = self.add_literal(Value::Int(place as i64 + 1), DataType::Int);
            id = self.call_function("$FIELD", &[id, number], name.span).ok()?;
        }
        Some(id)
    }

    /// Returns the fields of a row as columns.
    pub(super) fn all_fields(&mut self, row: ExprId, span: Span) -> Vec<Column> {
        let DataType::Row(fields) = self.data_type(row) else { return vec![] };
        let columns = fields.into_iter().filter_map(|field| {
            let name = Ident { value: field.name.clone(), span };
            let id = self.fields(row, std::slice::from_ref(&name))?;
            Some(Column { name: field.name, cell: Cell::Scalar(id) })
        });
        columns.collect()
    }

    /// Returns the value of a map of metadata, or `Some(None)` if it has no such key; `None` if the name is no
    /// such map.
    fn metadata_value(&mut self, path: &[Ident], index: &ast::Expr) -> Option<Option<(String, ExprId)>> {
        // Such a map may have thousands of values, so the cell is not copied.
        if self.pattern.is_none()
            && let Found::Cell(cell) = self.scope.find(path)
        {
            return match cell {
                Cell::Map { values, .. } => Some(map_value(values, index)),
                _ => None,
            };
        }
        match self.find(path) {
            Ok(Cell::Map { values, .. }) => Some(map_value(&values, index)),
            _ => None,
        }
    }

    /// Binds `PERCENTILE(x, ARRAY[…])[1]`, `array[n]` and `map['key']`.
    pub(super) fn index(&mut self, input: &ast::Expr, index: &ast::Expr, span: Span) -> Bound<ExprId> {
        // An indexed percentile is computed alone instead of all of the array.
        if let ExprKind::Call(call) = &input.kind
            && call.name.value.eq_ignore_ascii_case("PERCENTILE")
            && let Some(percentage) = array_item(call, index)
        {
            let mut scalar = call.clone();
            scalar.args[1] = percentage.clone();
            return self.call(&scalar, span);
        }

        if let ExprKind::Name(path) = &input.kind
            && let Some(value) = self.metadata_value(path, index)
        {
            if let Some((key, id)) = value {
                self.uses.push((id, Ident { value: key, span }));
                return Ok(id);
            }
            let error = Diagnostic::error(index.span, "the key of a record's metadata must be a literal")
                .with_hint("a text in single quotes: headers['name']");
            return Err(self.report(error));
        }

        let (container, index_id) = (self.expr(input), self.expr(index));
        let (container, index_id) = (container?, index_id?);
        if functions::item_type(&self.data_type(container)).is_none() {
            let error = Diagnostic::error(span, "`[…]` stands behind an ARRAY or a MAP")
                .with_detail(format!("this is {}", self.data_type(container)));
            return Err(self.report(error));
        }
        self.call_function("$ITEM", &[container, index_id], span)
    }
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
