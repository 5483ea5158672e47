//! The queries of a job: what each has written and holds, which of its windows is the next to close, and what that waits for.

use engine::layout::slice_end;
use engine::output_metrics::{Output, OutputView};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jobs::{JobView, TaskView};
use serde::Serialize;
use sql::plan::{Operator, Pipeline, Plan, Query, Shape, Target, Window};
use types::DataType;
use utoipa::ToSchema;

/// The metric that holds the event time of the newest record that a subtask has handed on.
const NEWEST: &str = "emittedEventTime";

/// A query. Times are milliseconds since 1970.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct QueryFigures {
    name: String,
    /// Its window, its keys, and its sink: `TUMBLE 1 min by faculty, into counts (redis)`; or its operators:
    /// `Join, GroupAggregate, into counts (redis)`.
    description: String,
    /// Whether it counts in windows directly over a table. Other queries have no open windows of their own, and no watermark
    /// here.
    is_windowed: bool,
    /// Windows that have content and have not closed, as last measured: with each checkpoint and each window that closes.
    open_windows: Option<u64>,
    /// Groups in these windows.
    groups: Option<u64>,
    /// Rows written since the job last started, early results included.
    rows_written: u64,
    /// When the newest rows were written.
    last_written_ms: Option<i64>,
    /// End of the newest window whose final result was written.
    last_window_end_ms: Option<i64>,
    /// Bytes of state; queries that share state have it together.
    state_bytes: usize,
    /// Rows that were dropped as late.
    late: u64,
    /// Event time up to which all rows have come; null before the first watermark.
    watermark_ms: Option<i64>,
    /// End of the first window that the watermark has not passed.
    open_until_ms: Option<i64>,
    /// Event time of the newest record that was read.
    newest_ms: Option<i64>,
    /// The partition that holds the watermark back, if the source has several.
    behind: Option<BehindFigures>,
}

/// A partition whose watermark is the lowest.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct BehindFigures {
    topic: String,
    partition: u32,
    watermark_ms: Option<i64>,
    /// Unread records; null if the log does not tell.
    unread: Option<u64>,
}

/// Returns the figures of all queries: those with windows over a table, in the order of the script, then the others.
pub(super) fn queries(view: &JobView, plan: &Plan) -> Vec<QueryFigures> {
    let pipelines = plan.pipelines.iter().enumerate();
    let windowed = pipelines.flat_map(|(number, pipeline)| of_pipeline(view, plan, (number, pipeline)));
    let others = (0..plan.sinks.len()).flat_map(|sink| into_sink(view, plan, sink));
    windowed.chain(others).collect()
}

fn of_pipeline(view: &JobView, plan: &Plan, (number, pipeline): (usize, &Pipeline)) -> Vec<QueryFigures> {
    let vertex = engine::execution::source_vertex(&pipeline.source.name);
    let tasks: Vec<&TaskView> = view.tasks.iter().filter(|task| task.vertex == vertex).collect();
    let progress = Progress::of(&tasks);
    // Times without a zone are on the wall clock themselves.
    let is_zoned = pipeline.rowtime.as_ref().is_some_and(|rowtime| {
        matches!(pipeline.exprs.column_type(rowtime.time).data_type, DataType::TimestampLtz(_))
    });
    let zone = if is_zoned { plan.settings.time_zone.clone() } else { TimeZone::UTC };

    let queries = pipeline.queries.iter().enumerate();
    let windowed = queries.filter_map(|(at, query)| Some((at, query, window_of(query)?)));
    windowed
        .map(|(at, query, window)| {
            let output = output(view, Output::Query { pipeline: number, query: at });
            QueryFigures {
                name: query.name.clone(),
                description: sql::explain::summary(pipeline, query, &plan.sinks),
                is_windowed: true,
                open_windows: output.as_ref().map(|output| output.open_windows),
                groups: output.as_ref().map(|output| output.groups),
                last_window_end_ms: output.as_ref().and_then(|output| instant(output.window_end?, &zone)),
                state_bytes: state_bytes(view, |name| name == query.name),
                late: view.ledger.late_by_query.get(&query.name).copied().unwrap_or_default(),
                watermark_ms: progress.watermark,
                open_until_ms: progress.watermark.and_then(|watermark| next_end(window, watermark, &zone)),
                newest_ms: progress.newest,
                behind: progress.behind.clone(),
                ..written(output.as_ref())
            }
        })
        .collect()
}

/// Returns the figures of the queries without windows over a table, and of the operators, that write to a sink.
fn into_sink(view: &JobView, plan: &Plan, sink: usize) -> Vec<QueryFigures> {
    let target = Target::Sink(sink);
    let mut figures = Vec::new();
    for (number, pipeline) in plan.pipelines.iter().enumerate() {
        let queries = pipeline.queries.iter().enumerate();
        for (at, query) in queries.filter(|(_, of)| of.targets.contains(&target) && window_of(of).is_none()) {
            figures.push(QueryFigures {
                name: query.name.clone(),
                description: sql::explain::summary(pipeline, query, &plan.sinks),
                ..written(output(view, Output::Query { pipeline: number, query: at }).as_ref())
            });
        }
    }

    let operators = plan.operators.iter().enumerate();
    for (last, _) in operators.filter(|(_, operator)| operator.targets.contains(&target)) {
        let of_query = leading_to(&plan.operators, last);
        let names: Vec<String> =
            of_query.iter().map(|&place| engine::execution::operator_name(plan, place)).collect();
        let is_of_query = |name: &str| names.iter().any(|of| of == name);
        let table = &plan.sinks[sink];
        let kinds: Vec<String> =
            of_query.iter().map(|&place| engine::execution::operator_kind(&plan.operators[place])).collect();
        figures.push(QueryFigures {
            name: table.name.clone(),
            description: format!("{}, into {}", kinds.join(", "), table.described()),
            state_bytes: state_bytes(view, is_of_query),
            late: late_in_operators(view, is_of_query),
            ..written(output(view, Output::Operator(last)).as_ref())
        });
    }
    figures
}

/// Returns the operators whose rows reach an operator, and that one, in the order of the plan.
fn leading_to(operators: &[Operator], last: usize) -> Vec<usize> {
    let mut found = vec![last];
    // An operator follows its inputs.
    for (place, operator) in operators.iter().enumerate().take(last).rev() {
        let feeds =
            |target: &Target| matches!(target, Target::Operator { operator, .. } if found.contains(operator));
        if operator.targets.iter().any(feeds) {
            found.push(place);
        }
    }
    found.reverse();
    found
}

/// Returns the metrics of an output, of all subtasks together; `None` if no subtask runs.
fn output(view: &JobView, output: Output) -> Option<OutputView> {
    let outputs = view.tasks.iter().flat_map(|task| &task.outputs).filter(|of| of.output == output);
    outputs.cloned().reduce(|mut all, other| {
        all.add(&other);
        all
    })
}

fn written(output: Option<&OutputView>) -> QueryFigures {
    QueryFigures {
        rows_written: output.map_or(0, |output| output.rows),
        last_written_ms: output.and_then(|output| Some(output.written?.0)),
        ..QueryFigures::default()
    }
}

fn late_in_operators(view: &JobView, is_of_query: impl Fn(&str) -> bool) -> u64 {
    let metrics = view.tasks.iter().flat_map(|task| &task.metrics);
    let late = metrics.filter_map(|(name, value)| {
        let operator = name.strip_suffix(".numLateRecordsDropped")?;
        is_of_query(operator).then_some(*value as u64)
    });
    late.sum()
}

fn window_of(query: &Query) -> Option<Window> {
    match &query.shape {
        Shape::Aggregate(aggregate) => Some(aggregate.window),
        Shape::Rows { .. } => None,
    }
}

/// Returns the bytes of state under some names of queries or operators, alone or with others.
fn state_bytes(view: &JobView, is_meant: impl Fn(&str) -> bool) -> usize {
    let shares = |names: &str| names.split(", ").any(&is_meant);
    view.memory.by_query.iter().filter(|(names, _)| shares(names)).map(|(_, bytes)| bytes).sum()
}

/// How far the subtasks of a source have read.
#[derive(Debug, Default)]
struct Progress {
    watermark: Option<i64>,
    newest: Option<i64>,
    behind: Option<BehindFigures>,
}

impl Progress {
    fn of(tasks: &[&TaskView]) -> Progress {
        let metric = |task: &TaskView, name: &str| {
            let found = task.metrics.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| *value as i64).filter(|value| *value > i64::MIN)
        };

        let splits = || tasks.iter().flat_map(|task| &task.splits);
        let slowest = splits().min_by_key(|split| split.watermark);
        let behind = slowest.filter(|_| splits().count() > 1).map(|split| BehindFigures {
            topic: split.split.topic.clone(),
            partition: split.split.partition,
            watermark_ms: Some(split.watermark).filter(|watermark| *watermark > i64::MIN),
            unread: split.lag,
        });

        // A subtask without partitions has no watermark, and none waits for it.
        let watermarks = tasks.iter().filter_map(|task| metric(task, super::figures::WATERMARK));
        Progress {
            watermark: watermarks.min().filter(|watermark| *watermark < i64::MAX),
            newest: tasks.iter().filter_map(|task| metric(task, NEWEST)).max(),
            behind,
        }
    }
}

/// Returns the end of the first window that a watermark has not passed. A window closes when the watermark reaches its last
/// millisecond.
fn next_end(window: Window, watermark: i64, zone: &TimeZone) -> Option<i64> {
    let next = jiff::Timestamp::from_millisecond(watermark.checked_add(1)?).ok()?;
    let wall = TimeZone::UTC.to_zoned(zone.to_datetime(next)).ok()?.timestamp().as_millisecond();
    instant(slice_end(window, wall), zone)
}

/// Returns the instant at which the wall clock of a zone shows a time. A time that it shows twice is the later one.
fn instant(wall: i64, zone: &TimeZone) -> Option<i64> {
    let wall = jiff::Timestamp::from_millisecond(wall).ok()?;
    let civil: DateTime = TimeZone::UTC.to_datetime(wall);
    Some(zone.to_ambiguous_timestamp(civil).later().ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use types::Interval;

    use super::*;

    #[test]
    fn a_window_is_open_until_its_last_millisecond() {
        let window = Window::Tumble { size: Interval(60_000), offset: Interval(0) };
        let end = |watermark| next_end(window, watermark, &TimeZone::UTC);
        assert_eq!([end(0), end(59_998), end(59_999)], [Some(60_000), Some(60_000), Some(120_000)]);
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let window = Window::Tumble { size: Interval(24 * 3_600_000), offset: Interval(0) };
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").expect("a zone");
        let at = |text: &str| text.parse::<jiff::Timestamp>().expect("a time").as_millisecond();
        let watermark = at("2025-12-09T16:30:00Z");
        assert_eq!(next_end(window, watermark, &zone), Some(at("2025-12-09T17:00:00Z")));
        assert_eq!(next_end(window, watermark, &TimeZone::UTC), Some(at("2025-12-10T00:00:00Z")));
    }
}
