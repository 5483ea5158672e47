//! `OVER`: calls whose result for a row depends on earlier rows.

use types::{ColumnType, DataType, Interval, Value};

use super::aggregate::{aggregate_call, is_aggregate};
use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span, cut};
use crate::expr::ExprId;
use crate::parse::ast::{self, FrameBound, FrameUnit, OrderItem, OverWindow};
use crate::plan::operator::{Frame, Function};

/// An OVER call and its window, as expressions over the rows of its SELECT.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OverCall {
    pub(crate) function: Function,
    pub(crate) args: Vec<ExprId>,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<ExprId>,
    pub(crate) column_type: ColumnType,
    pub(crate) name: String,
    pub(crate) window: BoundWindow,
    pub(crate) span: Span,
}

/// The window of an OVER call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BoundWindow {
    pub(crate) partition: Vec<ExprId>,
    pub(crate) order: Vec<BoundOrder>,
    pub(crate) frame: Frame,
}

/// One item of an `ORDER BY`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BoundOrder {
    pub(crate) id: ExprId,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// Binds a call with OVER; returns the input for its result.
pub(super) fn over_value(binder: &mut ExprBinder<'_>, call: &ast::Call, span: Span) -> Bound<ExprId> {
    let name = call.name.value.to_ascii_uppercase();
    let bound = binder.collect_over(|binder| over_call(binder, call, &name, span));
    bound.unwrap_or_else(|| {
        let message = format!("{} OVER (…) is not allowed {}", cut(&name), binder.place());
        let hint = "compute it in a subquery, and use its column";
        Err(binder.report(Diagnostic::error(span, message).with_hint(hint)))
    })
}

fn over_call(binder: &mut ExprBinder<'_>, call: &ast::Call, name: &str, span: Span) -> Bound<OverCall> {
    let window = call.over.as_deref().expect("an OVER call has a window");
    if let Some(false) = call.ignore_nulls.map(|ignored| !ignored) {
        let error = Diagnostic::error(span, "IGNORE NULLS is not supported in OVER");
        return Err(binder.report(error.with_hint("remove rows with nulls by WHERE")));
    }

    let (function, args, column_type) = match name {
        "ROW_NUMBER" => (Function::RowNumber, vec![], DataType::BigInt.not_null()),
        "RANK" => (Function::Rank, vec![], DataType::BigInt.not_null()),
        "DENSE_RANK" => (Function::DenseRank, vec![], DataType::BigInt.not_null()),
        "LAG" => lag(binder, call, span)?,
        "LEAD" | "NTILE" | "CUME_DIST" | "PERCENT_RANK" | "NTH_VALUE" => {
            let error = Diagnostic::error(span, format!("{name} needs rows that have not come yet"));
            return Err(binder.report(error.with_hint("a stream knows the rows before: LAG, COUNT, SUM …")));
        }
        _ if is_aggregate(name) => {
            let bound = aggregate_call(binder, call, name, span)?;
            let window = bound_window(binder, window, name, &bound.function)?;
            return Ok(OverCall {
                function: bound.function,
                args: bound.args,
                distinct: bound.distinct,
                filter: bound.filter,
                column_type: bound.column_type,
                name: bound.name,
                window,
                span,
            });
        }
        _ => {
            let message = format!("{} is not an aggregate and takes no OVER", cut(name));
            let error = Diagnostic::error(span, message);
            return Err(binder.report(error));
        }
    };

    let window = bound_window(binder, window, name, &function)?;
    let shown: Vec<String> = args.iter().map(|arg| binder.nodes().shown(*arg)).collect();
    let name = format!("{name}({})", shown.join(", "));
    Ok(OverCall { function, args, distinct: false, filter: None, column_type, name, window, span })
}

/// Binds `LAG(x[, offset[, default]])`.
fn lag(
    binder: &mut ExprBinder<'_>,
    call: &ast::Call,
    span: Span,
) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
    let [first, rest @ ..] = call.args.as_slice() else {
        let error = Diagnostic::error(span, "LAG takes a value");
        return Err(binder.report(error.with_hint("write LAG(x), LAG(x, 2) or LAG(x, 2, default)")));
    };
    let arg = binder.expr(first)?;
    let offset = match rest.first() {
        None => 1,
        Some(offset) => {
            let id = binder.expr(offset)?;
            match binder.nodes().literal_of(id) {
                Some(Value::Int(offset)) if *offset >= 0 => *offset as u64,
                _ => {
                    let error = Diagnostic::error(offset.span, "the offset of LAG is a whole number");
                    return Err(binder.report(error.with_hint("write it as a literal: LAG(x, 2)")));
                }
            }
        }
    };

    let mut args = vec![arg];
    let mut column_type = ColumnType { nullable: true, ..binder.nodes().type_of(arg) };
    if let Some(default) = rest.get(1) {
        let id = binder.expr(default)?;
        args.push(binder.nodes().convert(id, &column_type.data_type));
        column_type.nullable = binder.nodes().is_nullable(arg) || binder.nodes().is_nullable(id);
    }
    Ok((Function::Lag { offset }, args, column_type))
}

/// Binds a window; names of the WINDOW clause are looked up.
fn bound_window(
    binder: &mut ExprBinder<'_>,
    window: &OverWindow,
    name: &str,
    function: &Function,
) -> Bound<BoundWindow> {
    let mut merged = window.clone();
    let mut depth = 0;
    while let Some(base) = merged.base.take() {
        let Some((_, named)) = binder.names().windows().iter().find(|(known, _)| known.value == base.value)
        else {
            let message = format!("there is no window `{}`", base.value);
            let hint = format!("declare it behind the query: WINDOW {} AS (ORDER BY …)", cut(&base.value));
            return Err(binder.report(Diagnostic::error(base.span, message).with_hint(hint)));
        };
        if merged.partition_by.is_empty() {
            merged.partition_by.clone_from(&named.partition_by);
        }
        if merged.order_by.is_empty() {
            merged.order_by.clone_from(&named.order_by);
        }
        merged.frame = merged.frame.take().or_else(|| named.frame.clone());
        merged.base.clone_from(&named.base);
        depth += 1;
        if depth > binder.names().windows().len() {
            let message = format!("the window `{}` refers to itself", base.value);
            return Err(binder.report(Diagnostic::error(base.span, message)));
        }
    }

    // These expressions may contain aggregates of the SELECT, but no OVER calls.
    let partition = binder.all(&merged.partition_by)?;
    let order = bound_order(binder, &merged.order_by)?;
    let is_ranking =
        matches!(function, Function::RowNumber | Function::Rank | Function::DenseRank | Function::Lag { .. });
    let frame = match &merged.frame {
        Some(frame) if is_ranking => {
            let message = format!("{name} takes no frame");
            return Err(binder.report(Diagnostic::error(frame.span, message)));
        }
        Some(frame) => bound_frame(binder, frame)?,
        None if matches!(function, Function::RowNumber) => Frame::UnboundedRows,
        None => Frame::UnboundedRange,
    };
    Ok(BoundWindow { partition, order, frame })
}

/// Binds `ORDER BY` of a window or a query. Nulls sort lowest unless NULLS FIRST or LAST is given.
fn bound_order(binder: &mut ExprBinder<'_>, items: &[OrderItem]) -> Bound<Vec<BoundOrder>> {
    let mut order: Vec<BoundOrder> = vec![];
    for item in items {
        let id = binder.bind(&item.expr)?;
        let nulls_first = item.nulls_first.unwrap_or(!item.descending);
        // A repeated expression does not change the order.
        if !order.iter().any(|known| known.id == id) {
            order.push(BoundOrder { id, descending: item.descending, nulls_first });
        }
    }
    Ok(order)
}

fn bound_frame(binder: &mut ExprBinder<'_>, frame: &ast::Frame) -> Bound<Frame> {
    match &frame.end {
        FrameBound::CurrentRow => {}
        _ => {
            let error = Diagnostic::error(frame.span, "a frame ends with CURRENT ROW")
                .with_hint("rows that follow have not come yet");
            return Err(binder.report(error));
        }
    }

    match (&frame.start, frame.unit) {
        (FrameBound::UnboundedPreceding, FrameUnit::Range) => Ok(Frame::UnboundedRange),
        (FrameBound::UnboundedPreceding, FrameUnit::Rows) => Ok(Frame::UnboundedRows),
        (FrameBound::Preceding(bound), unit) => {
            let id = binder.expr(bound)?;
            let data_type = binder.nodes().data_type(id);
            match (binder.nodes().literal_of(id), unit) {
                (Some(Value::Int(rows)), FrameUnit::Rows) if data_type.is_integer() && *rows >= 0 => {
                    Ok(Frame::Rows(*rows as u64))
                }
                (Some(Value::Int(ms)), FrameUnit::Range)
                    if data_type == DataType::IntervalDayTime && *ms >= 0 =>
                {
                    Ok(Frame::Range(Interval(*ms)))
                }
                _ => {
                    let hint = match unit {
                        FrameUnit::Rows => "ROWS BETWEEN 10 PRECEDING AND CURRENT ROW",
                        FrameUnit::Range => "RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW",
                    };
                    let error = Diagnostic::error(bound.span, "this is not a bound of a frame");
                    Err(binder.report(error.with_hint(format!("write it like {hint}"))))
                }
            }
        }
        _ => {
            let error = Diagnostic::error(frame.span, "a frame begins before the current row")
                .with_hint("write UNBOUNDED PRECEDING, or how far it reaches back");
            Err(binder.report(error))
        }
    }
}
