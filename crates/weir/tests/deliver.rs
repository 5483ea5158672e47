//! `weir deliver` writes the results topics of a Flink cluster to Redis as the `redis` table of the submitted script would:
//! keys, expiry, latest key and deletions, over a kill.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use servers::kafka::KafkaServer;
use servers::redis::RedisServer;
use servers::wait_until;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, NewRecord};
use support::{Up, run, stderr, weir};
use types::SystemClock;

const TOPIC: &str = "weir-results-year";
const DECLARATION: &str = "CREATE TABLE `year` (`year` INT, `query_count` BIGINT NOT NULL, `window_end` STRING NOT NULL) WITH \
     ('connector' = 'redis', 'key' = 'analytics:year:{year}:{window_end}', 'ttl' = '3600', \
      'channel' = 'analytics:updates', 'latest-key' = 'analytics:latest')";

/// Writes a record as Flink does: the key's columns as texts, the row, and the declaration in a header.
fn produce(log: &KafkaLog, year: Option<i32>, end: &str, row: Option<u64>) {
    let key = json!({"year": year.map_or("unknown".to_owned(), |year| year.to_string()), "window_end": end});
    let body = row.map(|count| json!({"year": year, "query_count": count, "window_end": end}).to_string());
    let record = NewRecord {
        key: Some(key.to_string().into_bytes()),
        body: body.unwrap_or_default().into(),
        headers: vec![("weir-table".to_owned(), Some(DECLARATION.as_bytes().to_vec()))],
        time: None,
    };
    let appending = log.append(TOPIC, vec![record]).expect("there is room");
    appending.blocking_recv().expect("an answer").expect("durable");
}

fn start(directory: &Path, redis: &RedisServer) -> Up {
    let port = redis.port().to_string();
    let environment = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", port.as_str()), ("WEIR_LOG", "error")];
    Up::start_in(directory, &[], &environment)
}

fn row(redis: &RedisServer, key: &str) -> Option<Value> {
    serde_json::from_str(&redis.ask(&["--raw", "GET", key])).ok()
}

#[test]
fn rows_of_a_results_topic_are_in_redis_as_the_table_declares() {
    let (Some(kafka), Some(redis)) = (KafkaServer::start(&[]), RedisServer::start(&[])) else { return };
    let settings = KafkaSettings::new(&kafka.address(), &BTreeMap::new()).expect("settings");
    let log = KafkaLog::open(KafkaOptions::new(settings), Arc::new(SystemClock::new())).expect("a log");
    log.create_topic(TOPIC, 2).expect("a topic");
    let directory = tempfile::tempdir().expect("a directory");
    let up = start(directory.path(), &redis);
    let deliver = |up: &Up| {
        let arguments = ["deliver", TOPIC, "--brokers", &kafka.address(), "--jobs-url", &up.jobs_http];
        run(weir().args(arguments))
    };

    let early = deliver(&up);
    assert_eq!(early.status.code(), Some(1));
    assert!(stderr(&early).contains("has no record with the header `weir-table`"), "{}", stderr(&early));

    let (first, second) = ("2025-12-09T11:30:20", "2025-12-09T11:30:40");
    produce(&log, Some(3), first, Some(4));
    produce(&log, None, first, Some(1));
    produce(&log, Some(3), first, Some(5));
    let output = deliver(&up);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let (of_three, of_none) =
        (format!("analytics:year:3:{first}"), format!("analytics:year:unknown:{first}"));
    let counts = |key: &str| row(&redis, key).and_then(|row| row["query_count"].as_u64());
    wait_until("both rows are there", || counts(&of_three) == Some(5) && counts(&of_none) == Some(1));
    assert_eq!(row(&redis, &of_none).expect("a row")["year"], Value::Null);
    let ttl: u64 = redis.ask(&["TTL", &of_three]).parse().expect("seconds");
    assert!((3_500..=3_600).contains(&ttl), "{ttl}");
    wait_until("the latest key is there", || redis.ask(&["--raw", "GET", "analytics:latest"]) == first);
    up.wait_for("/analytics/redis/overall-summary", Value::is_object);

    // A deletion, and a kill while rows come.
    produce(&log, Some(3), first, None);
    wait_until("the row is deleted", || row(&redis, &of_three).is_none());
    up.kill();
    produce(&log, Some(4), second, Some(7));
    produce(&log, None, first, None);
    let up = start(directory.path(), &redis);
    let of_four = format!("analytics:year:4:{second}");
    wait_until("the job goes on by itself", || counts(&of_four) == Some(7) && counts(&of_none).is_none());
    assert_eq!(counts(&of_three), None, "what was deleted stays deleted");
    up.wait_for_jobs(2);
}

/// Topics may begin after Weir, and a job of an earlier process is changed if the command line asks for other topics.
#[test]
fn weir_up_delivers_topics_as_soon_as_they_have_a_record() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut lonely = weir();
    lonely.args(["up", "--deliver", TOPIC, "--data-dir"]).arg(directory.path());
    let refused = run(&mut lonely);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("set kafka.brokers (KAFKA_BROKER_URL)"), "{}", stderr(&refused));

    let (Some(kafka), Some(redis)) = (KafkaServer::start(&[]), RedisServer::start(&[])) else { return };
    let settings = KafkaSettings::new(&kafka.address(), &BTreeMap::new()).expect("settings");
    let log = KafkaLog::open(KafkaOptions::new(settings), Arc::new(SystemClock::new())).expect("a log");
    let (port, brokers) = (redis.port().to_string(), kafka.address());
    let start = |topics: &[&str]| {
        let deliver: Vec<String> = topics.iter().map(|topic| format!("--deliver={topic}")).collect();
        let deliver: Vec<&str> = deliver.iter().map(String::as_str).collect();
        let environment = [
            ("REDIS_HOST", "127.0.0.1"),
            ("REDIS_PORT", port.as_str()),
            ("KAFKA_BROKER_URL", brokers.as_str()),
            ("WEIR_LOG", "error"),
        ];
        Up::start_in(directory.path(), &deliver, &environment)
    };
    let end = "2025-12-09T11:30:20";
    let count = |redis: &RedisServer, year: i32| {
        row(redis, &format!("analytics:year:{year}:{end}")).and_then(|row| row["query_count"].as_u64())
    };

    let up = start(&[TOPIC]);
    assert_eq!(up.wait_for_jobs(0), [""; 0], "the analytics run on the cluster");
    log.create_topic(TOPIC, 2).expect("a topic");
    produce(&log, Some(3), end, Some(4));
    wait_until("the row is there", || count(&redis, 3) == Some(4));
    assert_eq!(up.wait_for_jobs(1).len(), 1);
    up.kill();

    // The same topics: the same job goes on. One more topic: the job is replaced, with its state.
    produce(&log, Some(3), end, None);
    let up = start(&[TOPIC]);
    wait_until("the row is deleted", || count(&redis, 3).is_none());
    up.stop();
    let other = "weir-results-other";
    log.create_topic(other, 1).expect("a topic");
    let declaration = DECLARATION.replace("`year` (", "`other` (").replace("analytics:year:", "other:");
    let record = NewRecord {
        key: Some(json!({"year": "1", "window_end": end}).to_string().into_bytes()),
        body: json!({"year": 1, "query_count": 9, "window_end": end}).to_string().into_bytes().into(),
        headers: vec![("weir-table".to_owned(), Some(declaration.into_bytes()))],
        time: None,
    };
    let appending = log.append(other, vec![record]).expect("there is room");
    appending.blocking_recv().expect("an answer").expect("durable");

    let _up = start(&[TOPIC, other]);
    wait_until("the row of the other topic is there", || row(&redis, &format!("other:1:{end}")).is_some());
    produce(&log, Some(4), end, Some(8));
    wait_until("the first topic is delivered further", || count(&redis, 4) == Some(8));
    assert_eq!(count(&redis, 3), None, "what was deleted stays deleted");
}
