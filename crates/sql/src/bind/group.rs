//! `GROUP BY`, `HAVING` and `SELECT DISTINCT`: separates what is computed from rows from what is computed
//! from groups.

use std::collections::HashMap;

use super::aggregate::BoundAggregate;
use super::calls::{CallCollector, Calls};
use super::correlation::value_over_nothing;
use super::finish::{finish, own_inputs};
use super::group_keys::GroupContext;
use super::lift::Lift;
use super::over::{BoundOrder, OverCall};
use super::scope::Relation;
use super::select::{Bodies, Item, SelectParts, bodies};
use super::stage::Stage;
use super::subquery::{QueryValue, join_value, join_values};
use super::{Bound, Cell, Column, QueryBinder, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::graph::{Graph, InputOrigin};
use crate::parse::ast::{self, ExprKind, Ident, Select, SelectItem};
use crate::plan::operator::AggregateCall;
use crate::rel::{AggregateRel, GroupWindow, Rel, TimeAttribute};
use types::Value;

/// Binds the clauses of a SELECT with groups. Also returns the value of its first column over no rows, if that
/// is not null.
pub(super) fn group(
    binder: &mut QueryBinder<'_>,
    parts: SelectParts<'_>,
    mut stage: Stage,
    outer_conditions: &[ExprId],
) -> Bound<(Relation, Option<Value>)> {
    let span = parts.syntax.span;
    let mut context = GroupContext::bind(binder, parts, &mut stage)?;
    let mut calls = CallCollector::default().allow_aggregates().allow_overs();
    let bodies = bodies(binder, parts, &mut stage, Some(&context), &mut calls)?;
    let Calls { aggregates, overs, values } = calls.into_calls();
    let is_global = context.is_global();

    // A condition on the enclosing query splits the groups: this query's side of it becomes a hidden key.
    let own = own_inputs(&mut stage, outer_conditions);
    if context.add_hidden(own) {
        only_equal(binder, stage.graph(), outer_conditions, span)?;
    }

    let empty =
        is_global.then(|| bodies.items.first()).flatten().filter(|_| !outer_conditions.is_empty()).and_then(
            |item| match item.column.cell {
                Cell::Scalar(id) => value_over_nothing(&aggregates, stage.graph(), id),
                _ => None,
            },
        );

    let (groups, bodies, overs) =
        grouped(binder, parts, stage, &context, &aggregates, (bodies, values), overs, outer_conditions)?;
    let GroupedRows { mut stage, outer_conditions } = groups;
    let having: Vec<ExprId> = bodies.having.iter().filter_map(|item| as_scalar(&item.column)).collect();
    stage.filter(&having, span, binder.rules());
    let relation = finish(binder, parts, stage, bodies, &overs, &outer_conditions)?;
    Ok((relation, empty))
}

/// Adds the aggregate over the rows and lifts every bound expression over its results.
#[expect(clippy::too_many_arguments, reason = "the parts of one SELECT, each used once")]
fn grouped(
    binder: &mut QueryBinder<'_>,
    parts: SelectParts<'_>,
    mut stage: Stage,
    context: &GroupContext,
    aggregates: &[BoundAggregate],
    (bodies, values): (Bodies, Vec<QueryValue>),
    overs: Vec<OverCall>,
    outer_conditions: &[ExprId],
) -> Bound<(GroupedRows, Bodies, Vec<OverCall>)> {
    let select = parts.syntax;
    let span = select.group_by.as_ref().map_or(select.span, |group_by| group_by.span);
    let mut needed = context.keys().to_vec();
    needed.extend(context.window().map(|window| window.time));
    aggregates.iter().for_each(|call| needed.extend(call.args.iter().chain(&call.filter)));
    join_values(binder, &mut stage, &values, Some(&needed))?;
    let mut fields = stage.fields_of(&needed, span).into_iter();

    let keys: Vec<usize> = fields.by_ref().take(context.keys().len()).collect();
    let window =
        context.window().and_then(|window| Some(GroupWindow { shape: window.shape, time: fields.next()? }));
    if let Some(window) = window {
        expect_time(binder, stage.rel(), window.time, span)?;
    }
    let calls: Vec<AggregateCall> = aggregates
        .iter()
        .map(|call| {
            let args: Vec<usize> = fields.by_ref().take(call.args.len()).collect();
            let filter = call.filter.and_then(|_| fields.next());
            AggregateCall {
                function: call.function.clone(),
                arg_types: args.iter().map(|&arg| stage.rel().fields[arg].column_type.clone()).collect(),
                args,
                distinct: call.distinct,
                filter,
                column_type: call.column_type.clone(),
                name: call.name.clone(),
            }
        })
        .collect();

    let sets = context.sets();
    let results = keys.len() + calls.len();
    let set = sets.is_some().then_some(results);
    let window_at = window.is_some().then_some(results + usize::from(set.is_some()));
    let aggregate = AggregateRel { keys, sets, calls, window, state_ttl: parts.hints.group_ttl() };
    let (mut grouped, _) = Stage::over(Rel::aggregate(stage.rel().clone(), aggregate, span));

    let mut lift = Lift::new(stage.graph(), grouped.graph_mut(), context.keys(), set, window_at);
    let mut failed = vec![];
    let mut lifted = |lift: &mut Lift<'_>, item: &mut Item| {
        // A ROW that is a key is passed on as a whole: its fields are not keys.
        if let Cell::Row { whole: Some(whole), .. } = item.column.cell
            && context.keys().contains(&whole)
        {
            item.column.cell = Cell::Scalar(whole);
        }
        let mut wrong = None;
        item.column = item.column.map(&mut |id| match lift.lift(id) {
            Ok(id) => id,
            Err(leaf) => {
                wrong.get_or_insert(leaf);
                id
            }
        });
        if let Some(leaf) = wrong {
            failed.push(not_grouped(stage.graph(), leaf, &item.column.name, &item.uses, item.span));
        }
    };

    let Bodies { mut items, mut having, mut qualify, order } = bodies;
    for item in items.iter_mut().chain(&mut having).chain(&mut qualify) {
        lifted(&mut lift, item);
    }
    let mut lifted_order = vec![];
    for (order, uses, span) in order {
        match lift.lift(order.id) {
            Ok(id) => lifted_order.push((BoundOrder { id, ..order }, uses, span)),
            Err(leaf) => failed.push(not_grouped(stage.graph(), leaf, "", &uses, span)),
        }
    }
    let overs = overs.into_iter().map(|over| lift_over(&mut lift, over)).collect::<Result<Vec<_>, _>>();
    let outer_conditions = outer_conditions.iter().map(|id| lift.lift(*id)).collect::<Result<Vec<_>, _>>();

    binder.diagnostics().extend(failed.iter().cloned());
    if !failed.is_empty() {
        return Err(Reported);
    }
    let (overs, outer_conditions) = match (overs, outer_conditions) {
        (Ok(overs), Ok(outer_conditions)) => (overs, outer_conditions),
        (Err(leaf), _) | (_, Err(leaf)) => {
            let error = not_grouped(stage.graph(), leaf, "", &[], select.items_span());
            return Err(binder.report(error));
        }
    };
    // A subquery used as a value beside groups is joined with the groups. Its left side may read other subqueries, which
    // have smaller numbers.
    let mut of_groups: HashMap<usize, QueryValue> = HashMap::new();
    for (number, value) in values.into_iter().enumerate().rev() {
        if !lift.reads_value(number) {
            continue;
        }
        let span = value.query.span;
        match value.map_outer(&mut |id| lift.lift(id)) {
            Ok(value) => _ = of_groups.insert(number, value),
            Err(leaf) => return Err(binder.report(not_grouped(stage.graph(), leaf, "", &[], span))),
        }
    }
    let read = grouped.inputs(|origin| match origin {
        InputOrigin::Query(number) => Some(number),
        _ => None,
    });
    for (input, number) in read {
        if let Some(value) = of_groups.get(&number) {
            join_value(binder, &mut grouped, input, value)?;
        }
    }

    let bodies = Bodies { items, having, qualify, order: lifted_order };
    Ok((GroupedRows { stage: grouped, outer_conditions }, bodies, overs))
}

/// Refuses correlated conditions other than equality: the enclosing query is joined by the keys of the
/// groups.
fn only_equal(binder: &mut QueryBinder<'_>, graph: &Graph, conditions: &[ExprId], span: Span) -> Bound<()> {
    let is_equal = |id: &ExprId| match graph.exprs.expr(*id) {
        Expr::Compare(Comparison::Equal, a, b) => {
            let (a, b) = (graph.facts(*a), graph.facts(*b));
            (a.uses_outer && !a.uses_row && !b.uses_outer) || (b.uses_outer && !b.uses_row && !a.uses_outer)
        }
        _ => false,
    };
    if conditions.iter().all(is_equal) {
        return Ok(());
    }
    let error =
        Diagnostic::error(span, "a correlated query with groups may only use equality with the outer query")
            .with_hint("write the condition as inner.column = outer.column");
    Err(binder.report(error))
}

/// Requires a time attribute for a group window.
fn expect_time(binder: &mut QueryBinder<'_>, rel: &Rel, field: usize, span: Span) -> Bound<()> {
    match rel.fields[field].time {
        Some(TimeAttribute::Event | TimeAttribute::Processing) => Ok(()),
        None => {
            let name = &rel.fields[field].name;
            let error = Diagnostic::error(span, format!("`{name}` is not an event time"))
                .with_hint("declare it: WATERMARK FOR time AS time - INTERVAL '5' SECOND");
            Err(binder.report(error))
        }
    }
}

/// The rows of the groups, and the correlated conditions over them.
struct GroupedRows {
    stage: Stage,
    outer_conditions: Vec<ExprId>,
}

fn lift_over(lift: &mut Lift<'_>, mut over: OverCall) -> Result<OverCall, ExprId> {
    for id in over.args.iter_mut().chain(&mut over.filter).chain(&mut over.window.partition) {
        *id = lift.lift(*id)?;
    }
    for order in &mut over.window.order {
        order.id = lift.lift(order.id)?;
    }
    Ok(over)
}

fn as_scalar(column: &Column) -> Option<ExprId> {
    match column.cell {
        Cell::Scalar(id) => Some(id),
        _ => None,
    }
}

pub(super) fn is_aggregating(select: &Select) -> bool {
    let items = select.items.iter().any(|item| match item {
        SelectItem::Expr { expr, .. } => has_aggregate(expr),
        SelectItem::Star { .. } => false,
    });
    items || select.group_by.is_some() || select.having.is_some()
}

fn has_aggregate(expr: &ast::Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Call(call) => {
            call.over.is_none() && super::aggregate::is_aggregate(&call.name.value.to_ascii_uppercase())
        }
        _ => false,
    };
    // The arguments of an OVER call may contain aggregates too.
    own || expr.kind.children().into_iter().any(has_aggregate)
}

fn not_grouped(rows: &Graph, leaf: ExprId, name: &str, uses: &[(ExprId, Ident)], span: Span) -> Diagnostic {
    let contains = |root: ExprId| {
        let mut stack = vec![root];
        let mut seen = std::collections::HashSet::new();
        while let Some(id) = stack.pop() {
            if id == leaf {
                return true;
            }
            if seen.insert(id) {
                stack.extend(rows.exprs.operands(id));
            }
        }
        false
    };

    let (name, span) = match uses.iter().find(|(id, _)| contains(*id)) {
        Some((_, ident)) => (ident.value.clone(), ident.span),
        None => (name.to_owned(), span),
    };
    let name = match rows.exprs.expr(leaf) {
        Expr::Column(input) if name.is_empty() => rows.exprs.inputs[*input].name.clone(),
        _ => name,
    };

    Diagnostic::error(span, format!("`{name}` is not grouped: it may differ from row to row of a group"))
        .with_hint("add it to GROUP BY, or aggregate it: MAX, FIRST_VALUE, COUNT(DISTINCT …)")
}
