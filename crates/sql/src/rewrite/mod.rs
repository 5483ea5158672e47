//! The rewriter: simplifies expressions without changing their results, by constant folding, trivial logic,
//! and the fusions in `fuse`.
//!
//! Expressions are rebuilt bottom-up into a new graph, so rules see operands that are already simplified.

mod fold;
mod fuse;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use jiff::tz::TimeZone;
use types::{ColumnType, DataType, Value};

pub(crate) use fold::{is_worth_keeping, length};

use crate::expr::{Expr, ExprGraph, ExprId};
use crate::graph::map_operands;
use crate::rules::{Rule, Rules};

pub(crate) struct Rewriter<'a> {
    from: &'a ExprGraph,
    to: ExprGraph,
    done: HashMap<ExprId, ExprId>,
    time_zone: &'a TimeZone,
    rules: Rules,
}

impl<'a> Rewriter<'a> {
    pub(crate) fn new(from: &'a ExprGraph, time_zone: &'a TimeZone, rules: Rules) -> Rewriter<'a> {
        Rewriter { from, to: ExprGraph::new(from.inputs.clone()), done: HashMap::new(), time_zone, rules }
    }

    /// Returns the simplified expression in the new graph.
    pub(crate) fn rewrite(&mut self, id: ExprId) -> ExprId {
        for id in self.from.operands_first(id, |id| self.done.contains_key(&id)) {
            let node = self.from.node(id);
            let Ok(expr) = map_operands(&node.expr, |operand| Ok::<_, Infallible>(self.done[&operand]));
            let new = self.simplified(expr, node.column_type.clone());
            self.done.insert(id, new);
        }
        self.done[&id]
    }

    /// Splits conditions at `AND` and simplifies them; conditions that are always true are dropped.
    pub(crate) fn conditions(&mut self, conditions: &[ExprId]) -> Vec<ExprId> {
        let (mut out, mut known) = (vec![], HashSet::new());
        for condition in conditions {
            let id = self.rewrite(*condition);
            self.split(id, &mut out, &mut known);
        }
        out
    }

    fn split(&self, id: ExprId, out: &mut Vec<ExprId>, known: &mut HashSet<ExprId>) {
        match self.to.expr(id) {
            Expr::And(a, b) => {
                self.split(*a, out, known);
                self.split(*b, out, known);
            }
            Expr::Literal(Value::Bool(true)) => {}
            _ if known.insert(id) => out.push(id),
            _ => {}
        }
    }

    pub(crate) fn finish(self) -> ExprGraph {
        self.to
    }

    fn literal(&self, id: ExprId) -> Option<&Value> {
        match self.to.expr(id) {
            Expr::Literal(value) => Some(value),
            _ => None,
        }
    }

    fn nullable(&self, id: ExprId) -> bool {
        self.to.column_type(id).nullable
    }

    fn boolean(&mut self, value: Value) -> ExprId {
        let nullable = value.is_null();
        self.to.add(Expr::Literal(value), ColumnType { data_type: DataType::Boolean, nullable })
    }

    /// Adds the node in its simplest form.
    fn simplified(&mut self, expr: Expr, column_type: ColumnType) -> ExprId {
        if !self.rules.has(Rule::SimplifyExpressions) {
            let fused = self.fused(&expr, &column_type);
            return fused.unwrap_or_else(|| self.to.add(expr, column_type));
        }
        let simpler = match &expr {
            Expr::And(a, b) => self.connective(*a, *b, false),
            Expr::Or(a, b) => self.connective(*a, *b, true),
            Expr::Not(a) => self.negation(*a),
            Expr::IsNull(a) => self.null_test(*a, true),
            Expr::IsNotNull(a) => self.null_test(*a, false),
            Expr::IsTrue(a) | Expr::IsNotFalse(a) if !self.nullable(*a) => Some(*a),
            Expr::IsFalse(a) | Expr::IsNotTrue(a) if !self.nullable(*a) => {
                return self.simplified(Expr::Not(*a), DataType::Boolean.not_null());
            }
            Expr::IsTrue(a) => self.truth_of_null(*a, false),
            Expr::IsFalse(a) => self.truth_of_null(*a, false),
            Expr::IsNotTrue(a) | Expr::IsNotFalse(a) => self.truth_of_null(*a, true),
            Expr::Compare(op, a, b) => self.compared(*op, *a, *b),
            Expr::In { input, values, has_null } => self.member(*input, values, *has_null),
            Expr::Case { branches, otherwise } => return self.case(branches, *otherwise, column_type),
            Expr::Cast { input, mode } => {
                self.fused(&expr, &column_type).or_else(|| self.cast(*input, *mode, &column_type))
            }
            Expr::Call { function, args } => {
                self.folded_call(function, args, &column_type).or_else(|| self.fused(&expr, &column_type))
            }
            Expr::Column(_) | Expr::Literal(_) => None,
        };

        match simpler {
            Some(id) => id,
            None => self.to.add(expr, column_type),
        }
    }

    /// Returns the fused function for a group of functions, if the node completes one.
    fn fused(&mut self, expr: &Expr, column_type: &ColumnType) -> Option<ExprId> {
        match expr {
            _ if !self.rules.has(Rule::FuseFunctions) => None,
            Expr::Cast { input, mode } => fuse::cast(self, *input, *mode, column_type),
            Expr::Call { function, args } => fuse::call(self, function, args, column_type),
            _ => None,
        }
    }

    /// Simplifies AND (`absorbing` is false) or OR (`absorbing` is true).
    fn connective(&mut self, a: ExprId, b: ExprId, absorbing: bool) -> Option<ExprId> {
        let value = |id: ExprId| match self.literal(id) {
            Some(Value::Bool(v)) => Some(*v),
            _ => None,
        };
        match (value(a), value(b)) {
            (Some(v), _) if v == absorbing => Some(a),
            (_, Some(v)) if v == absorbing => Some(b),
            (Some(_), _) => Some(b),
            (_, Some(_)) => Some(a),
            _ if a == b => Some(a),
            _ => None,
        }
    }

    fn negation(&mut self, a: ExprId) -> Option<ExprId> {
        match self.to.expr(a) {
            Expr::Literal(Value::Bool(v)) => {
                let negated = Value::Bool(!v);
                Some(self.boolean(negated))
            }
            Expr::Literal(Value::Null) => Some(a),
            Expr::Not(inner) => Some(*inner),
            _ => None,
        }
    }

    fn null_test(&mut self, a: ExprId, when_null: bool) -> Option<ExprId> {
        match self.literal(a) {
            Some(value) => {
                let answer = value.is_null() == when_null;
                Some(self.boolean(Value::Bool(answer)))
            }
            None if !self.nullable(a) => Some(self.boolean(Value::Bool(!when_null))),
            None => None,
        }
    }

    /// Evaluates `IS TRUE` and similar tests of a literal null.
    fn truth_of_null(&mut self, a: ExprId, answer: bool) -> Option<ExprId> {
        let is_null = self.literal(a).is_some_and(Value::is_null);
        is_null.then(|| self.boolean(Value::Bool(answer)))
    }

    /// Builds a CASE without branches that are never reached.
    fn case(
        &mut self,
        branches: &[(ExprId, ExprId)],
        mut otherwise: ExprId,
        column_type: ColumnType,
    ) -> ExprId {
        let mut reached = vec![];
        for (when, then) in branches {
            match self.literal(*when) {
                Some(Value::Bool(true)) => {
                    otherwise = *then;
                    break;
                }
                Some(_) => {}
                None => reached.push((*when, *then)),
            }
        }

        if reached.is_empty() {
            return otherwise;
        }
        self.to.add(Expr::Case { branches: reached.into(), otherwise }, column_type)
    }
}
