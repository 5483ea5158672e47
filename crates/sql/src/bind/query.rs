//! Queries: a SELECT, VALUES or a set operation, with WITH, ORDER BY and LIMIT.

use types::{DataType, Value};

use super::scope::{OuterScope, Relation, Scope};
use super::select::Behind;
use super::stage::Stage;
use super::{Binder, Bound, Cell, Column};
use crate::error::Diagnostic;
use crate::expr::ExprId;
use crate::parse::ast::{self, Query, QueryBody};
use crate::plan::operator::{SetOperator, SortKey};
use crate::rel::{AggregateRel, Rel, SortRel};
use crate::typing::common_type;

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
        let around = self.locals.len();
        for local in &query.with {
            let relation = self.view(&local.query, &local.columns, local.name.span).ok();
            self.locals.push((local.name.value.clone(), relation));
        }
        let bound = self.body(query, outer);
        self.locals.truncate(around);
        bound
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
            QueryBody::SetOperation(operation) => self.set_operation(operation, outer)?,
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
            let id = self
                .over(&mut stage.graph, &scope, None, &[], "in ORDER BY", |binder| binder.bind(&item.expr))?;
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

    fn set_operation(
        &mut self,
        operation: &ast::SetOperation,
        outer: Option<&OuterScope>,
    ) -> Bound<Relation> {
        // The parser builds a chain of one operator from the left, so a long chain does not recurse deeply.
        let left = self.query(&operation.left, outer);
        let right = self.query(&operation.right, outer);
        let (left, right) = (left?, right?);
        let span = operation.operator_span;
        let word = match operation.operator {
            ast::AstSetOperator::Union => "UNION",
            ast::AstSetOperator::Intersect => "INTERSECT",
            ast::AstSetOperator::Except => "EXCEPT",
        };
        if !left.correlated.is_empty() || !right.correlated.is_empty() {
            let error = Diagnostic::error(span, format!("{word} in a correlated query is not supported"));
            return Err(self.report(error));
        }
        if left.columns.len() != right.columns.len() {
            let (a, b) = (left.columns.len(), right.columns.len());
            let message = format!("the sides of {word} have {a} and {b} columns");
            return Err(self.report(Diagnostic::error(span, message)));
        }

        let (mut of_left, mut of_right, mut names) = (vec![], vec![], vec![]);
        for (at, (a, b)) in left.columns.iter().zip(&right.columns).enumerate() {
            let (Cell::Scalar(a_field), Cell::Scalar(b_field)) = (&a.cell, &b.cell) else {
                let message = format!("`{}` is not a scalar on both sides of {word}", a.name);
                return Err(
                    self.report(Diagnostic::error(span, message).with_hint("name its fields one by one"))
                );
            };
            let types = [&left.rel.fields[*a_field].column_type, &right.rel.fields[*b_field].column_type];
            let Some(common) = common_type(types.iter().map(|of| &of.data_type)) else {
                let message = format!(
                    "column {} of {word} is {} and {}",
                    at + 1,
                    types[0].data_type,
                    types[1].data_type
                );
                return Err(
                    self.report(Diagnostic::error(span, message).with_hint("CAST one to the other's type"))
                );
            };
            of_left.push((*a_field, common.clone()));
            of_right.push((*b_field, common));
            names.push(a.name.clone());
        }

        let left = self.converted(&left, &of_left, &names);
        let right = self.converted(&right, &of_right, &names);
        let rel = match (operation.operator, operation.all) {
            (ast::AstSetOperator::Union, true) => Rel::union(vec![left, right], span),
            (ast::AstSetOperator::Union, false) => {
                let keys: Vec<usize> = (0..names.len()).collect();
                let aggregate =
                    AggregateRel { keys, sets: None, calls: vec![], window: None, state_ttl: None };
                Rel::aggregate(Rel::union(vec![left, right], span), aggregate, span)
            }
            (ast::AstSetOperator::Intersect, all) => {
                Rel::set_operation(left, right, SetOperator::Intersect, all, span)
            }
            (ast::AstSetOperator::Except, all) => {
                Rel::set_operation(left, right, SetOperator::Except, all, span)
            }
        };
        let columns = names
            .into_iter()
            .enumerate()
            .map(|(field, name)| Column { name, cell: Cell::Scalar(field) })
            .collect();
        Ok(Relation { rel, columns, correlated: vec![] })
    }

    /// Converts fields of a relation to other types.
    fn converted(
        &mut self,
        relation: &Relation,
        fields: &[(usize, DataType)],
        names: &[String],
    ) -> std::sync::Arc<Rel> {
        let (mut stage, ids) = Stage::over(relation.rel.clone());
        let span = relation.rel.span;
        let columns: Vec<ExprId> = fields
            .iter()
            .map(|(field, to)| {
                let id = ids[*field];
                self.over(&mut stage.graph, &Scope::default(), None, &[], "here", |binder| {
                    binder.convert(id, to)
                })
            })
            .collect();
        let (exprs, columns) = stage.exprs(&columns);
        Rel::calc(stage.rel, exprs, vec![], names.iter().cloned().zip(columns).collect(), span)
    }
}
