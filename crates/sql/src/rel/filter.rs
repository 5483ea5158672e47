//! Filters: conditions are moved as close to the rows they read as possible.
//!
//! Above an inner join, a condition over one side filters that side before the join. A condition over both
//! sides becomes a condition of the join, where keys and time bounds are found:
//!
//! ```text
//! FROM a, b WHERE a.k = b.k AND a.i > 2        Join[a.k = b.k]
//!                                               ├ Calc[* | i > 2]
//!                                               │  └ Scan[a]
//!                                               └ Scan[b]
//! ```

use std::sync::Arc;

use super::rebase::{Rebase, inputs_of, moved};
use super::{JoinRel, Rel, RelKind};
use crate::error::Span;
use crate::expr::{Expr, ExprGraph, ExprId};
use crate::plan::operator::JoinKind;
use crate::rules::{Rule, Rules};

impl Rel {
    /// Filters by conditions that must all be true. The fields keep their places.
    pub(crate) fn filtered(
        self: &Arc<Rel>,
        exprs: &ExprGraph,
        conditions: &[ExprId],
        span: Span,
        rules: Rules,
    ) -> Arc<Rel> {
        if conditions.is_empty() {
            return self.clone();
        }
        match &self.kind {
            RelKind::Join(join)
                if rules.has(Rule::PushFilters)
                    && join.kind == JoinKind::Inner
                    && join.null_aware.is_none() =>
            {
                self.filtered_join(join, exprs, conditions, span, rules)
            }
            _ => self.filtered_here(exprs, conditions, span),
        }
    }

    fn filtered_join(
        &self,
        join: &JoinRel,
        exprs: &ExprGraph,
        conditions: &[ExprId],
        span: Span,
        rules: Rules,
    ) -> Arc<Rel> {
        let (left, right) = (&self.inputs[0], &self.inputs[1]);
        let width = left.fields.len();
        let (mut of_left, mut of_right, mut of_both, mut of_none) = (vec![], vec![], vec![], vec![]);
        for &condition in conditions {
            let inputs = inputs_of(exprs, &[condition]);
            match (inputs.first(), inputs.last()) {
                (Some(_), Some(&last)) if last < width => of_left.push(condition),
                (Some(&first), _) if first >= width => of_right.push(condition),
                (Some(_), _) => of_both.push(condition),
                (None, _) => of_none.push(condition),
            }
        }

        let (left_exprs, of_left) = moved(exprs, &of_left, left.scope(), |input| input);
        let (right_exprs, of_right) = moved(exprs, &of_right, right.scope(), |input| input - width);
        let left = left.filtered(&left_exprs, &of_left, span, rules);
        let right = right.filtered(&right_exprs, &of_right, span, rules);

        let mut join = join.clone();
        let column = |to: &mut ExprGraph, input: usize| {
            let column_type = to.inputs[input].column_type.clone();
            to.add(Expr::Column(input), column_type)
        };
        join.conditions.extend(Rebase::new(exprs, &mut join.exprs, column).all(&of_both));
        let joined = Rel::join(left, right, join, self.span);
        match of_none.is_empty() {
            true => joined,
            false => joined.filtered_here(exprs, &of_none, span),
        }
    }

    fn filtered_here(self: &Arc<Rel>, exprs: &ExprGraph, conditions: &[ExprId], span: Span) -> Arc<Rel> {
        let (mut exprs, conditions) = moved(exprs, conditions, self.scope(), |input| input);
        let columns = self.passed_on(&mut exprs);
        Rel::calc(self.clone(), exprs, conditions, columns, span)
    }

    /// Returns an expression for every field, unchanged.
    pub(crate) fn passed_on(&self, exprs: &mut ExprGraph) -> Vec<(String, ExprId)> {
        let fields = self.fields.iter().enumerate();
        let column = |(place, field): (usize, &super::RelField)| {
            (field.name.clone(), exprs.add(Expr::Column(place), field.column_type.clone()))
        };
        fields.map(column).collect()
    }
}
