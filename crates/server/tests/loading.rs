//! While the rows of the store are being loaded, no client is told that there are none.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jobs::{ColumnKind, ResultColumn, ResultTable};
use serde_json::json;
use server::Options;
use support::{eventually, next, start_with};

const ROUTES: [&str; 6] = [
    "/analytics/redis/latest",
    "/analytics/redis/faculty",
    "/analytics/redis/overall-summary",
    "/analytics/redis/success-rate",
    "/analytics/redis/popular-by-year",
    "/analytics/redis/timeseries",
];

#[tokio::test(flavor = "multi_thread")]
async fn routes_and_feed_wait_for_the_rows_and_say_so() {
    let weir = start_with(Options::default(), |store| {
        store.put("analytics:overall:2025-12-09T11:30:00", json!({"total_queries": 7}));
        store.slow.store(true, Ordering::SeqCst);
    })
    .await;
    let answers = ROUTES.map(|route| weir.get(route));
    for (route, answer) in ROUTES.iter().zip(futures_util::future::join_all(answers).await) {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{route}");
        assert!(answer.text().contains("being loaded"), "{route}: {}", answer.text());
    }
    let health = weir.json("/analytics/health").await;
    assert_eq!(health["message"], "the results are being loaded");
    let mut socket = weir.connect().await;
    let told = next(&mut socket).await;
    assert_eq!((&told["type"], &told["results"]["ok"]), (&json!("status"), &json!(false)), "{told}");

    // A waiting request is answered as soon as the rows are loaded.
    let waits = weir.get("/analytics/redis/overall-summary");
    let lets_go = async { weir.store.slow.store(false, Ordering::SeqCst) };
    let (answer, ()) = tokio::join!(waits, lets_go);
    assert_eq!((answer.status, &answer.json()["total_queries"]), (200, &json!(7)));
    let first = loop {
        let message = next(&mut socket).await;
        if message["type"] == "initial" {
            break message;
        }
        assert_eq!(message["type"], "status");
    };
    assert_eq!(first["data"]["overall"]["total_queries"], 7);
}

/// Rows under `numbers:…`, each with a number.
fn numbers() -> ResultTable {
    let n = ResultColumn { name: "n".to_owned(), sql_type: "BIGINT".to_owned(), kind: ColumnKind::Integer };
    ResultTable {
        name: "numbers".to_owned(),
        key: "numbers:{n}".to_owned(),
        columns: vec![n],
        window: Vec::new(),
        queries: Vec::new(),
        ttl_seconds: 86_400,
        channel: String::new(),
        job: "numbers".to_owned(),
        job_id: "0".repeat(32),
        declared: 1,
        started: 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_do_not_wait_for_a_scan_that_finds_nothing() {
    let weir = start_with(Options::default(), |store| store.slow.store(true, Ordering::SeqCst)).await;
    eventually("the index follows", || weir.store.followers() == 1).await;
    weir.result_tables.declare(vec![numbers()]);

    let asks = weir.get("/results/numbers?aggregate=count(*),sum(n)");
    let writes = async {
        eventually("the result tables follow", || weir.store.followers() == 2).await;
        // More than the queues of the followers hold.
        let store = Arc::clone(&weir.store);
        let writing = tokio::task::spawn_blocking(move || {
            for n in 0..3_000 {
                store.put(&format!("numbers:{n}"), json!({"n": n}));
            }
        });
        let written = tokio::time::timeout(Duration::from_secs(20), writing).await;
        weir.store.slow.store(false, Ordering::SeqCst);
        written.expect("no writer waits for the scan").expect("all rows are written");
    };
    let (answer, ()) = tokio::join!(asks, writes);
    assert_eq!(answer.json()["rows"][0], json!({"count(*)": 3_000, "sum(n)": 4_498_500, "_is_final": true}));
}
