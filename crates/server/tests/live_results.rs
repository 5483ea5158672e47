//! Rows of result tables as they change, over `/ws/results` and as Server-Sent Events.

#[path = "live_results/asyncapi.rs"]
mod asyncapi;
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use asyncapi::assert_described;
use jobs::{ColumnKind, ResultColumn, ResultTable};
use serde_json::{Value, json};
use support::{DAY, Socket, Weir, close_code, eventually, start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

fn words() -> ResultTable {
    let column = |(name, kind): (&str, ColumnKind)| ResultColumn {
        name: name.to_owned(),
        sql_type: format!("{kind:?}"),
        kind,
    };
    ResultTable {
        name: "words".to_owned(),
        key: "words:{word}".to_owned(),
        columns: [("word", ColumnKind::Text), ("n", ColumnKind::Integer)].map(column).into(),
        window: Vec::new(),
        queries: vec!["words".to_owned()],
        ttl_seconds: 86_400,
        channel: String::new(),
        job: "words".to_owned(),
        job_id: "0".repeat(32),
        declared: 1,
        started: 1,
    }
}

fn write(weir: &Weir, word: &str, n: i64) {
    weir.store.put_for(&format!("words:{word}"), json!({"word": word, "n": n}), DAY);
}

async fn with_words() -> Weir {
    let weir = start().await;
    weir.result_tables.declare(vec![words()]);
    write(&weir, "a", 1);
    write(&weir, "b", 2);
    weir.until("/results/words", |found| found["count"] == 2).await;
    weir
}

async fn connect(weir: &Weir) -> Socket {
    connect_async(format!("ws://{}/ws/results", weir.address)).await.expect("a handshake").0
}

/// Sends a message that the description has.
async fn say(socket: &mut Socket, message: &Value) {
    assert_described(message);
    support::say(socket, &message.to_string()).await;
}

/// Returns the next message, which must be described.
async fn next(socket: &mut Socket) -> Value {
    let message = tokio::time::timeout(Duration::from_secs(20), support::next(socket)).await;
    let message = message.expect("a message in time");
    assert_described(&message);
    message
}

async fn subscribe(socket: &mut Socket, message: Value) -> Value {
    let mut subscribe = json!({"type": "subscribe", "table": "words"});
    subscribe.as_object_mut().expect("an object").extend(message.as_object().expect("an object").clone());
    say(socket, &subscribe).await;
    next(socket).await
}

fn counts(message: &Value) -> BTreeMap<String, i64> {
    let row =
        |row: &Value| (row["word"].as_str().expect("a word").to_owned(), row["n"].as_i64().expect("a count"));
    message["rows"].as_array().expect("rows").iter().map(row).collect()
}

fn of(words: &[(&str, i64)]) -> BTreeMap<String, i64> {
    words.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_begins_with_a_snapshot_and_goes_on_with_changes() {
    let weir = with_words().await;
    let mut socket = connect(&weir).await;
    let snapshot = subscribe(&mut socket, json!({})).await;
    assert_eq!((&snapshot["type"], &snapshot["reason"]), (&json!("snapshot"), &json!("new")));
    assert_eq!((&snapshot["id"], &snapshot["is_complete"]), (&json!("words"), &json!(true)));
    assert_eq!(counts(&snapshot), of(&[("a", 1), ("b", 2)]));

    write(&weir, "c", 3);
    let changes = next(&mut socket).await;
    assert_eq!((&changes["type"], counts(&changes)), (&json!("changes"), of(&[("c", 3)])));
    assert_eq!(changes["rows"][0]["_key"], "words:c");
    weir.store.delete(&["words:a"]);
    assert_eq!(next(&mut socket).await["removed"], json!(["words:a"]));

    say(&mut socket, &json!({"type": "unsubscribe", "id": "words"})).await;
    assert_eq!(next(&mut socket).await["type"], "unsubscribed");
    write(&weir, "c", 4);
    say(&mut socket, &json!({"type": "ping"})).await;
    assert_eq!(next(&mut socket).await, json!({"type": "pong"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_lets_rows_through_and_tells_when_a_row_no_longer_meets_it() {
    let weir = with_words().await;
    let mut socket = connect(&weir).await;
    let many = subscribe(&mut socket, json!({"id": "many", "where": "n >= 2", "limit": 10})).await;
    assert_eq!(counts(&many), of(&[("b", 2)]));
    let only_a = subscribe(&mut socket, json!({"id": "a", "where": "word = 'a'", "limit": 0})).await;
    assert_eq!((counts(&only_a), &only_a["is_complete"]), (of(&[]), &json!(false)));

    write(&weir, "b", 1);
    let removed = next(&mut socket).await;
    assert_eq!((&removed["id"], &removed["removed"]), (&json!("many"), &json!(["words:b"])));
    write(&weir, "a", 5);
    let both = [next(&mut socket).await, next(&mut socket).await];
    let mut ids: Vec<&str> = both.iter().map(|message| message["id"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["a", "many"]);
    both.iter().for_each(|message| assert_eq!(counts(message), of(&[("a", 5)])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_gets_each_missed_change_once_or_a_snapshot_with_the_reason() {
    let weir = with_words().await;
    let mut socket = connect(&weir).await;
    let token = subscribe(&mut socket, json!({})).await["token"].clone();
    drop(socket);
    write(&weir, "a", 10);
    write(&weir, "b", 3);
    write(&weir, "a", 11);
    weir.store.delete(&["words:b"]);
    write(&weir, "d", 4);
    weir.until("/results/words?where=n%3D4", |found| found["count"] == 1).await;

    let mut socket = connect(&weir).await;
    let missed = subscribe(&mut socket, json!({"token": token})).await;
    assert_eq!((&missed["type"], counts(&missed)), (&json!("changes"), of(&[("a", 11), ("d", 4)])));
    assert_eq!(missed["removed"], json!(["words:b"]));
    let nothing = subscribe(&mut socket, json!({"token": missed["token"]})).await;
    assert_eq!((&nothing["type"], &nothing["rows"]), (&json!("changes"), &json!([])));

    for unknown in ["", "nonsense", "0000000000000001-3", "zz-1"] {
        let snapshot = subscribe(&mut socket, json!({"token": unknown})).await;
        assert_eq!(snapshot["reason"], "restarted", "{unknown}");
    }
    let (epoch, _) = token.as_str().and_then(|token| token.split_once('-')).expect("a token");
    let ahead = subscribe(&mut socket, json!({"token": format!("{epoch}-{}", u64::MAX)})).await;
    assert_eq!(ahead["reason"], "behind");
    for n in 0..9_000 {
        write(&weir, "e", n);
    }
    weir.until("/results/words?where=n%3D8999", |found| found["count"] == 1).await;
    let mut socket = connect(&weir).await;
    let behind = subscribe(&mut socket, json!({"token": token})).await;
    assert_eq!((&behind["reason"], counts(&behind)["e"]), (&json!("behind"), 8_999));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_loaded_again_are_a_snapshot_and_a_table_that_changed_is_told() {
    let weir = with_words().await;
    let mut socket = connect(&weir).await;
    subscribe(&mut socket, json!({"where": "n > 0"})).await;
    weir.store.lose_followers();
    let reloaded = next(&mut socket).await;
    assert_eq!((&reloaded["reason"], counts(&reloaded)), (&json!("reloaded"), of(&[("a", 1), ("b", 2)])));

    let mut narrow = words();
    narrow.columns.truncate(1);
    weir.result_tables.declare(vec![narrow]);
    let gone = next(&mut socket).await;
    assert_eq!((&gone["type"], &gone["id"]), (&json!("error"), &json!("words")));
    assert!(gone["message"].as_str().is_some_and(|why| why.contains("there is no column `n`")), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_keep_up_gets_the_newest_state_in_few_messages() {
    let weir = with_words().await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = connect(&weir).await;
        subscribe(&mut socket, json!({})).await;
        sockets.push(socket);
    }
    for n in 1..=3_000 {
        write(&weir, "a", n);
        write(&weir, "b", n);
    }
    for socket in &mut sockets {
        let (mut known, mut messages) = (of(&[]), 0);
        while known != of(&[("a", 3_000), ("b", 3_000)]) {
            known.extend(counts(&next(socket).await));
            messages += 1;
        }
        assert!(messages < 6_000, "{messages} messages for 6,000 writes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_and_the_connection_goes_on() {
    let weir = with_words().await;
    let mut socket = connect(&weir).await;
    for (message, part) in [
        (r#"{"type":"subscribe","table":"word"}"#, "did you mean `words`?"),
        (r#"{"type":"subscribe","table":"words","where":"m = 1"}"#, "where, character 1"),
        (r#"{"type":"subscribe","table":"words","limit":10001}"#, "from 0 to 10000"),
        (r#"{"type":"subscribe","table":"words","limit":-1}"#, "not understood"),
        (r#"{"type":"subscribe","table":"words","filter":"n = 1"}"#, "unknown field `filter`"),
        (r#"{"type":"subscribe"}"#, "missing field `table`"),
        (r#"{"type":"unsubscribe","id":"x"}"#, "no subscription"),
        (r#"{"type":"dance"}"#, "unknown variant `dance`"),
        ("[]", "not understood"),
        ("", "not understood"),
    ] {
        support::say(&mut socket, message).await;
        let error = next(&mut socket).await;
        let told = error["message"].as_str().unwrap_or_default();
        assert!(error["type"] == "error" && told.contains(part), "{message}: {error}");
    }
    for at in 0..64 {
        assert_eq!(subscribe(&mut socket, json!({"id": format!("{at}")})).await["type"], "snapshot");
    }
    assert_eq!(subscribe(&mut socket, json!({"id": "one more"})).await["type"], "error");
    assert_eq!(subscribe(&mut socket, json!({"id": "7"})).await["type"], "snapshot");
    support::say(&mut socket, &"x".repeat(70_000)).await;
    assert_eq!(close_code(&mut socket).await, 1009);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_may_not_connect_and_a_stop_closes() {
    let mut weir = with_words().await;
    let mut request = format!("ws://{}/ws/results", weir.address).into_client_request().expect("a request");
    request.headers_mut().insert("origin", "https://evil.example".parse().expect("a header"));
    let refused = connect_async(request).await.expect_err("another origin").to_string();
    assert!(refused.contains("403"), "{refused}");
    assert_eq!(weir.get("/ws/results").await.status, 426);

    let mut socket = connect(&weir).await;
    subscribe(&mut socket, json!({})).await;
    let mut events = Events::open(&weir, "/results/words/events", "").await;
    events.next().await;
    weir.begin_stop();
    assert_eq!(close_code(&mut socket).await, 1001);
    assert!(events.ends().await);
}

/// Reads Server-Sent Events.
struct Events {
    stream: tokio::net::TcpStream,
    read: String,
}

impl Events {
    async fn open(weir: &Weir, target: &str, headers: &str) -> Events {
        let mut stream = tokio::net::TcpStream::connect(weir.address).await.expect("a connection");
        let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", weir.address);
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut events = Events { stream, read: String::new() };
        let head = events.up_to("\r\n\r\n").await.to_lowercase();
        assert!(head.contains("200 ok") && head.contains("content-type: text/event-stream"), "{head}");
        events
    }

    async fn more(&mut self) -> bool {
        let mut buffer = [0; 4_096];
        let reading = tokio::time::timeout(Duration::from_secs(20), self.stream.read(&mut buffer)).await;
        let length = reading.expect("bytes in time").unwrap_or(0);
        self.read.push_str(&String::from_utf8_lossy(&buffer[..length]));
        length > 0
    }

    async fn up_to(&mut self, end: &str) -> String {
        loop {
            if let Some((found, rest)) = self.read.split_once(end) {
                let found = found.to_owned();
                self.read = rest.to_owned();
                return found;
            }
            assert!(self.more().await, "the stream ended: {}", self.read);
        }
    }

    /// Returns id and data of the next event.
    async fn next(&mut self) -> (String, Value) {
        let event = self.up_to("\n\n").await;
        let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let data: Value =
            serde_json::from_str(line("data: ")).unwrap_or_else(|_| panic!("no JSON in {event}"));
        assert_described(&data);
        (line("id: ").to_owned(), data)
    }

    async fn ends(&mut self) -> bool {
        while self.more().await {}
        self.read.contains("\r\n0\r\n")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_begin_with_a_snapshot_and_resume_after_the_last_id() {
    let weir = with_words().await;
    let target = "/results/words/events?where=n%20%3E%201";
    let mut events = Events::open(&weir, target, "").await;
    let (id, snapshot) = events.next().await;
    assert_eq!((counts(&snapshot), &snapshot["token"]), (of(&[("b", 2)]), &json!(id)));
    write(&weir, "a", 7);
    let (id, changes) = events.next().await;
    assert_eq!((&changes["type"], counts(&changes)), (&json!("changes"), of(&[("a", 7)])));
    drop(events);
    write(&weir, "a", 8);
    weir.until("/results/words?where=n%3D8", |found| found["count"] == 1).await;

    for (target, headers) in [
        (target.to_owned(), format!("Last-Event-ID: {id}\r\n")),
        (format!("{target}&token={id}"), String::new()),
    ] {
        let mut events = Events::open(&weir, &target, &headers).await;
        let (_, missed) = events.next().await;
        assert_eq!((&missed["type"], counts(&missed)), (&json!("changes"), of(&[("a", 8)])));
    }
    let mut events = Events::open(&weir, target, "Last-Event-ID: nonsense\r\n").await;
    assert_eq!(events.next().await.1["reason"], "restarted");

    for (target, status) in [
        ("/results/word/events", 404),
        ("/results/words/events?where=m%3D1", 400),
        ("/results/words/events?limit=x", 400),
        ("/results/words/events?limit=10001", 400),
        ("/results/words/events?from=now", 400),
    ] {
        assert_eq!(weir.get(target).await.status, status, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_of_the_messages_is_served() {
    let weir = start().await;
    assert_eq!(weir.json("/asyncapi.json").await, asyncapi::document());
    asyncapi::assert_whole(&weir.json("/openapi.json").await);
    eventually("no client is left", || weir.handle.loaded()).await;
}
