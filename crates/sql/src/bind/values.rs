//! `VALUES`: literal rows; each value is computed at compile time.

use types::{ColumnType, DataType, Value};

use super::expression::Clause;
use super::resolve::Scope;
use super::scope::Relation;
use super::{Bound, QueryBinder, Reported};
use crate::catalog::Table;
use crate::error::{Diagnostic, Span};
use crate::expr::{Expr, ExprId};
use crate::graph::Graph;
use crate::parse::ast;
use crate::rewrite::Rewriter;
use crate::rules::Rules;
use crate::typing::result_type;

/// Binds the rows as a relation with the columns `EXPR$0`, `EXPR$1`, …
pub(super) fn values(binder: &mut QueryBinder<'_>, rows: &[Vec<ast::Expr>], place: Span) -> Bound<Relation> {
    let width = rows.first().map_or(0, Vec::len);
    let span_of = |row: &[ast::Expr]| match row {
        [] => Span::default(),
        [first, .., last] | [first @ last] => first.span.to(last.span),
    };

    if let Some(other) = rows.iter().find(|row| row.len() != width) {
        let message = format!("this row has {} values, but the first row has {width}", other.len());
        return Err(binder.report(Diagnostic::error(span_of(other), message)));
    }

    let (mut graph, scope) = (Graph::default(), Scope::default());
    let mut bound: Vec<Vec<ExprId>> = vec![];

    for row in rows {
        let ids = binder.exprs(&mut graph, Clause::new(&scope, "in VALUES"), |exprs| {
            row.iter().map(|expr| exprs.bind(expr)).collect::<Bound<Vec<_>>>()
        })?;
        bound.push(ids);
    }

    let mut types = vec![];
    let mut values: Vec<Vec<Value>> = vec![vec![]; rows.len()];

    for column in 0..width {
        let spans: Vec<Span> = rows.iter().map(|row| row[column].span).collect();
        let ids: Vec<ExprId> = bound.iter().map(|row| row[column]).collect();
        let data_type = common_of(binder, &graph, &ids, &spans)?;
        let mut nodes = binder.nodes(&mut graph);
        let ids: Vec<ExprId> = ids.iter().map(|id| nodes.convert(*id, &data_type)).collect();
        let mut rewriter = Rewriter::new(&graph.exprs, binder.time_zone(), Rules::default());
        let ids: Vec<ExprId> = ids.into_iter().map(|id| rewriter.rewrite(id)).collect();
        let folded = rewriter.finish();
        for ((id, span), row) in ids.iter().zip(&spans).zip(&mut values) {
            let Expr::Literal(value) = folded.expr(*id) else {
                let error = Diagnostic::error(*span, "VALUES may only contain constants")
                    .with_hint("write constants into VALUES, and compute with them in the SELECT");
                return Err(binder.report(error));
            };
            row.push(value.clone());
        }
        let nullable = values.iter().any(|row| row[column].is_null());
        types.push(ColumnType { data_type, nullable });
    }

    binder.constants(Table::values(types, values, place))
}

fn common_of(binder: &mut QueryBinder<'_>, graph: &Graph, ids: &[ExprId], spans: &[Span]) -> Bound<DataType> {
    let types: Vec<&DataType> = ids.iter().map(|id| &graph.exprs.column_type(*id).data_type).collect();
    let place = spans.first().copied().unwrap_or_default();
    let error = match result_type(types.iter().copied()) {
        Some(DataType::Null) => Diagnostic::error(place, "a column with only nulls has no type")
            .with_hint("give it one: CAST(NULL AS STRING)"),
        Some(common) => return Ok(common),
        None => {
            let mut names: Vec<String> = types.iter().map(|of| of.to_string()).collect();
            names.dedup();
            Diagnostic::error(place, "the values of this column have no type in common")
                .with_detail(format!("they are {}", names.join(", ")))
                .with_hint("CAST them to one type")
        }
    };
    let reported: Reported = binder.report(error);
    Err(reported)
}
