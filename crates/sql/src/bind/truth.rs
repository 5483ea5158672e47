//! Subqueries as truth values: `EXISTS`, `IN`, and comparisons with `ANY` and `ALL` that do not filter by
//! themselves.

use super::compare::compare;
use super::correlation::{correlated_at, correlation_fields};
use super::stage::Stage;
use super::subquery::{Equality, Pairs, QueryValue, Test, join_marked, scalars};
use super::{Bound, QueryBinder, Reported};
use crate::error::Diagnostic;
use crate::expr::{Comparison, Expr, ExprId};
use crate::graph::InputOrigin;
use crate::plan::operator::{AggregateCall, Function, JoinKind};
use crate::rel::{AggregateRel, Rel};
use types::{ColumnType, DataType, Value};

/// Joins an `EXISTS`, `IN`, `ANY` or `ALL` query as a value. The value follows from the number of
/// matching rows, of rows whose match is unknown, and of all rows.
pub(super) fn join_truth(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    input: usize,
    value: &QueryValue,
) -> Bound<()> {
    let query = &value.query;
    let relation = &query.relation;
    let span = query.span;
    let columns = scalars(binder, relation, value.input.len(), span)?;

    if let Test::Compare { .. } = query.test
        && (value.input.len() != 1 || !relation.correlated.is_empty())
    {
        let error = Diagnostic::error(span, "this comparison with a correlated query is not supported")
            .with_hint("write it with EXISTS");
        return Err(binder.report(error));
    }

    let mut marker = None;
    if !matches!(query.test, Test::Compare { .. }) {
        let place = stage.rel().fields.len();
        let pairs = Pairs { inputs: &value.input, columns: &columns };
        join_marked(binder, stage, query, pairs, Equality::True)?;
        marker = Some(field_input(stage, place));
    }

    let truth = match query.test {
        Test::Exists => marker.expect("EXISTS is joined with a marker"),
        Test::In { negated } => {
            let marker = marker.expect("IN is joined with a marker");
            let found = match columns.len() {
                1 => in_truth(stage, value, &columns, marker),
                _ => rows_in_truth(binder, stage, value, &columns, marker)?,
            };
            let column_type = stage.graph().exprs.column_type(found).clone();
            if negated { stage.graph_mut().add(Expr::Not(found), column_type) } else { found }
        }
        Test::Compare { op, all } => compare_truth(binder, stage, value, columns[0], op, all)?,
        Test::Scalar => return Err(Reported),
    };
    let field = stage.fields_of(&[truth], span)[0];
    stage.fill(input, field);
    Ok(())
}

/// Returns the value of `(a, b) IN (…)`: TRUE if a row matches; otherwise null if a row matches but for comparisons with
/// nulls.
fn rows_in_truth(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    value: &QueryValue,
    columns: &[usize],
    found: ExprId,
) -> Bound<ExprId> {
    let pairs = Pairs { inputs: &value.input, columns };
    if !pairs.are_nullable(stage, &value.query.relation) {
        return Ok(found);
    }
    let place = stage.rel().fields.len();
    join_marked(binder, stage, &value.query, pairs, Equality::TrueOrUnknown)?;
    let is_unknown = field_input(stage, place);

    let mut nodes = binder.nodes(stage.graph_mut());
    let boolean = DataType::Boolean;
    let yes = nodes.add_literal(Value::Bool(true), boolean.clone());
    let no = nodes.add_literal(Value::Bool(false), boolean.clone());
    let unknown = nodes.add_literal(Value::Null, boolean.clone());
    let branches = vec![(found, yes), (is_unknown, unknown)];
    Ok(nodes.add(Expr::Case { branches: branches.into(), otherwise: no }, boolean.nullable()))
}

/// Returns the value of `IN` with one column: TRUE if a row matches; otherwise null if the left side is null and rows
/// exist, or if some row is null.
fn in_truth(stage: &mut Stage, value: &QueryValue, columns: &[usize], marker: ExprId) -> ExprId {
    let relation = &value.query.relation;
    let span = value.query.span;
    let boolean = DataType::Boolean;
    let found = marker;
    let is_nullable = columns.iter().any(|&field| relation.rel.fields[field].column_type.nullable)
        || value.input.iter().any(|&id| stage.graph().exprs.column_type(id).nullable);
    if !is_nullable {
        return found;
    }

    // Count the rows for each correlation key, and those that are not null.
    let keys = correlation_fields(relation);
    let count = |args: Vec<usize>, name: &str| AggregateCall {
        function: Function::Count,
        arg_types: args.iter().map(|&arg| relation.rel.fields[arg].column_type.clone()).collect(),
        args,
        distinct: false,
        filter: None,
        column_type: DataType::BigInt.not_null(),
        name: name.to_owned(),
    };
    let calls = vec![count(vec![], "COUNT(*)"), count(vec![columns[0]], "COUNT(x)")];
    let counts = Rel::aggregate(
        relation.rel.clone(),
        AggregateRel { keys: keys.clone(), sets: None, calls, window: None, state_ttl: None },
        span,
    );
    let left = stage.rel().fields.len();
    let conditions = relation.correlated.clone();
    stage.join(
        counts,
        JoinKind::Left,
        None,
        |both| {
            let place = |field: usize| keys.iter().position(|key| *key == field).unwrap_or(field);
            conditions.iter().map(|condition| correlated_at(both, condition, &place)).collect()
        },
        span,
    );
    let all = field_input(stage, left + keys.len());
    let there = field_input(stage, left + keys.len() + 1);

    let graph = stage.graph_mut();
    let not_null = || boolean.clone().not_null();
    let literal = |graph: &mut crate::graph::Graph, value: Value| {
        let nullable = value.is_null();
        graph.add(Expr::Literal(value), ColumnType { data_type: DataType::Boolean, nullable })
    };
    let (yes, no, unknown) =
        (literal(graph, Value::Bool(true)), literal(graph, Value::Bool(false)), literal(graph, Value::Null));
    let is_empty = graph.add(Expr::IsNull(all), not_null());
    let input_is_null = graph.add(Expr::IsNull(value.input[0]), not_null());
    let has_null = graph.add(Expr::Compare(Comparison::Less, there, all), boolean.clone().nullable());
    let branches = vec![(is_empty, no), (found, yes), (input_is_null, unknown), (has_null, unknown)];
    graph.add(Expr::Case { branches: branches.into(), otherwise: no }, boolean.clone().nullable())
}

/// Binds `x < ALL (query)` and similar comparisons by the least and greatest value of the query.
fn compare_truth(
    binder: &mut QueryBinder<'_>,
    stage: &mut Stage,
    value: &QueryValue,
    column: usize,
    op: Comparison,
    all: bool,
) -> Bound<ExprId> {
    let relation = &value.query.relation;
    let span = value.query.span;
    let field = &relation.rel.fields[column];
    let call = |function: Function, args: Vec<usize>, column_type: ColumnType, name: &str| AggregateCall {
        function,
        arg_types: args.iter().map(|_| field.column_type.clone()).collect(),
        args,
        distinct: false,
        filter: None,
        column_type,
        name: name.to_owned(),
    };
    let of_value = field.column_type.data_type.clone().nullable();
    let count = DataType::BigInt.not_null();
    let calls = vec![
        call(Function::Min, vec![column], of_value.clone(), "MIN"),
        call(Function::Max, vec![column], of_value, "MAX"),
        call(Function::Count, vec![], count.clone(), "COUNT(*)"),
        call(Function::Count, vec![column], count, "COUNT(x)"),
    ];
    let bounds = Rel::aggregate(
        relation.rel.clone(),
        AggregateRel { keys: vec![], sets: None, calls, window: None, state_ttl: None },
        span,
    );
    let left = stage.rel().fields.len();
    stage.join(bounds, JoinKind::Left, None, |_| vec![], span);
    let [least, most, rows, there] = [0, 1, 2, 3].map(|at| field_input(stage, left + at));

    // Compare with the one of the two bounds that decides for all, or for any, of the values.
    let x = value.input[0];
    let mut nodes = binder.nodes(stage.graph_mut());
    let decided = match (op, all) {
        (Comparison::Less | Comparison::LessOrEqual, true)
        | (Comparison::Greater | Comparison::GreaterOrEqual, false) => {
            compare(&mut nodes, op, x, least, span)?
        }
        (Comparison::Greater | Comparison::GreaterOrEqual, true)
        | (Comparison::Less | Comparison::LessOrEqual, false) => compare(&mut nodes, op, x, most, span)?,
        (Comparison::Equal, _) => {
            let (a, b) = (compare(&mut nodes, op, x, least, span)?, compare(&mut nodes, op, x, most, span)?);
            nodes.and(a, b)
        }
        (Comparison::NotEqual, _) => {
            let (a, b) = (compare(&mut nodes, op, x, least, span)?, compare(&mut nodes, op, x, most, span)?);
            nodes.or(a, b)
        }
    };

    // Over no rows ALL is true and ANY is false; a null makes the result unknown unless the other values
    // decide it.
    let boolean = DataType::Boolean;
    let empty = nodes.add_literal(Value::Bool(all), boolean.clone());
    let unknown = nodes.add_literal(Value::Null, boolean.clone());
    let is_empty = nodes.add_boolean(Expr::IsNull(rows), false);
    let has_null = compare(&mut nodes, Comparison::Less, there, rows, span)?;
    let settled = match all {
        true => nodes.add_boolean(Expr::IsFalse(decided), false),
        false => nodes.add_boolean(Expr::IsTrue(decided), false),
    };
    let branches = vec![(is_empty, empty), (settled, decided), (has_null, unknown)];
    let case = Expr::Case { branches: branches.into(), otherwise: decided };
    Ok(nodes.add(case, boolean.nullable()))
}

/// Adds an input to the stage's graph for a field that may be new.
fn field_input(stage: &mut Stage, field: usize) -> ExprId {
    let rel_field = stage.rel().fields[field].clone();
    let input = stage.graph().exprs.inputs.len();
    let id = stage.graph_mut().add_input(rel_field.name, rel_field.column_type, InputOrigin::Row);
    stage.fill(input, field);
    id
}
