//! Set operations: `UNION`, `INTERSECT` and `EXCEPT`, from left to right.
//!
//! ```text
//! a UNION ALL b EXCEPT c       EXCEPT[UNION ALL[a, b], c]
//! a UNION b UNION ALL c …      UNION ALL[DISTINCT[UNION ALL[a, b]], c, …]   a long chain
//! ```
//!
//! A chain of unions becomes one node per pair, or one node for a long chain: every row would pass through each
//! node above it.

use std::sync::Arc;

use types::DataType;

use super::scope::{OuterScope, Relation};
use super::stage::Stage;
use super::{Bound, Cell, Column, QueryBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::parse::ast::{AstSetOperator, SetOperation, SetOperations};
use crate::plan::operator::SetOperator;
use crate::rel::{AggregateRel, Rel};
use crate::typing::common_of_two;

/// Number of unions from which on a chain becomes one node.
///
/// Shorter chains stay pairs, because operators above a chain find their state by the nodes below them.
const LONG_CHAIN: usize = 100;

/// Binds a chain of set operations.
pub(super) fn set_operations(
    binder: &mut QueryBinder<'_>,
    operations: &SetOperations,
    outer: Option<&OuterScope>,
) -> Bound<Relation> {
    // All queries are bound before it fails, so that several errors are reported at once.
    let first = binder.query(&operations.first, outer);
    let others: Vec<Bound<Relation>> =
        operations.rest.iter().map(|operation| binder.query(&operation.right, outer)).collect();
    let mut left = first?;
    let others = others.into_iter().collect::<Bound<Vec<Relation>>>()?;

    let all: Vec<(&SetOperation, Relation)> = operations.rest.iter().zip(others).collect();
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        let is_union = |(of, _): &&(&SetOperation, Relation)| of.operator == AstSetOperator::Union;
        let unions = rest.iter().take_while(is_union).count();
        let (next, behind) = rest.split_at(if unions >= LONG_CHAIN { unions } else { 1 });
        left = match next {
            [(operation, right)] => set_operation(binder, &left, right, operation)?,
            unions => long_union(binder, &left, unions)?,
        };
        binder.check_tree(&left.rel, next[0].0.operator_span)?;
        rest = behind;
    }
    Ok(left)
}

fn set_operation(
    binder: &mut QueryBinder<'_>,
    left: &Relation,
    right: &Relation,
    operation: &SetOperation,
) -> Bound<Relation> {
    let span = operation.operator_span;
    let types = types_of(left);
    let common = common_types(binder, &types, (left, right), operation)?;
    let names: Vec<String> = left.columns.iter().map(|column| column.name.clone()).collect();

    let left = converted(binder, left, &common, &names);
    let right = converted(binder, right, &common, &names);
    let rel = match (operation.operator, operation.all) {
        (AstSetOperator::Union, true) => Rel::union(vec![left, right], span),
        (AstSetOperator::Union, false) => distinct(Rel::union(vec![left, right], span), span),
        (AstSetOperator::Intersect, all) => {
            Rel::set_operation(left, right, SetOperator::Intersect, all, span)
        }
        (AstSetOperator::Except, all) => Rel::set_operation(left, right, SetOperator::Except, all, span),
    };
    Ok(relation(rel, names))
}

/// Combines a long chain of unions. Rows that a UNION without ALL makes distinct stay distinct up to the
/// last such UNION.
fn long_union(
    binder: &mut QueryBinder<'_>,
    first: &Relation,
    rest: &[(&SetOperation, Relation)],
) -> Bound<Relation> {
    let mut common = types_of(first);
    for (operation, right) in rest {
        common = common_types(binder, &common, (first, right), operation)?;
    }

    let names: Vec<String> = first.columns.iter().map(|column| column.name.clone()).collect();
    let mut inputs = vec![converted(binder, first, &common, &names)];
    let last_distinct = rest.iter().rposition(|(operation, _)| !operation.all);
    for (place, (operation, right)) in rest.iter().enumerate() {
        inputs.push(converted(binder, right, &common, &names));
        if last_distinct == Some(place) {
            let span = operation.operator_span;
            inputs = vec![distinct(Rel::union(inputs, span), span)];
        }
    }

    let rel = match inputs.as_slice() {
        [only] => only.clone(),
        _ => Rel::union(inputs, rest[rest.len() - 1].0.operator_span),
    };
    Ok(relation(rel, names))
}

/// Returns the type of each column of an operation. `types` are the types of the columns before it.
fn common_types(
    binder: &mut QueryBinder<'_>,
    types: &[DataType],
    (left, right): (&Relation, &Relation),
    operation: &SetOperation,
) -> Bound<Vec<DataType>> {
    let span = operation.operator_span;
    let word = match operation.operator {
        AstSetOperator::Union => "UNION",
        AstSetOperator::Intersect => "INTERSECT",
        AstSetOperator::Except => "EXCEPT",
    };
    if !left.correlated.is_empty() || !right.correlated.is_empty() {
        let error = Diagnostic::error(span, format!("{word} in a correlated query is not supported"));
        return Err(binder.report(error));
    }
    if left.columns.len() != right.columns.len() {
        let (a, b) = (left.columns.len(), right.columns.len());
        let message = format!("the sides of {word} have {a} and {b} columns");
        return Err(binder.report(Diagnostic::error(span, message)));
    }

    let mut common = vec![];
    for (at, (a, b)) in left.columns.iter().zip(&right.columns).enumerate() {
        let (Cell::Scalar(_), Cell::Scalar(field)) = (&a.cell, &b.cell) else {
            let message = format!("`{}` is not a scalar on both sides of {word}", a.name);
            let error = Diagnostic::error(span, message).with_hint("name its fields one by one");
            return Err(binder.report(error));
        };
        let (a, b) = (&types[at], &right.rel.fields[*field].column_type.data_type);
        let Some(of_both) = common_of_two(a, b) else {
            let message = format!("column {} of {word} is {a} and {b}", at + 1);
            let error = Diagnostic::error(span, message).with_hint("CAST one to the other's type");
            return Err(binder.report(error));
        };
        common.push(of_both);
    }
    Ok(common)
}

/// Converts the columns of a relation, which are scalars, to other types.
fn converted(
    binder: &mut QueryBinder<'_>,
    relation: &Relation,
    types: &[DataType],
    names: &[String],
) -> Arc<Rel> {
    let (mut stage, ids) = Stage::over(relation.rel.clone());
    let span = relation.rel.span;
    let columns: Vec<ExprId> = fields_of(relation)
        .into_iter()
        .zip(types)
        .map(|(field, to)| {
            let id = ids[field];
            binder.nodes(stage.graph_mut()).convert(id, to)
        })
        .collect();
    let (exprs, columns) = stage.exprs(&columns);
    Rel::calc(stage.into_rel(), exprs, vec![], names.iter().cloned().zip(columns).collect(), span)
}

/// Returns the fields of the scalar columns of a relation.
fn fields_of(relation: &Relation) -> Vec<usize> {
    let field = |column: &Column<usize>| match column.cell {
        Cell::Scalar(field) => Some(field),
        _ => None,
    };
    relation.columns.iter().filter_map(field).collect()
}

/// Returns the types of the columns of a relation; a column that is no scalar has none.
fn types_of(relation: &Relation) -> Vec<DataType> {
    let of_column = |column: &Column<usize>| match column.cell {
        Cell::Scalar(field) => relation.rel.fields[field].column_type.data_type.clone(),
        _ => DataType::Null,
    };
    relation.columns.iter().map(of_column).collect()
}

/// Keeps one of several equal rows.
fn distinct(rel: Arc<Rel>, span: Span) -> Arc<Rel> {
    let keys: Vec<usize> = (0..rel.fields.len()).collect();
    let aggregate = AggregateRel { keys, sets: None, calls: vec![], window: None, state_ttl: None };
    Rel::aggregate(rel, aggregate, span)
}

/// Returns a relation whose columns are the fields of a node.
fn relation(rel: Arc<Rel>, names: Vec<String>) -> Relation {
    let column = |(field, name)| Column { name, cell: Cell::Scalar(field) };
    let columns = names.into_iter().enumerate().map(column).collect();
    Relation { rel, columns, correlated: vec![] }
}
