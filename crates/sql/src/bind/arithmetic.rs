//! Chains of operators: `a + b - c`, `a * b / c`, `a || b || c`.
//!
//! A chain is evaluated from left to right, so it becomes a tree with one level for each operator. Only a long
//! chain of `||` becomes one call: each of its levels would copy the texts before it.

use super::function::call_function;
use super::{Bound, ExprBinder};
use crate::expr::ExprId;
use crate::parse::ast::{self, Term};

/// Number of terms from which on a chain of `||` becomes one call.
///
/// Shorter chains stay pairs, because state is found by the texts of its expressions.
const JOINED_TERMS: usize = 100;

/// Binds a chain of operators.
pub(super) fn arithmetic(binder: &mut ExprBinder<'_>, first: &ast::Expr, rest: &[Term]) -> Bound<ExprId> {
    if let [.., last] = rest
        && rest.len() >= JOINED_TERMS
        && rest.iter().all(|term| term.operator == "||")
    {
        let terms = std::iter::once(first).chain(rest.iter().map(|term| &term.operand));
        // All terms are bound before it fails, so that several errors are reported at once.
        let bound: Vec<Bound<ExprId>> = terms.map(|term| binder.expr(term)).collect();
        let args = bound.into_iter().collect::<Bound<Vec<ExprId>>>()?;
        return call_function(binder.nodes(), "||", &args, last.span);
    }

    let mut left = binder.expr(first);
    for Term { operator, operand, span } in rest {
        let right = binder.expr(operand);
        left = match (left, right) {
            (Ok(left), Ok(right)) => call_function(binder.nodes(), operator, &[left, right], *span),
            (Err(reported), _) | (_, Err(reported)) => Err(reported),
        };
    }
    left
}
