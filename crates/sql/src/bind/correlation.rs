//! Correlation: conditions of a subquery on rows of the enclosing query, and how a subquery is made
//! single-valued.

use super::Cell;
use super::aggregate::BoundAggregate;
use super::scope::{Correlated, Relation};
use super::stage::JoinScope;
use crate::error::Span;
use crate::expr::{Expr, ExprId};
use crate::graph::InputOrigin;
use crate::plan::operator::{AggregateCall, Function};
use crate::rel::{AggregateRel, Rel};
use types::Value;

/// Moves the conditions of a correlated query to the scope of a join of both queries.
pub(super) fn correlated(both: &mut JoinScope<'_>, conditions: &[Correlated]) -> Vec<ExprId> {
    conditions.iter().map(|condition| correlated_at(both, condition, &|field| field)).collect()
}

/// Moves one condition; `place` maps the subquery's fields to their places in the join.
pub(super) fn correlated_at(
    both: &mut JoinScope<'_>,
    condition: &Correlated,
    place: &dyn Fn(usize) -> usize,
) -> ExprId {
    let own = condition.exprs.inputs.len() - condition.outer.len();
    let outer: Vec<ExprId> = condition.outer.iter().map(|&id| both.of_left(id)).collect();
    let left = both.left_width();

    // Replace the inputs for outer columns by the outer expressions.
    let mut known = std::collections::HashMap::new();
    for (id, node) in condition.exprs.iter() {
        let new = match &node.expr {
            Expr::Column(input) if *input >= own => outer[*input - own],
            Expr::Column(input) => {
                both.graph_mut().add(Expr::Column(left + place(*input)), node.column_type.clone())
            }
            other => {
                let expr = crate::graph::map_operands(other, |operand| {
                    Ok::<_, std::convert::Infallible>(known[&operand])
                });
                let Ok(expr) = expr;
                both.graph_mut().add(expr, node.column_type.clone())
            }
        };
        known.insert(id, new);
    }
    known[&condition.condition]
}

/// Returns the fields of a relation that its correlated conditions read, ascending.
pub(super) fn correlation_fields(relation: &Relation) -> Vec<usize> {
    let mut fields = std::collections::BTreeSet::new();
    for condition in &relation.correlated {
        let own = condition.exprs.inputs.len() - condition.outer.len();
        let read = crate::rel::rebase::inputs_of(&condition.exprs, &[condition.condition]);
        fields.extend(read.into_iter().filter(|input| *input < own));
    }
    fields.into_iter().collect()
}

/// Returns whether a relation has at most one row, or at most one for each value of its correlated fields.
pub(super) fn is_single(relation: &Relation) -> bool {
    let mut rel = &relation.rel;
    let hidden = correlation_fields(relation);
    loop {
        match &rel.kind {
            crate::rel::RelKind::Calc(calc) if calc.conditions.is_empty() => rel = rel.input(),
            crate::rel::RelKind::Aggregate(aggregate) => {
                return aggregate.sets.is_none()
                    && aggregate.window.is_none()
                    && aggregate.keys.len() <= hidden.len();
            }
            _ => return false,
        }
    }
}

/// Reduces a relation to its single value; a second row fails the job.
pub(super) fn single(relation: &Relation, field: usize, span: Span) -> Relation {
    let keys = correlation_fields(relation);
    let of_field = &relation.rel.fields[field];
    let call = AggregateCall {
        function: Function::SingleValue,
        args: vec![field],
        distinct: false,
        filter: None,
        arg_types: vec![of_field.column_type.clone()],
        column_type: of_field.column_type.data_type.clone().nullable(),
        name: format!("SINGLE_VALUE({})", of_field.name),
    };
    let aggregate =
        AggregateRel { keys: keys.clone(), sets: None, calls: vec![call], window: None, state_ttl: None };
    let rel = Rel::aggregate(relation.rel.clone(), aggregate, span);

    let place = |field: usize| keys.iter().position(|key| *key == field).unwrap_or(0);
    let correlated = relation.correlated.iter().map(|condition| {
        let own = condition.exprs.inputs.len() - condition.outer.len();
        let mut scope = rel.scope();
        scope.extend(condition.exprs.inputs[own..].iter().cloned());
        let (exprs, ids) =
            crate::rel::rebase::moved(&condition.exprs, &[condition.condition], scope, |input| {
                if input < own { place(input) } else { rel.fields.len() + input - own }
            });
        Correlated { exprs, condition: ids[0], outer: condition.outer.clone() }
    });
    Relation {
        columns: vec![super::Column { name: of_field.name.clone(), cell: Cell::Scalar(keys.len()) }],
        correlated: correlated.collect(),
        rel: rel.clone(),
    }
}

/// Returns the value of a query's first column over no rows, if it is known and not null.
pub(super) fn value_over_nothing(
    calls: &[BoundAggregate],
    graph: &crate::graph::Graph,
    id: ExprId,
) -> Option<Value> {
    // Only a bare COUNT is common enough to be folded.
    match graph.exprs.expr(id) {
        Expr::Column(input) => match graph.origin(*input) {
            InputOrigin::Aggregate(call) if calls.get(call)?.function == Function::Count => {
                Some(Value::Int(0))
            }
            _ => None,
        },
        _ => None,
    }
}
