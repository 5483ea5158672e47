//! Ingest over HTTP: accepts all forms of bodies, validates events one by one, and acknowledges durable
//! events.

mod support;

use std::io::Write;

use serde_json::json;
use server::{Options, UnknownTopics};
use support::{Mood, eventually, request, start, start_with};

const A: &str = r#"{"query_id": "a",  "timestamp": "2025-12-09T11:30:00.123456"}"#;
const B: &str = r#"{"query_id":"b","ts":"2025-12-09T11:30:01Z"}"#;
const TOPIC: &str = "user-queries";

fn record(key: &str, body: &str) -> (Option<String>, String) {
    (Some(key.to_owned()), body.to_owned())
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).expect("compressed");
    encoder.finish().expect("compressed")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_an_array_and_lines_are_kept_byte_for_byte_with_the_query_id_as_key() {
    let weir = start().await;
    for body in [A.to_owned(), format!("[{A},\n {B}]"), format!("{A}\n\n{B}\r\n")] {
        let answer = weir.post("/events", &body).await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.json()["rejected"], json!([]));
    }
    let (a, b) = (record("a", A), record("b", B));
    assert_eq!(weir.log.records(TOPIC), [a.clone(), a.clone(), b.clone(), a, b]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_events_are_named_by_their_place_and_the_good_ones_are_kept() {
    let weir = start().await;
    let lines = [
        A,
        "{\"ts\":\"x\"}",
        "",
        "[1]",
        "{\"query_id\":null,\"ts\":\"x\"}",
        "{oops",
        B,
        "{\"query_id\":\"c\"}",
    ];

    let answer = weir.post("/events", lines.join("\n")).await;
    assert_eq!(answer.status, 202);
    let expected = json!({"accepted": 2, "rejected": [
        {"index": 1, "reason": "query_id is missing"},
        {"index": 2, "reason": "not a JSON object"},
        {"index": 3, "reason": "query_id is null"},
        {"index": 4, "reason": "malformed JSON"},
        {"index": 6, "reason": "neither timestamp nor ts is a string"},
    ]});
    assert_eq!(answer.json(), expected);
    assert_eq!(weir.log.records(TOPIC).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_and_zstd_bodies_are_read_and_other_encodings_are_refused() {
    let weir = start().await;
    let body = format!("{A}\n{B}");
    let zstd = zstd::encode_all(body.as_bytes(), 1).expect("compressed");

    for (encoding, bytes) in
        [("gzip", gzip(body.as_bytes())), ("zstd", zstd), ("identity", body.clone().into_bytes())]
    {
        let answer =
            request(weir.address, "POST", "/events", &[("Content-Encoding", encoding)], &bytes).await;
        assert_eq!((answer.status, answer.json()["accepted"].as_u64()), (202, Some(2)), "{encoding}");
    }

    for encoding in ["br", "deflate", "gzip, zstd"] {
        let answer =
            request(weir.address, "POST", "/events", &[("Content-Encoding", encoding)], body.as_bytes())
                .await;
        assert_eq!(
            (answer.status, answer.header("accept-encoding")),
            (415, Some("gzip, zstd")),
            "{encoding}"
        );
    }

    let answer =
        request(weir.address, "POST", "/events", &[("Content-Encoding", "gzip")], body.as_bytes()).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_at_all_is_400() {
    let weir = start().await;
    for body in ["", "hello", "[{}", "{\"query_id\":"] {
        let answer = weir.post("/events", body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json()["detail"].is_string());
    }
    assert_eq!(weir.log.records(TOPIC), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_over_the_limit_are_413_however_they_are_packed_and_one_long_record_is_rejected() {
    let options = Options { body_bytes_max: 4_000, decompressed_bytes_max: 8_000, ..Options::default() };
    let weir = start_with(Options { record_bytes_max: 1_000, ..options }, |_| {}).await;
    assert_eq!(weir.post("/events", "x".repeat(4_001)).await.status, 413);
    let bomb = gzip(&b" ".repeat(1 << 20));
    let answer = request(weir.address, "POST", "/events", &[("Content-Encoding", "gzip")], &bomb).await;
    assert_eq!(answer.status, 413);
    let long = format!(r#"{{"query_id":"l","ts":"x","t":"{}"}}"#, "y".repeat(1_000));
    let answer = weir.post("/events", format!("{A}\n{long}")).await;
    assert_eq!(
        answer.json(),
        json!({"accepted": 1, "rejected": [{"index": 1, "reason": "larger than 1000 bytes"}]})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_comes_only_once_the_events_are_durable() {
    let weir = start().await;
    *weir.log.mood.lock() = Mood::Slow;
    let address = weir.address;
    let answer = tokio::spawn(async move { request(address, "POST", "/events", &[], A.as_bytes()).await });
    eventually("the append is queued", || weir.log.waiting() == 1).await;
    assert!(!answer.is_finished());
    weir.log.release();
    assert_eq!(answer.await.expect("an answer").status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_keep_up_is_429_and_a_full_disk_507() {
    let weir = start().await;
    *weir.log.mood.lock() = Mood::Overloaded;
    let answer = weir.post("/events", A).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    *weir.log.mood.lock() = Mood::DiskFull;
    assert_eq!(weir.post("/events", A).await.status, 507);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_common_budget_are_429_and_the_budget_comes_back() {
    let weir = start_with(Options { ingest_bytes_max: 100, ..Options::default() }, |_| {}).await;
    let answer = weir.post("/events", format!("[{A},{A}]")).await;
    assert_eq!(answer.status, 413, "it will never fit");
    assert!(String::from_utf8_lossy(&answer.body).contains("ingest.memory"));
    *weir.log.mood.lock() = Mood::Slow;
    let address = weir.address;
    let first = tokio::spawn(async move { request(address, "POST", "/events", &[], A.as_bytes()).await });
    eventually("the first has the budget", || weir.log.waiting() == 1).await;
    assert_eq!(weir.post("/events", A).await.status, 429);
    *weir.log.mood.lock() = Mood::default();
    weir.log.release();
    assert_eq!(first.await.expect("an answer").status, 202);
    for _ in 0..5 {
        assert_eq!(weir.post("/events", A).await.status, 202);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_topics_take_any_object_if_they_exist() {
    let weir = start().await;
    let missing = weir.post("/events/other", "{}").await;
    let told = missing.json()["detail"].as_str().expect("a detail").to_owned();
    assert_eq!(missing.status, 404);
    for remedy in ["topic `other` does not exist", "'topic' = 'other'", "ingest.create_topics = true"] {
        assert!(told.contains(remedy), "{told}");
    }

    assert_eq!(weir.post("/events/no%20name", "{}").await.status, 400);
    assert_eq!(weir.post("/events/..", "{}").await.status, 400);

    storage::log::EventLog::create_topic(&*weir.log, "other", 1).expect("created");
    let answer = weir.post("/events/other", format!("{{}}\n7\n{B}")).await;
    assert_eq!(
        answer.json(),
        json!({"accepted": 2, "rejected": [{"index": 1, "reason": "not a JSON object"}]})
    );
    assert_eq!(weir.log.records("other"), [(None, "{}".to_owned()), record("b", B)]);

    assert_eq!(
        weir.post("/events/user-queries", "{}").await.json()["rejected"][0]["reason"],
        "query_id is missing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_of_weirs_own_take_no_events_whether_they_exist_or_not() {
    let options = Options { unknown_topics: UnknownTopics::Create, ..Options::default() };
    let weir = start_with(options, |_| {}).await;
    storage::log::EventLog::create_topic(&*weir.log, "weir-dead-letters", 1).expect("created");
    for topic in ["weir-dead-letters", "weir%2Ddead-letters", "weir-notes", "__consumer_offsets"] {
        let answer = weir.post(&format!("/events/{topic}"), "{}").await;
        assert_eq!(answer.status, 403, "{topic}");
        let told = answer.json()["detail"].as_str().expect("a detail").to_owned();
        assert!(told.contains("is reserved for Weir and accepts no events"), "{told}");
        assert_eq!(told.contains("weir dead-letters replay"), topic.ends_with("letters"), "{told}");
    }
    assert_eq!(weir.log.records("weir-dead-letters"), []);
    assert_eq!(weir.post("/events/weir-events", "{}").await.status, 202, "a topic of somebody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_utf_16_is_kept_as_utf_8() {
    let weir = start().await;
    let event = A.replace("\"a\"", "\"học\"");
    for units in [u16::to_be_bytes, u16::to_le_bytes] {
        let body: Vec<u8> = event.encode_utf16().flat_map(units).collect();
        let headers = [("Content-Type", "application/json; charset=utf-16")];
        let answer = request(weir.address, "POST", "/events", &headers, &body).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    assert_eq!(weir.log.records(TOPIC), [record("học", &event), record("học", &event)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_where_that_is_allowed() {
    let options = Options { unknown_topics: UnknownTopics::Create, ..Options::default() };
    let weir = start_with(options, |_| {}).await;
    assert_eq!(weir.post("/events/fresh", "{}").await.status, 202);
    assert_eq!(weir.log.records("fresh").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_page_cannot_send_events_and_a_page_of_this_machine_can() {
    let weir = start().await;
    for (origin, status) in [("http://evil.example", 403), ("http://localhost:5173", 202)] {
        let answer = request(weir.address, "POST", "/events", &[("Origin", origin)], A.as_bytes()).await;
        assert_eq!(answer.status, status, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_damage_to_a_body_is_answered_and_what_is_accepted_is_what_is_kept() {
    let weir = start().await;
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };

    for _ in 0..300 {
        let mut body = format!("{A}\n{B}\n[{A}]\n{{}}").into_bytes();
        if next(2) == 0 {
            body = format!("[{A},{B},{{}},3]").into_bytes();
        }

        for _ in 0..1 + next(4) {
            let at = next(body.len());
            match next(3) {
                0 => body[at] = next(256) as u8,
                1 => drop(body.remove(at)),
                _ => body.insert(at, b"{}[]\",:\n\\\0"[next(10)]),
            }
        }

        let before = weir.log.records(TOPIC).len();
        let answer = weir.post("/events", &body).await;
        let kept = weir.log.records(TOPIC).len() - before;
        match answer.status {
            202 => assert_eq!(answer.json()["accepted"].as_u64(), Some(kept as u64)),
            400 => assert_eq!(kept, 0),
            other => panic!("{other} for {}", String::from_utf8_lossy(&body)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_gets_its_answer_and_appends_nothing() {
    let weir = start().await;
    let post = |path: &'static str, key: &'static str, body: String| {
        let address = weir.address;
        async move { request(address, "POST", path, &[("Idempotency-Key", key)], body.as_bytes()).await }
    };

    let body = format!("[{A}, {{\"no\": \"id\"}}]");
    let first = post("/events", "k-1", body.clone()).await;
    let again = post("/events", "k-1", body.clone()).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!((first.json(), first.header("idempotency-replayed")), (again.json(), None));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.header("content-type"), Some("application/json"));
    assert_eq!(weir.log.records(TOPIC), [record("a", A)]);

    let other = post("/events", "k-1", B.to_owned()).await;
    assert_eq!(other.status, 422, "{}", other.text());
    assert_eq!(post("/events", "k-2", body).await.status, 202);
    assert_eq!(weir.log.records(TOPIC).len(), 2);

    for key in ["", "é"] {
        assert_eq!(post("/events", key, A.to_owned()).await.status, 400, "{key}");
    }

    // A request that was refused as a whole has no note.
    assert_eq!(post("/events", "k-3", "nonsense".to_owned()).await.status, 400);
    assert_eq!(post("/events", "k-3", A.to_owned()).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_until_the_log_has_answered_even_if_the_client_has_left() {
    let weir = start().await;
    *weir.log.mood.lock() = Mood::Slow;
    let address = weir.address;
    let key = &[("Idempotency-Key", "k-1")];
    let leaving = tokio::spawn(async move { request(address, "POST", "/events", key, A.as_bytes()).await });

    eventually("the events wait", || weir.log.waiting() == 1).await;
    leaving.abort();
    let meanwhile = request(address, "POST", "/events", key, A.as_bytes()).await;
    assert_eq!(meanwhile.status, 409, "{}", meanwhile.text());
    *weir.log.mood.lock() = Mood::Willing;

    weir.log.release();
    eventually("the key is free", || weir.log.records(TOPIC).len() == 1).await;

    let again = loop {
        let again = request(address, "POST", "/events", key, A.as_bytes()).await;
        if again.status != 409 {
            break again;
        }
    };
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")));
    assert_eq!(weir.log.records(TOPIC), [record("a", A)]);
}
