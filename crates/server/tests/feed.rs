//! The WebSocket feed: a snapshot, then every change, as long as the client keeps up.

mod support;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use server::Options;
use support::{Socket, Weir, close_code, eventually, request, say, start, start_with};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const T: &str = "2025-12-09T11:30:00";

fn row(count: i64) -> Value {
    json!({"query_count": count, "unique_users": 1, "avg_response_time": 10, "query_text": "a",
        "total_queries": count, "success_count": 1, "failure_count": 0, "avg_time": 1, "median_time": 1, "p95_time": 1})
}

fn publish(weir: &Weir, kind: &str, group: &str, count: i64) {
    weir.store.publish(kind, T, &[(&format!("analytics:{group}:{T}"), row(count))]);
}

/// Returns the next message that is no status: a status about loaded results may follow the connection.
async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = support::next(socket).await;
        if message["type"] != "status" {
            return message;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_first_sent_the_newest_state_as_the_routes_answer_it() {
    let weir = start_with(Options::default(), |store| {
        for group in [
            "faculty:A",
            "year:1",
            "heatmap:A:1",
            "popular_queries:x",
            "department:7",
            "overall",
            "student_year:2",
            "popular_by_year:2:x",
            "user_type:A",
            "success_rate",
            "response_time:A",
        ] {
            store.put(&format!("analytics:{group}:{T}"), row(2));
        }
    })
    .await;

    let first = next(&mut weir.connect().await).await;
    assert_eq!(first["type"], "initial");
    let data = first["data"].as_object().expect("data");
    assert_eq!(data.len(), 11);

    for (field, route, part) in [
        ("faculty", "faculty", "/data"),
        ("year", "year", "/data"),
        ("heatmap", "heatmap", "/data"),
        ("popularQuestions", "popular-questions", "/data"),
        ("departments", "department", "/data"),
        ("overall", "overall-summary", ""),
        ("studentYear", "student-year", "/data"),
        ("popularByYear", "popular-by-year", "/data"),
        ("userType", "user-type", "/distribution"),
        ("successRate", "success-rate", ""),
        ("responseTime", "response-time", "/data"),
    ] {
        let answer = weir.json(&format!("/analytics/redis/{route}")).await;
        assert_eq!(Some(&data[field]), answer.pointer(part), "{field}");
    }
}

/// Sends one frame as a client does, masked with zeros, and returns what the server sends back.
async fn answer_to(weir: &Weir, first: u8, payload: &[u8]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(weir.address).await.expect("a connection");
    let host = weir.address;
    let asked = format!(
        "GET /ws/analytics HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(asked.as_bytes()).await.expect("sent");

    let length = u8::try_from(payload.len()).expect("a short payload");
    let frame = [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat();
    stream.write_all(&frame).await.expect("sent");

    let mut heard = Vec::new();
    let mut buffer = [0; 4_096];
    // Until the server closes, or has sent what the test waits for.
    while let Ok(Ok(read @ 1..)) =
        tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer)).await
    {
        heard.extend_from_slice(&buffer[..read]);
        if heard.windows(5).any(|window| window == b"error" || window == b"\"pong") {
            break;
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_no_utf8_closes_with_1007_and_an_array_is_no_ping() {
    let weir = start().await;
    let has = |heard: &[u8], wanted: &[u8]| heard.windows(wanted.len()).any(|window| window == wanted);
    let bad = answer_to(&weir, 0x81, b"{\"type\": \"\xff\"}").await;
    assert!(has(&bad, &1_007_u16.to_be_bytes()) && has(&bad, b"a text message is not UTF-8"), "{bad:?}");
    for payload in [&br#"["ping"]"#[..], br#"{"type": ["ping"]}"#, br#"{"type": "Ping"}"#, b"null", b"[]"] {
        let heard = answer_to(&weir, 0x81, payload).await;
        assert!(has(&heard, b"not understood"), "{}", String::from_utf8_lossy(payload));
    }
    let heard = answer_to(&weir, 0x81, br#"{"more": 1, "type": "ping"}"#).await;
    assert!(has(&heard, b"\"pong\""));
}

/// The metrics tell how long changes took to reach clients.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_until_a_client_was_sent_a_change_is_measured() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    next(&mut socket).await;
    publish(&weir, "faculty", "faculty:A", 3);
    next(&mut socket).await;
    let measured = async || weir.get("/metrics").await.text().contains("weir_feed_sent_seconds_count 1");
    for _ in 0..500 {
        if measured().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never measured: {}", weir.get("/metrics").await.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_analytic_that_changes_is_sent_under_its_name() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    next(&mut socket).await;

    for (kind, group, field) in [
        ("faculty", "faculty:A", "faculty"),
        ("year", "year:1", "year"),
        ("heatmap", "heatmap:A:1", "heatmap"),
        ("popular_queries", "popular_queries:x", "popularQuestions"),
        ("student_year", "student_year:2", "studentYear"),
        ("popular_by_year", "popular_by_year:2:x", "popularByYear"),
        ("department", "department:7", "departments"),
        ("user_type", "user_type:A", "userType"),
        ("success_rate", "success_rate", "successRate"),
        ("response_time", "response_time:A", "responseTime"),
        ("overall", "overall", "overall"),
        ("timeseries_minute", "timeseries:minute", "timeseriesMinute"),
        ("timeseries_hour", "timeseries:hour", "timeseriesHour"),
        ("timeseries_day", "timeseries:day", "timeseriesDay"),
        ("heatmap_hourly", "heatmap:hourly:11", "hourlyHeatmap"),
    ] {
        publish(&weir, kind, group, 3);
        let update = next(&mut socket).await;
        assert_eq!(
            (&update["type"], &update["analytics_type"], &update["timestamp"]),
            (&json!("update"), &json!(kind), &json!(T))
        );
        let data = update["data"].as_object().expect("data");
        assert_eq!(data.keys().collect::<Vec<_>>(), [field]);
        assert!(data[field].to_string().contains('3'), "fresh: {update}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quick_changes_may_be_merged_and_the_newest_state_always_arrives() {
    let weir = start().await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = weir.connect().await;
        next(&mut socket).await;
        sockets.push(socket);
    }

    for count in 1..=500 {
        publish(&weir, "faculty", "faculty:A", count);
        publish(&weir, "overall", "overall", count);
    }

    for socket in &mut sockets {
        let (mut faculty, mut overall) = (0, 0);
        while (faculty, overall) != (500, 500) {
            let update = next(socket).await;
            let data = &update["data"];
            faculty = data["faculty"][0]["query_count"].as_i64().unwrap_or(faculty);
            overall = data["overall"]["total_queries"].as_i64().unwrap_or(overall);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_is_answered_and_a_frame_that_is_not_understood_does_no_harm() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    next(&mut socket).await;
    for strange in ["hello", "{}", "{\"type\":\"subscribe\"}", "[]", ""] {
        say(&mut socket, strange).await;
        let answer = next(&mut socket).await;
        assert_eq!(answer["type"], "error", "{strange}");
        assert!(answer["message"].is_string());
    }
    socket.send(Message::binary(vec![0, 1])).await.expect("sent");
    assert_eq!(next(&mut socket).await["type"], "error");
    say(&mut socket, r#"{"type": "ping"}"#).await;
    assert_eq!(next(&mut socket).await, json!({"type": "pong"}));
    socket.send(Message::Ping(vec![1, 2].into())).await.expect("sent");
    assert!(matches!(socket.next().await, Some(Ok(Message::Pong(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_over_64_kib_closes_with_1009_and_one_of_64_kib_does_not() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    next(&mut socket).await;
    say(&mut socket, &"x".repeat(64 << 10)).await;
    assert_eq!(next(&mut socket).await["type"], "error");
    for size in [(64 << 10) + 1, 1 << 20] {
        let mut socket = weir.connect().await;
        next(&mut socket).await;
        say(&mut socket, &"x".repeat(size)).await;
        assert_eq!(close_code(&mut socket).await, 1009, "{size} bytes");
    }
}

#[tokio::test]
async fn after_thirty_seconds_of_silence_a_heartbeat_is_sent() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    next(&mut socket).await;
    // From here on, time passes only while everything waits.
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    for beat in 1..=3 {
        assert_eq!(next(&mut socket).await, json!({"type": "heartbeat"}));
        let silent = before.elapsed();
        assert!(
            silent >= Duration::from_secs(30 * beat - 1) && silent < Duration::from_secs(30 * beat + 5),
            "{silent:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_on_another_path_is_404_and_a_plain_request_426() {
    let weir = start().await;
    for path in ["ws", "ws/other", "ws/analytics/", "ws/analytics/x"] {
        let error = connect_async(format!("ws://{}/{path}", weir.address)).await.expect_err("refused");
        let tokio_tungstenite::tungstenite::Error::Http(answer) = error else { panic!("{error}") };
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert_eq!(weir.get("/ws/analytics").await.status, 426);
    assert_eq!(request(weir.address, "POST", "/ws/analytics", &[], b"").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_strangers_cannot_connect() {
    let weir = start().await;
    for (origin, opens) in [("http://localhost:5173", true), ("https://evil.example", false)] {
        let mut handshake =
            format!("ws://{}/ws/analytics", weir.address).into_client_request().expect("a request");
        handshake.headers_mut().insert("origin", origin.parse().expect("a value"));
        assert_eq!(connect_async(handshake).await.is_ok(), opens, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_is_closed_with_a_reason_and_holds_up_nobody() {
    let options = Options { feed_stall: Duration::from_millis(300), ..Options::default() };
    let weir = start_with(options, |store| {
        for n in 0..2_000 {
            store.put(&format!("analytics:faculty:faculty number {n}:{T}"), row(1));
        }
    })
    .await;
    let mut slow = weir.connect().await;
    let mut quick = weir.connect().await;
    next(&mut quick).await;
    let mut count = 1;
    while !weir.get("/metrics").await.text().contains("weir_feed_dropped_total 1") {
        count += 1;
        assert!(count < 2_000, "never closed");
        publish(&weir, "faculty", "faculty:faculty number 0", count);
        while next(&mut quick).await["data"]["faculty"][0]["query_count"] != count {}
    }
    // The client reads again just then, and learns the reason.
    assert_eq!(close_code(&mut slow).await, 1013);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_a_series_carries_the_points_that_changed_and_no_others() {
    let at = |minute: u32| format!("2025-12-09T11:{minute:02}:00");
    let weir = start_with(Options::default(), |store| {
        for minute in 0..30 {
            store.put(&format!("analytics:timeseries:minute:{}", at(minute)), row(1));
        }
    })
    .await;

    let mut socket = weir.connect().await;
    let first = next(&mut socket).await;
    assert_eq!((&first["type"], &first["time_zone"]), (&json!("initial"), &json!("UTC")));

    // The newest minute, and an old one that a late event corrects.
    for (minute, count) in [(30, 1), (7, 2), (30, 5)] {
        let key = format!("analytics:timeseries:minute:{}", at(minute));
        weir.store.publish(
            "timeseries_minute",
            &at(minute),
            &[(&key, json!({"query_count": count, "is_final": count == 5}))],
        );
        let points = next(&mut socket).await["data"]["timeseriesMinute"].clone();
        assert_eq!(points.as_array().map(Vec::len), Some(1), "{points}");
        let point = (&points[0]["timestamp"], &points[0]["query_count"], &points[0]["is_final"]);
        assert_eq!(point, (&json!(at(minute)), &json!(count), &json!(count == 5)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_deleted_vanishes_from_answers_and_the_feed() {
    let key = |group: &str| format!("analytics:{group}:{T}");
    let weir = start_with(Options::default(), |store| {
        for group in ["faculty:A", "faculty:B", "success_rate", "timeseries:minute"] {
            store.put(&key(group), row(2));
        }
    })
    .await;
    let mut socket = weir.connect().await;
    assert_eq!(next(&mut socket).await["type"], "initial");

    weir.store.delete(&[&key("faculty:A"), "analytics:none", &key("faculty:none")]);
    let update = next(&mut socket).await;
    assert_eq!((&update["analytics_type"], &update["timestamp"]), (&json!("faculty"), &json!(T)));
    let rows = update["data"]["faculty"].as_array().expect("rows");
    assert_eq!(rows.iter().map(|row| row["faculty"].clone()).collect::<Vec<_>>(), ["B"]);
    assert_eq!(weir.json("/analytics/redis/faculty").await["data"], update["data"]["faculty"]);

    weir.store.delete(&[&key("success_rate")]);
    let update = next(&mut socket).await;
    assert_eq!(update["data"]["successRate"]["records"], json!([]), "{update}");

    // Clients merge the points of updates with their own; a point of zero queries replaces the deleted one.
    weir.store.delete(&[&key("timeseries:minute")]);
    let update = next(&mut socket).await;
    let point = &update["data"]["timeseriesMinute"][0];
    assert_eq!((&point["timestamp"], &point["query_count"]), (&json!(T), &json!(0)), "{update}");
    assert_eq!(weir.json("/analytics/redis/timeseries?granularity=minute").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_forgotten() {
    let weir = start().await;
    let mut socket = weir.connect().await;
    next(&mut socket).await;
    assert_eq!(weir.json("/status").await["feed_clients"], 1);
    socket.close(None).await.expect("closed");
    while socket.next().await.is_some() {}
    weir.until("/status", |status| status["feed_clients"] == 0).await;
    let abrupt = weir.connect().await;
    drop(abrupt);
    weir.until("/status", |status| status["feed_clients"] == 0).await;
    eventually("the server goes on", || !weir.serving.is_finished()).await;
}
