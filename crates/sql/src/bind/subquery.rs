//! Subqueries: `EXISTS`, `IN`, `ANY`, `ALL` and scalar queries, and how each becomes a join.
//!
//! A subquery is bound before the expression that contains it. A subquery that is a whole condition filters
//! the rows: `EXISTS` and `IN` become semi joins, their negations anti joins. Elsewhere it is a value: a left
//! join adds it as a field of the rows.
//!
//! A subquery that names columns of the enclosing query is *correlated*. Its correlated conditions are
//! removed from it and become conditions of the join (Galindo-Legaria and Joshi, "Orthogonal Optimization of
//! Subqueries and Aggregation").

use std::collections::BTreeSet;

use super::compare::compare;
use super::correlation::{correlated, is_single, single};
use super::nodes::NodeBuilder;
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
use crate::rel::rebase::inputs_of;
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

/// Refuses what the left side of an `IN` does not have yet when the subquery is joined: columns of the enclosing query,
/// and results of `OVER`.
pub(super) fn check_inputs(nodes: &mut NodeBuilder<'_>, inputs: &[ExprId], span: Span) -> Bound<()> {
    let facts = |id: &ExprId| nodes.graph().facts(*id);
    let (message, hint) = if inputs.iter().any(|id| facts(id).uses_outer) {
        let hint = "compare it in the enclosing query, or join the tables in FROM";
        ("the left side reads a column of the enclosing query", hint)
    } else if inputs.iter().any(|id| facts(id).uses_over) {
        ("the left side reads the result of OVER", "compute it in a subquery in FROM, and compare its column")
    } else {
        return Ok(());
    };
    Err(nodes.report(Diagnostic::error(span, message).with_hint(hint)))
}

/// The values that an `IN` compares: inputs of the left side, each with a field of the subquery.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a> {
    pub(super) inputs: &'a [ExprId],
    pub(super) columns: &'a [usize],
}

impl Pairs<'_> {
    /// Returns whether the comparison of any pair may be unknown.
    pub(super) fn are_nullable(self, stage: &Stage, relation: &Relation) -> bool {
        let of_right = |&field: &usize| relation.rel.fields[field].column_type.nullable;
        let of_left = |&id: &ExprId| stage.graph().exprs.column_type(id).nullable;
        self.columns.iter().any(of_right) || self.inputs.iter().any(of_left)
    }
}

/// Which results of the comparison make a pair match.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Equality {
    True,
    /// Also the comparison with a null, whose result is unknown.
    TrueOrUnknown,
}

/// Adds a field that says whether the row has a partner.
pub(super) fn join_marked(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    query: &PreparedQuery,
    pairs: Pairs<'_>,
    equality: Equality,
) -> Bound<()> {
    join_pairs(binder, stage, query, (JoinKind::Mark, None), pairs, equality)
}

/// Joins a subquery by its correlated conditions, and by the equality of pairs of values.
pub(super) fn join_pairs(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    query: &PreparedQuery,
    (kind, null_aware): (JoinKind, Option<usize>),
    pairs: Pairs<'_>,
    equality: Equality,
) -> Bound<()> {
    let relation = &query.relation;
    let (rel, span) = (relation.rel.clone(), query.span);
    let mut failed = None;

    let conditions = |both: &mut JoinScope<'_>| {
        let mut conditions = correlated(both, &relation.correlated);
        for (&input, &field) in pairs.inputs.iter().zip(pairs.columns) {
            let (left, right) = (both.of_left(input), both.of_right(field));
            let mut nodes = binder.nodes(both.graph_mut());
            let equal = match compare(&mut nodes, Comparison::Equal, left, right, span) {
                Ok(id) => id,
                Err(reported) => {
                    failed = Some(reported);
                    continue;
                }
            };

            let mut any = vec![equal];
            if equality == Equality::TrueOrUnknown {
                let nullable =
                    [left, right].into_iter().filter(|id| nodes.is_nullable(*id)).collect::<Vec<_>>();
                any.extend(nullable.into_iter().map(|id| nodes.add_boolean(Expr::IsNull(id), false)));
            }
            conditions.push(nodes.balanced(&any, false));
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
/// the subqueries that these expressions read, and those on the left sides of such subqueries.
pub(super) fn join_values(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    values: &[QueryValue],
    read_by: Option<&[ExprId]>,
) -> Bound<()> {
    let mut inputs = stage.inputs(|origin| match origin {
        InputOrigin::Query(number) => Some(number),
        _ => None,
    });

    if let Some(ids) = read_by {
        let exprs = &stage.graph().exprs;
        let mut read: BTreeSet<usize> = inputs_of(exprs, ids).into_iter().collect();
        for (input, number) in inputs.iter().rev() {
            if let Some(value) = values.get(*number).filter(|_| read.contains(input)) {
                read.extend(inputs_of(exprs, &value.input));
            }
        }
        inputs.retain(|(input, _)| read.contains(input));
    }
    for (input, number) in inputs {
        if let Some(value) = values.get(number) {
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
    check_inputs(binder.nodes(), &input, expr.span)?;

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
