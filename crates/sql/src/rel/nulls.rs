//! Fields that a filter keeps free of nulls.
//!
//! The type of a field says whether the field may be null, as in Flink, where `WHERE x IS NOT NULL` does not change the
//! type of `x`. A notice about nulls also looks at the filters below:
//!
//! ```text
//! Calc[x AS y]                  y is never null,
//!  └ Calc[x | x IS NOT NULL]    because x has passed this filter
//! ```

use super::{Rel, RelKind};
use crate::expr::{Expr, ExprGraph, ExprId};
use crate::plan::operator::JoinKind;

impl Rel {
    /// Returns whether a filter below this node removes every row whose `field` is null. `false` is also the answer
    /// where this is not known.
    pub(crate) fn excludes_null(&self, field: usize) -> bool {
        let mut node = self;
        let mut field = field;
        loop {
            let (next, next_field) = match &node.kind {
                RelKind::Calc(calc) => {
                    let Expr::Column(input) = *calc.exprs.expr(calc.columns[field]) else { return false };
                    if calc.conditions.iter().any(|&condition| needs(&calc.exprs, condition, input)) {
                        return true;
                    }
                    (node.input(), input)
                }
                RelKind::Join(join) if join.kind == JoinKind::Inner => {
                    let width = node.inputs[0].fields.len();
                    match field.checked_sub(width) {
                        None => (&node.inputs[0], field),
                        Some(of_right) => (&node.inputs[1], of_right),
                    }
                }
                _ => return false,
            };
            node = next;
            field = next_field;
        }
    }
}

/// Returns whether a condition is never true for a null in `input`.
fn needs(exprs: &ExprGraph, condition: ExprId, input: usize) -> bool {
    let is_input = |id: ExprId| matches!(exprs.expr(id), Expr::Column(column) if *column == input);
    match exprs.expr(condition) {
        Expr::IsNotNull(value) => is_input(*value),
        Expr::Compare(_, a, b) => is_input(*a) || is_input(*b),
        Expr::And(a, b) => needs(exprs, *a, input) || needs(exprs, *b, input),
        Expr::Or(a, b) => needs(exprs, *a, input) && needs(exprs, *b, input),
        _ => false,
    }
}
