//! `SELECT`: binds clause by clause, from `FROM` to a relation.

use super::calls::CallCollector;
use super::expression::Clause;
use super::fields::all_fields;
use super::finish::finish;
use super::from::FromBinder;
use super::group::{group, is_aggregating};
use super::group_keys::GroupContext;
use super::hints::check_select_hints;
use super::over::BoundOrder;
use super::query_filter::filter_by_query;
use super::resolve::Scope;
use super::scope::{OuterScope, Relation};
use super::select_hints::SelectHints;
use super::stage::Stage;
use super::subquery::{PreparedQuery, join_values, prepare};
use super::{Bound, Cell, Column, ExprBinder, QueryBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::graph::Graph;
use crate::parse::ast::{Expr, ExprKind, Ident, OrderItem, Select, SelectItem};
use types::Value;

/// A select item or condition, bound over the rows.
pub(super) struct Item {
    pub(super) column: Column,
    pub(super) uses: Vec<(ExprId, Ident)>,
    pub(super) span: Span,
}

/// An item of ORDER BY, the source columns it uses, and its place in the script.
pub(super) type SortItem = (BoundOrder, Vec<(ExprId, Ident)>, Span);

/// The bound expressions of a SELECT.
pub(super) struct Bodies {
    pub(super) items: Vec<Item>,
    pub(super) having: Vec<Item>,
    pub(super) qualify: Vec<Item>,
    pub(super) order: Vec<SortItem>,
}

/// The clauses behind a query that its SELECT has to handle.
#[derive(Clone, Copy)]
pub(super) struct Behind<'a> {
    pub(super) order_by: &'a [OrderItem],
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
}

/// A SELECT whose FROM is bound: its syntax, and the names in its clauses.
#[derive(Clone, Copy)]
pub(super) struct SelectParts<'s> {
    pub(super) syntax: &'s Select,
    pub(super) behind: Behind<'s>,
    pub(super) scope: &'s Scope,
    pub(super) outer: Option<&'s OuterScope>,
    pub(super) hints: &'s SelectHints,
}

/// Binds a SELECT. Also returns the value of its first column over no rows, if that is not null.
pub(super) fn select(
    binder: &mut QueryBinder<'_>,
    syntax: &Select,
    behind: Behind<'_>,
    outer: Option<&OuterScope>,
) -> Bound<(Relation, Option<Value>)> {
    check_select_hints(binder.diagnostics(), &syntax.hints)?;
    let mut hints = SelectHints::read(syntax).map_err(|error| binder.report(*error))?;

    // Queries nest in FROM, so the other data of a SELECT must not be on the stack during this call.
    let (stage, scope) = FromBinder::new(binder, &mut hints, outer).clause(syntax)?;
    hints.check_used().map_err(|error| binder.report(*error))?;
    clauses(binder, SelectParts { syntax, behind, scope: &scope, outer, hints: &hints }, stage)
}

/// Binds the clauses behind FROM.
fn clauses(
    binder: &mut QueryBinder<'_>,
    parts: SelectParts<'_>,
    mut stage: Stage,
) -> Bound<(Relation, Option<Value>)> {
    let mut outer_conditions = vec![];
    if let Some(filter) = &parts.syntax.filter {
        // An error in the condition has been reported; the rest is still checked.
        let _ = where_clause(binder, &mut stage, parts, filter, &mut outer_conditions);
    }

    if is_aggregating(parts.syntax) {
        return group(binder, parts, stage, &outer_conditions);
    }

    let mut calls = CallCollector::default().allow_overs();
    let bodies = bodies(binder, parts, &mut stage, None, &mut calls)?;
    let calls = calls.into_calls();
    join_values(binder, &mut stage, &calls.values, None)?;
    let relation = finish(binder, parts, stage, bodies, &calls.overs, &outer_conditions)?;
    Ok((relation, None))
}

/// Binds the items, HAVING, QUALIFY and ORDER BY over the rows.
pub(super) fn bodies(
    binder: &mut QueryBinder<'_>,
    parts: SelectParts<'_>,
    stage: &mut Stage,
    group: Option<&GroupContext>,
    calls: &mut CallCollector,
) -> Bound<Bodies> {
    let SelectParts { syntax: select, behind, scope, outer, .. } = parts;
    let item_exprs = select.items.iter().filter_map(|item| match item {
        SelectItem::Expr { expr, .. } => Some(expr),
        SelectItem::Star { .. } => None,
    });
    let others = select.having.iter().chain(&select.qualify);
    let orders = behind.order_by.iter().map(|item| &item.expr);
    let queries = prepare(binder, item_exprs.chain(others).chain(orders), scope, stage)?;
    let windows = &select.windows;
    let clause = Clause { outer, group, windows, queries: &queries, ..Clause::new(scope, "here") };

    let mut items: Vec<Bound<Vec<Item>>> = vec![];
    for (at, item) in select.items.iter().enumerate() {
        items.push(binder.exprs_with(stage.graph_mut(), clause, calls, |exprs| {
            let columns = item_columns(exprs, at, item)?;
            let uses = exprs.names().take_uses();
            let span = item.span();
            Ok(columns.into_iter().map(|column| Item { column, uses: uses.clone(), span }).collect())
        }));
    }

    let having = select.having.as_ref().map(conjuncts).unwrap_or_default();
    let mut bound_having = vec![];
    for condition in having {
        bound_having.push(condition_item(binder, stage, clause, calls, condition, "the condition in HAVING"));
    }
    let items: Vec<Item> = items.into_iter().collect::<Bound<Vec<_>>>()?.into_iter().flatten().collect();
    let having = bound_having.into_iter().collect::<Bound<Vec<_>>>()?;

    let aliases: Vec<Column> = items.iter().map(|item| item.column.clone()).collect();
    let clause = Clause { aliases: &aliases, ..clause };
    let mut qualify = vec![];
    for condition in select.qualify.as_ref().map(conjuncts).unwrap_or_default() {
        qualify.push(condition_item(binder, stage, clause, calls, condition, "the condition in QUALIFY")?);
    }
    let mut order = vec![];
    for item in behind.order_by {
        let bound = order_item(binder, stage, clause, calls, item, &aliases)?;
        order.push(bound);
    }
    let bodies = Bodies { items, having, qualify, order };
    refuse_outer(binder, stage.graph(), &bodies)?;
    Ok(bodies)
}

/// Refuses columns of the enclosing query outside WHERE.
fn refuse_outer(binder: &mut QueryBinder<'_>, graph: &Graph, bodies: &Bodies) -> Bound<()> {
    let items = bodies.items.iter().chain(&bodies.having).chain(&bodies.qualify);
    let mut found = None;
    for item in items {
        item.column.map(&mut |id| {
            if graph.facts(id).uses_outer {
                found.get_or_insert(item.span);
            }
        });
    }
    match found {
        None => Ok(()),
        Some(span) => {
            let error = Diagnostic::error(span, "only WHERE may use columns of the outer query")
                .with_hint("use them in the outer query, or join the tables");
            Err(binder.report(error))
        }
    }
}

fn condition_item(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    clause: Clause<'_>,
    calls: &mut CallCollector,
    condition: &Expr,
    what: &str,
) -> Bound<Item> {
    binder.exprs_with(stage.graph_mut(), clause, calls, |exprs| {
        let id = exprs.condition(condition, what)?;
        let uses = exprs.names().take_uses();
        let column = Column { name: String::new(), cell: Cell::Scalar(id) };
        Ok(Item { column, uses, span: condition.span })
    })
}

/// Binds an item of ORDER BY: the name of a result column, or an expression over the rows.
fn order_item(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    clause: Clause<'_>,
    calls: &mut CallCollector,
    item: &OrderItem,
    aliases: &[Column],
) -> Bound<SortItem> {
    let nulls_first = item.nulls_first.unwrap_or(!item.descending);
    let order = |id| BoundOrder { id, descending: item.descending, nulls_first };

    if let ExprKind::Name(path) = &item.expr.kind
        && let [name] = path.as_slice()
        && let Some(Column { cell: Cell::Scalar(id), .. }) =
            aliases.iter().find(|column| column.name == name.value)
    {
        return Ok((order(*id), vec![], item.expr.span));
    }

    binder.exprs_with(stage.graph_mut(), clause, calls, |exprs| {
        let id = exprs.bind(&item.expr)?;
        Ok((order(id), exprs.names().take_uses(), item.expr.span))
    })
}

/// Binds `WHERE` conjunct by conjunct: first conditions on rows, then conditions that contain queries.
fn where_clause(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    SelectParts { scope, outer, .. }: SelectParts<'_>,
    filter: &Expr,
    outer_conditions: &mut Vec<ExprId>,
) -> Bound<()> {
    let conditions = conjuncts(filter);
    let queries = prepare(binder, conditions.iter().copied(), scope, stage)?;
    let what = "in WHERE: put it into HAVING";
    let clause = Clause { outer, queries: &queries, ..Clause::new(scope, what) };
    let mut calls = CallCollector::default();
    let (mut plain, mut valued, mut bound) = (vec![], vec![], Ok(()));
    let mut by_query = vec![];

    for condition in conditions {
        if holds_query(condition, &queries) && is_query(condition) {
            by_query.push(condition);
            continue;
        }
        let before = calls.values().len();
        let id = binder.exprs_with(stage.graph_mut(), clause, &mut calls, |exprs| {
            exprs.condition(condition, "the condition in WHERE")
        });
        match id {
            Ok(id) if calls.values().len() > before => valued.push(id),
            Ok(id) if stage.graph().facts(id).uses_outer => outer_conditions.push(id),
            Ok(id) => plain.push(id),
            Err(reported) => bound = Err(reported),
        }
    }
    bound?;

    stage.filter(&plain, filter.span, binder.rules());
    for condition in by_query {
        match filter_by_query(binder, stage, scope, outer, condition, &queries) {
            Some(bound) => {
                bound?;
                binder.check_tree(stage.rel(), condition.span)?;
            }
            None => {
                let id = binder.exprs_with(stage.graph_mut(), clause, &mut calls, |exprs| {
                    exprs.condition(condition, "the condition in WHERE")
                })?;
                valued.push(id);
            }
        }
    }
    if !valued.is_empty() {
        join_values(binder, stage, calls.values(), None)?;
        let (of_outer, own): (Vec<ExprId>, Vec<ExprId>) =
            valued.into_iter().partition(|id| stage.graph().facts(*id).uses_outer);
        outer_conditions.extend(of_outer);
        stage.filter(&own, filter.span, binder.rules());
    }
    Ok(())
}

fn is_query(condition: &Expr) -> bool {
    match &condition.kind {
        ExprKind::Not(inner) => is_query(inner),
        ExprKind::Exists(_) | ExprKind::InQuery { .. } | ExprKind::Quantified { .. } => true,
        _ => false,
    }
}

fn holds_query(condition: &Expr, queries: &[PreparedQuery]) -> bool {
    !queries.is_empty() && is_query(condition)
}

/// Splits a condition at its top-level `AND`s.
pub(super) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::All(items) => items.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

/// Returns the columns of a select item, several for a `*`.
fn item_columns(binder: &mut ExprBinder<'_>, at: usize, item: &SelectItem) -> Bound<Vec<Column>> {
    match item {
        SelectItem::Star { qualifier: None, .. } => {
            Ok(binder.names().scope().map(Scope::all).unwrap_or_default())
        }

        SelectItem::Star { qualifier: Some(name), span } => {
            if let Some(table) = binder.names().scope().and_then(|scope| scope.table(&name.value)) {
                return Ok(table.columns.to_vec());
            }
            match binder.find(std::slice::from_ref(name)) {
                Ok(Cell::Row { fields, .. }) => Ok(fields),
                Ok(Cell::Scalar(id)) if binder.nodes().is_row(id) => {
                    Ok(all_fields(binder.nodes(), id, *span))
                }
                _ => {
                    let error = Diagnostic::error(*span, format!("there is no `{}` in FROM", name.value));
                    Err(binder.report(error))
                }
            }
        }

        SelectItem::Expr { expr, alias } => {
            let name = match (alias, &expr.kind) {
                (Some(alias), _) => alias.value.clone(),
                (None, ExprKind::Name(path)) => {
                    path.last().map(|last| last.value.clone()).unwrap_or_default()
                }
                (None, _) => format!("EXPR${at}"),
            };
            // Cells that are no scalar may pass through a view; they are refused only where a value is
            // needed.
            if let ExprKind::Name(path) = &expr.kind
                && let Ok(cell @ (Cell::Row { .. } | Cell::Map { .. } | Cell::Unreadable(_))) =
                    binder.find(path)
            {
                return Ok(vec![Column { name, cell }]);
            }
            let id = binder.bind(expr)?;
            Ok(vec![Column { name, cell: Cell::Scalar(id) }])
        }
    }
}
