//! The rows that count: by time and `days`, by writer, overwritten, expired, and while the store is
//! unreachable.

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use server::Options;
use support::{eventually, start, start_with};
use types::Interval;

fn row(count: i64) -> Value {
    json!({"query_count": count, "unique_users": count, "avg_response_time": 10})
}

const FACULTY: &str = "/analytics/redis/faculty";

fn total(answer: &Value) -> i64 {
    answer["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["query_count"].as_i64().expect("a count"))
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn days_count_back_from_now_to_the_moment_and_the_future_counts_too() {
    let weir = start_with(Options::default(), |store| {
        store.put("analytics:faculty:A:2025-12-08T12:00:00", row(1));
        store.put("analytics:faculty:A:2025-12-08T11:59:59.999999", row(10));
        store.put("analytics:faculty:A:2025-12-09T12:00:00", row(100));
        store.put("analytics:faculty:A:2025-12-10T12:00:00", row(1_000));
        store.put("analytics:faculty:A:0001-01-01T00:00:00", row(10_000));
    })
    .await;

    for (days, counted) in [
        ("1", 1_101),
        ("2", 1_111),
        ("0", 1_100),
        ("-1", 1_000),
        ("-2", 0),
        ("800000", 11_111),
        ("99999999999999999999", 11_111),
        ("-99999999999999999999", 0),
    ] {
        let answer = weir.get(&format!("{FACULTY}?days={days}")).await;
        assert_eq!(total(&answer.json()), counted, "{days} days");
        assert!(answer.text().contains(&format!("\"days\":{days}}}")), "echoed: {}", answer.text());
    }

    weir.clock.advance(Interval(1));
    assert_eq!(total(&weir.json(&format!("{FACULTY}?days=1")).await), 1_100);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_name_their_time_on_the_configured_zones_wall_clock() {
    let time_zone = TimeZone::get("Asia/Ho_Chi_Minh").expect("in the database");
    let weir = start_with(Options { time_zone, ..Options::default() }, |store| {
        store.put("analytics:faculty:A:2025-12-09T18:59:59", row(1));
        store.put("analytics:faculty:A:2025-12-09T19:00:00", row(10));
    })
    .await;
    assert_eq!(total(&weir.json(&format!("{FACULTY}?days=0")).await), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_null_group_is_unknown_however_it_was_written() {
    let weir = start_with(Options::default(), |store| {
        store.put("analytics:year:None:2025-12-09T11:30:01.123456", row(1));
        store.put("analytics:year:unknown:2025-12-09T11:30:00", row(2));
        store.put("analytics:student_year:None:2025-12-09T11:30:01.5", row(3));
    })
    .await;
    let years = weir.json("/analytics/redis/year").await;
    assert_eq!(years["count"], 1);
    assert_eq!((&years["data"][0]["year"], &years["data"][0]["query_count"]), (&json!("unknown"), &json!(3)));
    assert_eq!(years["data"][0]["last_updated"], "2025-12-09T11:30:01.123456");
    assert_eq!(weir.json("/analytics/redis/student-year").await["data"][0]["years"], "unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn null_averages_are_left_out_of_the_weighting() {
    let weir = start_with(Options::default(), |store| {
        store.put(
            "analytics:faculty:A:2025-12-09T11:30:00",
            json!({"query_count": 1, "avg_response_time": 50}),
        );
        store.put(
            "analytics:faculty:A:2025-12-09T11:30:20",
            json!({"query_count": 9, "avg_response_time": null}),
        );
        store.put(
            "analytics:faculty:A:2025-12-09T11:30:40",
            json!({"query_count": 1.0, "avg_response_time": 100}),
        );
    })
    .await;

    let answer = weir.json(FACULTY).await;
    assert_eq!(
        (&answer["data"][0]["query_count"], &answer["data"][0]["avg_response_time"]),
        (&json!(11), &json!(75.0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn departments_keyed_by_name_join_the_id_that_bears_it() {
    let weir = start_with(Options::default(), |store| {
        let named = |name: &str| json!({"department_name": name, "query_count": 2, "unique_users": 1, "success_count": 1, "avg_response_time": 5});
        store.put("analytics:department:7:2025-12-09T11:30:00", named("CNTT"));
        store.put("analytics:department:CNTT:2025-12-09T11:30:00.000123", named("CNTT"));
        store.put("analytics:department:Luật:2025-12-09T11:30:00.000123", named("Luật"));
    })
    .await;
    let answer = weir.json("/analytics/redis/department").await;
    let names: Vec<_> = answer["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|d| (&d["department_name"], &d["query_count"]))
        .collect();
    assert_eq!(names, [(&json!("CNTT"), &json!(4)), (&json!("Luật"), &json!(2))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn escaped_groups_are_shown_as_they_are_meant() {
    let weir = start_with(Options::default(), |store| {
        store.put("analytics:faculty:A%3AB 100%25:2025-12-09T11:30:00", row(1));
    })
    .await;
    assert_eq!(weir.json(FACULTY).await["data"][0]["faculty"], "A:B 100%");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_written_again_takes_the_place_of_the_one_before_open_window_or_not() {
    let weir = start().await;
    let key = "analytics:faculty:A:2025-12-09T11:30:00";
    for (count, is_final) in [(1, false), (2, false), (5, true)] {
        let row =
            json!({"query_count": count, "unique_users": 1, "avg_response_time": 1, "is_final": is_final});
        weir.store.publish("faculty", "2025-12-09T11:30:00", &[(key, row)]);
        let answer = weir.until(FACULTY, |answer| total(answer) == count).await;
        assert_eq!((&answer["count"], &answer["data"][0]["is_final"]), (&json!(1), &json!(is_final)));
    }
    assert_eq!(weir.json("/analytics/redis/latest").await["latest_update"], "2025-12-09T11:30:00");
    assert_eq!(weir.json("/analytics/health").await["status"], "healthy");
}

/// Collects every `is_final` in an answer.
fn finals(value: &Value, found: &mut Vec<bool>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| finals(value, found)),
        Value::Object(fields) => {
            found.extend(fields.get("is_final").and_then(Value::as_bool));
            fields.values().for_each(|value| finals(value, found));
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_whether_its_windows_are_closed() {
    let groups = [
        ("faculty", "faculty:A"),
        ("year", "year:1"),
        ("heatmap", "heatmap:A:1"),
        ("popular-questions", "popular_queries:h"),
        ("student-year", "student_year:1"),
        ("popular-by-year", "popular_by_year:1:h"),
        ("department", "department:1"),
        ("user-type", "user_type:A"),
        ("success-rate", "success_rate"),
        ("response-time", "response_time:A"),
        ("overall-summary", "overall"),
        ("timeseries?granularity=minute", "timeseries:minute"),
        ("timeseries?granularity=hour", "timeseries:hour"),
        ("timeseries?granularity=day", "timeseries:day"),
        ("hourly-heatmap", "heatmap:hourly:11"),
    ];

    let weir = start_with(Options::default(), |store| {
        for (_, group) in groups {
            let row = json!({"query_count": 2, "total_queries": 2, "query_text": "q", "is_final": false});
            store.put(&format!("analytics:{group}:2025-12-09T11:30:00"), row);
        }
    })
    .await;

    for (route, _) in groups {
        let mut found = Vec::new();
        finals(&weir.json(&format!("/analytics/redis/{route}")).await, &mut found);
        assert!(!found.is_empty() && found.iter().all(|is_final| !is_final), "{route}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_are_those_of_the_newest_closed_window() {
    let weir = start_with(Options::default(), |store| {
        let row = |p95: f64, is_final: bool| {
            json!({"query_count": 1, "avg_time": 1.0, "median_time": 2.0, "p95_time": p95, "is_final": is_final})
        };
        store.put("analytics:response_time:A:2025-12-09T11:30:00", row(10.0, true));
        store.put("analytics:response_time:A:2025-12-09T11:31:00", row(30.0, true));
        store.put("analytics:response_time:A:2025-12-09T11:32:00", row(99.0, false));
    })
    .await;
    let answer = weir.json("/analytics/redis/response-time").await;
    let expected = json!({"timestamp": "2025-12-09T11:31:00", "avg_time": 1.0, "median_time": 2.0, "p95_time": 30.0, "query_count": 1});
    assert_eq!(answer["data"][0]["newest"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_update_is_never_one_of_tomorrow() {
    // It is noon: the windows of the day and of the minute are open.
    let weir = start().await;
    for (kind, key, time) in [
        ("timeseries_minute", "timeseries:minute", "2025-12-09T12:00:00"),
        ("timeseries_minute", "timeseries:minute", "2025-12-09T12:01:00"),
        ("timeseries_day", "timeseries:day", "2025-12-10T00:00:00"),
    ] {
        let key = format!("analytics:{key}:{time}");
        weir.store.publish(kind, time, &[(&key, json!({"query_count": 1, "is_final": false}))]);
    }
    weir.until("/analytics/redis/timeseries?granularity=day", |answer| answer["count"] == 1).await;
    assert_eq!(weir.json("/analytics/redis/latest").await["latest_update"], "2025-12-09T12:00:00");
    assert_eq!(weir.json("/analytics/health").await["latest_update"], "2025-12-09T12:00:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_row_is_gone() {
    let weir = start_with(Options::default(), |store| {
        store.put_for("analytics:faculty:A:2025-12-09T11:30:00", row(1), Duration::from_secs(60));
        store.put_for("analytics:faculty:A:2025-12-09T11:30:20", row(10), Duration::from_secs(600));
    })
    .await;
    assert_eq!(total(&weir.json(FACULTY).await), 11);
    weir.clock.advance(Interval(60_000));
    weir.until(FACULTY, |answer| total(answer) == 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_counted_and_does_no_harm() {
    let weir = start_with(Options::default(), |store| {
        store.put("analytics:faculty:A:2025-12-09T11:30:00", json!("no object"));
        store.put("analytics:faculty:A:2025-12-09T11:30:20", json!([1, 2]));
        store.put("analytics:faculty:A:yesterday", row(1));
        store.put("analytics:faculty:A:2025-12-09T11:30:40", row(4));
    })
    .await;
    weir.store.publish("no such analytic", "2025-12-09T11:30:00", &[]);
    weir.store.publish(
        "faculty",
        "2025-12-09T11:31:00",
        &[("analytics:faculty:A:2025-12-09T11:31:00", row(1))],
    );
    weir.until(FACULTY, |answer| total(answer) == 5).await;
    let metrics = weir.get("/metrics").await.text();
    assert!(metrics.contains("weir_index_rows_ignored_total 3"), "{metrics}");
    assert!(metrics.contains("weir_notifications_ignored_total 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_away_health_says_so_and_the_data_routes_go_on() {
    let weir =
        start_with(Options::default(), |store| store.put("analytics:faculty:A:2025-12-09T11:30:00", row(4)))
            .await;
    weir.store.away.store(true, Ordering::SeqCst);
    weir.store.lose_followers();
    assert_eq!(weir.json("/analytics/health").await["status"], "unhealthy");
    assert_eq!(total(&weir.json(FACULTY).await), 4);
    assert_eq!(weir.json("/analytics/redis/latest").await["latest_update"], "2025-12-09T11:30:00");
    // A row written meanwhile is found when the store is back.
    weir.store.put("analytics:faculty:A:2025-12-09T11:30:20", row(1));
    weir.store.away.store(false, Ordering::SeqCst);
    weir.until(FACULTY, |answer| total(answer) == 5).await;
    eventually("changes are followed again", || weir.store.followers() == 1).await;
    weir.store.put("analytics:faculty:A:2025-12-09T11:30:40", row(1));
    weir.until(FACULTY, |answer| total(answer) == 6).await;
}
