//! Very long texts: their answers and their memory.

mod support;

use std::time::Duration;

use serde_json::json;
use server::Options;
use support::{Weir, next, start_with};

const TIME: &str = "2025-12-09T11:30:00";
/// Stored bytes of a text.
const HELD: usize = 16 << 10;

async fn metric(weir: &Weir, name: &str) -> usize {
    let text = weir.get("/metrics").await.text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} is not among {text}"))
}

/// Returns the form that a long group has in its key (`connectors`, `result_store/template.rs`).
fn in_key(text: &str) -> String {
    let kept = text.floor_char_boundary(4_096 - 33);
    format!("{}~{:032x}", &text[..kept], xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_its_key_cuts_is_answered_whole() {
    let long = "Sinh viên ".repeat(600);
    let longest = "x".repeat(70_000);
    let weir = start_with(Options::default(), |store| {
        for (name, text) in [("faculty", &long), ("user_type", &long), ("user_type", &longest)] {
            let row = json!({name: text, "query_count": 1, "unique_users": 1});
            store.put(&format!("analytics:{name}:{}:{TIME}", in_key(text)), row);
        }
        let cell = json!({"faculty": long, "year": 2, "query_count": 1});
        store.put(&format!("analytics:heatmap:{}:2:{TIME}", in_key(&long)), cell);
    })
    .await;
    assert_eq!(weir.json("/analytics/redis/faculty").await["data"][0]["faculty"], json!(long));
    let cell = &weir.json("/analytics/redis/heatmap").await["data"][0];
    assert_eq!((&cell["faculty"], &cell["year"]), (&json!(long), &json!("2")));
    let types = weir.json("/analytics/redis/user-type").await;
    let shown: Vec<&str> = (0..2).filter_map(|at| types["distribution"][at]["user_type"].as_str()).collect();
    assert_eq!(shown[0], long);
    assert!(shown[1].len() <= HELD && shown[1].ends_with("x…"), "{}", shown[1].len());
}

#[tokio::test(flavor = "multi_thread")]
async fn long_texts_take_little_memory_and_make_no_long_frames() {
    let texts = 300;
    let weir = start_with(Options::default(), |store| {
        for number in 0..texts {
            let text = format!("{}{number}", "x".repeat(450_000));
            let row = json!({"query_text": text, "query_count": number, "unique_users": 1});
            store.put(&format!("analytics:popular_queries:{number:032x}:{TIME}"), row);
        }
    })
    .await;

    let popular = weir.json("/analytics/redis/popular-questions?limit=1000").await;
    assert_eq!(popular["count"], texts, "texts that begin alike are told apart");

    let mut bytes = 0;
    while bytes == 0 {
        // The metric is updated once a second.
        tokio::time::sleep(Duration::from_millis(20)).await;
        bytes = metric(&weir, "weir_index_memory_bytes").await;
    }

    assert!((texts * (HELD - 10)..texts * HELD * 5 / 2).contains(&bytes), "{bytes}");
    let initial = next(&mut weir.connect().await).await;
    assert_eq!(initial["type"], "initial");
    assert!(initial.to_string().len() < 20 * HELD, "{}", initial.to_string().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_memory_the_oldest_rows_are_left_out_and_counted() {
    let options = Options { index_bytes_max: 2 << 20, ..Options::default() };
    let row = |minute: usize, place: usize| {
        let text = format!("{minute} {place} {}", "x".repeat(1_000));
        let time = format!("2025-12-09T{:02}:{:02}:00", 9 + minute / 60, minute % 60);
        let value = json!({"query_text": text, "query_count": 1, "unique_users": 1});
        (format!("analytics:popular_queries:{place:032x}:{time}"), value)
    };
    let weir = start_with(options, |store| {
        for minute in 0..60 {
            (0..100).map(|place| row(minute, place)).for_each(|(key, value)| store.put(&key, value));
            let value = json!({"total_queries": 100, "success_count": 1, "failure_count": 99});
            store.put(&format!("analytics:overall:2025-12-09T09:{minute:02}:00"), value);
        }
    })
    .await;
    let overall = weir.json("/analytics/redis/overall-summary").await;
    assert_eq!(overall["total_queries"], 6_000, "what takes little is kept");
    let count = |popular: &serde_json::Value| popular["count"].as_u64().expect("a count");
    let before = count(&weir.json("/analytics/redis/popular-questions?limit=10000").await);
    assert!((500..2_000).contains(&before), "{before}");

    // Also at run time: new rows are stored, and rows older than all that are left are not.
    let (key, value) = row(0, 0);
    weir.store.put(&key, value);
    for (minute, place) in (60..80).flat_map(|minute| (0..100).map(move |place| (minute, place))) {
        let (key, value) = row(minute, place);
        weir.store.put(&key, value);
    }
    let path = "/analytics/redis/popular-questions?limit=10000";
    let newest = |popular: &serde_json::Value| {
        let texts = popular["data"].as_array().expect("rows").iter();
        let texts = texts.filter_map(|row| row["query_text"].as_str());
        texts.filter(|text| text.starts_with("79 99 ")).count() == 1
    };
    let popular = weir.until(path, newest).await;
    assert!(count(&popular) < 2_000, "{}", count(&popular));
    assert!(metric(&weir, "weir_index_rows_left_out_total").await >= 4_000);
}
