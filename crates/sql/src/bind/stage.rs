//! A SELECT at work: the rows so far, and the graph of its expressions over them.
//!
//! Every step of a SELECT puts nodes upon the rows and keeps the graph's inputs where they are: a field that was there
//! stays at its place, new ones are added behind. So an expression that was bound early is still right later.

use std::sync::Arc;

use crate::error::Span;
use crate::expr::{Expr, ExprGraph, ExprId, InputColumn};
use crate::graph::{Graph, Origin};
use crate::plan::operator::JoinKind;
use crate::rel::rebase::{Rebase, moved};
use crate::rel::{JoinRel, Rel};
use crate::rules::Rules;

pub(super) struct Stage {
    pub(super) rel: Arc<Rel>,
    pub(super) graph: Graph,
    /// By input of the graph, the field that holds it: a call's result has none before its step.
    fields: Vec<Option<usize>>,
}

impl Stage {
    /// Rows whose fields are the graph's inputs.
    pub(super) fn over(rel: Arc<Rel>) -> (Stage, Vec<ExprId>) {
        let (graph, ids) = Graph::over(rel.scope());
        let fields = (0..rel.fields.len()).map(Some).collect();
        (Stage { rel, graph, fields }, ids)
    }

    /// The field that holds an input.
    fn place(&self, input: usize) -> usize {
        self.fields.get(input).copied().flatten().expect("a call's result is read after its step")
    }

    /// Says which field holds an input that a step has filled.
    pub(super) fn fill(&mut self, input: usize, field: usize) {
        if self.fields.len() <= input {
            self.fields.resize(input + 1, None);
        }
        self.fields[input] = Some(field);
    }

    /// The inputs that stand for a kind of call, with the call's number.
    pub(super) fn inputs(&self, number: impl Fn(Origin) -> Option<usize>) -> Vec<(usize, usize)> {
        let inputs = 0..self.graph.exprs.inputs.len();
        inputs.filter_map(|input| Some((input, number(self.graph.origin(input))?))).collect()
    }

    /// Expressions over the fields of the rows.
    pub(super) fn exprs(&self, ids: &[ExprId]) -> (ExprGraph, Vec<ExprId>) {
        moved(&self.graph.exprs, ids, self.rel.scope(), |input| self.place(input))
    }

    /// Leaves the rows for which all conditions are true.
    pub(super) fn filter(&mut self, conditions: &[ExprId], span: Span, rules: Rules) {
        if conditions.is_empty() {
            return;
        }
        let (exprs, conditions) = self.exprs(conditions);
        self.rel = self.rel.filtered(&exprs, &conditions, span, rules);
    }

    /// The fields that hold expressions; those that none holds are computed behind the others.
    pub(super) fn fields_of(&mut self, ids: &[ExprId], span: Span) -> Vec<usize> {
        let (mut exprs, moved) = self.exprs(ids);
        let mut columns = self.rel.passed_on(&mut exprs);
        let mut places = Vec::with_capacity(ids.len());

        for id in moved {
            let place = match columns.iter().position(|(_, known)| *known == id) {
                Some(place) => place,
                None => {
                    let name = crate::explain::expression(&exprs, id);
                    columns.push((name, id));
                    columns.len() - 1
                }
            };
            places.push(place);
        }

        if columns.len() > self.rel.fields.len() {
            self.rel = Rel::calc(self.rel.clone(), exprs, vec![], columns, span);
        }
        places
    }

    /// Joins the rows with others. `conditions` builds them over the fields of both, left first; it is given the graph and
    /// what an expression of this stage is in it.
    pub(super) fn join(
        &mut self,
        right: Arc<Rel>,
        kind: JoinKind,
        null_aware: Option<usize>,
        conditions: impl FnOnce(&mut JoinScope<'_>) -> Vec<ExprId>,
        span: Span,
    ) {
        let mut scope: Vec<InputColumn> = self.rel.scope();
        scope.extend(right.scope());
        let mut both = JoinScope { graph: Graph::over(scope).0, stage: self, left: self.rel.fields.len() };
        let conditions = conditions(&mut both);
        let exprs = both.graph.exprs;
        let null_aware = null_aware.map(|at| conditions[at]);
        let join = JoinRel { kind, exprs, conditions, null_aware, state_ttl: [None, None] };
        self.rel = Rel::join(self.rel.clone(), right, join, span);
    }
}

/// The fields of both sides of a join.
pub(super) struct JoinScope<'a> {
    pub(super) graph: Graph,
    stage: &'a Stage,
    /// Fields of the left side.
    pub(super) left: usize,
}

impl JoinScope<'_> {
    /// An expression of the left side's stage.
    pub(super) fn of_left(&mut self, id: ExprId) -> ExprId {
        let (from, to) = (&self.stage.graph.exprs, &mut self.graph);
        carry(from, id, to, &|input| self.stage.place(input))
    }

    /// A field of the right side.
    pub(super) fn of_right(&mut self, field: usize) -> ExprId {
        let place = self.left + field;
        let column_type = self.graph.exprs.inputs[place].column_type.clone();
        self.graph.add(Expr::Column(place), column_type)
    }
}

/// Copies an expression into a graph in which its inputs stand elsewhere.
pub(super) fn carry(from: &ExprGraph, id: ExprId, to: &mut Graph, place: &dyn Fn(usize) -> usize) -> ExprId {
    // Through a plain graph over the same inputs, then node by node, so that the facts are kept.
    let mut plain = ExprGraph::new(to.exprs.inputs.clone());
    let input = |plain: &mut ExprGraph, input: usize| {
        let place = place(input);
        let column_type = plain.inputs[place].column_type.clone();
        plain.add(Expr::Column(place), column_type)
    };
    let root = Rebase::new(from, &mut plain, input).expr(id);

    let mut known = std::collections::HashMap::new();
    for (id, node) in plain.iter() {
        let expr = crate::graph::map_operands(&node.expr, |operand| {
            Ok::<_, std::convert::Infallible>(known[&operand])
        });
        let Ok(expr) = expr;
        known.insert(id, to.add(expr, node.column_type.clone()));
    }
    known[&root]
}
