//! The windows of a job's queries: which one is the next to close, and what it waits for.

use engine::layout::slice_end;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jobs::{JobView, TaskView};
use serde::Serialize;
use sql::plan::{Pipeline, Plan, Query, Shape, Window};
use types::DataType;
use utoipa::ToSchema;

/// The metric that holds the event time of the newest record that a subtask has handed on.
const NEWEST: &str = "emittedEventTime";

/// A query over the windows of a table. Times are milliseconds since 1970.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueryFigures {
    name: String,
    /// Its window, its keys, and its sink: `TUMBLE 1 min by faculty, into counts (redis)`.
    description: String,
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

/// Returns the figures of all queries with windows over a table.
pub(super) fn queries(view: &JobView, plan: &Plan) -> Vec<QueryFigures> {
    let pipelines = plan.pipelines.iter();
    pipelines.flat_map(|pipeline| of_pipeline(view, plan, pipeline)).collect()
}

fn of_pipeline(view: &JobView, plan: &Plan, pipeline: &Pipeline) -> Vec<QueryFigures> {
    let vertex = engine::execution::source_vertex(&pipeline.source.name);
    let tasks: Vec<&TaskView> = view.tasks.iter().filter(|task| task.vertex == vertex).collect();
    let progress = Progress::of(&tasks);
    // Times without a zone are on the wall clock themselves.
    let is_zoned = pipeline.rowtime.as_ref().is_some_and(|rowtime| {
        matches!(pipeline.exprs.column_type(rowtime.time).data_type, DataType::TimestampLtz(_))
    });
    let zone = if is_zoned { plan.settings.time_zone.clone() } else { TimeZone::UTC };

    let windowed = pipeline.queries.iter().filter_map(|query| Some((query, window_of(query)?)));
    windowed
        .map(|(query, window)| QueryFigures {
            name: query.name.clone(),
            description: sql::explain::summary(pipeline, query, &plan.sinks),
            state_bytes: state_bytes(view, &query.name),
            late: view.ledger.late_by_query.get(&query.name).copied().unwrap_or_default(),
            watermark_ms: progress.watermark,
            open_until_ms: progress.watermark.and_then(|watermark| next_end(window, watermark, &zone)),
            newest_ms: progress.newest,
            behind: progress.behind.clone(),
        })
        .collect()
}

fn window_of(query: &Query) -> Option<Window> {
    match &query.shape {
        Shape::Aggregate(aggregate) => Some(aggregate.window),
        Shape::Rows { .. } => None,
    }
}

/// Returns the bytes of the state that a query has, alone or with others.
fn state_bytes(view: &JobView, query: &str) -> usize {
    let shares = |names: &str| names.split(", ").any(|name| name == query);
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
    let end = jiff::Timestamp::from_millisecond(slice_end(window, wall)).ok()?;
    let civil: DateTime = TimeZone::UTC.to_datetime(end);
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
