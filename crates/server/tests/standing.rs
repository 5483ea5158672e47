//! A store or a log that is unreachable or slow, or refuses: the feed's clients, the metrics and the health
//! route report it.

mod support;

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use support::{Socket, Weir, next, start};
use types::Interval;

/// Returns the next status that a client receives.
async fn status(socket: &mut Socket) -> Value {
    loop {
        let message = next(socket).await;
        if message["type"] == "status" {
            return message;
        }
        assert_ne!(message["type"], "heartbeat", "nothing was told for long");
    }
}

async fn metric(weir: &Weir, line: &str) {
    for _ in 0..2_000 {
        if weir.get("/metrics").await.text().lines().any(|found| found == line) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("no {line} in {}", weir.get("/metrics").await.text());
}

fn well() -> Value {
    json!({"ok": true, "since": null, "message": null})
}

fn all_well() -> Value {
    json!({"type": "status", "log": well(), "store": well(), "results": well(), "jobs": well()})
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_when_the_jobs_do_not_do_their_work() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    assert_eq!(next(&mut socket).await["type"], "initial");
    *weir.jobs.trouble.lock() = Some("job `analytics` was cancelled".to_owned());
    let told = status(&mut socket).await;
    assert_eq!(
        told["jobs"],
        json!({"ok": false, "since": "2025-12-09T12:00:00Z", "message": "job `analytics` was cancelled"})
    );
    *weir.jobs.trouble.lock() = None;
    assert_eq!(status(&mut socket).await, all_well());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_when_the_store_goes_away_and_when_it_is_back() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    assert_eq!(next(&mut socket).await["type"], "initial");
    weir.store.away.store(true, Ordering::SeqCst);
    let away = json!({"type": "status", "log": well(), "results": well(), "jobs": well(), "store":
        {"ok": false, "since": "2025-12-09T12:00:00Z", "message": "the result store is shut down"}});
    // On a busy machine, an earlier check may have been late, and the next one well.
    let mut told = next(&mut socket).await;
    while told == all_well() {
        told = next(&mut socket).await;
    }
    assert_eq!(told, away);

    // A client that connects meanwhile gets the status after the snapshot.
    let mut late = weir.connect().await;
    assert_eq!(next(&mut late).await["type"], "initial");
    assert_eq!(next(&mut late).await, away);

    weir.store.away.store(false, Ordering::SeqCst);
    let back = all_well();
    assert_eq!(status(&mut socket).await, back);
    assert_eq!(status(&mut late).await, back);
    let mut after = weir.connect().await;
    assert_eq!(next(&mut after).await["type"], "initial");
    weir.store.publish(
        "faculty",
        "2025-12-09T11:30:00",
        &[("analytics:faculty:A:2025-12-09T11:30:00", json!({}))],
    );
    assert_eq!(next(&mut after).await["type"], "update", "nothing is wrong any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_when_the_log_does_not_answer() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    weir.log.away.store(true, Ordering::SeqCst);
    let told = status(&mut socket).await;
    assert_eq!((&told["store"], &told["log"]["ok"]), (&well(), &json!(false)));
    assert_eq!(told["log"]["message"], "the event log is shut down");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_what_should_be_known_of_a_store_that_works() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    *weir.store.remark.lock() = Some("it evicts".to_owned());
    let told = status(&mut socket).await;
    assert_eq!((&told["store"]["ok"], &told["store"]["message"]), (&json!(true), &json!("it evicts")));
    metric(&weir, r#"weir_service_impaired{service="store"} 1"#).await;
    metric(&weir, r#"weir_service_up{service="store"} 1"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_say_who_is_away_and_for_how_long() {
    let weir = start().await;
    metric(&weir, r#"weir_service_up{service="store"} 1"#).await;
    metric(&weir, r#"weir_service_up{service="log"} 1"#).await;
    weir.store.away.store(true, Ordering::SeqCst);
    metric(&weir, r#"weir_service_up{service="store"} 0"#).await;
    weir.clock.advance(Interval(90_000));
    metric(&weir, r#"weir_service_down_seconds{service="store"} 90.0"#).await;
    metric(&weir, r#"weir_service_down_seconds{service="log"} 0.0"#).await;
    weir.store.away.store(false, Ordering::SeqCst);
    metric(&weir, r#"weir_service_down_seconds{service="store"} 0.0"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_where_the_store_is_and_why_it_is_not_well() {
    let weir = start().await;
    weir.store.put("analytics:overall:2025-12-09T11:30:00", json!({"total_queries": 1}));
    weir.until("/analytics/health", |health| health["status"] == "healthy").await;
    weir.store.away.store(true, Ordering::SeqCst);
    let health = weir.json("/analytics/health").await;
    assert_eq!((&health["redis_host"], &health["redis_port"]), (&json!("memory"), &json!("0")));
    assert_eq!(
        (&health["status"], &health["message"]),
        (&json!("unhealthy"), &json!("the result store is shut down"))
    );
    // The routes still answer from the loaded rows.
    assert_eq!(weir.json("/analytics/redis/overall-summary").await["total_queries"], 1);
}
