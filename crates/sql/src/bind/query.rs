//! Queries: a SELECT, VALUES or set operations, with WITH, ORDER BY and LIMIT.

use types::Value;

use super::expression::Clause;
use super::resolve::Scope;
use super::scope::{OuterScope, Relation};
use super::select::Behind;
use super::stage::Stage;
use super::{Binder, Bound, Column};
use crate::error::Diagnostic;
use crate::expr::ExprId;
use crate::parse::ast::{Query, QueryBody};
use crate::plan::operator::SortKey;
use crate::rel::{Rel, SortRel};

impl Binder {
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
        let around = self.locals.names.len();
        for local in &query.with {
            let relation = self.view(&local.query, &local.columns, local.name.span).ok();
            self.locals.push(local.name.value.clone(), relation);
        }
        let bound = self.body(query, outer);
        self.locals.truncate(around);
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
            QueryBody::Select(select) => {
                let (relation, empty) = self.select(select, behind, outer)?;
                if outer.is_some() && !relation.correlated.is_empty() && behind.limit.is_some() {
                    let error = Diagnostic::error(query.span, "LIMIT in a correlated query is not supported")
                        .with_hint("number the rows with ROW_NUMBER() OVER (PARTITION BY …) and filter");
                    return Err(self.report(error));
                }
                return Ok((relation, empty));
            }
            QueryBody::Values { rows, span } => self.values(rows, *span)?,
            QueryBody::Nested(inner) => self.query(inner, outer)?,
            QueryBody::SetOperations(operations) => self.set_operations(operations, outer)?,
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
            let id = self.over(&mut stage.graph, clause, |binder| binder.bind(&item.expr))?;
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
        Ok(Relation { rel: Rel::sort(stage.rel, sort, query.span), ..relation })
    }
}
