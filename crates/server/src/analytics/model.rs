//! Compares the index with a naive model: a map of keys and values, scanned for each question.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use storage::store::Entry;
use types::Timestamp;

use super::answer;
use super::index::{Draft, Index};
use super::key::Key;
use super::kind::Kind;
use super::moment::Moment;

const KINDS: [(Kind, &str); 6] = [
    (Kind::Faculty, "faculty:g{}"),
    (Kind::PopularQueries, "popular_queries:h{}"),
    (Kind::Department, "department:{}"),
    (Kind::ResponseTime, "response_time:g{}"),
    (Kind::Overall, "overall"),
    (Kind::TimeseriesMinute, "timeseries:minute"),
];

#[derive(Debug, Clone)]
enum Step {
    Write { kind: usize, group: u8, minute: u16, count: i64, average: Option<u16>, expires: i64 },
    Expire { now: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = (0..KINDS.len(), 0u8..4, 0u16..40, 0i64..5, prop::option::of(0u16..3), 0i64..100).prop_map(
        |(kind, group, minute, count, average, expires)| Step::Write {
            kind,
            group,
            minute,
            count,
            average,
            expires,
        },
    );
    prop::collection::vec(
        prop_oneof![20 => write, 1 => (0i64..100).prop_map(|now| Step::Expire { now })],
        0..300,
    )
}

fn time(minute: u16) -> String {
    format!("2025-12-09T{:02}:{:02}:00", minute / 60, minute % 60)
}

fn entry(kind: usize, group: u8, minute: u16, count: i64, average: Option<u16>, expires: i64) -> Entry {
    let key = format!("analytics:{}:{}", KINDS[kind].1.replace("{}", &group.to_string()), time(minute));
    let name = (count > 2).then(|| format!("name {count}"));
    let value = json!({"query_count": count, "unique_users": 1, "avg_response_time": average, "avg_time": average,
        "query_text": format!("text {}", (group + minute as u8) % 5), "department_name": name,
        "total_queries": count, "success_count": count / 2, "failure_count": count - count / 2});
    let bytes = value.to_string().into_bytes();
    Entry { key: key.into(), value: bytes.into(), expires: Timestamp(expires) }
}

/// Returns the rows of a kind in range, oldest first: time, group and value.
fn rows(model: &BTreeMap<String, Entry>, kind: Kind, cutoff: Moment) -> Vec<(Moment, String, Value)> {
    let mut rows: Vec<_> = model
        .values()
        .filter_map(|entry| {
            let key = Key::parse(&entry.key).filter(|key| key.kind == kind && key.time >= cutoff)?;
            let value: Value = serde_json::from_slice(&entry.value).ok()?;
            Some((key.time, key.groups().0.into_owned(), value))
        })
        .collect();
    rows.sort_by_key(|(time, ..)| *time);
    rows
}

fn number(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or(0.0)
}

/// Groups the rows by `name`.
fn grouped(
    rows: Vec<(Moment, String, Value)>,
    name: impl Fn(&str, &Value) -> String,
) -> BTreeMap<String, Vec<(Moment, Value)>> {
    let mut groups: BTreeMap<String, Vec<(Moment, Value)>> = BTreeMap::new();
    for (time, group, value) in rows {
        groups.entry(name(&group, &value)).or_default().push((time, value));
    }
    groups
}

fn sum(rows: &[(Moment, Value)], field: &str) -> i64 {
    rows.iter().map(|(_, value)| number(value, field) as i64).sum()
}

/// Returns the average weighted by the count, over the rows that `counts` accepts.
fn weighted(rows: &[(Moment, Value)], field: &str, weight: &str, counts: impl Fn(f64) -> bool) -> f64 {
    let taken = || rows.iter().filter(|(_, v)| v[field].as_f64().is_some_and(&counts));
    let weights: f64 = taken().map(|(_, v)| if weight.is_empty() { 1.0 } else { number(v, weight) }).sum();
    let total: f64 = taken()
        .map(|(_, v)| number(v, field) * if weight.is_empty() { 1.0 } else { number(v, weight) })
        .sum();
    if weights == 0.0 { 0.0 } else { total / weights }
}

fn close(found: &Value, expected: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() < 0.006)
}

fn compare(index: &Index, model: &BTreeMap<String, Entry>, cutoff: Moment) -> Result<(), TestCaseError> {
    let answers = |value: &dyn erased::Json| value.json();
    let faculties = answers(&answer::faculties(index, cutoff));
    let expected = grouped(rows(model, Kind::Faculty, cutoff), |group, _| group.to_owned());
    prop_assert_eq!(faculties.as_array().map(Vec::len), Some(expected.len()));
    for (row, (name, rows)) in faculties.as_array().into_iter().flatten().zip(&expected) {
        prop_assert_eq!(&row["faculty"], name);
        prop_assert_eq!(row["query_count"].as_i64(), Some(sum(rows, "query_count")));
        let average = weighted(rows, "avg_response_time", "query_count", |_| true);
        prop_assert!(
            sum(rows, "query_count") == 0 || close(&row["avg_response_time"], average),
            "{row} {average}"
        );
        let newest = rows.last().map(|(time, _)| time.to_string());
        prop_assert_eq!(row["last_updated"].as_str(), newest.as_deref());
    }

    let mut expected: Vec<(i64, String)> =
        grouped(rows(model, Kind::PopularQueries, cutoff), |_, value| value["query_text"].to_string())
            .into_iter()
            .map(|(text, rows)| (-sum(&rows, "query_count"), text))
            .collect();
    expected.sort();
    expected.truncate(3);
    let found: Vec<(i64, String)> = answers(&answer::popular(index, cutoff, 3))
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| (-row["total_count"].as_i64().unwrap_or(0), row["query_text"].to_string()))
        .collect();
    prop_assert_eq!(found, expected);

    let mut expected: Vec<(i64, String)> =
        grouped(rows(model, Kind::Department, cutoff), |id, _| id.to_owned())
            .into_iter()
            .map(|(id, rows)| {
                let name = rows.iter().rev().find_map(|(_, value)| value["department_name"].as_str());
                (-sum(&rows, "query_count"), name.map_or(id, str::to_owned))
            })
            .collect();
    expected.sort();
    let mut found: Vec<(i64, String)> = answers(&answer::departments(index, cutoff).0)
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            (
                -row["query_count"].as_i64().unwrap_or(0),
                row["department_name"].as_str().unwrap_or("").to_owned(),
            )
        })
        .collect();
    found.sort();
    prop_assert_eq!(found, expected);

    let response_times = answers(&answer::response_times(index, cutoff));
    let mut expected = grouped(rows(model, Kind::ResponseTime, cutoff), |group, _| group.to_owned());
    expected.retain(|_, rows| sum(rows, "query_count") != 0);
    prop_assert_eq!(response_times.as_array().map(Vec::len), Some(expected.len()));
    for (row, (_, rows)) in response_times.as_array().into_iter().flatten().zip(&expected) {
        prop_assert!(close(&row["avg_time"], weighted(rows, "avg_time", "", |_| true)));
    }

    let overall = answers(&answer::overall(index, cutoff));
    let all: Vec<(Moment, Value)> =
        rows(model, Kind::Overall, cutoff).into_iter().map(|(time, _, value)| (time, value)).collect();
    prop_assert_eq!(overall["total_queries"].as_i64(), Some(sum(&all, "total_queries")));
    let average = weighted(&all, "avg_response_time", "total_queries", |average| average != 0.0);
    prop_assert!(close(&overall["avg_response_time"], average), "{overall} {average}");

    let points = answers(&answer::series(index, Kind::TimeseriesMinute, cutoff));
    let expected: Vec<(String, i64)> = rows(model, Kind::TimeseriesMinute, cutoff)
        .iter()
        .map(|(time, _, value)| (time.to_string(), number(value, "query_count") as i64))
        .collect();
    let found: Vec<(String, i64)> = points
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| (p["timestamp"].as_str().unwrap_or("").to_owned(), p["query_count"].as_i64().unwrap_or(-1)))
        .collect();
    prop_assert_eq!(found, expected);
    if index.left_out_until().iter().all(Option::is_none) {
        prop_assert_eq!(index.rows(), model.len());
    }
    Ok(())
}

mod erased {
    /// Any answer, convertible to JSON.
    pub(super) trait Json {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).expect("an answer is JSON")
        }
    }
}

/// Returns the time from which on no row was dropped for lack of room.
fn complete_from(index: &Index) -> Moment {
    let until = index.left_out_until().into_iter().flatten().max();
    until.map_or(Moment::MIN, |until| Moment(until.0 + 1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_index_answers_as_if_it_went_through_every_row(
        loaded in steps(),
        followed in steps(),
        cutoff in 0u16..45,
        limit in prop_oneof![Just(usize::MAX), 4_000usize..12_000],
    ) {
        let mut model = BTreeMap::new();
        let mut draft = Draft::new(limit);

        for step in &loaded {
            if let Step::Write { kind, group, minute, count, average, expires } = *step {
                // Expired rows are never loaded.
                let entry = entry(kind, group, minute, count, average, expires + 1);
                draft.add(&entry);
                model.insert(entry.key.to_string(), entry);
            }
        }

        let (mut index, _) = draft.finish();
        let cutoff = Moment::parse(&time(cutoff)).expect("a time");
        compare(&index, &model, cutoff.max(complete_from(&index)))?;

        for step in &followed {
            match *step {
                Step::Write { kind, group, minute, count, average, expires } => {
                    let entry = entry(kind, group, minute, count, average, expires);
                    index.apply(&entry);
                    model.insert(entry.key.to_string(), entry);
                }
                Step::Expire { now } => {
                    index.settle(Kind::ALL);
                    index.expire(Timestamp(now));
                    index.compact();
                    model.retain(|_, entry| entry.expires.0 > now);
                    index.shrink();
                    prop_assert!(index.memory_bytes() <= limit || index.rows() == 0);
                    compare(&index, &model, cutoff.max(complete_from(&index)))?;
                }
            }
        }

        index.settle(Kind::ALL);
        index.shrink();
        prop_assert!(index.memory_bytes() <= limit || index.rows() == 0);
        compare(&index, &model, cutoff.max(complete_from(&index)))?;
        compare(&index, &model, complete_from(&index))?;
    }
}
