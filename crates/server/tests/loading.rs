//! While the rows of the store are being loaded, no client is told that there are none.

mod support;

use std::sync::atomic::Ordering;

use serde_json::json;
use server::Options;
use support::{next, start_with};

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
