//! `SELECT`: binds clause by clause, from `FROM` to a relation.

use super::calls::CallCollector;
use super::expression::Clause;
use super::fields::all_fields;
use super::group_keys::GroupContext;
use super::nodes::NodeBuilder;
use super::over::BoundOrder;
use super::resolve::Scope;
use super::scope::{OuterScope, Relation};
use super::stage::Stage;
use super::subquery::PreparedQuery;
use super::{Binder, Bound, Cell, Column, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::graph::Graph;
use crate::parse::ast::{Expr, ExprKind, Ident, OrderItem, Select, SelectItem};

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

impl Binder {
    /// Returns a builder of nodes in a graph.
    pub(super) fn nodes<'g>(&'g mut self, graph: &'g mut Graph) -> NodeBuilder<'g> {
        NodeBuilder::new(graph, &self.time_zone, &mut self.diagnostics)
    }

    /// Calls `bind` with a binder for the clause, and keeps the calls it collects.
    pub(super) fn bind_in<T>(
        &mut self,
        graph: &mut Graph,
        clause: Clause<'_>,
        calls: &mut CallCollector,
        bind: impl FnOnce(&mut ExprBinder<'_>) -> T,
    ) -> T {
        let mut binder = ExprBinder::new(self.nodes(graph), clause, std::mem::take(calls));
        let bound = bind(&mut binder);
        *calls = binder.into_calls();
        bound
    }

    /// Calls `bind` with a binder for a clause in which no calls are allowed.
    pub(super) fn over<T>(
        &mut self,
        graph: &mut Graph,
        clause: Clause<'_>,
        bind: impl FnOnce(&mut ExprBinder<'_>) -> T,
    ) -> T {
        bind(&mut ExprBinder::new(self.nodes(graph), clause, CallCollector::default()))
    }

    /// Binds a SELECT. Also returns the value of its first column over no rows, if that is not null.
    pub(super) fn select(
        &mut self,
        select: &Select,
        behind: Behind<'_>,
        outer: Option<&OuterScope>,
    ) -> Bound<(Relation, Option<types::Value>)> {
        self.select_hints(&select.hints)?;
        // Queries nest in FROM, so the other data of a SELECT must not be on the stack during this call.
        let from = self.with_hints(select, |binder| binder.bind_from_clause(select, outer));
        self.select_from(select, behind, from?, outer)
    }

    fn select_from(
        &mut self,
        select: &Select,
        behind: Behind<'_>,
        (mut stage, scope): (Stage, Scope),
        outer: Option<&OuterScope>,
    ) -> Bound<(Relation, Option<types::Value>)> {
        let mut outer_conditions = vec![];
        if let Some(filter) = &select.filter {
            // An error in the condition has been reported; the rest is still checked.
            let _ = self.where_clause(&mut stage, &scope, outer, filter, &mut outer_conditions);
        }

        if super::group::is_aggregating(select) {
            return self.group(select, behind, (stage, scope), outer, &outer_conditions);
        }

        let mut calls = CallCollector::default().allow_overs();
        let bodies = self.bodies(select, behind, &mut stage, (&scope, outer, None), &mut calls)?;
        let calls = calls.into_calls();
        self.join_values(&mut stage, &calls.values, None)?;
        let relation = self.finish(select, behind, stage, bodies, &calls.overs, &outer_conditions)?;
        Ok((relation, None))
    }

    /// Binds the items, HAVING, QUALIFY and ORDER BY over the rows.
    pub(super) fn bodies(
        &mut self,
        select: &Select,
        behind: Behind<'_>,
        stage: &mut Stage,
        (scope, outer, group): (&Scope, Option<&OuterScope>, Option<&GroupContext>),
        calls: &mut CallCollector,
    ) -> Bound<Bodies> {
        let item_exprs = select.items.iter().filter_map(|item| match item {
            SelectItem::Expr { expr, .. } => Some(expr),
            SelectItem::Star { .. } => None,
        });
        let others = select.having.iter().chain(&select.qualify);
        let orders = behind.order_by.iter().map(|item| &item.expr);
        let queries = self.prepare(item_exprs.chain(others).chain(orders), scope, stage)?;
        let windows = &select.windows;
        let clause = Clause { outer, group, windows, queries: &queries, ..Clause::new(scope, "here") };

        let mut items: Vec<Bound<Vec<Item>>> = vec![];
        for (at, item) in select.items.iter().enumerate() {
            items.push(self.bind_in(&mut stage.graph, clause, calls, |binder| {
                let columns = item_columns(binder, at, item)?;
                let uses = binder.names().take_uses();
                let span = item.span();
                Ok(columns.into_iter().map(|column| Item { column, uses: uses.clone(), span }).collect())
            }));
        }

        let having = select.having.as_ref().map(conjuncts).unwrap_or_default();
        let mut bound_having = vec![];
        for condition in having {
            bound_having.push(self.condition_item(
                stage,
                clause,
                calls,
                condition,
                "the condition in HAVING",
            ));
        }
        let items: Vec<Item> = items.into_iter().collect::<Bound<Vec<_>>>()?.into_iter().flatten().collect();
        let having = bound_having.into_iter().collect::<Bound<Vec<_>>>()?;

        let aliases: Vec<Column> = items.iter().map(|item| item.column.clone()).collect();
        let clause = Clause { aliases: &aliases, ..clause };
        let mut qualify = vec![];
        for condition in select.qualify.as_ref().map(conjuncts).unwrap_or_default() {
            qualify.push(self.condition_item(stage, clause, calls, condition, "the condition in QUALIFY")?);
        }
        let mut order = vec![];
        for item in behind.order_by {
            let bound = self.order_item(stage, clause, calls, item, &aliases)?;
            order.push(bound);
        }
        let bodies = Bodies { items, having, qualify, order };
        self.refuse_outer(&stage.graph, &bodies)?;
        Ok(bodies)
    }

    /// Refuses columns of the enclosing query outside WHERE.
    fn refuse_outer(&mut self, graph: &Graph, bodies: &Bodies) -> Bound<()> {
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
                Err(self.report(error))
            }
        }
    }

    fn condition_item(
        &mut self,
        stage: &mut Stage,
        clause: Clause<'_>,
        calls: &mut CallCollector,
        condition: &Expr,
        what: &str,
    ) -> Bound<Item> {
        self.bind_in(&mut stage.graph, clause, calls, |binder| {
            let id = binder.condition(condition, what)?;
            let uses = binder.names().take_uses();
            let column = Column { name: String::new(), cell: Cell::Scalar(id) };
            Ok(Item { column, uses, span: condition.span })
        })
    }

    /// Binds an item of ORDER BY: the name of a result column, or an expression over the rows.
    fn order_item(
        &mut self,
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
        self.bind_in(&mut stage.graph, clause, calls, |binder| {
            let id = binder.bind(&item.expr)?;
            Ok((order(id), binder.names().take_uses(), item.expr.span))
        })
    }

    /// Binds `WHERE` conjunct by conjunct: first conditions on rows, then conditions that contain queries.
    fn where_clause(
        &mut self,
        stage: &mut Stage,
        scope: &Scope,
        outer: Option<&OuterScope>,
        filter: &Expr,
        outer_conditions: &mut Vec<ExprId>,
    ) -> Bound<()> {
        let conditions = conjuncts(filter);
        let queries = self.prepare(conditions.iter().copied(), scope, stage)?;
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
            let id = self.bind_in(&mut stage.graph, clause, &mut calls, |binder| {
                binder.condition(condition, "the condition in WHERE")
            });
            match id {
                Ok(id) if calls.values().len() > before => valued.push(id),
                Ok(id) if stage.graph.facts(id).uses_outer => outer_conditions.push(id),
                Ok(id) => plain.push(id),
                Err(reported) => bound = Err(reported),
            }
        }
        bound?;

        stage.filter(&plain, filter.span, self.rules);
        for condition in by_query {
            match self.filter_by_query(stage, scope, outer, condition, &queries) {
                Some(bound) => {
                    bound?;
                    self.check_tree(&stage.rel, condition.span)?;
                }
                None => {
                    let id = self.bind_in(&mut stage.graph, clause, &mut calls, |binder| {
                        binder.condition(condition, "the condition in WHERE")
                    })?;
                    valued.push(id);
                }
            }
        }
        if !valued.is_empty() {
            self.join_values(stage, calls.values(), None)?;
            stage.filter(&valued, filter.span, self.rules);
        }
        Ok(())
    }
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
