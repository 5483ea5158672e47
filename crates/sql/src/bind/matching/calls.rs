//! Calls that have a special meaning in `DEFINE` and `MEASURES`.

use types::{DataType, Value};

use super::super::aggregate::{BoundAggregate, aggregate_value, is_aggregate};
use super::super::call::call_value;
use super::super::calls::CallCollector;
use super::super::expression::Clause;
use super::super::function::call_function;
use super::super::nodes::NodeBuilder;
use super::super::{Bound, ExprBinder, Reported};
use super::names::{NamedInput, NamedRows, Navigation, PatternNames};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::parse::ast::{self, ExprKind};
use crate::plan::operator::RowsEnd;
use crate::rel::TimeAttribute;

/// Binds a call that has a special meaning in `DEFINE` and `MEASURES`; `None` for others.
pub(in crate::bind) fn pattern_call(
    binder: &mut ExprBinder<'_>,
    call: &ast::Call,
    name: &str,
    span: Span,
) -> Option<Bound<ExprId>> {
    binder.pattern()?;
    Some(match name {
        "FIRST" => navigated(binder, call, RowsEnd::First, span),
        "LAST" => navigated(binder, call, RowsEnd::Last, span),
        "MATCH_ROWTIME" => match_rowtime(binder, call, span),
        "MATCH_PROCTIME" if call.args.is_empty() => call_function(binder.nodes(), "PROCTIME", &[], span),
        "PREV" | "NEXT" => {
            let error = Diagnostic::error(span, format!("{name} is not supported"))
                .with_detail("rows are identified by variables, not by positions in the partition")
                .with_hint("LAST(A.x, 1) is the row of A before its last one, LAST(x, 1) the row before");
            Err(binder.report(error))
        }
        "CLASSIFIER" | "MATCH_NUMBER" => {
            Err(binder.report(Diagnostic::error(span, format!("{name}() is not supported"))))
        }
        _ if is_aggregate(name) => pattern_aggregate(binder, call, name, span),
        _ => return None,
    })
}

/// Binds `FIRST(x[, offset])` and `LAST(x[, offset])`.
fn navigated(binder: &mut ExprBinder<'_>, call: &ast::Call, end: RowsEnd, span: Span) -> Bound<ExprId> {
    let name = call.name.value.to_ascii_uppercase();
    let form = format!("write {name}(A.x) or {name}(A.x, 1)");
    if call.star || call.distinct || call.filter.is_some() || !(1..=2).contains(&call.args.len()) {
        let error = Diagnostic::error(span, format!("{name} takes a value and an offset"));
        return Err(binder.report(error.with_hint(form)));
    }
    let offset = match call.args.get(1).map(|offset| &offset.kind) {
        None => 0,
        Some(ExprKind::Literal { value: Value::Int(offset), data_type }) if data_type.is_integer() => {
            u32::try_from(*offset).unwrap_or(u32::MAX)
        }
        Some(_) => {
            let place = call.args[1].span;
            let error = Diagnostic::error(place, format!("the offset of {name} is a whole number"));
            return Err(binder.report(error.with_hint(form)));
        }
    };

    let Some((pattern, nodes)) = binder.pattern() else { return call_value(binder, call, span) };
    if pattern.is_navigating() {
        let error = Diagnostic::error(span, "FIRST and LAST cannot be nested");
        return Err(nodes.report(error.with_hint("LAST(A.x, 1) is the row before the last one")));
    }
    match pattern.only_variable(&call.args[..1]) {
        Err((one, other)) => return Err(mixed_rows(nodes, &name, &one, &other, span)),
        Ok(NamedRows::Nothing) => {
            let error = Diagnostic::error(span, format!("{name} takes a column"));
            return Err(nodes.report(error.with_hint(form)));
        }
        Ok(NamedRows::Rows(_)) => pattern.navigate(Some(Navigation { end, offset })),
    }

    let bound = binder.expr(&call.args[0]);
    if let Some((pattern, _)) = binder.pattern() {
        pattern.navigate(None);
    }
    bound
}

fn mixed_rows(nodes: &mut NodeBuilder<'_>, name: &str, one: &str, other: &str, span: Span) -> Reported {
    let error = Diagnostic::error(span, format!("{name} is over the rows of one variable"))
        .with_detail(format!("it names columns of {one} and of {other}"))
        .with_hint(format!("combine the results: {name}(A.x) + {name}(B.x)"));
    nodes.report(error)
}

/// Binds `MATCH_ROWTIME([time])`.
fn match_rowtime(binder: &mut ExprBinder<'_>, call: &ast::Call, span: Span) -> Bound<ExprId> {
    let field = match call.args.as_slice() {
        [] => None,
        [ast::Expr { kind: ExprKind::Name(path), .. }] => Some(path),
        _ => {
            let error = Diagnostic::error(span, "MATCH_ROWTIME takes the event time or nothing");
            return Err(binder.report(error.with_hint("write MATCH_ROWTIME()")));
        }
    };
    let Some((pattern, nodes)) = binder.pattern() else { return call_value(binder, call, span) };
    if pattern.order() != TimeAttribute::Event {
        let error = Diagnostic::error(span, "there is no event time: rows are in order of processing time")
            .with_hint("write MATCH_PROCTIME()");
        return Err(nodes.report(error));
    }

    let column_type = match field.map(|path| pattern.event_time(path)) {
        None => DataType::Timestamp(3).not_null(),
        Some(Ok(Some(column_type))) => column_type,
        Some(Ok(None)) => {
            let error = Diagnostic::error(call.args[0].span, "MATCH_ROWTIME takes the event time")
                .with_hint("write MATCH_ROWTIME()");
            return Err(nodes.report(error));
        }
        Some(Err(unresolved)) => {
            let error = unresolved.behind(nodes.findings());
            return Err(nodes.report(error));
        }
    };
    Ok(pattern.input(NamedInput::RowTime, "MATCH_ROWTIME()".to_owned(), column_type, nodes))
}

/// Binds an aggregate over the rows of a variable, or of the match.
fn pattern_aggregate(binder: &mut ExprBinder<'_>, call: &ast::Call, name: &str, span: Span) -> Bound<ExprId> {
    if call.distinct || call.filter.is_some() {
        let what = if call.distinct { "DISTINCT" } else { "FILTER" };
        let error = Diagnostic::error(span, format!("{what} is not supported in MATCH_RECOGNIZE"))
            .with_hint("select the rows with a separate variable and a condition in DEFINE");
        return Err(binder.report(error));
    }
    let Some((pattern, nodes)) = binder.pattern() else { return aggregate_value(binder, call, name, span) };
    if pattern.is_navigating() {
        let error = Diagnostic::error(span, format!("the aggregate {name} is not allowed in FIRST and LAST"));
        let hint = "an aggregate is over all rows of a variable already";
        return Err(nodes.report(error.with_hint(hint)));
    }
    let variable = match pattern.only_variable(&call.args) {
        Err((one, other)) => return Err(mixed_rows(nodes, name, &one, &other, span)),
        Ok(NamedRows::Nothing) => None,
        Ok(NamedRows::Rows(variable)) => variable,
    };

    let call = over_rows(pattern, nodes, call, name, span)?;
    let column_type = call.column_type.clone();
    let shown = shown_over(&call.name, variable.map(|place| &*pattern.variables()[place]));
    let input = NamedInput::Aggregate { variable, call };
    Ok(pattern.input(input, shown, column_type, nodes))
}

/// Binds the call over the rows of the input.
fn over_rows(
    pattern: &mut PatternNames,
    nodes: &mut NodeBuilder<'_>,
    call: &ast::Call,
    name: &str,
    span: Span,
) -> Bound<BoundAggregate> {
    let (rows, scope) = pattern.rows();
    let calls = CallCollector::default().allow_aggregates();
    let mut binder = ExprBinder::new(nodes.over(rows), Clause::new(scope, "here"), calls);
    aggregate_value(&mut binder, call, name, span)?;
    Ok(binder.into_collector().into_calls().aggregates.remove(0))
}

/// Formats `SUM(x)` of a variable as `SUM(A: x)`.
fn shown_over(call: &str, variable: Option<&str>) -> String {
    match (variable, call.split_once('(')) {
        (Some(variable), Some((name, rest))) => format!("{name}({variable}: {rest}"),
        _ => call.to_owned(),
    }
}
