//! Alerts over HTTP: rules with entity tags and secrets, their states, and a receiver that is told.

mod support;

use std::path::Path;
use std::sync::Arc;

use jobs::{ColumnKind, ResultColumn, ResultTable};
use parking_lot::Mutex;
use serde_json::{Value, json};
use server::{DocumentPlaces, Options};
use support::{Answer, DAY, Weir, eventually, request, start_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const NEW: (&str, &str) = ("If-None-Match", "*");

fn pages() -> ResultTable {
    let column = |(name, kind): (&str, ColumnKind)| ResultColumn {
        name: name.to_owned(),
        sql_type: format!("{kind:?}"),
        kind,
    };
    let columns = [
        ("page", ColumnKind::Text),
        ("n", ColumnKind::Integer),
        ("window_start", ColumnKind::Time),
        ("window_end", ColumnKind::Time),
    ];
    ResultTable {
        name: "pages".to_owned(),
        key: "pages:{page}:{window_end}".to_owned(),
        columns: columns.map(column).into(),
        window: vec!["window_start".to_owned(), "window_end".to_owned()],
        queries: vec!["pages".to_owned()],
        ttl_seconds: 86_400,
        channel: String::new(),
        job: "pages".to_owned(),
        job_id: "0".repeat(32),
        declared: 1,
        started: 1,
    }
}

fn write(weir: &Weir, page: &str, minute: u32, n: i64) {
    let end = format!("2025-12-09T11:{minute:02}:00");
    let start = format!("2025-12-09T11:{:02}:00", minute - 1);
    let row = json!({"page": page, "n": n, "window_start": start, "window_end": end, "is_final": true});
    weir.store.put_for(&format!("pages:{page}:{end}"), row, DAY);
}

async fn start_in(directory: &Path) -> Weir {
    let alerts = DocumentPlaces { saved: Some(directory.join("alerts")), files: Vec::new() };
    let weir = start_with(Options { alerts, ..Options::default() }, |_| {}).await;
    weir.result_tables.declare(vec![pages()]);
    weir
}

fn rule(more: &Value) -> String {
    let mut rule = json!({"version": 1, "title": "Many", "table": "pages", "number": "n", "above": 10});
    rule.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    rule.to_string()
}

async fn put(weir: &Weir, name: &str, headers: &[(&str, &str)], document: &str) -> Answer {
    request(weir.address, "PUT", &format!("/alerts/{name}"), headers, document.as_bytes()).await
}

async fn delete(weir: &Weir, name: &str, headers: &[(&str, &str)]) -> Answer {
    request(weir.address, "DELETE", &format!("/alerts/{name}"), headers, b"").await
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap_or_else(|| panic!("no tag: {}", answer.text())).to_owned()
}

/// Asserts the status of a refusal, and that its message has a part.
fn refused(answer: &Answer, status: u16, part: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    let detail = body["detail"].as_str().expect("a detail");
    assert!(detail.contains(part), "{detail}");
}

/// Starts a receiver that answers each request with a status. Returns its URL and what it has received.
async fn receiver(status: u16) -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let received: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut text = Vec::new();
            let body = loop {
                let mut part = [0; 4_096];
                let read = stream.read(&mut part).await.expect("a request");
                text.extend_from_slice(&part[..read]);
                let end = text.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4);
                let body = end.and_then(|end| serde_json::from_slice(&text[end..]).ok());
                if body.is_some() || read == 0 {
                    break body.unwrap_or_default();
                }
            };
            kept.lock().push(body);
            let answer = format!("HTTP/1.1 {status} S\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("sent");
        }
    });
    (url, received)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_served_with_a_tag_and_without_its_secret() {
    let directory = tempfile::tempdir().expect("a directory");
    let weir = start_in(directory.path()).await;
    let webhook = json!({"url": "https://a.invalid", "header": {"name": "Authorization", "value": "geheim"}});
    let secret = rule(&json!({"webhook": webhook}));
    let created = put(&weir, "many", &[NEW], &secret).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.json()["source"], "saved");

    let answer = weir.get("/alerts/many").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!((tag(&answer), answer.header("cache-control")), (tag(&created), Some("no-cache")));
    assert!(answer.text().contains("\"***\"") && !answer.text().contains("geheim"), "{}", answer.text());
    let known = [("If-None-Match", tag(&answer))];
    let known: Vec<_> = known.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(request(weir.address, "GET", "/alerts/many", &known, b"").await.status, 304);

    // The document as it was shown keeps the secret.
    let shown = answer.text();
    let replaced = put(&weir, "many", &[("If-Match", &tag(&answer))], &shown).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    let file = std::fs::read_to_string(directory.path().join("alerts/many.json")).expect("a file");
    assert!(file.contains("geheim"), "{file}");
    let moved = shown.replace("a.invalid", "b.invalid");
    refused(
        &put(&weir, "many", &[("If-Match", "*")], &moved).await,
        400,
        "webhook.header.value: `url` names another",
    );

    refused(
        &put(&weir, "many", &[("If-Match", &tag(&answer))], &shown).await,
        412,
        "has changed since you read it",
    );
    refused(&put(&weir, "many", &[NEW], &shown).await, 412, "there is an alert `many` already");
    refused(&put(&weir, "many", &[], &shown).await, 428, "If-Match");
    refused(&put(&weir, "other", &[("If-Match", "*")], &shown).await, 412, "`If-None-Match: *`");
    refused(&put(&weir, "Many", &[NEW], &shown).await, 400, "cannot be the name");
    refused(&put(&weir, "x", &[NEW], "{").await, 400, "EOF");
    refused(&put(&weir, "x", &[NEW], &" ".repeat(70_000)).await, 413, "larger than");
    refused(&weir.get("/alerts/none").await, 404, "no alert `none`");
    refused(&weir.get("/alerts/none/history").await, 404, "no alert `none`");
    refused(&weir.post("/alerts/none/test", "").await, 404, "no alert `none`");
    refused(&delete(&weir, "many", &[]).await, 428, "If-Match");
    refused(&delete(&weir, "many", &[("If-Match", "\"x\"")]).await, 412, "has changed");
    assert_eq!(delete(&weir, "many", &[("If-Match", &tag(&replaced))]).await.status, 204);
    assert_eq!(weir.json("/alerts").await, json!({"alerts": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_fires_is_listed_counted_and_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let weir = start_in(directory.path()).await;
    let (url, received) = receiver(200).await;
    let document = rule(&json!({"for_windows": 2, "webhook": {"url": url}}));
    assert_eq!(put(&weir, "many", &[NEW], &document).await.status, 201);
    assert_eq!(put(&weir, "wrong", &[NEW], &rule(&json!({"number": "m"}))).await.status, 201);
    assert_eq!(put(&weir, "quiet", &[NEW], &rule(&json!({"where": "page = 'z'"}))).await.status, 201);
    assert_eq!(put(&weir, "high", &[NEW], &rule(&json!({"above": 1_000}))).await.status, 201);

    write(&weir, "a", 1, 11);
    write(&weir, "b", 1, 11);
    write(&weir, "a", 2, 12);
    write(&weir, "b", 2, 1);
    let list = weir
        .until("/alerts", |list| {
            let states = list["alerts"].as_array().expect("a list").iter().map(|alert| &alert["state"]);
            states.eq(["ok", "firing", "no_data", "error"].iter()) && list["alerts"][1]["undelivered"] == 0
        })
        .await;
    let many = &list["alerts"][1];
    assert_eq!(
        many["firing"],
        json!([{"series": {"page": "a"}, "value": 12, "since": "2025-12-09T12:00:00Z",
            "window_start": "2025-12-09T11:01:00", "window_end": "2025-12-09T11:02:00"}])
    );
    assert_eq!((&many["firing_count"], &many["last_delivery"]["outcome"]), (&json!(1), &json!("delivered")));
    assert!(list["alerts"][3]["error"].as_str().is_some_and(|error| error.contains("`m`")), "{list}");
    assert_eq!(received.lock()[0]["series"], json!({"page": "a"}));

    let metrics = weir.get("/metrics").await.text();
    assert!(metrics.contains("weir_alerts_firing{alert=\"many\"} 1\n"), "{metrics}");
    assert!(metrics.contains("weir_alerts_firing{alert=\"high\"} 0\n"), "{metrics}");
    assert!(metrics.contains("weir_alert_notifications_total{outcome=\"delivered\"} 1\n"), "{metrics}");

    write(&weir, "a", 3, 1);
    let resolved = weir
        .until("/alerts/many/history", |history| {
            history["transitions"][0]["state"] == "resolved"
                && history["transitions"][0]["delivery"]["outcome"] == "delivered"
        })
        .await;
    let transitions = resolved["transitions"].as_array().expect("a list");
    assert_eq!((transitions.len(), &transitions[1]["state"]), (2, &json!("firing")));
    assert_eq!(transitions[0]["id"], received.lock()[1]["id"]);
    assert_eq!(weir.json("/alerts").await["alerts"][1]["state"], "ok");

    assert_eq!(delete(&weir, "many", &[("If-Match", "*")]).await.status, 204);
    assert!(!weir.get("/metrics").await.text().contains("alert=\"many\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_tells_the_outcome() {
    let directory = tempfile::tempdir().expect("a directory");
    let weir = start_in(directory.path()).await;
    let ((well, received), (ill, _)) = (receiver(204).await, receiver(500).await);
    for (name, url) in [("well", well), ("ill", ill)] {
        let document = rule(&json!({"webhook": {"url": url}}));
        assert_eq!(put(&weir, name, &[NEW], &document).await.status, 201);
    }
    assert_eq!(put(&weir, "mute", &[NEW], &rule(&json!({}))).await.status, 201);

    let answer = weir.post("/alerts/well/test", "").await;
    assert_eq!(answer.json(), json!({"is_delivered": true, "status": 204, "error": null}));
    let told = received.lock()[0].clone();
    assert_eq!((&told["reason"], &told["alert"]), (&json!("test"), &json!("well")));
    let answer = weir.post("/alerts/ill/test", "").await;
    let failed = json!({"is_delivered": false, "status": 500, "error": "the receiver answered 500"});
    assert_eq!((answer.status, answer.json()), (200, failed));
    refused(&weir.post("/alerts/mute/test", "").await, 409, "no webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_keeps_its_table_loaded_and_without_rules_nothing_is_loaded() {
    let directory = tempfile::tempdir().expect("a directory");
    let weir = start_in(directory.path()).await;
    write(&weir, "a", 1, 11);
    let (followers, unused) = (weir.store.followers(), weir.handle.results_memory_bytes());
    assert_eq!(put(&weir, "many", &[NEW], &rule(&json!({}))).await.status, 201);
    let fires = |list: &Value| list["alerts"][0]["state"] == "firing";
    weir.until("/alerts", fires).await;
    assert_eq!(weir.store.followers(), followers + 1, "the rule has loaded the tables");

    // Nobody asks for an hour but the rule.
    for _ in 0..4 {
        weir.clock.advance(types::Interval(20 * 60 * 1_000));
        write(&weir, "a", 2, 1);
        weir.until("/alerts", |list| list["alerts"][0]["state"] == "ok").await;
        write(&weir, "a", 2, 11);
        weir.until("/alerts", fires).await;
    }

    assert_eq!(delete(&weir, "many", &[("If-Match", "*")]).await.status, 204);
    weir.clock.advance(types::Interval(20 * 60 * 1_000));
    eventually("the rows are dropped", || weir.handle.results_memory_bytes() == unused).await;
}
