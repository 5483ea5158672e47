//! Subqueries: `EXISTS`, `IN`, `ANY`, `ALL` and scalar queries, and how each becomes a join.
//!
//! A subquery is bound before the expression that contains it. A subquery that is a whole condition filters
//! the rows: `EXISTS` and `IN` become semi joins, their negations anti joins. Elsewhere it is a value: a left
//! join adds it as a field of the rows.
//!
//! A subquery that names columns of the enclosing query is *correlated*. Its correlated conditions are
//! removed from it and become conditions of the join (Galindo-Legaria and Joshi, "Orthogonal Optimization of
//! Subqueries and Aggregation").

use super::compare::compare;
use super::correlation::{correlated, is_single, single};
use super::expression::Clause;
use super::resolve::Scope;
use super::scope::{OuterScope, Relation};
use super::stage::{JoinScope, Stage};
use super::truth::join_truth;
use super::{Bound, Cell, ExprBinder, QueryBinder, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::graph::InputOrigin;
use crate::parse::ast::{self, ExprKind};
use crate::plan::operator::JoinKind;
use types::{DataType, Value};

/// A bound subquery.
#[derive(Debug, Clone)]
pub(crate) struct PreparedQuery {
    /// Span of the expression that contains it.
    pub(super) span: Span,
    pub(super) relation: Relation,
    /// Value of the first column over no rows if it is not null, as for `COUNT` of a correlated query.
    pub(super) empty: Option<Value>,
    /// How the result of the query is tested.
    pub(super) test: Test,
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    Scalar,
    Exists,
    /// `IN` or `= ANY`.
    In {
        negated: bool,
    },
    /// Another comparison with `ANY` (`all` is false) or `ALL`.
    Compare {
        op: Comparison,
        all: bool,
    },
}

/// A subquery used as a value, to be joined with the rows.
#[derive(Debug, Clone)]
pub(crate) struct QueryValue {
    pub(super) query: PreparedQuery,
    /// The left side of `IN` or of a comparison.
    pub(super) input: Vec<ExprId>,
}

impl QueryValue {
    /// Maps its expressions of the enclosing query.
    pub(super) fn map_outer<E>(
        mut self,
        map: &mut impl FnMut(ExprId) -> Result<ExprId, E>,
    ) -> Result<QueryValue, E> {
        for id in &mut self.input {
            *id = map(*id)?;
        }
        for condition in &mut self.query.relation.correlated {
            for id in &mut condition.outer {
                *id = map(*id)?;
            }
        }
        Ok(self)
    }
}

/// Binds the subqueries at any depth of the expressions.
pub(super) fn prepare<'e>(
    binder: &mut QueryBinder<'_>,
    exprs: impl IntoIterator<Item = &'e ast::Expr>,
    scope: &Scope,
    stage: &Stage,
) -> Bound<Vec<PreparedQuery>> {
    let mut found = vec![];
    let mut outer: Option<OuterScope> = None;
    let mut stack: Vec<&ast::Expr> = exprs.into_iter().collect();

    while let Some(expr) = stack.pop() {
        let (query, test) = match &expr.kind {
            ExprKind::Exists(query) => (Some(query), Test::Exists),
            ExprKind::Subquery(query) => (Some(query), Test::Scalar),
            ExprKind::InQuery { query, negated, .. } => (Some(query), Test::In { negated: *negated }),
            ExprKind::Quantified { op: Comparison::Equal, all: false, query, .. } => {
                (Some(query), Test::In { negated: false })
            }
            ExprKind::Quantified { op: Comparison::NotEqual, all: true, query, .. } => {
                (Some(query), Test::In { negated: true })
            }
            ExprKind::Quantified { op, all, query, .. } => {
                (Some(query), Test::Compare { op: *op, all: *all })
            }
            _ => (None, Test::Exists),
        };
        stack.extend(expr.kind.children());
        let Some(query) = query else { continue };

        let around = outer
            .get_or_insert_with(|| OuterScope { scope: scope.clone(), exprs: stage.graph().exprs.clone() });
        let unlimited = matches!(test, Test::Exists).then(|| without_limit(query)).flatten();
        let (relation, empty) = binder.inner_query(unlimited.as_ref().unwrap_or(query), around)?;
        if matches!(test, Test::Scalar) && relation.columns.len() != 1 {
            let message =
                format!("a scalar query has one column, but this one has {}", relation.columns.len());
            return Err(binder.report(Diagnostic::error(expr.span, message)));
        }
        found.push(PreparedQuery { span: expr.span, relation, empty, test });
    }
    Ok(found)
}

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
    let is_nullable = {
        let of_right = columns.iter().any(|&field| relation.rel.fields[field].column_type.nullable);
        of_right || inputs.iter().any(|&id| stage.graph().exprs.column_type(id).nullable)
    };
    // The comparison follows the correlated conditions.
    let is_in = is_anti && is_nullable && inputs.len() == 1;
    let null_aware = is_in.then_some(relation.correlated.len());
    join_equal(binder, stage, query, (kind, null_aware), inputs, &columns)
}

/// Adds a field that says whether the row has a partner.
pub(super) fn join_marked(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    query: &PreparedQuery,
    inputs: &[ExprId],
    columns: &[usize],
) -> Bound<()> {
    join_equal(binder, stage, query, (JoinKind::Mark, None), inputs, columns)
}

/// Joins a subquery by its correlated conditions, and by the equality of inputs with its columns.
fn join_equal(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    query: &PreparedQuery,
    (kind, null_aware): (JoinKind, Option<usize>),
    inputs: &[ExprId],
    columns: &[usize],
) -> Bound<()> {
    let relation = &query.relation;
    let (rel, span) = (relation.rel.clone(), query.span);
    let mut failed = None;

    let conditions = |both: &mut JoinScope<'_>| {
        let mut conditions = correlated(both, &relation.correlated);
        for (&input, &field) in inputs.iter().zip(columns) {
            let (left, right) = (both.of_left(input), both.of_right(field));
            match compare(&mut binder.nodes(both.graph_mut()), Comparison::Equal, left, right, span) {
                Ok(id) => conditions.push(id),
                Err(reported) => failed = Some(reported),
            }
        }
        conditions
    };
    stage.join(rel, kind, null_aware, conditions, span);
    failed.map_or(Ok(()), Err)
}

/// Returns the fields of a relation's `wanted` scalar columns; none if `wanted` is 0.
pub(super) fn scalars(
    binder: &mut QueryBinder<'_>,
    relation: &Relation,
    wanted: usize,
    span: Span,
) -> Bound<Vec<usize>> {
    if wanted == 0 {
        return Ok(vec![]);
    }
    let fields: Option<Vec<usize>> = relation
        .columns
        .iter()
        .map(|column| match column.cell {
            Cell::Scalar(field) => Some(field),
            _ => None,
        })
        .collect();
    match fields {
        Some(fields) if fields.len() == wanted => Ok(fields),
        Some(fields) => {
            let message = format!("{wanted} values are compared with {} columns", fields.len());
            Err(binder.report(Diagnostic::error(span, message)))
        }
        None => Err(binder.report(Diagnostic::error(span, "a ROW is not compared with a query's column"))),
    }
}

/// Joins the subqueries that are used as values, so that their inputs get fields; with `read_by`, only
/// the subqueries that these expressions read.
pub(super) fn join_values(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    values: &[QueryValue],
    read_by: Option<&[ExprId]>,
) -> Bound<()> {
    let read = read_by.map(|ids| crate::rel::rebase::inputs_of(&stage.graph().exprs, ids));
    let inputs = stage.inputs(|origin| match origin {
        InputOrigin::Query(number) => Some(number),
        _ => None,
    });
    for (input, number) in inputs {
        let is_read = read.as_ref().is_none_or(|read| read.contains(&input));
        if let Some(value) = values.get(number).filter(|_| is_read) {
            join_value(binder, stage, input, value)?;
        }
    }
    Ok(())
}

/// Joins one subquery that is used as a value; its field fills the input.
pub(super) fn join_value(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    input: usize,
    value: &QueryValue,
) -> Bound<()> {
    join_one_value(binder, stage, input, value)?;
    binder.check_tree(stage.rel(), value.query.span)
}

fn join_one_value(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    input: usize,
    value: &QueryValue,
) -> Bound<()> {
    let query = &value.query;
    let relation = &query.relation;
    let span = query.span;
    match query.test {
        Test::Scalar => {
            let [field] = scalars(binder, relation, 1, span)?[..] else { return Err(Reported) };
            let right = if is_single(relation) { relation.clone() } else { single(relation, field, span) };
            let field = match &right.columns[0].cell {
                Cell::Scalar(field) => *field,
                _ => field,
            };

            let left = stage.rel().fields.len();
            stage.join(
                right.rel.clone(),
                JoinKind::Left,
                None,
                |both| correlated(both, &right.correlated),
                span,
            );
            stage.fill(input, left + field);

            if let Some(empty) = &query.empty {
                default_to(stage, input, empty.clone(), span);
            }
            Ok(())
        }
        Test::Exists | Test::In { .. } | Test::Compare { .. } => join_truth(binder, stage, input, value),
    }
}

/// Replaces the null of a query without rows by the query's value over no rows.
fn default_to(stage: &mut Stage, input: usize, empty: Value, span: Span) {
    let column_type = stage.graph().exprs.inputs[input].column_type.clone();
    let data_type = column_type.data_type.clone();
    let value = stage.graph_mut().add(Expr::Column(input), column_type.clone());
    let default = stage.graph_mut().add(Expr::Literal(empty), data_type.not_null());
    let is_null = stage.graph_mut().add(Expr::IsNull(value), DataType::Boolean.not_null());
    let case = Expr::Case { branches: vec![(is_null, default)].into(), otherwise: value };
    let value = stage.graph_mut().add(case, column_type);
    let field = stage.fields_of(&[value], span)[0];
    stage.fill(input, field);
}

/// Returns the input for a subquery that is a value; a join fills it later.
pub(super) fn query_value(binder: &mut ExprBinder<'_>, expr: &ast::Expr) -> Bound<ExprId> {
    let Some(query) = binder.query(expr).cloned() else {
        let error = Diagnostic::error(expr.span, format!("a query is not allowed {}", binder.place()))
            .with_hint("compute it first, in a subquery in FROM, and use that column here");
        return Err(binder.report(error));
    };

    let input = match &expr.kind {
        ExprKind::InQuery { input, .. } | ExprKind::Quantified { input, .. } => match &input.kind {
            ExprKind::Row(items) => binder.all(items)?,
            _ => vec![binder.expr(input)?],
        },
        _ => vec![],
    };

    let column_type = match query.test {
        Test::Exists => DataType::Boolean.not_null(),
        Test::In { .. } | Test::Compare { .. } => DataType::Boolean.nullable(),
        Test::Scalar => match query.relation.columns[0].cell {
            Cell::Scalar(field) => query.relation.rel.fields[field].column_type.data_type.clone().nullable(),
            _ => {
                let error = Diagnostic::error(expr.span, "a query that is a value gives a scalar");
                return Err(binder.report(error));
            }
        },
    };

    Ok(binder.collect_value(QueryValue { query, input }, column_type))
}

/// Drops the order and limit of an `EXISTS` query, which do not affect whether a row exists.
fn without_limit(query: &ast::Query) -> Option<ast::Query> {
    let is_limited = query.offset.is_none() && query.limit.is_some_and(|limit| limit.rows > 0);
    is_limited.then(|| ast::Query { limit: None, order_by: vec![], ..query.clone() })
}
