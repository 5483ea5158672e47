//! The routes under `/analytics`: their rows, sums, averages, orders and rounding.

mod support;

use serde_json::{Value, json};
use support::{MemoryStore, start, start_with};

const T1: &str = "2025-12-09T11:30:00";
const T2: &str = "2025-12-09T11:30:20";

/// Writes two rows under the keys `analytics:{group}:{T1}` and `{T2}`.
fn twice(store: &MemoryStore, group: &str, first: Value, second: Value) {
    store.put(&format!("analytics:{group}:{T1}"), first);
    store.put(&format!("analytics:{group}:{T2}"), second);
}

#[tokio::test(flavor = "multi_thread")]
async fn faculty_and_year_sum_counts_and_weight_the_average_without_rounding_it() {
    let weir = start_with(Default::default(), |store| {
        let row = |count: i64, users: i64, time: f64| {
            json!({"query_count": count, "unique_users": users, "avg_response_time": time})
        };
        twice(store, "faculty:Sinh viên", row(1, 1, 100.0), row(2, 2, 200.0));
        twice(store, "year:3", row(1, 1, 100.0), row(2, 2, 200.0));
    })
    .await;
    let expected = |name: &str, value: &str| {
        json!({"status": "success", "count": 1, "days": 30, "data": [{name: value, "query_count": 3, "unique_users": 3,
            "last_updated": T2, "avg_response_time": 500.0 / 3.0}]})
    };
    assert_eq!(weir.known("/analytics/redis/faculty").await, expected("faculty", "Sinh viên"));
    assert_eq!(weir.known("/analytics/redis/year").await, expected("year", "3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn heatmap_has_a_row_for_each_faculty_and_year_and_none_named_hourly() {
    let weir = start_with(Default::default(), |store| {
        store.put(
            &format!("analytics:heatmap:Khách:2:{T1}"),
            json!({"query_count": 4, "avg_response_time": 10}),
        );
        store.put(
            &format!("analytics:heatmap:Khách:unknown:{T1}"),
            json!({"query_count": 1, "avg_response_time": 10}),
        );
        store.put(&format!("analytics:heatmap:hourly:11:{T1}"), json!({"hour_of_day": 11, "query_count": 9}));
        store.put(&format!("analytics:heatmap:hourly:9:{T1}"), json!({"hour_of_day": 9, "query_count": 1}));
    })
    .await;
    let cell = |year: &str, count: i64| json!({"faculty": "Khách", "year": year, "query_count": count, "last_updated": T1, "avg_response_time": 10.0});
    let heatmap = weir.known("/analytics/redis/heatmap").await;
    assert_eq!(heatmap["data"], json!([cell("2", 4), cell("unknown", 1)]));
    let hourly = weir.known("/analytics/redis/hourly-heatmap").await;
    let cells = json!([{"hour_of_day": 9, "query_count": 1}, {"hour_of_day": 11, "query_count": 9}]);
    assert_eq!(hourly, json!({"status": "success", "data": cells, "count": 2, "days": 7}));
}

#[tokio::test(flavor = "multi_thread")]
async fn student_years_are_numbers_in_order_and_the_unknown_is_last() {
    let weir = start_with(Default::default(), |store| {
        let row = json!({"query_count": 3, "unique_users": 2, "avg_response_time": 100.456, "avg_contexts_found": 1.005});
        for year in ["unknown", "10", "2"] {
            store.put(&format!("analytics:student_year:{year}:{T1}"), row.clone());
        }
    })
    .await;
    let row = |years: Value| json!({"years": years, "query_count": 3, "unique_users": 2, "avg_response_time": 100.46, "avg_contexts_found": 1.0});
    let answer = weir.known("/analytics/redis/student-year").await;
    assert_eq!(answer["data"], json!([row(json!(2)), row(json!(10)), row(json!("unknown"))]));
}

#[tokio::test(flavor = "multi_thread")]
async fn popular_questions_are_grouped_by_their_text_most_first_and_limited() {
    let weir = start_with(Default::default(), |store| {
        let row = |text: &str, count: i64| json!({"query_text": text, "query_hash": "x", "query_count": count, "unique_users": 1});
        twice(store, "popular_queries:0cc175b9c0f1b6a831c399e269772661", row("a", 2), row("a", 3));
        store.put(&format!("analytics:popular_queries:0cc175b9:{T1}.000001"), row("a", 1));
        store.put(&format!("analytics:popular_queries:92eb5ffe:{T1}"), row("b", 9));
        store.put(&format!("analytics:popular_queries:4a8a08f0:{T1}"), row("c", 1));
    })
    .await;
    let row = |text: &str, count: i64, users: i64| json!({"query_text": text, "total_count": count, "unique_users": users});
    let answer = weir.known("/analytics/redis/popular-questions?limit=2").await;
    let data = json!([row("b", 9, 1), row("a", 6, 3)]);
    assert_eq!(answer, json!({"status": "success", "data": data, "count": 2, "days": 30, "limit": 2}));
    assert_eq!(weir.known("/analytics/redis/popular-questions").await["limit"], 10);
    let nothing = weir.known("/analytics/redis/popular-questions?limit=0").await;
    assert_eq!((&nothing["data"], &nothing["count"]), (&json!([]), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn popular_by_year_limits_each_year_and_can_keep_one() {
    let weir = start_with(Default::default(), |store| {
        for (year, text, count) in [("unknown", "z", 1), ("2", "a", 5), ("2", "b", 7), ("10", "c", 1)] {
            let key = format!("analytics:popular_by_year:{year}:{text}:{T1}");
            store.put(&key, json!({"query_text": text, "query_count": count, "unique_users": 1}));
        }
    })
    .await;

    let row = |text: &str, count: i64| json!({"query_text": text, "total_count": count, "unique_users": 1});
    let answer = weir.known("/analytics/redis/popular-by-year?limit=1").await;
    let data = json!({"2": [row("b", 7)], "10": [row("c", 1)], "unknown": [row("z", 1)]});
    let expected =
        json!({"status": "success", "data": data, "years": ["2", "10", "unknown"], "days": 30, "limit": 1});
    assert_eq!(answer, expected);

    assert_eq!(
        weir.known("/analytics/redis/popular-by-year?year=0").await["years"],
        json!(["2", "10", "unknown"])
    );

    let one = weir.known("/analytics/redis/popular-by-year?year=2").await;
    assert_eq!((&one["years"], &one["data"]), (&json!(["2"]), &json!({"2": [row("b", 7), row("a", 5)]})));
    assert_eq!(weir.known("/analytics/redis/popular-by-year?year=5").await["data"], json!({}));
    assert_eq!(weir.known("/analytics/redis/popular-by-year?limit=0").await["data"]["2"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn departments_carry_their_newest_name_and_their_share() {
    let weir = start_with(Default::default(), |store| {
        let row = |name: Value, count: i64, time: Value| {
            json!({"department_id": 7, "department_name": name, "query_count": count, "unique_users": 1,
                "success_count": 1, "avg_response_time": time})
        };
        twice(store, "department:7", row(json!("Old"), 1, json!(10)), row(json!("New"), 1, json!(20)));
        store.put("analytics:department:7:2025-12-09T11:31:00", row(json!(null), 1, json!(30.005)));
        store.put(&format!("analytics:department:8:{T1}"), row(json!(null), 6, json!(null)));
    })
    .await;
    let answer = weir.known("/analytics/redis/department").await;
    let data = json!([
        {"department_name": "8", "query_count": 6, "unique_users": 1, "success_count": 1, "avg_response_time": 0.0, "percentage": 66.67},
        {"department_name": "New", "query_count": 3, "unique_users": 3, "success_count": 3, "avg_response_time": 20.0, "percentage": 33.33},
    ]);
    let expected = json!({"status": "success", "data": data, "count": 2, "days": 30, "total_queries": 9, "chart_type": "pie"});
    assert_eq!(answer, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_types_come_as_a_distribution() {
    let weir = start_with(Default::default(), |store| {
        twice(
            store,
            "user_type:A",
            json!({"query_count": 1, "unique_users": 1}),
            json!({"query_count": 1, "unique_users": 1}),
        );
        store.put(&format!("analytics:user_type:B:{T1}"), json!({"query_count": 1, "unique_users": 1}));
    })
    .await;
    let distribution = json!([
        {"user_type": "A", "query_count": 2, "unique_users": 2, "percentage": 66.67},
        {"user_type": "B", "query_count": 1, "unique_users": 1, "percentage": 33.33},
    ]);
    let expected = json!({"status": "success", "distribution": distribution, "total_queries": 3, "days": 30});
    assert_eq!(weir.known("/analytics/redis/user-type").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn response_times_are_plain_means_over_the_windows() {
    let weir = start_with(Default::default(), |store| {
        let row = |count: i64, time: f64| json!({"query_count": count, "avg_time": time, "median_time": time, "p95_time": time});
        twice(store, "response_time:A", row(1, 10.0), row(99, 20.005));
        store.put(&format!("analytics:response_time:B:{T1}"), row(0, 5.0));
    })
    .await;
    let data = json!([{"user_type": "A", "avg_time": 15.0, "median_time": 15.0, "p95_time": 15.0, "query_count": 100}]);
    assert_eq!(
        weir.known("/analytics/redis/response-time").await,
        json!({"status": "success", "data": data, "count": 1, "days": 7})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_success_rate_shows_its_newest_twenty_rows_whole() {
    let weir = start_with(Default::default(), |store| {
        for minute in 0..30 {
            let row = json!({"window_start": "s", "total_queries": 3, "success_count": 2, "failure_count": 1,
                "success_rate_pct": 66.7, "extra": [minute]});
            store.put(&format!("analytics:success_rate:2025-12-09T11:{minute:02}:00"), row);
        }
    })
    .await;
    let answer = weir.known("/analytics/redis/success-rate").await;
    assert_eq!(answer["success_rate"], 66.67);
    let totals =
        json!([answer["total_queries"], answer["total_success"], answer["total_failure"], answer["days"]]);
    assert_eq!(totals, json!([90, 60, 30, 7]));
    assert_eq!(answer["records"].as_array().map(Vec::len), Some(20));
    let newest = json!({"window_start": "s", "total_queries": 3, "success_count": 2, "failure_count": 1,
        "success_rate_pct": 66.7, "extra": [29], "timestamp": "2025-12-09T11:29:00"});
    assert_eq!(answer["records"][0], newest);
    assert_eq!(answer["records"][19]["timestamp"], "2025-12-09T11:10:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overall_average_leaves_out_windows_without_one() {
    let weir = start_with(Default::default(), |store| {
        let row = |total: i64, time: Value| {
            json!({"total_queries": total, "success_count": 1, "failure_count": 1, "success_rate": 1, "avg_response_time": time})
        };
        twice(store, "overall", row(3, json!(100.111)), row(100, json!(0)));
        store.put("analytics:overall:2025-12-09T11:31:00", row(100, json!(null)));
    })
    .await;
    let expected = json!({"status": "success", "total_queries": 203, "success_count": 3, "failure_count": 3,
        "success_rate": 1.48, "avg_response_time": 100.11, "days": 30});
    assert_eq!(weir.known("/analytics/redis/overall-summary").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_series_are_oldest_first_in_each_granularity() {
    let weir = start_with(Default::default(), |store| {
        let row = |start: &str, end: &str, count: i64| json!({"window_start": start, "window_end": end, "query_count": count});
        store.put("analytics:timeseries:hour:2025-12-09T12:00:00", row("2025-12-09T11:00:00", "2025-12-09T12:00:00", 2));
        store.put("analytics:timeseries:hour:2025-12-09T11:00:00", row("2025-12-09T10:00:00", "2025-12-09T11:00:00", 1));
        store.put("analytics:timeseries:minute:2025-12-09T11:01:00", row("2025-12-09T11:00:00", "2025-12-09T11:01:00", 5));
        store.put("analytics:timeseries:day:2025-12-09T00:00:00", row("2025-12-08T00:00:00", "2025-12-09T00:00:00", 7));
    })
    .await;

    let point = |start: &str, end: &str, count: i64| json!({"timestamp": end, "query_count": count, "window_start": start, "window_end": end});
    let data = json!([
        point("2025-12-09T10:00:00", "2025-12-09T11:00:00", 1),
        point("2025-12-09T11:00:00", "2025-12-09T12:00:00", 2)
    ]);
    let expected = json!({"status": "success", "data": data, "count": 2, "granularity": "hour", "days": 7});
    assert_eq!(weir.known("/analytics/redis/timeseries").await, expected);

    for (granularity, count) in [("minute", 5), ("day", 7)] {
        let answer = weir.known(&format!("/analytics/redis/timeseries?granularity={granularity}")).await;
        assert_eq!(answer["data"][0]["query_count"], count);
    }

    let answer = weir.get("/analytics/redis/timeseries?granularity=week").await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["detail"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_counted_nothing_has_no_average_and_no_percentage() {
    let weir = start_with(Default::default(), |store| {
        let row = json!({"query_count": 0, "unique_users": 0, "success_count": 0, "avg_response_time": 5, "avg_contexts_found": 5});
        for group in ["faculty:A", "year:1", "heatmap:A:1", "student_year:1", "department:1", "user_type:A"] {
            store.put(&format!("analytics:{group}:{T1}"), row.clone());
        }
    })
    .await;

    for (route, rows) in [
        ("faculty", "data"),
        ("year", "data"),
        ("heatmap", "data"),
        ("student-year", "data"),
        ("department", "data"),
        ("user-type", "distribution"),
    ] {
        let answer = weir.known(&format!("/analytics/redis/{route}")).await;
        let row = answer[rows][0].as_object().unwrap_or_else(|| panic!("{route} has a row: {answer}"));
        assert_eq!(row["query_count"], 0);
        assert!(
            !row.contains_key("avg_response_time") && !row.contains_key("percentage"),
            "{route}: {answer}"
        );
        assert!(!row.contains_key("avg_contexts_found"), "{route}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_answers_while_there_is_nothing() {
    let weir = start().await;
    for route in
        ["faculty", "year", "heatmap", "student-year", "response-time", "hourly-heatmap", "timeseries"]
    {
        let answer = weir.known(&format!("/analytics/redis/{route}")).await;
        assert_eq!((&answer["data"], &answer["count"]), (&json!([]), &json!(0)), "{route}");
    }
    let overall = weir.known("/analytics/redis/overall-summary").await;
    assert_eq!((&overall["success_rate"], &overall["avg_response_time"]), (&json!(0.0), &json!(0.0)));
    assert_eq!(weir.known("/analytics/redis/success-rate").await["records"], json!([]));
    assert_eq!(
        weir.known("/analytics/redis/latest").await,
        json!({"status": "success", "latest_update": null})
    );
    let health = weir.known("/analytics/health").await;
    assert_eq!(
        (&health["status"], &health["redis_host"], &health["redis_port"]),
        (&json!("degraded"), &json!("memory"), &json!("0"))
    );
}
