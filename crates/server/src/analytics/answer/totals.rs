//! The analytics without groups: totals, and counts over time.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{percentage, rounded};

use crate::analytics::index::Index;
use crate::analytics::kind::Kind;
use crate::analytics::moment::Moment;
use crate::analytics::row::{NO_TIME, Row};
use crate::analytics::sum::Sum;

/// Limit of the rows of the success rate in an answer.
const RECORDS: usize = 20;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overall {
    total_queries: i64,
    success_count: i64,
    failure_count: i64,
    /// Percent, two decimals.
    success_rate: f64,
    /// Milliseconds, two decimals; excludes windows without an average.
    avg_response_time: f64,
    /// Whether all counted windows are closed.
    is_final: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Success {
    /// Percent, two decimals.
    success_rate: f64,
    total_queries: i64,
    total_success: i64,
    total_failure: i64,
    /// Whether all counted windows are closed.
    is_final: bool,
    /// The newest 20 windows, newest first.
    #[schema(value_type = Vec<SuccessRecordFields>)]
    records: Vec<SuccessRecord>,
}

/// The row of one window as it was written, and its time.
#[derive(Debug)]
pub(crate) struct SuccessRecord {
    time: Moment,
    is_final: bool,
    row: RecordRow,
}

#[derive(Debug)]
enum RecordRow {
    Whole(Box<RawValue>),
    /// The columns' counts, where the row itself is not kept any more.
    Counts {
        total: i64,
        success: i64,
        failure: i64,
    },
}

/// Totals of one window; rows of other writers may have more fields.
#[derive(Debug, ToSchema)]
#[schema(as = SuccessRecord)]
#[expect(dead_code, reason = "describes what SuccessRecord is written as")]
pub(crate) struct SuccessRecordFields {
    /// Time in the row's key.
    timestamp: String,
    window_start: Option<String>,
    window_end: Option<String>,
    total_queries: i64,
    success_count: i64,
    failure_count: i64,
    success_rate_pct: Option<f64>,
    created_at: Option<String>,
    /// Whether the window is closed.
    is_final: bool,
}

/// One window of a time series.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Point {
    timestamp: Moment,
    query_count: i64,
    window_start: Option<Moment>,
    window_end: Option<Moment>,
    /// Whether the window is closed; the count of an open window can still grow.
    is_final: bool,
}

impl Serialize for SuccessRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.row {
            RecordRow::Whole(whole) => {
                let fields: Vec<(String, Box<RawValue>)> = fields(whole);
                for (name, value) in
                    fields.iter().filter(|(name, _)| name != "timestamp" && name != "is_final")
                {
                    map.serialize_entry(name, value)?;
                }
            }
            RecordRow::Counts { total, success, failure } => {
                map.serialize_entry("total_queries", total)?;
                map.serialize_entry("success_count", success)?;
                map.serialize_entry("failure_count", failure)?;
                map.serialize_entry("success_rate_pct", &percentage(*success, *total))?;
            }
        }

        map.serialize_entry("timestamp", &self.time)?;
        map.serialize_entry("is_final", &self.is_final)?;
        map.end()
    }
}

/// Returns the fields of an object, in their order.
fn fields(object: &RawValue) -> Vec<(String, Box<RawValue>)> {
    struct Fields;
    impl<'de> serde::de::Visitor<'de> for Fields {
        type Value = Vec<(String, Box<RawValue>)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some(field) = map.next_entry()? {
                fields.push(field);
            }
            Ok(fields)
        }
    }
    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(object.get()), Fields)
        .unwrap_or_default()
}

/// Returns the sum of all rows of an analytic without groups.
fn total(index: &Index, kind: Kind, cutoff: Moment) -> Sum {
    let mut total = Sum::EMPTY;
    index.table(kind).sums_since(cutoff, |sum| total.add(sum));
    total
}

pub(crate) fn overall(index: &Index, cutoff: Moment) -> Overall {
    let sum = total(index, Kind::Overall, cutoff);
    let [total_queries, success_count, failure_count] = sum.ints;
    Overall {
        total_queries,
        success_count,
        failure_count,
        success_rate: percentage(success_count, total_queries),
        avg_response_time: rounded(sum.average(0)),
        is_final: sum.is_final(),
    }
}

pub(crate) fn success(index: &Index, cutoff: Moment) -> Success {
    let sum = total(index, Kind::SuccessRate, cutoff);
    let [total_queries, total_success, total_failure] = sum.ints;

    let record = |row: Row| SuccessRecord {
        time: row.time,
        is_final: row.is_final,
        row: match index.whole(&row) {
            Some(whole) => RecordRow::Whole(whole.to_owned()),
            None => RecordRow::Counts { total: row.ints[0], success: row.ints[1], failure: row.ints[2] },
        },
    };

    Success {
        success_rate: percentage(total_success, total_queries),
        total_queries,
        total_success,
        total_failure,
        is_final: sum.is_final(),
        records: index
            .table(Kind::SuccessRate)
            .newest_since(cutoff, RECORDS)
            .into_iter()
            .map(record)
            .collect(),
    }
}

pub(crate) fn series(index: &Index, kind: Kind, cutoff: Moment) -> Vec<Point> {
    let mut points = Vec::new();
    index.table(kind).rows_since(cutoff, |row| points.push(Point::of(row)));
    points
}

/// Returns the points of these times, oldest first. A time whose row was deleted has a point of zero queries:
/// a reader that merges points has no other way to learn of the deletion.
pub(crate) fn series_at(index: &Index, kind: Kind, times: &BTreeSet<Moment>) -> Vec<Point> {
    let mut points = Vec::new();
    let Some(first) = times.first() else { return points };
    index.table(kind).rows_since(*first, |row| {
        if times.contains(&row.time) {
            points.push(Point::of(row));
        }
    });

    let there: BTreeSet<Moment> = points.iter().map(|point| point.timestamp).collect();
    points.extend(times.difference(&there).map(|time| Point::nothing_at(*time)));
    points.sort_by_key(|point| point.timestamp);
    points
}

impl Point {
    fn nothing_at(timestamp: Moment) -> Point {
        Point { timestamp, query_count: 0, window_start: None, window_end: None, is_final: true }
    }

    fn of(row: &Row) -> Point {
        let time = |micros: i64| (micros != NO_TIME).then_some(Moment(micros));
        Point {
            timestamp: row.time,
            query_count: row.ints[0],
            window_start: time(row.ints[1]),
            window_end: time(row.ints[2]),
            is_final: row.is_final,
        }
    }
}
