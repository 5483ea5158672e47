//! The routes that answer one row per value of a key.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{by_year, percentage, rounded};

use crate::analytics::index::Index;
use crate::analytics::intern::NO_TEXT;
use crate::analytics::kind::Kind;
use crate::analytics::moment::Moment;
use crate::analytics::row::Row;
use crate::analytics::sum::Sum;

/// Results of a faculty, which is a type of user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Faculty {
    #[schema(example = "Sinh viên")]
    faculty: String,
    query_count: i64,
    unique_users: i64,
    last_updated: Moment,
    /// Milliseconds; missing if nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_response_time: Option<f64>,
    /// Whether all counted windows are closed.
    is_final: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Year {
    #[schema(example = "3")]
    year: String,
    query_count: i64,
    unique_users: i64,
    last_updated: Moment,
    /// Milliseconds; missing if nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_response_time: Option<f64>,
    /// Whether all counted windows are closed.
    is_final: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeatmapCell {
    faculty: String,
    #[schema(example = "3")]
    year: String,
    query_count: i64,
    last_updated: Moment,
    /// Milliseconds; missing if nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_response_time: Option<f64>,
    /// Whether all counted windows are closed.
    is_final: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StudentYear {
    #[schema(value_type = NumberOrText)]
    years: Whole,
    query_count: i64,
    unique_users: i64,
    /// Milliseconds, two decimals; missing if nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_response_time: Option<f64>,
    /// Two decimals; missing if nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_contexts_found: Option<f64>,
    /// Whether all counted windows are closed.
    is_final: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserType {
    user_type: String,
    query_count: i64,
    unique_users: i64,
    /// Percentage of all queries, two decimals; missing if nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<f64>,
    /// Whether all counted windows are closed.
    is_final: bool,
}

/// Response times in milliseconds, two decimals. The times outside `newest` are plain means over the windows,
/// for existing readers: the mean of medians or percentiles is not the median or percentile of all queries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResponseTime {
    user_type: String,
    /// Mean over the windows of their means.
    avg_time: f64,
    /// Mean over the windows of their medians.
    median_time: f64,
    /// Mean over the windows of their 95th percentiles.
    p95_time: f64,
    query_count: i64,
    /// Whether all counted windows are closed.
    is_final: bool,
    /// Newest closed window; null if no recent row has one.
    newest: Option<WindowTimes>,
}

/// Rows among which the newest closed window of each group is searched, so that a route need not go through a
/// week.
const NEWEST_ROWS: usize = 1_000;

/// Exact response times of one window.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct WindowTimes {
    /// Time in the row's key.
    timestamp: Moment,
    avg_time: f64,
    median_time: f64,
    p95_time: f64,
    query_count: i64,
}

impl WindowTimes {
    fn of(row: &Row) -> WindowTimes {
        // A window without response times has 0, and so does a row whose writer leaves them out.
        let time = |i: usize| if row.floats[i].is_nan() { 0.0 } else { rounded(row.floats[i]) };
        WindowTimes {
            timestamp: row.time,
            avg_time: time(0),
            median_time: time(1),
            p95_time: time(2),
            query_count: row.ints[0],
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HourlyCell {
    /// Hour, 0-23, in the configured time zone.
    #[schema(value_type = NumberOrText)]
    hour_of_day: Whole,
    query_count: i64,
    /// Whether all counted windows are closed.
    is_final: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Department {
    /// Newest name of the department, or its id if it has no name.
    department_name: String,
    query_count: i64,
    unique_users: i64,
    success_count: i64,
    /// Milliseconds, two decimals; missing if nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_response_time: Option<f64>,
    /// Percentage of all queries, two decimals; missing if nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<f64>,
    /// Whether all counted windows are closed.
    is_final: bool,
}

/// An integer, or `unknown`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what Whole is written as")]
pub(crate) enum NumberOrText {
    Number(i64),
    Text(String),
}

/// The name of a group, serialized as a number where it is one.
#[derive(Debug)]
struct Whole(String);

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<i64>() {
            Ok(number) => serializer.serialize_i64(number),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

/// Returns the sums with the names of their groups, in ascending order of number and name.
fn named(index: &Index, kind: Kind, cutoff: Moment) -> Vec<(String, String, Sum)> {
    let owned = |sum: Sum| {
        let (first, second) = index.names(kind, sum.group);
        (first.to_owned(), second.to_owned(), sum)
    };
    let mut groups: Vec<_> = index.sums(kind, cutoff).into_iter().map(owned).collect();
    groups.sort_by(|a, b| by_year(&a.0, &b.0).then_with(|| by_year(&a.1, &b.1)));
    groups
}

/// Returns the weighted average, if anything was counted.
fn average(sum: &Sum, i: usize) -> Option<f64> {
    (sum.ints[0] != 0).then(|| sum.average(i))
}

pub(crate) fn faculties(index: &Index, cutoff: Moment) -> Vec<Faculty> {
    let row = |(faculty, _, sum): (String, String, Sum)| Faculty {
        faculty,
        query_count: sum.ints[0],
        unique_users: sum.ints[1],
        last_updated: sum.newest,
        avg_response_time: average(&sum, 0),
        is_final: sum.is_final(),
    };
    named(index, Kind::Faculty, cutoff).into_iter().map(row).collect()
}

pub(crate) fn years(index: &Index, cutoff: Moment) -> Vec<Year> {
    let row = |(year, _, sum): (String, String, Sum)| Year {
        year,
        query_count: sum.ints[0],
        unique_users: sum.ints[1],
        last_updated: sum.newest,
        avg_response_time: average(&sum, 0),
        is_final: sum.is_final(),
    };
    named(index, Kind::Year, cutoff).into_iter().map(row).collect()
}

pub(crate) fn heatmap(index: &Index, cutoff: Moment) -> Vec<HeatmapCell> {
    let row = |(faculty, year, sum): (String, String, Sum)| HeatmapCell {
        faculty,
        year,
        query_count: sum.ints[0],
        last_updated: sum.newest,
        avg_response_time: average(&sum, 0),
        is_final: sum.is_final(),
    };
    named(index, Kind::Heatmap, cutoff).into_iter().map(row).collect()
}

pub(crate) fn student_years(index: &Index, cutoff: Moment) -> Vec<StudentYear> {
    let row = |(years, _, sum): (String, String, Sum)| StudentYear {
        years: Whole(years),
        query_count: sum.ints[0],
        unique_users: sum.ints[1],
        avg_response_time: average(&sum, 0).map(rounded),
        avg_contexts_found: average(&sum, 1).map(rounded),
        is_final: sum.is_final(),
    };
    named(index, Kind::StudentYear, cutoff).into_iter().map(row).collect()
}

/// Returns the distribution, and the number of all queries.
pub(crate) fn user_types(index: &Index, cutoff: Moment) -> (Vec<UserType>, i64) {
    let groups = named(index, Kind::UserType, cutoff);
    let total = groups.iter().map(|(_, _, sum)| sum.ints[0]).sum();
    let row = |(user_type, _, sum): (String, String, Sum)| UserType {
        user_type,
        query_count: sum.ints[0],
        unique_users: sum.ints[1],
        percentage: (sum.ints[0] != 0).then(|| percentage(sum.ints[0], total)),
        is_final: sum.is_final(),
    };
    (groups.into_iter().map(row).collect(), total)
}

pub(crate) fn response_times(index: &Index, cutoff: Moment) -> Vec<ResponseTime> {
    let mut newest: HashMap<u32, WindowTimes> = HashMap::new();
    for row in index.table(Kind::ResponseTime).newest_since(cutoff, NEWEST_ROWS) {
        if row.is_final && row.ints[0] != 0 {
            newest.entry(row.group).or_insert_with(|| WindowTimes::of(&row));
        }
    }

    let groups = named(index, Kind::ResponseTime, cutoff).into_iter();
    let row = |(user_type, _, sum): (String, String, Sum)| ResponseTime {
        user_type,
        avg_time: rounded(sum.average(0)),
        median_time: rounded(sum.average(1)),
        p95_time: rounded(sum.average(2)),
        query_count: sum.ints[0],
        is_final: sum.is_final(),
        newest: newest.get(&sum.group).copied(),
    };
    groups.filter(|(_, _, sum)| sum.ints[0] != 0).map(row).collect()
}

pub(crate) fn hourly(index: &Index, cutoff: Moment) -> Vec<HourlyCell> {
    let row = |(hour, _, sum): (String, String, Sum)| HourlyCell {
        hour_of_day: Whole(hour),
        query_count: sum.ints[0],
        is_final: sum.is_final(),
    };
    named(index, Kind::HeatmapHourly, cutoff).into_iter().map(row).collect()
}

/// Returns the departments, those with most queries first, and the number of all queries.
///
/// The old jobs keyed departments by name: such a group is added to the group of the only id with that name.
pub(crate) fn departments(index: &Index, cutoff: Moment) -> (Vec<Department>, i64) {
    let mut by_id: Vec<(String, Sum)> = Vec::new();
    let mut by_name: Vec<(String, Sum)> = Vec::new();

    for (key, _, sum) in named(index, Kind::Department, cutoff) {
        if key.parse::<i64>().is_ok() {
            let name = if sum.text == NO_TEXT { key } else { index.texts.get(sum.text).to_owned() };
            by_id.push((name, sum));
        } else {
            by_name.push((key, sum));
        }
    }

    let mut bearers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, (name, _)) in by_id.iter().enumerate() {
        bearers.entry(name).or_default().push(place);
    }

    let homes: Vec<Option<usize>> = by_name
        .iter()
        .map(|(name, _)| match bearers.get(name.as_str()).map(Vec::as_slice) {
            Some([one]) => Some(*one),
            _ => None,
        })
        .collect();

    for ((name, sum), home) in by_name.into_iter().zip(homes) {
        match home {
            Some(place) => by_id[place].1.add(&sum),
            None => by_id.push((name, sum)),
        }
    }

    let total = by_id.iter().map(|(_, sum)| sum.ints[0]).sum();
    let row = |(department_name, sum): (String, Sum)| Department {
        department_name,
        query_count: sum.ints[0],
        unique_users: sum.ints[1],
        success_count: sum.ints[2],
        avg_response_time: average(&sum, 0).map(rounded),
        percentage: (sum.ints[0] != 0).then(|| percentage(sum.ints[0], total)),
        is_final: sum.is_final(),
    };

    let mut departments: Vec<Department> = by_id.into_iter().map(row).collect();
    departments.sort_by_key(|department| Reverse(department.query_count));
    (departments, total)
}
