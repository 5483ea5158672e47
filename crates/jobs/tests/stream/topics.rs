//! Topics as sinks: rows as records, rows by key, and a log that refuses them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use storage::log::NewRecord;
use types::Timestamp;

use crate::script::{NOON, event, event_with, source, tumble};
use crate::stage::{Running, Stage, TOPIC, compile, until};

/// Declares a table of counts by key and window, and the query that fills it.
fn counts(connector: &str) -> String {
    let options = match connector {
        "kafka" => "'connector' = 'kafka', 'topic' = 'counts', 'format' = 'json'",
        _ => {
            "'connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'json', 'value.format' = 'json'"
        }
    };
    let key = if connector == "kafka" { "" } else { ", PRIMARY KEY (k, window_end) NOT ENFORCED" };
    format!(
        "CREATE TABLE counts (k STRING, n BIGINT, window_end TIMESTAMP(3){key}) WITH ({options});
         INSERT INTO counts SELECT k, COUNT(*), window_end FROM TABLE({}) GROUP BY window_start, window_end, k;\n",
        tumble(10)
    )
}

fn give(stage: &Stage, job: &Running<'_>, lines: &[String]) {
    let total = job.ledger().accepted + lines.len() as u64;
    stage.log.add(TOPIC, 0, lines.to_vec());
    until("the events are read", || job.ledger().accepted == total);
    job.settle();
}

fn at(seconds: i64) -> i64 {
    NOON + seconds * 1_000
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Returns the key and body of each record of a topic.
fn records(stage: &Stage, topic: &str) -> Vec<(Option<String>, String)> {
    let records = stage.log.records(topic).into_iter();
    records.map(|NewRecord { key, body, .. }| (key.map(|key| text(&key)), text(&body))).collect()
}

fn bodies(stage: &Stage, topic: &str) -> Vec<String> {
    records(stage, topic).into_iter().map(|(_, body)| body).collect()
}

/// Returns the final rows of a reader of an upsert-kafka topic.
fn last_by_key(stage: &Stage, topic: &str) -> BTreeMap<String, String> {
    records(stage, topic).into_iter().map(|(key, body)| (key.expect("a key"), body)).collect()
}

const FIRST: &str = "{\"k\":\"a\",\"window_end\":\"2025-12-09 12:00:10\"}";

fn row(n: i64) -> String {
    format!("{{\"k\":\"a\",\"n\":{n},\"window_end\":\"2025-12-09 12:00:10\"}}")
}

#[test]
fn an_upsert_topic_takes_early_results_and_corrections_under_the_same_key() {
    let stage = Stage::new(vec![Vec::new()]);
    let settings = [("weir.early-fire", "0 ms"), ("weir.allowed-lateness", "30 s")];
    let job = stage.start(&compile(&(source(&settings) + &counts("upsert-kafka"))), 1, 100, None);
    give(&stage, &job, &[event("a", 1, at(1))]);
    until("an early result is there", || !records(&stage, "counts").is_empty());
    assert_eq!(records(&stage, "counts"), [(Some(FIRST.to_owned()), row(1))]);
    give(&stage, &job, &[event("a", 1, at(2)), event("b", 1, at(12))]);
    assert_eq!(last_by_key(&stage, "counts")[FIRST], row(2));
    give(&stage, &job, &[event("a", 1, at(3))]);
    assert_eq!(last_by_key(&stage, "counts")[FIRST], row(3));
    job.crash();
}

#[test]
fn a_topic_of_rows_takes_no_early_results_and_a_correction_as_one_row_more() {
    let stage = Stage::new(vec![Vec::new()]);
    let settings = [("weir.early-fire", "0 ms"), ("weir.allowed-lateness", "30 s")];
    let upserts = counts("upsert-kafka").replace("counts", "upserts");
    let job = stage.start(&compile(&(source(&settings) + &counts("kafka") + &upserts)), 1, 100, None);
    give(&stage, &job, &[event("a", 1, at(1))]);
    until("an early result is there", || !records(&stage, "upserts").is_empty());
    assert!(records(&stage, "counts").is_empty());
    give(&stage, &job, &[event("a", 1, at(2)), event("b", 1, at(12))]);
    assert_eq!(records(&stage, "counts"), [(None, row(2))]);
    give(&stage, &job, &[event("a", 1, at(3))]);
    assert_eq!(bodies(&stage, "counts"), [row(2), row(3)]);
    job.crash();
}

#[test]
fn rows_are_written_as_json_with_the_key_and_time_that_the_table_says() {
    let stage = Stage::new(vec![Vec::new()]);
    let script = source(&[])
        + "CREATE TABLE copies (k_name STRING, v INT, words STRING, seen TIMESTAMP_LTZ(3), on_day DATE, nobody STRING,
             made TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', moved BIGINT METADATA FROM 'offset' VIRTUAL)
           WITH ('connector' = 'kafka', 'topic' = 'copies', 'properties.bootstrap.servers' = 'x:9092',
             'key.format' = 'json', 'key.fields' = 'k_name', 'key.fields-prefix' = 'k_',
             'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY',
             'value.json.timestamp-format.standard' = 'ISO-8601', 'value.json.encode.ignore-null-fields' = 'true',
             'sink.delivery-guarantee' = 'at-least-once', 'sink.partitioner' = 'default', 'sink.parallelism' = '2');
           CREATE TABLE raw (k STRING, v INT) WITH ('connector' = 'kafka', 'topic' = 'raw', 'format' = 'json',
             'key.format' = 'raw', 'key.fields' = 'k');
           INSERT INTO copies SELECT k, v, words, seen, CAST(seen AS DATE), CAST(NULL AS STRING), seen FROM q;
           INSERT INTO raw SELECT NULLIF(k, 'b'), v FROM q;";

    let job = stage.start(&compile(&script), 1, 100, None);
    give(&stage, &job, &[event_with("a", 1, "é", at(1) + 5), event("b", 2, at(2))]);
    let copies = stage.log.records("copies");
    assert_eq!(copies[0].time, Some(Timestamp(at(1) + 5)));
    assert_eq!(
        records(&stage, "copies"),
        [
            (
                Some("{\"name\":\"a\"}".to_owned()),
                "{\"v\":1,\"words\":\"é\",\"seen\":\"2025-12-09T12:00:01.005Z\",\"on_day\":\"2025-12-09\"}"
                    .to_owned()
            ),
            (
                Some("{\"name\":\"b\"}".to_owned()),
                "{\"v\":2,\"words\":\"\",\"seen\":\"2025-12-09T12:00:02Z\",\"on_day\":\"2025-12-09\"}"
                    .to_owned()
            ),
        ]
    );

    let raw = [(Some("a".to_owned()), json!({"k": "a", "v": 1})), (None, json!({"k": null, "v": 2}))];
    let written = records(&stage, "raw").into_iter();
    let written = written.map(|(key, body)| (key, serde_json::from_str::<Value>(&body).expect("JSON")));
    assert_eq!(written.collect::<Vec<_>>(), raw);
    job.crash();
}

#[test]
fn a_restored_job_writes_again_what_followed_the_checkpoint_and_changes_no_row_of_a_key() {
    let stage = Stage::new(vec![Vec::new()]);
    let upserts = counts("upsert-kafka").replace("counts", "upserts");
    let plan = compile(&(source(&[]) + &counts("kafka") + &upserts));
    let job = stage.start(&plan, 1, 100, None);
    give(&stage, &job, &[event("a", 1, at(1)), event("a", 1, at(2))]);
    let snapshot = job.snapshot();
    give(&stage, &job, &[event("a", 1, at(3)), event("b", 1, at(25))]);
    job.crash();
    assert_eq!(bodies(&stage, "counts"), [row(3)]);
    let job = stage.start(&plan, 2, 100, Some(&snapshot));
    until("the events are read", || job.ledger().accepted == 4);
    job.settle();
    assert_eq!(bodies(&stage, "counts"), [row(3), row(3)], "at least once");
    let key = FIRST.to_owned();
    assert_eq!(last_by_key(&stage, "upserts"), BTreeMap::from([(key, row(3))]));
    job.crash();
}

#[test]
fn a_log_that_takes_nothing_holds_the_job_back_and_loses_nothing() {
    let stage = Stage::new(vec![Vec::new()]);
    let job = stage.start(&compile(&(source(&[]) + &counts("kafka"))), 1, 100, None);
    give(&stage, &job, &[event("a", 1, at(1))]);
    stage.log.refuse(2);
    stage.log.add(TOPIC, 0, vec![event("b", 1, at(25))]);
    until("the log refuses", || stage.log.refusals_left() == 0);
    job.settle();
    assert_eq!(bodies(&stage, "counts"), [row(1)]);
    job.crash();
}

#[test]
fn an_append_that_fails_later_is_made_again_before_those_that_followed_it() {
    let stage = Stage::new(vec![Vec::new()]);
    let script = source(&[])
        + "CREATE TABLE latest (k STRING, v INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka',
             'topic' = 'latest', 'key.format' = 'raw', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY');
           INSERT INTO latest SELECT k, v FROM q;";
    // One batch, and so one append, for each record.
    let job = stage.start(&compile(&script), 1, 1, None);
    stage.log.lose_one("latest");
    let events: Vec<String> = (0..5).map(|n| event("a", n, at(n))).collect();
    give(&stage, &job, &events);
    let values: Vec<String> = bodies(&stage, "latest");
    let all: Vec<String> = (0..5).map(|n| format!("{{\"v\":{n}}}")).collect();
    assert!(values.ends_with(&all), "{values:?}");
    assert_eq!(last_by_key(&stage, "latest"), BTreeMap::from([("a".to_owned(), "{\"v\":4}".to_owned())]));
    job.crash();
}
