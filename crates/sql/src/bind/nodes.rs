//! Operations over expressions that are bound already.
//!
//! A [`NodeBuilder`] adds nodes to one graph. It knows no names and no syntax: it takes the nodes of operands,
//! gives the operation the type that Flink gives it, and reports operands that have no such type. The rules of
//! single operations are functions over it:
//!
//! ```text
//! compare     =, <, IN, BETWEEN          choose      CASE, COALESCE, NULLIF
//! function    functions of the registry  cast        CAST
//! fields      fields of a ROW            portable    notices about what Flink refuses
//! ```
//!
//! A conversion of a literal is computed when it is bound, so that no row pays for it.

use jiff::tz::TimeZone;
use types::{ColumnType, DataType, Value};

use super::cast::cast_value;
use super::{Bound, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{CastMode, Expr, ExprId};
use crate::graph::{Graph, InputOrigin};

/// Adds typed operations to a graph.
pub(crate) struct NodeBuilder<'a> {
    graph: &'a mut Graph,
    time_zone: &'a TimeZone,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> NodeBuilder<'a> {
    pub(crate) fn new(
        graph: &'a mut Graph,
        time_zone: &'a TimeZone,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> NodeBuilder<'a> {
        NodeBuilder { graph, time_zone, diagnostics }
    }

    /// Returns a builder that adds to another graph and reports to the same place.
    pub(super) fn over<'b>(&'b mut self, graph: &'b mut Graph) -> NodeBuilder<'b> {
        NodeBuilder { graph, time_zone: self.time_zone, diagnostics: self.diagnostics }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnostics.push(diagnostic);
        Reported
    }

    /// Returns the number of findings so far.
    pub(super) fn findings(&self) -> usize {
        self.diagnostics.len()
    }

    pub(super) fn time_zone(&self) -> &'a TimeZone {
        self.time_zone
    }

    pub(super) fn graph(&self) -> &Graph {
        self.graph
    }

    pub(super) fn type_of(&self, id: ExprId) -> ColumnType {
        self.graph.exprs.column_type(id).clone()
    }

    pub(super) fn data_type(&self, id: ExprId) -> DataType {
        self.graph.exprs.column_type(id).data_type.clone()
    }

    pub(super) fn is_nullable(&self, id: ExprId) -> bool {
        self.graph.exprs.column_type(id).nullable
    }

    pub(super) fn is_row(&self, id: ExprId) -> bool {
        matches!(self.graph.exprs.column_type(id).data_type, DataType::Row(_))
    }

    pub(super) fn literal_of(&self, id: ExprId) -> Option<&Value> {
        match self.graph.exprs.expr(id) {
            Expr::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Formats an expression as `explain` prints it.
    pub(super) fn shown(&self, id: ExprId) -> String {
        crate::explain::expression(&self.graph.exprs, id)
    }

    pub(super) fn add(&mut self, expr: Expr, column_type: ColumnType) -> ExprId {
        self.graph.add(expr, column_type)
    }

    pub(super) fn add_literal(&mut self, value: Value, data_type: DataType) -> ExprId {
        let nullable = value.is_null();
        self.graph.add(Expr::Literal(value), ColumnType { data_type, nullable })
    }

    pub(super) fn add_text(&mut self, text: &str) -> ExprId {
        self.add_literal(Value::Text(text.to_owned()), DataType::STRING)
    }

    pub(super) fn add_boolean(&mut self, expr: Expr, nullable: bool) -> ExprId {
        self.graph.add(expr, ColumnType { data_type: DataType::Boolean, nullable })
    }

    /// Adds an input, which a name or a call becomes.
    pub(super) fn add_input(&mut self, name: String, column_type: ColumnType, origin: InputOrigin) -> ExprId {
        self.graph.add_input(name, column_type, origin)
    }

    /// Returns the only input of this origin; it is added on first use.
    pub(super) fn only_input(&mut self, name: &str, column_type: ColumnType, origin: InputOrigin) -> ExprId {
        let known = (0..self.graph.exprs.inputs.len()).find(|&input| self.graph.origin(input) == origin);
        match known {
            Some(input) => self.graph.add(Expr::Column(input), column_type),
            None => self.graph.add_input(name.to_owned(), column_type, origin),
        }
    }

    /// Returns the input for an expression of the enclosing query.
    pub(super) fn outer_input(&mut self, name: &str, column_type: &ColumnType, outer: ExprId) -> ExprId {
        self.graph.outer_input(name, column_type, outer)
    }

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

    /// Joins conditions by `AND` or `OR` as a balanced tree, so that a thousand conditions are ten levels deep.
    pub(super) fn balanced(&mut self, ids: &[ExprId], is_and: bool) -> ExprId {
        if let [only] = ids {
            return *only;
        }
        let (left, right) = ids.split_at(ids.len().div_ceil(2));
        let (left, right) = (self.balanced(left, is_and), self.balanced(right, is_and));
        if is_and { self.and(left, right) } else { self.or(left, right) }
    }

    /// Requires a condition; an untyped NULL becomes one. `what` names it for the error.
    pub(super) fn expect_boolean(&mut self, id: ExprId, span: Span, what: &str) -> Bound<ExprId> {
        match &self.type_of(id).data_type {
            DataType::Boolean => Ok(id),
            DataType::Null => Ok(self.convert(id, &DataType::Boolean)),
            other => {
                let error = Diagnostic::error(span, format!("{what} must be BOOLEAN"))
                    .with_detail(format!("this is {other}"));
                Err(self.report(error))
            }
        }
    }

    /// Adds an implicit conversion; literals are converted at once.
    pub(super) fn convert(&mut self, input: ExprId, to: &DataType) -> ExprId {
        let from = self.type_of(input);
        if from.data_type == *to {
            return input;
        }
        if from.data_type == DataType::Null {
            return self.add_literal(Value::Null, to.clone());
        }
        let column_type = ColumnType { data_type: to.clone(), nullable: from.nullable };
        self.add_cast(input, CastMode::Strict, column_type)
    }

    /// Adds a cast that is allowed; literals are cast at once.
    pub(super) fn add_cast(&mut self, input: ExprId, mode: CastMode, column_type: ColumnType) -> ExprId {
        if let Some(value) = self.literal_of(input) {
            let from = self.data_type(input);
            if let Some(value) = cast_value(value, &from, &column_type.data_type, mode, self.time_zone) {
                return self.add_literal(value, column_type.data_type);
            }
        }
        self.graph.add(Expr::Cast { input, mode }, column_type)
    }
}
