//! Moves expressions from one scope to another.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;

use crate::expr::{Expr, ExprGraph, ExprId, InputColumn};
use crate::graph::map_operands;

/// Copies expressions into a graph with another scope; equal expressions become one node.
pub(crate) struct Rebase<'a, F> {
    from: &'a ExprGraph,
    to: &'a mut ExprGraph,
    /// Maps an input of the old scope to an expression of the new one.
    input: F,
    done: HashMap<ExprId, ExprId>,
}

impl<'a, F: FnMut(&mut ExprGraph, usize) -> ExprId> Rebase<'a, F> {
    pub(crate) fn new(from: &'a ExprGraph, to: &'a mut ExprGraph, input: F) -> Rebase<'a, F> {
        Rebase { from, to, input, done: HashMap::new() }
    }

    /// Returns the expression in the new graph.
    pub(crate) fn expr(&mut self, id: ExprId) -> ExprId {
        for id in self.from.operands_first(id, |id| self.done.contains_key(&id)) {
            let node = self.from.node(id);
            let new = match &node.expr {
                Expr::Column(input) => (self.input)(self.to, *input),
                other => {
                    let Ok(expr) = map_operands(other, |operand| Ok::<_, Infallible>(self.done[&operand]));
                    self.to.add(expr, node.column_type.clone())
                }
            };
            self.done.insert(id, new);
        }
        self.done[&id]
    }

    pub(crate) fn all(&mut self, ids: &[ExprId]) -> Vec<ExprId> {
        ids.iter().map(|id| self.expr(*id)).collect()
    }
}

/// Moves expressions to another scope; `place` maps old inputs to new ones.
pub(crate) fn moved(
    from: &ExprGraph,
    ids: &[ExprId],
    scope: Vec<InputColumn>,
    place: impl Fn(usize) -> usize,
) -> (ExprGraph, Vec<ExprId>) {
    let mut to = ExprGraph::new(scope);
    let input = |to: &mut ExprGraph, input: usize| {
        let place = place(input);
        let column_type = to.inputs[place].column_type.clone();
        to.add(Expr::Column(place), column_type)
    };
    let ids = Rebase::new(from, &mut to, input).all(ids);
    (to, ids)
}

/// Returns the inputs that expressions read, ascending.
pub(crate) fn inputs_of(graph: &ExprGraph, ids: &[ExprId]) -> Vec<usize> {
    let column = |id: ExprId| match graph.expr(id) {
        Expr::Column(input) => Some(*input),
        _ => None,
    };
    let inputs: BTreeSet<usize> = graph.reached(ids).into_iter().filter_map(column).collect();
    inputs.into_iter().collect()
}
