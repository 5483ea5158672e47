//! Functions that refer to the keys of a `GROUP BY`: `GROUPING`, `TUMBLE_START` and similar ones.

use types::{ColumnType, DataType, Value};

use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::graph::InputOrigin;
use crate::parse::ast;

/// Binds `GROUPING(x)` and `GROUPING_ID(a, b)`: one bit for each argument, the first one highest, that is
/// 1 if the group's set lacks the argument.
pub(super) fn grouping(binder: &mut ExprBinder<'_>, call: &ast::Call, span: Span) -> Bound<ExprId> {
    let args = {
        let mut args = vec![];
        for arg in &call.args {
            args.push(binder.expr(arg)?);
        }
        args
    };
    let Some(group) = binder.names().group() else {
        let error = Diagnostic::error(span, "GROUPING needs a GROUP BY");
        return Err(binder.report(error));
    };
    let Some(values) = group.grouping(&args) else {
        let error = Diagnostic::error(span, "the arguments of GROUPING are keys of the GROUP BY");
        return Err(binder.report(error));
    };

    let bigint = DataType::BigInt;
    if !group.has_sets() {
        return Ok(binder.nodes().add_literal(Value::Int(0), bigint));
    }
    let set = binder.nodes().only_input("$set", bigint.clone().not_null(), InputOrigin::Set);
    let mut branches = vec![];
    for (number, value) in values.iter().enumerate() {
        let number = binder.nodes().add_literal(Value::Int(number as i64), bigint.clone());
        let is_set = binder.nodes().add_boolean(Expr::Compare(Comparison::Equal, set, number), false);
        branches.push((is_set, binder.nodes().add_literal(Value::Int(*value), bigint.clone())));
    }
    let otherwise = binder.nodes().add_literal(Value::Int(0), bigint.clone());
    let case = Expr::Case { branches: branches.into(), otherwise };
    Ok(binder.nodes().add(case, bigint.not_null()))
}

/// Binds `TUMBLE_START(…)` and similar functions: the bounds of the window that the query groups by.
pub(super) fn window_bound(
    binder: &mut ExprBinder<'_>,
    call: &ast::Call,
    name: &str,
    span: Span,
) -> Option<Bound<ExprId>> {
    let (function, which) = name.rsplit_once('_')?;
    if !["TUMBLE", "HOP", "SESSION"].contains(&function) {
        return None;
    }
    let place = match which {
        "START" => 0,
        "END" => 1,
        "ROWTIME" | "PROCTIME" => 2,
        _ => return None,
    };
    let args = match binder.all(&call.args) {
        Ok(args) => args,
        Err(reported) => return Some(Err(reported)),
    };
    let window = binder.names().group().and_then(|group| group.window().cloned());
    let Some(window) = window.filter(|window| window.function == function && window.args == args) else {
        let error = Diagnostic::error(span, format!("the query does not group by this {function}"))
            .with_hint(format!("GROUP BY {function}(…) with the same arguments as {name}(…)"));
        return Some(Err(binder.report(error)));
    };

    let bound = DataType::Timestamp(3).not_null();
    let column_type: ColumnType = match place {
        2 => match binder.nodes().data_type(window.time) {
            DataType::TimestampLtz(_) => DataType::TimestampLtz(3).not_null(),
            _ => bound,
        },
        _ => bound,
    };
    let name = ["window_start", "window_end", "window_time"][place];
    Some(Ok(binder.nodes().only_input(name, column_type, InputOrigin::Window(place))))
}
