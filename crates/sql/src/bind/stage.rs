//! A SELECT in progress: the rows so far, and the graph of its expressions over them.
//!
//! Each step of a SELECT adds nodes on top of the rows and leaves existing fields in place; new fields are
//! appended. Therefore expressions that were bound earlier stay valid.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Span;
use crate::expr::{Expr, ExprGraph, ExprId, InputColumn};
use crate::graph::{Graph, InputOrigin};
use crate::plan::operator::JoinKind;
use crate::rel::rebase::{Rebase, moved};
use crate::rel::{JoinRel, Rel};
use crate::rules::Rules;

pub(super) struct Stage {
    rel: Arc<Rel>,
    graph: Graph,
    /// For each input of the graph, the field that holds it; `None` until the step that computes a call's
    /// result.
    fields: Vec<Option<usize>>,
}

impl Stage {
    /// Creates a stage whose inputs are the fields of `rel`.
    pub(super) fn over(rel: Arc<Rel>) -> (Stage, Vec<ExprId>) {
        let (graph, ids) = Graph::over(rel.scope());
        let fields = (0..rel.fields.len()).map(Some).collect();
        (Stage { rel, graph, fields }, ids)
    }

    /// Returns the rows so far.
    pub(super) fn rel(&self) -> &Arc<Rel> {
        &self.rel
    }

    /// Returns the rows, after the last step.
    pub(super) fn into_rel(self) -> Arc<Rel> {
        self.rel
    }

    /// Returns the expressions over the rows.
    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(super) fn graph_mut(&mut self) -> &mut Graph {
        &mut self.graph
    }

    /// Adds a node on top of the rows. It passes on their fields in place, and appends its own.
    pub(super) fn add_step(&mut self, step: impl FnOnce(Arc<Rel>) -> Arc<Rel>) {
        let rel = step(self.rel.clone());
        debug_assert!(rel.fields.len() >= self.rel.fields.len(), "a step drops no fields");
        self.rel = rel;
    }

    /// Returns the field that holds an input.
    fn place(&self, input: usize) -> usize {
        self.fields.get(input).copied().flatten().expect("a call's result is read after its step")
    }

    /// Records the field of an input that a step has computed.
    pub(super) fn fill(&mut self, input: usize, field: usize) {
        if self.fields.len() <= input {
            self.fields.resize(input + 1, None);
        }
        self.fields[input] = Some(field);
    }

    /// Returns the inputs for one kind of call that no step has computed yet, each with the call's number. They are
    /// ordered by number, so that calls in the arguments of another call come before it.
    pub(super) fn inputs(&self, number: impl Fn(InputOrigin) -> Option<usize>) -> Vec<(usize, usize)> {
        let is_open = |input: usize| self.fields.get(input).copied().flatten().is_none();
        let all = 0..self.graph.exprs.inputs.len();
        let numbered = all.filter_map(|input| Some((input, number(self.graph.origin(input))?)));
        let mut inputs: Vec<(usize, usize)> = numbered.filter(|(input, _)| is_open(*input)).collect();
        inputs.sort_by_key(|(_, number)| *number);
        inputs
    }

    /// Moves expressions to a graph over the fields of the rows.
    pub(super) fn exprs(&self, ids: &[ExprId]) -> (ExprGraph, Vec<ExprId>) {
        moved(&self.graph.exprs, ids, self.rel.scope(), |input| self.place(input))
    }

    /// Returns whether filters leave no row in which a value is null.
    pub(super) fn excludes_null(&self, id: ExprId) -> bool {
        match *self.graph.exprs.expr(id) {
            Expr::Column(input) => self.rel.excludes_null(self.place(input)),
            _ => false,
        }
    }

    /// Keeps only rows for which all conditions are true.
    pub(super) fn filter(&mut self, conditions: &[ExprId], span: Span, rules: Rules) {
        if conditions.is_empty() {
            return;
        }
        let (exprs, conditions) = self.exprs(conditions);
        self.add_step(|rel| rel.filtered(&exprs, &conditions, span, rules));
    }

    /// Returns the fields of expressions; expressions that are no field yet are appended as new fields.
    pub(super) fn fields_of(&mut self, ids: &[ExprId], span: Span) -> Vec<usize> {
        let (mut exprs, moved) = self.exprs(ids);
        let mut columns = self.rel.passed_on(&mut exprs);
        let mut known: HashMap<ExprId, usize> = HashMap::new();
        for (place, (_, id)) in columns.iter().enumerate() {
            known.entry(*id).or_insert(place);
        }

        let mut places = Vec::with_capacity(ids.len());
        for id in moved {
            let place = *known.entry(id).or_insert_with(|| {
                columns.push((crate::explain::expression(&exprs, id), id));
                columns.len() - 1
            });
            places.push(place);
        }

        if columns.len() > self.rel.fields.len() {
            self.add_step(|rel| Rel::calc(rel, exprs, vec![], columns, span));
        }
        places
    }

    /// Joins the rows with `right`. `conditions` builds the join's conditions over the fields of both sides.
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
        // A condition that was reported as wrong is missing.
        let null_aware = null_aware.and_then(|at| conditions.get(at).copied());
        let join = JoinRel { kind, exprs, conditions, null_aware, state_ttl: [None, None] };
        self.add_step(|rel| Rel::join(rel, right, join, span));
    }
}

/// The fields of both sides of a join, the left side first.
pub(super) struct JoinScope<'a> {
    graph: Graph,
    stage: &'a Stage,
    /// Number of fields of the left side.
    left: usize,
}

impl JoinScope<'_> {
    pub(super) fn graph_mut(&mut self) -> &mut Graph {
        &mut self.graph
    }

    /// Returns the number of fields of the left side.
    pub(super) fn left_width(&self) -> usize {
        self.left
    }

    /// Moves an expression of the left side's stage to the join.
    pub(super) fn of_left(&mut self, id: ExprId) -> ExprId {
        let (from, to) = (&self.stage.graph.exprs, &mut self.graph);
        carry(from, id, to, &|input| self.stage.place(input))
    }

    /// Returns a field of the right side.
    pub(super) fn of_right(&mut self, field: usize) -> ExprId {
        let place = self.left + field;
        let column_type = self.graph.exprs.inputs[place].column_type.clone();
        self.graph.add(Expr::Column(place), column_type)
    }
}

/// Copies an expression into a graph in which its inputs have other places.
pub(super) fn carry(from: &ExprGraph, id: ExprId, to: &mut Graph, place: &dyn Fn(usize) -> usize) -> ExprId {
    // The copy goes through a plain graph and then node by node, so that the facts of the nodes are computed.
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
