//! What Apache Flink answers otherwise than Weir, or refuses, in a compiled script: for scripts that move to a Flink cluster.
//!
//! The differences are those that runs of both have shown: `docs/flink.md` lists them. What the binder knows to be refused is
//! among the notices of a plan, with the kind [`DiagnosticKind::RefusedByFlink`].

use jiff::Timestamp;
use jiff::tz::TimeZone;
use types::DataType;

use crate::error::{Diagnostic, DiagnosticKind, Span};
use crate::plan::operator::{
    AggregateCall, Expand, Function, Operator, OperatorKind, Over, Rank, RankEnd, TemporalJoin,
    WindowAggregate, Windowing,
};
use crate::plan::{AggregateFunction, Pipeline, Plan, Shape, Target, Window};

/// Changes of a time zone that are looked at: daylight saving time makes two of them a year.
const TRANSITIONS: usize = 8;

/// Returns the differences in a plan, in the order of its operators. Errors are what Flink refuses.
pub fn differences(plan: &Plan) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for pipeline in &plan.pipelines {
        found.extend(of_scan(pipeline, &plan.settings.time_zone));
    }
    for (place, operator) in plan.operators.iter().enumerate() {
        found.extend(of_operator(plan, place, operator));
    }
    found
}

fn of_scan(pipeline: &Pipeline, zone: &TimeZone) -> Vec<Diagnostic> {
    let is_instant = pipeline.rowtime.as_ref().is_some_and(|rowtime| {
        matches!(pipeline.exprs.column_type(rowtime.time).data_type, DataType::TimestampLtz(_))
    });

    let mut found = Vec::new();
    for query in &pipeline.queries {
        let Shape::Aggregate(aggregate) = &query.shape else { continue };
        if is_instant {
            found.extend(lost_rows(aggregate.window, zone, query.span));
        }
        for call in &aggregate.aggregates {
            let needs_arrival =
                matches!(call.function, AggregateFunction::FirstValue | AggregateFunction::LastValue);
            let sums_distinct = call.distinct && call.function == AggregateFunction::Sum;
            found.extend(in_slices(aggregate.window, &call.name, needs_arrival, sums_distinct, query.span));
        }
    }
    found
}

fn of_operator(plan: &Plan, place: usize, operator: &Operator) -> Vec<Diagnostic> {
    let span = operator.span;
    match &operator.kind {
        OperatorKind::WindowAggregate(aggregate) => {
            let window = window(plan, place, aggregate);
            window
                .map_or_else(Vec::new, |window| of_windows(window, aggregate, &plan.settings.time_zone, span))
        }
        OperatorKind::Expand(expand) => repeated_set(expand, span).into_iter().collect(),
        OperatorKind::Rank(rank) => of_rank(rank, operator).into_iter().collect(),
        OperatorKind::Over(over) => of_over(over, span),
        OperatorKind::TemporalJoin(join) => null_keys(join, operator).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Returns the windows of an aggregate, which an operator below it may have assigned.
fn window(plan: &Plan, place: usize, aggregate: &WindowAggregate) -> Option<Window> {
    let sliced = |windowing: Windowing| match windowing {
        Windowing::Sliced { window, .. } => Some(window),
        Windowing::Session { .. } | Windowing::Attached { .. } => None,
    };
    if let Some(window) = sliced(aggregate.windowing) {
        return Some(window);
    }

    let target = Target::Operator { operator: place, input: 0 };
    let below = plan.operators.iter().find(|of| of.targets.contains(&target))?;
    match &below.kind {
        OperatorKind::WindowAssign(assign) => sliced(assign.windowing),
        _ => None,
    }
}

fn of_windows(window: Window, aggregate: &WindowAggregate, zone: &TimeZone, span: Span) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if aggregate.is_instant {
        found.extend(lost_rows(window, zone, span));
    }
    for call in &aggregate.calls {
        let needs_arrival = matches!(call.function, Function::FirstValue | Function::LastValue);
        let sums_distinct =
            call.distinct && matches!(call.function, Function::Sum | Function::ListAgg { .. });
        found.extend(in_slices(window, &call.name, needs_arrival, sums_distinct, span));
    }
    found
}

/// Finds windows whose rows Flink loses. In a time zone without daylight saving time, Flink takes the ends of windows for
/// those of UTC when it decides when to fire.
fn lost_rows(window: Window, zone: &TimeZone, span: Span) -> Option<Diagnostic> {
    // From 2026 on, a zone with daylight saving time changes its offset again and again.
    let from = Timestamp::from_second(1_767_225_600).ok()?;
    let standard = zone.to_offset(from);
    if zone.following(from).take(TRANSITIONS).any(|transition| transition.offset() != standard) {
        return None;
    }
    let offset = i64::from(standard.seconds()) * 1_000;
    let slice = match window {
        Window::Tumble { size, .. } => size,
        Window::Hop { slide, .. } => slide,
        Window::Cumulate { step, .. } => step,
    };
    if slice.0 == 0 || offset % slice.0 == 0 {
        return None;
    }

    let zone = zone.iana_name().map_or_else(|| standard.to_string(), str::to_owned);
    let message =
        format!("Flink loses rows of windows of {slice} over a TIMESTAMP_LTZ in the time zone {zone}");
    let detail = "in a zone without daylight saving time, it fires windows as if they ended in UTC";
    let hint = "let the event time be a TIMESTAMP(3) of local time: CAST(… AS TIMESTAMP(3)) in the table's computed column";
    Some(Diagnostic::notice(span, message).with_detail(detail).with_hint(hint))
}

/// Finds calls that Flink cannot compute in windows that share slices.
fn in_slices(
    window: Window,
    call: &str,
    needs_arrival: bool,
    sums_distinct: bool,
    span: Span,
) -> Option<Diagnostic> {
    let kind = match window {
        Window::Tumble { .. } => return None,
        Window::Hop { .. } => "HOP",
        Window::Cumulate { .. } => "CUMULATE",
    };
    if needs_arrival {
        let message = format!("{call} over {kind} is accepted here but refused by Flink");
        let error = Diagnostic::error(span, message).of_kind(DiagnosticKind::RefusedByFlink);
        return Some(error.with_hint("use TUMBLE, or MIN or MAX"));
    }
    let message = format!("Flink refuses {call} over {kind} in some plans");
    let hint = "count or sum distinct values of a subquery in windows of their own";
    sums_distinct.then(|| Diagnostic::notice(span, message).with_hint(hint))
}

fn repeated_set(expand: &Expand, span: Span) -> Option<Diagnostic> {
    let copies = &expand.copies;
    let is_repeated =
        copies.iter().enumerate().any(|(at, copy)| copies[..at].iter().any(|of| of.keeps == copy.keeps));
    let message = "where a grouping set is repeated, Flink fills columns that the set does not have";
    is_repeated.then(|| Diagnostic::notice(span, message).with_hint("name each grouping set once"))
}

fn of_rank(rank: &Rank, operator: &Operator) -> Option<Diagnostic> {
    let is_append = operator.inputs.iter().all(|input| input.changes.is_append());
    if rank.from > 1 && !is_append {
        let message =
            "a Top-N that skips rows, over rows that are updated: Flink fails to retract skipped rows";
        return Some(
            Diagnostic::notice(operator.span, message).with_hint("leave out the OFFSET, or the lower bound"),
        );
    }
    let is_first = rank.to == RankEnd::Constant(1) && is_append;
    let is_descending = matches!(rank.order.as_slice(), [key] if key.descending);
    if is_first && !is_descending {
        let message = "a Top-1 in this order: Flink keeps the first row that it has found, even when another takes its place";
        let hint = "order by one column, DESC: a negative number turns the order round";
        return Some(Diagnostic::notice(operator.span, message).with_hint(hint));
    }
    None
}

fn of_over(over: &Over, span: Span) -> Vec<Diagnostic> {
    let looks_far = |call: &&AggregateCall| matches!(call.function, Function::Lag { offset } if offset > 1);
    let of = over.calls.iter().filter(looks_far).map(|call| {
        let message = format!("{}: where the value is null, Flink returns that of another row", call.name);
        Diagnostic::notice(span, message).with_hint("COALESCE the value below the OVER")
    });
    of.collect()
}

fn null_keys(join: &TemporalJoin, operator: &Operator) -> Option<Diagnostic> {
    let [left, right] = operator.inputs.as_slice() else { return None };
    let may_be_null = |key: &crate::plan::operator::JoinKey| {
        left.fields[key.left].column_type.nullable && right.fields[key.right].column_type.nullable
    };
    let message = "a temporal join by a key that may be null: with a deduplicated view, Flink takes null for equal to null";
    let hint = "leave such rows out with IS NOT NULL, or declare the column NOT NULL";
    join.keys.iter().any(may_be_null).then(|| Diagnostic::notice(operator.span, message).with_hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str =
        "CREATE TABLE q (k STRING, n INT, ts TIMESTAMP_LTZ(3), local_ts AS CAST(ts AS TIMESTAMP(3)), \
        WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
        CREATE TABLE r (k STRING, n INT) WITH ('connector' = 'redis');";

    fn found(query: &str) -> Vec<Diagnostic> {
        let script = format!("{TABLES}\n{query}");
        let plan = crate::compile(&script, &|_| None).unwrap_or_else(|found| panic!("{found:?}"));
        differences(&plan)
    }

    fn messages(query: &str) -> Vec<(bool, String)> {
        found(query).into_iter().map(|of| (of.is_error(), of.message)).collect()
    }

    fn in_zone(zone: &str, window: &str) -> usize {
        let query = format!(
            "SET 'table.local-time-zone' = '{zone}'; INSERT INTO r SELECT k, CAST(COUNT(*) AS INT) \
             FROM TABLE({window}) GROUP BY window_start, window_end, k"
        );
        found(&query).len()
    }

    #[test]
    fn windows_that_do_not_end_with_those_of_utc_lose_rows_where_clocks_never_change() {
        let day = "TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' DAY)";
        let hour = "TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' HOUR)";
        assert_eq!((in_zone("Asia/Ho_Chi_Minh", day), in_zone("+07:00", day)), (1, 1));
        assert_eq!((in_zone("Asia/Ho_Chi_Minh", hour), in_zone("Asia/Kolkata", hour)), (0, 1));
        assert_eq!((in_zone("UTC", day), in_zone("Europe/Berlin", day)), (0, 0));
        let hop = "HOP(TABLE q, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY)";
        assert_eq!(in_zone("Asia/Ho_Chi_Minh", hop), 0, "a slice of an hour");
    }

    #[test]
    fn the_first_value_of_overlapping_windows_is_refused() {
        let first = |window: &str| {
            messages(&format!(
                "INSERT INTO r SELECT k, FIRST_VALUE(n) FROM TABLE({window}) GROUP BY window_start, window_end, k"
            ))
        };
        let hop = first("HOP(TABLE q, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR)");
        assert!(matches!(hop.as_slice(), [(true, message)] if message.contains("over HOP")), "{hop:?}");
        assert_eq!(first("TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' HOUR)"), []);
    }

    #[test]
    fn a_top_1_in_ascending_order_differs() {
        let top = |order: &str| {
            messages(&format!(
                "INSERT INTO r SELECT k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY {order}) AS p FROM q) \
                 WHERE p = 1"
            ))
        };
        assert!(matches!(top("n").as_slice(), [(false, message)] if message.contains("Top-1")));
        assert_eq!(top("n DESC"), []);
    }

    #[test]
    fn a_grouping_set_that_is_repeated_differs() {
        let sets = |sets: &str| {
            messages(&format!(
                "INSERT INTO r SELECT k, CAST(COUNT(*) AS INT) FROM q GROUP BY GROUPING SETS ({sets})"
            ))
        };
        assert_eq!(sets("(k), (k, n)"), []);
        assert_eq!(sets("(k), (k, n), (k)").len(), 1);
    }
}
