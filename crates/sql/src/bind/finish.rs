//! The end of a SELECT: turns bound expressions into the rows of the query.

use std::collections::HashMap;

use super::over::OverCall;
use super::scope::{Correlated, Relation};
use super::select::{Bodies, SelectParts};
use super::stage::Stage;
use super::{Bound, Cell, Column, QueryBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::{Expr as BoundExpr, ExprId};
use crate::graph::InputOrigin;
use crate::plan::operator::{AggregateCall, SortKey};
use crate::rel::rebase::inputs_of;
use crate::rel::{AggregateRel, OverRel, Rel, SortRel};

/// Adds OVER, QUALIFY, the columns, DISTINCT, ORDER BY and LIMIT to the bound expressions.
pub(super) fn finish(
    binder: &mut QueryBinder<'_>,
    parts: SelectParts<'_>,
    mut stage: Stage,
    bodies: Bodies,
    overs: &[OverCall],
    outer_conditions: &[ExprId],
) -> Bound<Relation> {
    let SelectParts { syntax: select, behind, hints, .. } = parts;
    add_overs(binder, &mut stage, overs, select.span)?;
    let qualify: Vec<ExprId> = bodies.qualify.iter().map(|item| scalar(&item.column)).collect();
    stage.filter(&qualify, select.span, binder.rules());

    let outer_inputs: Vec<ExprId> = own_inputs(&mut stage, outer_conditions);

    // The columns come first, then the fields that ORDER BY and the enclosing query need.
    let mut fields: Vec<(String, ExprId)> = vec![];
    let mut places: HashMap<ExprId, usize> = HashMap::new();
    let exprs = &stage.graph().exprs;
    let mut place_of = |name: &str, id: ExprId| {
        *places.entry(id).or_insert_with(|| {
            // A column that is passed on keeps its source's name.
            let name = match exprs.expr(id) {
                BoundExpr::Column(input) => exprs.inputs[*input].name.clone(),
                _ => name.to_owned(),
            };
            fields.push((name, id));
            fields.len() - 1
        })
    };
    let columns: Vec<Column<usize>> = bodies
        .items
        .iter()
        .map(|item| {
            let name = item.column.name.clone();
            item.column.map(&mut |id| place_of(&name, id))
        })
        .collect();
    let visible = columns_width(&columns);
    let order: Vec<SortKey> = bodies
        .order
        .iter()
        .map(|(order, _, _)| SortKey {
            field: place_of("$order", order.id),
            descending: order.descending,
            nulls_first: order.nulls_first,
        })
        .collect();
    let hidden: Vec<usize> = outer_inputs.iter().map(|id| place_of("$outer", *id)).collect();

    if select.distinct && order.iter().any(|key| key.field >= visible) {
        let span = bodies.order[0].2;
        let error = Diagnostic::error(span, "ORDER BY of a SELECT DISTINCT may only use selected columns");
        return Err(
            binder.report(error.with_hint("select the expression too, and drop it in an outer query"))
        );
    }

    let ids: Vec<ExprId> = fields.iter().map(|(_, id)| *id).collect();
    let (exprs, ids) = stage.exprs(&ids);
    let names: Vec<String> = fields.into_iter().map(|(name, _)| name).collect();
    let mut rel =
        Rel::calc(stage.rel().clone(), exprs, vec![], names.iter().cloned().zip(ids).collect(), select.span);

    if select.distinct {
        let keys: Vec<usize> = (0..rel.fields.len()).collect();
        let aggregate =
            AggregateRel { keys, sets: None, calls: vec![], window: None, state_ttl: hints.group_ttl() };
        rel = Rel::aggregate(rel, aggregate, select.span);
    }
    if !order.is_empty() || behind.limit.is_some() || behind.offset > 0 {
        let sort = SortRel { order, offset: behind.offset, limit: behind.limit };
        rel = Rel::sort(rel, sort, select.span);
    }

    let correlated = correlated_conditions(&stage, outer_conditions, &outer_inputs, &hidden, &rel);
    Ok(Relation { rel, columns, correlated })
}

/// Appends the results of OVER calls to the fields, with one node for each distinct window.
fn add_overs(binder: &mut QueryBinder<'_>, stage: &mut Stage, overs: &[OverCall], span: Span) -> Bound<()> {
    let mut done = vec![false; overs.len()];
    let mut inputs_of_calls: Vec<Vec<usize>> = vec![vec![]; overs.len()];
    let inputs = stage.inputs(|origin| match origin {
        InputOrigin::Over(number) => Some(number),
        _ => None,
    });
    inputs.into_iter().for_each(|(input, number)| inputs_of_calls[number].push(input));

    for first in 0..overs.len() {
        if done[first] {
            continue;
        }
        let window = &overs[first].window;
        let together: Vec<usize> = (first..overs.len())
            .filter(|&at| overs[at].window == *window && is_ranking(&overs[at]) == is_ranking(&overs[first]))
            .collect();

        let mut needed: Vec<ExprId> = window.partition.clone();
        needed.extend(window.order.iter().map(|order| order.id));
        for &at in &together {
            needed.extend(overs[at].args.iter().chain(&overs[at].filter));
        }
        let mut fields = stage.fields_of(&needed, span).into_iter();
        let partition = fields.by_ref().take(window.partition.len()).collect();
        let order: Vec<SortKey> = window
            .order
            .iter()
            .zip(fields.by_ref())
            .map(|(order, field)| SortKey {
                field,
                descending: order.descending,
                nulls_first: order.nulls_first,
            })
            .collect();

        let mut calls = vec![];
        for &at in &together {
            let over = &overs[at];
            let args: Vec<usize> = fields.by_ref().take(over.args.len()).collect();
            let filter = over.filter.and_then(|_| fields.next());
            calls.push(AggregateCall {
                function: over.function.clone(),
                arg_types: args.iter().map(|&arg| stage.rel().fields[arg].column_type.clone()).collect(),
                args,
                distinct: over.distinct,
                filter,
                column_type: over.column_type.clone(),
                name: over.name.clone(),
            });
        }

        let start = stage.rel().fields.len();
        let over = OverRel { partition, order, frame: window.frame, calls };
        stage.add_step(|rel| Rel::over(rel, over, overs[first].span));
        for (place, &at) in together.iter().enumerate() {
            done[at] = true;
            for &input in &inputs_of_calls[at] {
                stage.fill(input, start + place);
            }
        }
        binder.check_tree(stage.rel(), overs[first].span)?;
    }
    Ok(())
}

/// Returns the query's own inputs that conditions on the enclosing query read.
pub(super) fn own_inputs(stage: &mut Stage, outer_conditions: &[ExprId]) -> Vec<ExprId> {
    let read = inputs_of(&stage.graph().exprs, outer_conditions);
    let own = read.into_iter().filter(|&input| !matches!(stage.graph().origin(input), InputOrigin::Outer(_)));
    let own: Vec<usize> = own.collect();
    own.into_iter()
        .map(|input| {
            let column_type = stage.graph().exprs.inputs[input].column_type.clone();
            stage.graph_mut().add(BoundExpr::Column(input), column_type)
        })
        .collect()
}

/// Moves conditions on the enclosing query to the relation's fields; `own` and `places` say where this
/// query's inputs are.
fn correlated_conditions(
    stage: &Stage,
    conditions: &[ExprId],
    own: &[ExprId],
    places: &[usize],
    rel: &Rel,
) -> Vec<Correlated> {
    let place_of = |input: usize| {
        own.iter().zip(places).find_map(|(id, place)| match stage.graph().exprs.expr(*id) {
            BoundExpr::Column(known) if *known == input => Some(*place),
            _ => None,
        })
    };

    let one = |&condition: &ExprId| {
        let read = inputs_of(&stage.graph().exprs, &[condition]);
        let outer: Vec<(usize, ExprId)> = read
            .iter()
            .filter_map(|&input| match stage.graph().origin(input) {
                InputOrigin::Outer(id) => Some((input, id)),
                _ => None,
            })
            .collect();
        let mut scope = rel.scope();
        scope.extend(outer.iter().map(|(input, _)| stage.graph().exprs.inputs[*input].clone()));
        let width = rel.fields.len();
        let (exprs, ids) = crate::rel::rebase::moved(&stage.graph().exprs, &[condition], scope, |input| {
            match outer.iter().position(|(known, _)| *known == input) {
                Some(at) => width + at,
                None => place_of(input).expect("what a condition reads is a field"),
            }
        });
        Correlated { exprs, condition: ids[0], outer: outer.into_iter().map(|(_, id)| id).collect() }
    };

    conditions.iter().map(one).collect()
}

/// Returns the number of fields that columns use.
fn columns_width(columns: &[Column<usize>]) -> usize {
    let mut width = 0;
    for column in columns {
        column.map(&mut |place| width = width.max(place + 1));
    }
    width
}

fn is_ranking(over: &OverCall) -> bool {
    matches!(over.function, crate::plan::operator::Function::RowNumber)
}

pub(super) fn scalar(column: &Column) -> ExprId {
    match column.cell {
        Cell::Scalar(id) => id,
        _ => unreachable!("a condition is a scalar"),
    }
}
