//! Subqueries that filter rows: a condition that is only an `EXISTS` or `IN` becomes a semi join, its negation an anti
//! join.

use super::expression::Clause;
use super::resolve::Scope;
use super::scope::OuterScope;
use super::stage::Stage;
use super::subquery::{Equality, Pairs, PreparedQuery, Test, check_inputs, join_pairs, scalars};
use super::{Bound, QueryBinder};
use crate::expr::ExprId;
use crate::parse::ast::{self, ExprKind};
use crate::plan::operator::JoinKind;

/// Turns a condition that is only a subquery into a join that filters the rows.
pub(super) fn filter_by_query(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    scope: &Scope,
    outer: Option<&OuterScope>,
    condition: &ast::Expr,
    queries: &[PreparedQuery],
) -> Option<Bound<()>> {
    let (inner, negated) = match &condition.kind {
        ExprKind::Not(inner) => (&**inner, true),
        _ => (condition, false),
    };
    let query = queries.iter().find(|query| query.span == inner.span)?;
    let (input, is_anti) = match (&inner.kind, &query.test) {
        (ExprKind::Exists(_), Test::Exists) => (None, negated),
        (
            ExprKind::InQuery { input, .. } | ExprKind::Quantified { input, .. },
            Test::In { negated: within },
        ) => (Some(&**input), negated != *within),
        _ => return None,
    };

    // A left side that contains a subquery has a value only behind the join with that subquery.
    let is_inside = |input: &ast::Expr, query: &PreparedQuery| {
        input.span.start <= query.span.start && query.span.end <= input.span.end
    };
    if input.is_some_and(|input| queries.iter().any(|query| is_inside(input, query))) {
        return None;
    }

    let inputs = match input {
        None => vec![],
        Some(input) => match compared(binder, stage, scope, outer, input) {
            Ok(inputs) => inputs,
            Err(reported) => return Some(Err(reported)),
        },
    };
    if let Err(reported) = check_inputs(&mut binder.nodes(stage.graph_mut()), &inputs, condition.span) {
        return Some(Err(reported));
    }
    // A left side that contains an aggregate is not known yet, so the rows cannot be joined by it.
    if inputs.iter().any(|id| stage.graph().facts(*id).uses_aggregate) {
        return None;
    }
    Some(join_by_query(binder, stage, query, &inputs, is_anti))
}

/// Binds the left side of an `IN`, which contains no subquery: one value or a row.
fn compared(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    scope: &Scope,
    outer: Option<&OuterScope>,
    input: &ast::Expr,
) -> Bound<Vec<ExprId>> {
    let items: Vec<&ast::Expr> = match &input.kind {
        ExprKind::Row(items) => items.iter().collect(),
        _ => vec![input],
    };
    let clause = Clause { outer, ..Clause::new(scope, "here") };
    binder.exprs(stage.graph_mut(), clause, |exprs| items.into_iter().map(|item| exprs.bind(item)).collect())
}

fn join_by_query(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    query: &PreparedQuery,
    inputs: &[ExprId],
    is_anti: bool,
) -> Bound<()> {
    let relation = &query.relation;
    let columns = scalars(binder, relation, inputs.len(), query.span)?;
    let kind = if is_anti { JoinKind::Anti } else { JoinKind::Semi };
    let pairs = Pairs { inputs, columns: &columns };
    if !is_anti || !pairs.are_nullable(stage, relation) {
        return join_pairs(binder, stage, query, (kind, None), pairs, Equality::True);
    }

    // The join compares the pair itself, so it must be one pair with a value of each side.
    let is_operator = inputs.len() == 1 && stage.graph().facts(inputs[0]).uses_row;
    if is_operator {
        // The comparison follows the correlated conditions.
        let null_aware = Some(relation.correlated.len());
        join_pairs(binder, stage, query, (kind, null_aware), pairs, Equality::True)
    } else {
        join_pairs(binder, stage, query, (kind, None), pairs, Equality::TrueOrUnknown)
    }
}
