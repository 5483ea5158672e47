//! `CASE`, `IF`, `COALESCE`, `IFNULL` and `NULLIF`: all are bound to a `Case` node.

use types::{ColumnType, DataType, Value};

use super::compare::compare;
use super::nodes::NodeBuilder;
use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::parse::ast;
use crate::typing::{common_type, result_type};

/// Binds `CASE`; all branches are bound before it fails.
pub(super) fn case(
    binder: &mut ExprBinder<'_>,
    operand: Option<&ast::Expr>,
    branches: &[(ast::Expr, ast::Expr)],
    otherwise: Option<&ast::Expr>,
    span: Span,
) -> Bound<ExprId> {
    let operand = operand.map(|expr| binder.expr(expr)).transpose();
    let mut bound = Vec::with_capacity(branches.len());

    for (when, then) in branches {
        let condition = binder.expr(when);
        let condition = match (&operand, condition) {
            (Ok(Some(operand)), Ok(when_id)) => {
                compare(binder.nodes(), Comparison::Equal, *operand, when_id, when.span)
            }
            (Ok(None), Ok(id)) => binder.nodes().expect_boolean(id, when.span, "the condition behind WHEN"),
            (Err(reported), _) => Err(*reported),
            (_, Err(reported)) => Err(reported),
        };
        let value = binder.expr(then);
        bound.push(condition.and_then(|condition| Ok((condition, value?))));
    }

    let otherwise = match otherwise {
        Some(expr) => binder.expr(expr)?,
        None => binder.nodes().add_literal(Value::Null, DataType::Null),
    };

    let bound = bound.into_iter().collect::<Bound<Vec<_>>>()?;
    choose(binder.nodes(), bound, otherwise, span, "the results of CASE")
}

/// Adds a `Case` node whose results are converted to their common type.
fn choose(
    nodes: &mut NodeBuilder<'_>,
    branches: Vec<(ExprId, ExprId)>,
    otherwise: ExprId,
    span: Span,
    what: &str,
) -> Bound<ExprId> {
    let results: Vec<ExprId> = branches.iter().map(|(_, then)| *then).chain([otherwise]).collect();
    let common = common(nodes, &results, |types| result_type(types), span, what)?;
    let branches: Vec<(ExprId, ExprId)> =
        branches.into_iter().map(|(when, then)| (when, nodes.convert(then, &common))).collect();
    let otherwise = nodes.convert(otherwise, &common);
    let nullable = branches.iter().any(|(_, then)| nodes.is_nullable(*then)) || nodes.is_nullable(otherwise);
    let column_type = ColumnType { data_type: common, nullable };
    Ok(nodes.add(Expr::Case { branches: branches.into(), otherwise }, column_type))
}

fn common(
    nodes: &mut NodeBuilder<'_>,
    ids: &[ExprId],
    rule: fn(&[DataType]) -> Option<DataType>,
    span: Span,
    what: &str,
) -> Bound<DataType> {
    let types: Vec<DataType> = ids.iter().map(|id| nodes.data_type(*id)).collect();
    match rule(&types) {
        Some(common) => Ok(common),
        None => {
            let mut names: Vec<String> = types.iter().map(DataType::to_string).collect();
            names.dedup();
            let error = Diagnostic::error(span, format!("{what} have no type in common"))
                .with_detail(format!("they are {}", names.join(", ")))
                .with_hint("CAST them to one type");
            Err(nodes.report(error))
        }
    }
}

/// Binds the calls that this file handles instead of the registry; `None` for other names.
pub(super) fn choice_call(
    nodes: &mut NodeBuilder<'_>,
    name: &str,
    args: &[ExprId],
    span: Span,
) -> Option<Bound<ExprId>> {
    Some(match (name, args) {
        ("COALESCE", [_, ..]) | ("IFNULL", [_, _]) => coalesce(nodes, args, span),
        ("NULLIF", [a, b]) => nullif(nodes, *a, *b, span),
        ("IF", [condition, then, otherwise]) => {
            nodes.expect_boolean(*condition, span, "the first argument of IF").and_then(|condition| {
                choose(nodes, vec![(condition, *then)], *otherwise, span, "the results of IF")
            })
        }
        ("COALESCE" | "IFNULL" | "NULLIF" | "IF", _) => {
            let form = match name {
                "COALESCE" => "COALESCE(value, …)",
                "IF" => "IF(condition, value, value)",
                _ => "two values",
            };
            let error = Diagnostic::error(span, format!("{name} does not take {} arguments", args.len()));
            Err(nodes.report(error.with_hint(format!("it takes {form}"))))
        }
        _ => return None,
    })
}

/// Binds `COALESCE`: the first value that is not null. Arguments behind a non-nullable one are dropped.
fn coalesce(nodes: &mut NodeBuilder<'_>, args: &[ExprId], span: Span) -> Bound<ExprId> {
    let rule = |types: &[DataType]| common_type(types);
    let common = common(nodes, args, rule, span, "the arguments of COALESCE")?;
    let reached = args.iter().position(|arg| !nodes.is_nullable(*arg)).map_or(args.len(), |last| last + 1);
    let converted: Vec<ExprId> = args[..reached].iter().map(|arg| nodes.convert(*arg, &common)).collect();
    let (otherwise, first) = converted.split_last().expect("COALESCE has an argument");
    if first.is_empty() {
        return Ok(*otherwise);
    }
    let branches: Vec<(ExprId, ExprId)> =
        first.iter().map(|id| (nodes.add_boolean(Expr::IsNotNull(*id), false), *id)).collect();
    let column_type = ColumnType { data_type: common, nullable: nodes.is_nullable(*otherwise) };
    Ok(nodes.add(Expr::Case { branches: branches.into(), otherwise: *otherwise }, column_type))
}

fn nullif(nodes: &mut NodeBuilder<'_>, a: ExprId, b: ExprId, span: Span) -> Bound<ExprId> {
    let equal = compare(nodes, Comparison::Equal, a, b, span)?;
    let column_type = ColumnType { nullable: true, ..nodes.type_of(a) };
    let null = nodes.add_literal(Value::Null, column_type.data_type.clone());
    Ok(nodes.add(Expr::Case { branches: vec![(equal, null)].into(), otherwise: a }, column_type))
}
