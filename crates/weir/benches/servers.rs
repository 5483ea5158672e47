//! Measures Weir between a real Kafka and a real Redis: the events per CPU second from one to the other, the
//! time until a window's rows are in Redis once it may close, the cost of more subtasks, and the time until a Weir
//! that starts with a full Redis answers all of it.
//!
//! `cargo bench -p weir --bench servers [-- drains|closes|cores|starts] [EVENTS]`; `scripts/kafka.sh` and
//! `scripts/redis.sh` install the servers.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

#[path = "servers/cores.rs"]
mod cores;
#[path = "servers/starts.rs"]
mod starts;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use servers::kafka::KafkaServer;
use servers::redis::RedisServer;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, NewRecord};
use support::process::{cpu_seconds, peak_mb};
use support::{Up, pause_for, run, weir};
use types::SystemClock;

const RUNS: usize = 3;
const EVENTS: u64 = 1_000_000;
const PARTITIONS: u32 = 4;
/// Duration of a latency run, and of the unmeasured warm-up in it.
const SECONDS: u64 = 40;
const WARM_UP: u64 = 10;
const OVERALL: &str = "/analytics/redis/overall-summary?days=36500";

/// Windows of a second in two groupings, whose rows are written once a window has closed.
const WINDOWS: &str = "
CREATE TABLE queries (
  `timestamp` TIMESTAMP(3),
  `user` ROW<user_type STRING, `years` INT>,
  WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '0' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'latest-offset', 'format' = 'json',
        'json.timestamp-format.standard' = 'ISO-8601', 'json.ignore-parse-errors' = 'true');
CREATE TABLE closed (user_type STRING, `years` INT, n BIGINT, window_end TIMESTAMP(3))
WITH ('connector' = 'redis', 'key' = 'closed:{user_type}:{years}:{window_end}', 'channel' = 'closed', 'type' = 'closed');
INSERT INTO closed
SELECT `user`.user_type, `user`.`years`, COUNT(*), window_end
FROM TABLE(TUMBLE(TABLE queries, DESCRIPTOR(`timestamp`), INTERVAL '1' SECOND))
GROUP BY window_start, window_end, `user`.user_type, `user`.`years`;
";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let events = arguments.iter().find_map(|arg| arg.parse().ok()).unwrap_or(EVENTS);
    let parts: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|arg| arg.parse::<u64>().is_err()).collect();
    let wants = |part| parts.is_empty() || parts.contains(&part);
    if wants("starts") {
        starts::starts();
    }
    if wants("drains") {
        drains(events);
    }
    if wants("cores") {
        cores::cores(events);
    }
    if wants("closes") {
        [1_000, 10_000].into_iter().for_each(|rate| closes(rate, true));
        // A broker beside it would need the two cores of a small machine for itself.
        closes(100_000, false);
    }
}

/// Measures how fast events that wait in Kafka are counted. They are compressed like those of the producers
/// before Weir.
fn drains(events: u64) {
    let Some(kafka) = KafkaServer::start(&[]) else { return };
    let Some(redis) = RedisServer::start(&[]) else { return };

    for codec in ["gzip", "lz4"] {
        let topic = format!("drained-{codec}");
        preload(&kafka, &topic, &Load { codec, texts: 2_000, is_skewed: false }, events);
        let mut figures = Vec::new();
        for _ in 0..RUNS {
            redis.ask(&["FLUSHALL"]);
            let directory = tempfile::tempdir().expect("a directory");
            let (brokers, url) = (kafka.address(), redis.url());
            let environment =
                [("KAFKA_BROKER_URL", &*brokers), ("REDIS_URL", &url), ("KAFKA_TOPIC_QUERIES", &topic)];
            let up = Up::start_in(directory.path(), &["--log", "warn"], &environment);
            while up.get(OVERALL)["total_queries"].as_u64().unwrap_or_default() < events {
                pause_for(Duration::from_millis(100));
            }
            let (cpu, memory) = usage(up.id());
            figures.push((events as f64 / cpu, memory));
            up.stop();
        }
        figures.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (rates, memory): (Vec<f64>, Vec<u64>) = figures.into_iter().unzip();
        println!(
            "Kafka to Redis, {codec}, {events} events: {:.0} events per CPU second ({:.0} to {:.0}), {} MB at most",
            rates[RUNS / 2],
            rates[0],
            rates[RUNS - 1],
            memory.into_iter().max().unwrap_or_default()
        );
    }
}

/// The events of a topic.
struct Load {
    codec: &'static str,
    /// Number of different questions.
    texts: u64,
    /// Whether one faculty has 19 of 20 events.
    is_skewed: bool,
}

/// Writes events of `weir generate` to a topic, as a producer of Kafka would.
fn preload(kafka: &KafkaServer, topic: &str, load: &Load, events: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("events");
    let written = run(weir()
        .args(["generate", "--count", &events.to_string(), "--rate", "1000", "--out-of-order", "2"])
        .args(["--texts", &load.texts.to_string()])
        .args(["--start", "2025-12-09T00:00:00Z", "--output", file.to_str().expect("a path of this test")])
        .stderr(Stdio::null()));
    assert!(written.status.success(), "events could not be generated");

    let properties = [("compression.type", load.codec), ("linger.ms", "20"), ("batch.size", "65536")];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = KafkaSettings::new(&kafka.address(), &BTreeMap::from(properties)).expect("settings");
    let log = KafkaLog::open(KafkaOptions::new(settings), Arc::new(SystemClock::new())).expect("a log");
    log.create_topic(topic, PARTITIONS).expect("a topic");

    let lines = BufReader::new(std::fs::File::open(file).expect("the events")).lines();
    let mut batch = Vec::new();
    let send = |batch: &mut Vec<NewRecord>| {
        let appending = log.append(topic, std::mem::take(batch)).expect("there is room");
        appending.blocking_recv().expect("an answer").expect("durable");
    };

    for (number, line) in lines.enumerate() {
        let mut line = line.expect("a line");
        if load.is_skewed && number % 20 != 0 {
            line = of_one_faculty(&line);
        }
        let body = line.into_bytes().into();
        // The partitions' order in time is about the file's.
        batch.push(NewRecord { key: Some(number.to_string().into_bytes()), body, ..NewRecord::default() });
        if batch.len() == 20_000 {
            send(&mut batch);
        }
    }

    send(&mut batch);
}

/// Returns an event of the largest faculty, which is the type of the user.
fn of_one_faculty(line: &str) -> String {
    const FIELD: &str = r#""user_type":""#;
    let Some((before, value)) = line.split_once(FIELD) else { return line.to_owned() };
    let rest = value.find('"').map_or("", |end| &value[end..]);
    format!("{before}{FIELD}Sinh viên{rest}")
}

/// Measures the time from the end of a window on the clock, when its last event may come, until its rows are
/// announced in Redis. Events come through Kafka, or through Weir's own log.
fn closes(rate: u64, is_through_kafka: bool) {
    let kafka = if is_through_kafka { KafkaServer::start(&[]) } else { None };
    if is_through_kafka && kafka.is_none() {
        return;
    }
    let Some(redis) = RedisServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("windows.sql");
    std::fs::write(&script, WINDOWS).expect("the script is written");
    let data = directory.path().join("data");
    std::fs::create_dir(&data).expect("a directory");
    let (brokers, redis_url) = (kafka.as_ref().map(KafkaServer::address), redis.url());
    // One partition: with several, a window waits for the last of them.
    let mut environment = vec![("REDIS_URL", redis_url.as_str()), ("WEIR_INGEST_PARTITIONS", "1")];
    environment.extend(brokers.as_deref().map(|brokers| ("KAFKA_BROKER_URL", brokers)));
    let up = Up::start_in(&data, &[script.to_str().expect("a path"), "--log", "warn"], &environment);

    let listener = {
        let client = redis::Client::open(redis_url.as_str()).expect("an address");
        thread::spawn(move || listen(&client))
    };

    let url = format!("{}/events", up.http);
    let sent = run(weir()
        .args(["generate", "--url", &url, "--rate", &rate.to_string()])
        // One request every two milliseconds, because a window closes with the first event behind it.
        .args(["--count", &(rate * (WARM_UP + SECONDS)).to_string(), "--batch", &(rate / 500).to_string()])
        .stderr(Stdio::null()));

    assert!(sent.status.success(), "events could not be sent");
    let (cpu, memory) = usage(up.id());
    up.stop();
    let mut late = listener.join().expect("the listener ends");
    late.sort_unstable();
    let at = |share: usize| late[(late.len() - 1) * share / 100];

    println!(
        "window may close to rows in Redis, {rate} events/s through {}: p50 {} ms, p95 {} ms, p99 {} ms over {} windows; {:.0} % of a core, {memory} MB",
        if is_through_kafka { "Kafka" } else { "Weir's log" },
        at(50),
        at(95),
        at(99),
        late.len(),
        cpu / (WARM_UP + SECONDS) as f64 * 100.0
    );
}

/// Returns by how many milliseconds each window was announced after its end, except for the first windows.
fn listen(client: &redis::Client) -> Vec<i64> {
    let mut connection = client.get_connection().expect("a connection");
    let mut told = connection.as_pubsub();
    told.subscribe("closed").expect("a channel");
    let mut late = Vec::new();
    loop {
        told.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        let Ok(message) = told.get_message() else {
            return late.split_off((WARM_UP as usize).min(late.len()));
        };
        let now = jiff::Timestamp::now();
        let text: String = message.get_payload().expect("text");
        let message: Value = serde_json::from_str(&text).expect("JSON");
        let end = message["timestamp"].as_str().expect("a time");
        let end: jiff::civil::DateTime = end.parse().expect("a time");
        let end = end.to_zoned(jiff::tz::TimeZone::UTC).expect("UTC").timestamp();
        late.push(now.as_millisecond() - end.as_millisecond());
    }
}

/// Returns the CPU seconds of a process, and its peak memory in MB.
fn usage(process: u32) -> (f64, u64) {
    (cpu_seconds(process), peak_mb(process))
}
