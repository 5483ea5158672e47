//! Rows as the old jobs wrote them against rows as Weir writes them.

use std::sync::Arc;

use serde_json::{Value, json};
use storage::store::Entry;
use types::Timestamp;

use super::*;

const END: &str = "2025-12-09T11:30:00";

fn options() -> Options {
    Options { since: None, until: None, tolerance: Tolerance::default(), ignored: vec![] }
}

fn side(kind: &str, rows: &[(&str, Value)]) -> Side {
    let mut side = Side::of(kind).expect("an analytic");
    for (key, value) in rows {
        let value = Arc::from(value.to_string().into_bytes());
        let entry = Entry { key: format!("analytics:{key}").into(), value, expires: Timestamp(i64::MAX) };
        side.add(&entry, &options());
    }
    side
}

/// Compares rows; returns the numbers, and each difference with its fields.
fn compared(
    kind: &str,
    old: &[(&str, Value)],
    new: &[(&str, Value)],
    options: &Options,
) -> (Summary, Vec<(Which, Value)>) {
    let mut found = vec![];
    let summary = compare(side(kind, old), side(kind, new), options, &mut |difference| {
        found.push((difference.difference, Value::Object(difference.fields)));
    });
    (summary, found)
}

#[test]
fn the_keys_of_the_old_jobs_are_those_of_the_same_rows() {
    let written = "2025-12-09T11:30:04.123456";
    let years = |count: u32| json!({"query_count": count, "window_end": END});
    let question = |hash: &str| json!({"query_hash": hash, "query_count": 2, "window_end": END});
    let of_department =
        |id: Value| json!({"department_id": id, "department_name": "CNTT", "window_end": END});

    for (kind, old, new) in [
        ("year", (format!("year:None:{written}"), years(3)), (format!("year:unknown:{END}"), years(3))),
        (
            "popular_queries",
            (format!("popular_queries:0cc175b9:{written}"), question("0cc175b9")),
            (
                format!("popular_queries:0cc175b9c0f1b6a831c399e269772661:{END}"),
                question("0cc175b9c0f1b6a831c399e269772661"),
            ),
        ),
        (
            "department",
            (format!("department:CNTT:{written}"), of_department(Value::Null)),
            (format!("department:17:{END}"), of_department(Value::Null)),
        ),
        (
            "faculty",
            (format!("faculty:A: B:{written}"), json!({"faculty": "A: B", "window_end": END})),
            (
                format!("faculty:A%3A B:{END}"),
                json!({"faculty": "A: B", "window_end": "2025-12-09 11:30:00"}),
            ),
        ),
    ] {
        let mut new = vec![(new.0.as_str(), new.1)];
        // The name of a department has the id of another row.
        let named = format!("department:17:{END}");
        if kind == "department" {
            new = vec![(named.as_str(), of_department(json!(17)))];
        }
        let mut wide = options();
        wide.ignored = vec!["department_id".to_owned()];
        let (summary, found) = compared(kind, &[(old.0.as_str(), old.1)], &new, &wide);
        assert_eq!((summary.equal, found), (1, vec![]), "{kind}");
    }
}

#[test]
fn values_are_equal_within_the_tolerance() {
    let key = format!("overall:{END}");
    let compare_fields = |old: Value, new: Value| {
        let (summary, found) = compared("overall", &[(&key, old)], &[(&key, new)], &options());
        assert_eq!(summary.equal + summary.different, 1);
        found.into_iter().map(|(_, fields)| fields).next()
    };

    for (old, new) in [
        (json!({"a": 1}), json!({"a": 1.0})),
        (json!({"avg_response_time": 812.500_000_000_1}), json!({"avg_response_time": 812.5})),
        (json!({"avg_response_time": null}), json!({"avg_response_time": 0.0})),
        (json!({"a": null}), json!({})),
        (json!({"created_at": "x"}), json!({"created_at": "y", "is_final": true, "revision": 2})),
        (json!({"window_start": "2025-12-09T11:30:00.000"}), json!({"window_start": END})),
    ] {
        assert_eq!(compare_fields(old.clone(), new.clone()), None, "{old} {new}");
    }

    for (old, new) in [
        (json!({"total_queries": 1}), json!({"total_queries": 2})),
        (
            json!({"total_queries": 9_007_199_254_740_993_i64}),
            json!({"total_queries": 9_007_199_254_740_992_i64}),
        ),
        (json!({"avg_response_time": 812.6}), json!({"avg_response_time": 812.5})),
        (json!({"total_queries": null}), json!({"total_queries": 0})),
        (json!({"name": "a"}), json!({"name": "A"})),
    ] {
        let fields = compare_fields(old.clone(), new.clone()).expect("a difference");
        let (name, pair) = fields.as_object().and_then(|fields| fields.iter().next()).expect("a field");
        assert_eq!(*pair, json!([old[name], new[name]]));
    }
}

#[test]
fn rows_without_a_partner_and_open_windows_are_told_apart() {
    let at = |minute: u32| format!("success_rate:2025-12-09T11:{minute}:00");
    let row = |total: u32, is_final: bool| json!({"total_queries": total, "is_final": is_final});
    let old = [(at(30), row(1, true)), (at(31), row(2, true)), (at(33), row(7, true))];
    let new =
        [(at(31), row(3, true)), (at(32), row(4, true)), (at(33), row(5, false)), (at(34), row(6, false))];
    let borrowed = |rows: &[(String, Value)]| -> Side {
        let rows: Vec<(&str, Value)> =
            rows.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        side("success_rate", &rows)
    };

    let mut found = vec![];
    let summary = compare(borrowed(&old), borrowed(&new), &options(), &mut |difference| {
        found.push((difference.difference, difference.window_end));
    });

    let end = |minute: u32| format!("2025-12-09T11:{minute}:00");
    assert_eq!(found, [(Which::OnlyOld, end(30)), (Which::Different, end(31)), (Which::OnlyNew, end(32))]);
    let expected = Summary { equal: 0, different: 1, only_old: 1, only_new: 1, open: 2, replaced: 0 };
    assert_eq!(summary, expected);
}

#[test]
fn of_a_window_that_was_written_twice_the_last_row_counts() {
    let row = |count: u32| json!({"query_count": count, "window_end": END});
    let first = "user_type:Khách:2025-12-09T11:30:01.500000";
    let second = "user_type:Khách:2025-12-09T11:31:07.250000";
    let new = format!("user_type:Khách:{END}");

    for old in [[(first, row(1)), (second, row(2))], [(second, row(2)), (first, row(1))]] {
        let (summary, found) = compared("user_type", &old, &[(&new, row(2))], &options());
        assert_eq!((summary.equal, summary.replaced, found), (1, 1, vec![]));
    }
}

#[test]
fn rows_out_of_the_period_and_keys_of_others_are_left_out() {
    let time = |text: &str| Time::parse(text, Timestamp(0), &jiff::tz::TimeZone::UTC);
    let period = Options { since: time("2025-12-09T11:30"), until: time("2025-12-09T11:31"), ..options() };
    let mut side = Side::of("overall").expect("an analytic");
    for key in [
        "analytics:overall:2025-12-09T11:29:59",
        "analytics:overall:2025-12-09T11:30:00",
        "analytics:overall:2025-12-09T11:31:00",
        "analytics:overall:2025-12-09T11:31:01",
        "analytics:overall:unreadable",
        "analytics:year:3:2025-12-09T11:30:00",
    ] {
        let entry = Entry { key: key.into(), value: Arc::from(&b"{}"[..]), expires: Timestamp(i64::MAX) };
        side.add(&entry, &period);
    }
    let summary = compare(side, Side::of("overall").expect("an analytic"), &period, &mut |_| {});
    assert_eq!(summary.only_old, 2);
}

#[test]
fn every_analytic_has_a_prefix_that_its_keys_have() {
    for name in crate::analytics_types() {
        let prefix = prefix(name).expect("an analytic");
        let mut side = Side::of(name).expect("an analytic");
        let groups = match name {
            "heatmap" | "popular_by_year" => "1:2:",
            "success_rate" | "overall" | "timeseries_minute" | "timeseries_hour" | "timeseries_day" => "",
            _ => "1:",
        };
        let value = Arc::from(&b"{}"[..]);
        let entry =
            Entry { key: format!("{prefix}{groups}{END}").into(), value, expires: Timestamp(i64::MAX) };
        side.add(&entry, &options());
        let other = Side::of(name).expect("an analytic");
        assert_eq!(compare(side, other, &options(), &mut |_| {}).only_old, 1, "{name}");
    }
    assert!(prefix("nonsense").is_none());
}
