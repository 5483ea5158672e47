//! Builds chains of operators that bind alike as flat lists, so that a long chain is not a deep tree.
//!
//! ```text
//! a AND b AND c        All[a, b, c]
//! a + b - c * d        a, [+ b, - (c, [* d])]
//! ```

use super::ast::{Expr, ExprKind, Term};
use super::{Parsed, Parser};

impl Parser {
    /// Builds `left AND right` or `left OR right` as a flat list, so that a long chain of conditions is not a
    /// deep tree.
    pub(super) fn chain(&self, left: Expr, is_and: bool, right: Expr) -> Parsed<Expr> {
        let start = left.span;
        // The depth of an extended list is known; looking at all items for each new one would be quadratic.
        let (mut items, below) = match left.kind {
            ExprKind::All(items) if is_and => (items, left.depth - 1),
            ExprKind::Any(items) if !is_and => (items, left.depth - 1),
            _ => {
                let depth = left.depth;
                (vec![left], depth)
            }
        };
        let below = below.max(right.depth);
        items.push(right);
        self.bounded(items.len(), "conditions", start)?;

        let kind = if is_and { ExprKind::All(items) } else { ExprKind::Any(items) };
        self.node_over(kind, below, self.tokens.since(start))
    }

    /// Builds `left + right` as a flat list too, if `left` is a chain of operators that bind alike.
    pub(super) fn operation(&self, left: Expr, operator: &'static str, right: Expr) -> Parsed<Expr> {
        let (start, depth) = (left.span, left.depth);
        let (first, mut rest, below) = match left.kind {
            ExprKind::Arithmetic { first, rest } if bind_alike(rest[0].operator, operator) => {
                (first, rest, depth - 1)
            }
            kind => (Box::new(Expr { kind, ..left }), vec![], depth),
        };
        let below = below.max(right.depth);
        let span = self.tokens.since(start);
        rest.push(Term { operator, operand: right, span });
        self.bounded(rest.len() + 1, "terms", start)?;
        self.node_over(ExprKind::Arithmetic { first, rest }, below, span)
    }
}

/// Returns whether two arithmetic operators have the same precedence.
fn bind_alike(a: &str, b: &str) -> bool {
    let is_sum = |operator: &str| matches!(operator, "+" | "-");
    is_sum(a) == is_sum(b)
}
