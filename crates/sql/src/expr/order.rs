//! Orders in which the nodes of an expression are visited, without recursion.

use std::collections::HashSet;

use super::{ExprGraph, ExprId};

/// A node on the way from the root to the current node.
struct Visited {
    id: ExprId,
    operands: Vec<ExprId>,
    /// Number of operands that are done.
    done: usize,
}

impl ExprGraph {
    /// Returns the nodes of an expression, operands from left to right before their uses, each node once.
    /// Nodes for which `is_known` returns true are left out with everything below them.
    pub(crate) fn operands_first(&self, root: ExprId, is_known: impl Fn(ExprId) -> bool) -> Vec<ExprId> {
        if is_known(root) {
            return vec![];
        }
        let mut order = vec![];
        let mut seen = HashSet::from([root]);
        let mut way = vec![Visited { id: root, operands: self.operands(root), done: 0 }];

        while let Some(node) = way.last_mut() {
            match node.operands.get(node.done) {
                Some(&operand) => {
                    node.done += 1;
                    if !is_known(operand) && seen.insert(operand) {
                        way.push(Visited { id: operand, operands: self.operands(operand), done: 0 });
                    }
                }
                None => {
                    order.push(node.id);
                    way.pop();
                }
            }
        }
        order
    }

    /// Returns the nodes that expressions consist of, in no particular order.
    pub(crate) fn reached(&self, roots: &[ExprId]) -> HashSet<ExprId> {
        let mut seen: HashSet<ExprId> = HashSet::new();
        let mut waiting = roots.to_vec();
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                self.expr(id).each_operand(&mut |operand| waiting.push(operand));
            }
        }
        seen
    }
}
