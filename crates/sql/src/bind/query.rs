//! Queries: a SELECT, VALUES or set operations, with WITH, ORDER BY and LIMIT.
//!
//! A [`QueryBinder`] holds what all queries of one statement share: the tables and `WITH` names that FROM may name,
//! the findings, and the budget of the statement's tree. The steps of a query are functions over it.

use jiff::tz::TimeZone;
use types::Value;

use super::budget::TreeBudget;
use super::calls::CallCollector;
use super::expression::Clause;
use super::hints::{hinted, hinted_view};
use super::resolve::Scope;
use super::scope::{OuterScope, Relation};
use super::select::{Behind, select};
use super::set_operations::set_operations;
use super::stage::Stage;
use super::values::values;
use super::with_queries::WithQueries;
use super::{Bound, Column, ExprBinder, NodeBuilder, Reported, report};
use crate::catalog::{Catalog, Object, Table};
use crate::error::{Diagnostic, DiagnosticKind, Span};
use crate::expr::ExprId;
use crate::graph::Graph;
use crate::parse::ast::{Hint, Ident, Query, QueryBody};
use crate::plan::operator::SortKey;
use crate::rel::{Rel, SortRel};
use crate::rules::Rules;

/// Binds the queries of one statement.
pub(super) struct QueryBinder<'a> {
    catalog: &'a mut Catalog,
    diagnostics: &'a mut Vec<Diagnostic>,
    time_zone: &'a TimeZone,
    rules: Rules,
    with_queries: WithQueries,
    budget: TreeBudget,
}

impl<'a> QueryBinder<'a> {
    pub(super) fn new(
        catalog: &'a mut Catalog,
        diagnostics: &'a mut Vec<Diagnostic>,
        time_zone: &'a TimeZone,
        rules: Rules,
    ) -> QueryBinder<'a> {
        QueryBinder {
            catalog,
            diagnostics,
            time_zone,
            rules,
            with_queries: WithQueries::default(),
            budget: TreeBudget::default(),
        }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        report(self.diagnostics, diagnostic)
    }

    /// Returns the findings so far.
    pub(super) fn diagnostics(&mut self) -> &mut Vec<Diagnostic> {
        self.diagnostics
    }

    pub(super) fn time_zone(&self) -> &'a TimeZone {
        self.time_zone
    }

    /// Returns the rewrite rules that the script's settings enable.
    pub(super) fn rules(&self) -> Rules {
        self.rules
    }

    /// Returns a builder of nodes in a graph.
    pub(super) fn nodes<'g>(&'g mut self, graph: &'g mut Graph) -> NodeBuilder<'g> {
        NodeBuilder::new(graph, self.time_zone, self.diagnostics)
    }

    /// Calls `bind` with a binder for a clause, and keeps the calls it collects.
    pub(super) fn exprs_with<T>(
        &mut self,
        graph: &mut Graph,
        clause: Clause<'_>,
        calls: &mut CallCollector,
        bind: impl FnOnce(&mut ExprBinder<'_>) -> T,
    ) -> T {
        let mut exprs = ExprBinder::new(self.nodes(graph), clause, std::mem::take(calls));
        let bound = bind(&mut exprs);
        *calls = exprs.into_collector();
        bound
    }

    /// Calls `bind` with a binder for a clause in which no calls are allowed.
    pub(super) fn exprs<T>(
        &mut self,
        graph: &mut Graph,
        clause: Clause<'_>,
        bind: impl FnOnce(&mut ExprBinder<'_>) -> T,
    ) -> T {
        bind(&mut ExprBinder::new(self.nodes(graph), clause, CallCollector::default()))
    }

    /// Checks the tree that a step of the statement has built.
    pub(super) fn check_tree(&mut self, rel: &Rel, span: Span) -> Bound<()> {
        self.budget.spend(rel, span).map_err(|error| self.report(*error))
    }

    /// Binds a table or view named in `FROM`, with its hints.
    pub(super) fn relation(&mut self, name: &Ident, hints: &[Hint]) -> Bound<Relation> {
        let local = self.with_queries.get(&name.value).cloned();
        match self.catalog.get(&name.value) {
            Some(Object::Table(index)) if local.is_none() && !self.catalog.tables[index].is_broken => {
                let index = hinted(self.catalog, self.diagnostics, index, hints)?;
                return self.table(index);
            }
            _ => hinted_view(self.diagnostics, name, hints)?,
        }

        if let Some(local) = local {
            return local.ok_or(Reported);
        }
        match self.catalog.get(&name.value) {
            Some(Object::Table(index)) => self.table(index),
            Some(Object::View(index)) => self.catalog.views[index].clone().ok_or(Reported),
            None => {
                let error = self.catalog.unknown(name, "table or view", DiagnosticKind::NoSuchObject);
                Err(self.report(error))
            }
        }
    }

    /// Reads the table with an index.
    fn table(&self, index: usize) -> Bound<Relation> {
        let table = &self.catalog.tables[index];
        if table.is_broken { Err(Reported) } else { Ok(Relation::of_table(table, index)) }
    }

    /// Adds a table that no name refers to; returns its index.
    pub(super) fn add_nameless(&mut self, table: Table) -> usize {
        self.catalog.add_nameless(table)
    }

    /// Adds the constant rows of a table that no name refers to.
    pub(super) fn constants(&mut self, table: Table) -> Bound<Relation> {
        let index = self.add_nameless(table);
        self.table(index)
    }

    /// Binds a query and gives it other column names, if there are any.
    pub(super) fn view(&mut self, query: &Query, columns: &[Ident], name: Span) -> Bound<Relation> {
        let mut relation = self.query(query, None)?;
        self.rename(&mut relation.columns, columns, name)?;
        Ok(relation)
    }

    /// Gives columns other names, if there are any.
    pub(super) fn rename<T>(&mut self, columns: &mut [Column<T>], names: &[Ident], span: Span) -> Bound<()> {
        if names.is_empty() {
            return Ok(());
        }
        if names.len() != columns.len() {
            let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            let (given, wanted) = (counted(names.len(), "name"), counted(columns.len(), "column"));
            let message = format!("{given} for {wanted}");
            return Err(self.report(Diagnostic::error(span, message)));
        }
        for (column, name) in columns.iter_mut().zip(names) {
            column.name = name.value.clone();
        }
        Ok(())
    }

    /// Binds a query and drops its value over no rows.
    pub(super) fn query(&mut self, query: &Query, outer: Option<&OuterScope>) -> Bound<Relation> {
        Ok(self.query_over(query, outer)?.0)
    }

    /// Binds a query inside an expression. Also returns the value of its first column over no rows, if that
    /// is not null.
    pub(super) fn inner_query(
        &mut self,
        query: &Query,
        outer: &OuterScope,
    ) -> Bound<(Relation, Option<Value>)> {
        self.query_over(query, Some(outer))
    }

    fn query_over(&mut self, query: &Query, outer: Option<&OuterScope>) -> Bound<(Relation, Option<Value>)> {
        let around = self.with_queries.count();
        for local in &query.with {
            let relation = self.view(&local.query, &local.columns, local.name.span).ok();
            self.with_queries.push(local.name.value.clone(), relation);
        }
        let bound = self.body(query, outer);
        self.with_queries.truncate(around);
        let bound = bound?;
        self.check_tree(&bound.0.rel, query.span)?;
        Ok(bound)
    }

    fn body(&mut self, query: &Query, outer: Option<&OuterScope>) -> Bound<(Relation, Option<Value>)> {
        if let (Some(offset), None) = (query.offset, query.limit) {
            let error = Diagnostic::error(offset.span, "OFFSET without a number of rows would wait for ever")
                .with_hint("add the number of rows: OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY");
            return Err(self.report(error));
        }
        let behind = Behind {
            order_by: &query.order_by,
            limit: query.limit.map(|limit| limit.rows),
            offset: query.offset.map_or(0, |offset| offset.rows),
        };

        let relation = match &query.body {
            QueryBody::Select(clauses) => {
                let (relation, empty) = select(self, clauses, behind, outer)?;
                if outer.is_some() && !relation.correlated.is_empty() && behind.limit.is_some() {
                    let error = Diagnostic::error(query.span, "LIMIT in a correlated query is not supported")
                        .with_hint("number the rows with ROW_NUMBER() OVER (PARTITION BY …) and filter");
                    return Err(self.report(error));
                }
                return Ok((relation, empty));
            }
            QueryBody::Values { rows, span } => values(self, rows, *span)?,
            QueryBody::Nested(inner) => self.query(inner, outer)?,
            QueryBody::SetOperations(operations) => set_operations(self, operations, outer)?,
        };
        Ok((self.ordered(relation, query, behind)?, None))
    }

    /// Adds `ORDER BY` and `LIMIT` to a query that is not a SELECT; items refer to its columns.
    fn ordered(&mut self, relation: Relation, query: &Query, behind: Behind<'_>) -> Bound<Relation> {
        if behind.order_by.is_empty() && behind.limit.is_none() {
            return Ok(relation);
        }
        let (mut stage, ids) = Stage::over(relation.rel.clone());
        let columns: Vec<Column> =
            relation.columns.iter().map(|column| column.map(&mut |field| ids[field])).collect();
        let scope = Scope::of(None, columns);

        let mut bound = vec![];
        for item in behind.order_by {
            let clause = Clause::new(&scope, "in ORDER BY");
            let id = self.exprs(stage.graph_mut(), clause, |exprs| exprs.bind(&item.expr))?;
            bound.push((id, item.descending, item.nulls_first.unwrap_or(!item.descending)));
        }

        let ids: Vec<ExprId> = bound.iter().map(|(id, _, _)| *id).collect();
        let fields = stage.fields_of(&ids, query.span);
        let order = bound
            .iter()
            .zip(fields)
            .map(|(&(_, descending, nulls_first), field)| SortKey { field, descending, nulls_first })
            .collect();

        let sort = SortRel { order, offset: behind.offset, limit: behind.limit };
        Ok(Relation { rel: Rel::sort(stage.into_rel(), sort, query.span), ..relation })
    }
}
