//! Comparisons, `IN`, `BETWEEN`, `IS DISTINCT FROM`, and logical operators.

use std::collections::HashSet;

use types::{DataType, Value};

use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::parse::ast;
use crate::typing::{common_comparison_type, comparison_type, same_form};

impl ExprBinder<'_> {
    pub(super) fn not(&mut self, id: ExprId) -> ExprId {
        let nullable = self.is_nullable(id);
        self.add_boolean(Expr::Not(id), nullable)
    }

    pub(super) fn and(&mut self, a: ExprId, b: ExprId) -> ExprId {
        let nullable = self.is_nullable(a) || self.is_nullable(b);
        self.add_boolean(Expr::And(a, b), nullable)
    }

    pub(super) fn or(&mut self, a: ExprId, b: ExprId) -> ExprId {
        let nullable = self.is_nullable(a) || self.is_nullable(b);
        self.add_boolean(Expr::Or(a, b), nullable)
    }

    /// Binds `a AND b AND c` as a balanced tree, so that a thousand conditions are ten levels deep.
    pub(super) fn chain(&mut self, items: &[ast::Expr], word: &str) -> Bound<ExprId> {
        let mut bound = Vec::with_capacity(items.len());
        for item in items {
            let id = self.expr(item);
            bound.push(id.and_then(|id| self.expect_boolean(id, item.span, &format!("each side of {word}"))));
        }
        let ids: Vec<ExprId> = bound.into_iter().collect::<Bound<_>>()?;
        Ok(self.balanced(&ids, word == "AND"))
    }

    pub(super) fn balanced(&mut self, ids: &[ExprId], is_and: bool) -> ExprId {
        if let [only] = ids {
            return *only;
        }
        let (left, right) = ids.split_at(ids.len().div_ceil(2));
        let (left, right) = (self.balanced(left, is_and), self.balanced(right, is_and));
        if is_and { self.and(left, right) } else { self.or(left, right) }
    }

    pub(super) fn comparison(
        &mut self,
        op: Comparison,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Bound<ExprId> {
        let (left, right) = (self.expr(left), self.expr(right));
        self.compare(op, left?, right?, span)
    }

    /// Converts both sides to a common form and compares them.
    pub(super) fn compare(
        &mut self,
        op: Comparison,
        left: ExprId,
        right: ExprId,
        span: Span,
    ) -> Bound<ExprId> {
        let (a, b) = (self.data_type(left), self.data_type(right));
        let Some(common) = comparison_type(&a, &b).filter(|t| *t == DataType::Null || t.repr().is_some())
        else {
            let mut error = Diagnostic::error(span, format!("{a} and {b} cannot be compared"));
            error.hint = Some(match (&a, &b) {
                (text, other) | (other, text) if text.is_text() && other.is_numeric() => {
                    format!(
                        "a text is not converted automatically: write CAST(… AS {other}), or the number without quotes"
                    )
                }
                (x, y) if x.is_timestamp() && y.is_timestamp() => {
                    "one is a wall clock, the other an instant: CAST one to the other's type".to_owned()
                }
                _ => format!("CAST one of them to the other's type: {a} or {b}"),
            });
            return Err(self.report(error));
        };

        let is_equality = matches!(op, Comparison::Equal | Comparison::NotEqual);
        if common.is_nested() && !is_equality {
            let error = Diagnostic::error(span, format!("{common} has no order"))
                .with_hint("such values can only be compared with `=` and `<>`");
            return Err(self.report(error));
        }
        let is_constructed =
            |id| matches!(self.graph.exprs.expr(id), Expr::Call { function, .. } if function.name == "$ROW");
        if let DataType::Row(fields) = &common
            && is_constructed(left)
            && is_constructed(right)
        {
            return self.compare_rows(op, (left, right), fields.len(), span);
        }

        self.note_comparison(&a, &b, span);
        let (left, right) = match common {
            // Maps are compared regardless of the order of their entries.
            DataType::Map(..) | DataType::Multiset(_) => {
                let (left, right) = (self.convert_form(left, &common), self.convert_form(right, &common));
                let ordered = self.call_function("$ORDERED", &[left], span)?;
                (ordered, self.call_function("$ORDERED", &[right], span)?)
            }
            DataType::Null => (self.convert(left, &DataType::Int), self.convert(right, &DataType::Int)),
            _ if same_form(&a, &b) => (left, right),
            _ => (self.convert_form(left, &common), self.convert_form(right, &common)),
        };

        let nullable = self.is_nullable(left) || self.is_nullable(right);
        Ok(self.add_boolean(Expr::Compare(op, left, right), nullable))
    }

    /// Compares row constructors field by field: equal if all fields are equal, unknown if a field's
    /// comparison is unknown. Other rows are compared as values, where nulls are equal, as in Flink.
    fn compare_rows(
        &mut self,
        op: Comparison,
        (left, right): (ExprId, ExprId),
        fields: usize,
        span: Span,
    ) -> Bound<ExprId> {
        let mut equal = Vec::with_capacity(fields);
        for place in 1..=fields {
            let number = self.add_literal(Value::Int(place as i64), DataType::Int);
            let a = self.call_function("$FIELD", &[left, number], span)?;
            let b = self.call_function("$FIELD", &[right, number], span)?;
            equal.push(self.compare(Comparison::Equal, a, b, span)?);
        }
        let all = self.balanced(&equal, true);
        Ok(if op == Comparison::NotEqual { self.not(all) } else { all })
    }

    /// Converts an expression unless both types have the same representation; a literal is always converted.
    fn convert_form(&mut self, id: ExprId, to: &DataType) -> ExprId {
        if self.literal_of(id).is_none() && same_form(&self.data_type(id), to) {
            id
        } else {
            self.convert(id, to)
        }
    }

    pub(super) fn is_distinct(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        negated: bool,
        span: Span,
    ) -> Bound<ExprId> {
        let (left, right) = (self.expr(left), self.expr(right));
        let (left, right) = (left?, right?);
        let equal = self.compare(Comparison::Equal, left, right, span)?;
        let equal = self.add_boolean(Expr::IsTrue(equal), false);
        let (left, right) =
            (self.add_boolean(Expr::IsNull(left), false), self.add_boolean(Expr::IsNull(right), false));
        let both_null = self.and(left, right);
        let same = self.or(equal, both_null);
        Ok(if negated { same } else { self.not(same) })
    }

    pub(super) fn between(
        &mut self,
        input: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        symmetric: bool,
        negated: bool,
        span: Span,
    ) -> Bound<ExprId> {
        let (input, low, high) = (self.expr(input), self.expr(low), self.expr(high));
        let (input, low, high) = (input?, low?, high?);
        let mut within = self.within(input, low, high, span)?;
        if symmetric {
            let other = self.within(input, high, low, span)?;
            within = self.or(within, other);
        }
        Ok(if negated { self.not(within) } else { within })
    }

    fn within(&mut self, input: ExprId, low: ExprId, high: ExprId, span: Span) -> Bound<ExprId> {
        let above = self.compare(Comparison::GreaterOrEqual, input, low, span)?;
        let below = self.compare(Comparison::LessOrEqual, input, high, span)?;
        Ok(self.and(above, below))
    }

    pub(super) fn is_in(&mut self, input: &ast::Expr, list: &[ast::Expr], negated: bool) -> Bound<ExprId> {
        let span = input.span.to(list.last().map_or(input.span, |last| last.span));
        let input = self.expr(input);
        let items = self.all(list)?;
        let input = input?;
        let found = match self.in_literals(input, &items) {
            Some(found) => found,
            None => {
                let equal = items
                    .iter()
                    .map(|item| self.compare(Comparison::Equal, input, *item, span))
                    .collect::<Bound<Vec<_>>>()?;
                self.balanced(&equal, false)
            }
        };
        Ok(if negated { self.not(found) } else { found })
    }

    /// Binds `IN` to a set if all items are literals with the input's representation.
    fn in_literals(&mut self, input: ExprId, items: &[ExprId]) -> Option<ExprId> {
        let from = self.data_type(input);
        if from == DataType::Null || matches!(from, DataType::Row(_)) {
            return None;
        }
        let all_literal = items.iter().all(|item| self.literal_of(*item).is_some());
        let types: Vec<DataType> = items.iter().map(|item| self.data_type(*item)).collect();
        let common = common_comparison_type(std::iter::once(&from).chain(&types)).filter(|_| all_literal)?;
        let input = self.convert_form(input, &common);
        let (mut values, mut has_null): (Vec<Value>, bool) = (vec![], false);
        let mut known = HashSet::new();

        for item in items {
            let item = self.convert(*item, &common);
            match self.literal_of(item)?.clone() {
                Value::Null => has_null = true,
                value if known.insert(identity(&value)) => values.push(value),
                _ => {}
            }
        }

        let nullable = has_null || self.is_nullable(input);
        Some(self.add_boolean(Expr::In { input, values: values.into(), has_null }, nullable))
    }
}

/// Returns a text that is the same for equal values of one representation, including zeros of both signs.
fn identity(value: &Value) -> String {
    match value {
        Value::Double(v) => format!("{:?}", v + 0.0),
        other => format!("{other:?}"),
    }
}
