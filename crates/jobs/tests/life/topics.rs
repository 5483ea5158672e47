//! Jobs that read and write topics of the embedded log, with the event time, keys and headers of its records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jobs::{Defaults, Dispatcher, Environment, JobOrigin};
use storage::log::{EmbeddedLog, EventLog, Logs, NewRecord, Options, Polled, Span, Start, Wanted};
use types::{PartitionId, SystemClock};

use crate::memory::MemoryStore;
use crate::world::{submission, until};

const SCRIPT: &str = "
SET 'weir.early-fire' = '0 s';
CREATE TABLE events (who STRING, v INT, headers MAP<STRING, BYTES> METADATA VIRTUAL,
    kind STRING METADATA FROM 'timestamp-type' VIRTUAL, place BIGINT METADATA FROM 'offset' VIRTUAL,
    taken TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', WATERMARK FOR taken AS taken - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'events', 'scan.startup.mode' = 'earliest-offset', 'value.format' = 'json',
        'key.format' = 'raw', 'key.fields' = 'who', 'value.fields-include' = 'EXCEPT_KEY');
CREATE TABLE totals (who STRING, tenant STRING, kind STRING, total INT, places BIGINT,
    PRIMARY KEY (who, tenant) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json',
        'value.fields-include' = 'EXCEPT_KEY');
CREATE VIEW named AS SELECT *, CAST(headers['tenant'] AS STRING) AS tenant FROM events;
INSERT INTO totals SELECT who, tenant, kind, SUM(v), SUM(place)
FROM TABLE(TUMBLE(TABLE named, DESCRIPTOR(taken), INTERVAL '1' DAY)) GROUP BY window_start, window_end, who, tenant, kind;
";

/// Returns the newest body for each key of a topic.
fn newest(log: &EmbeddedLog, topic: &str) -> BTreeMap<String, String> {
    let wanted = Wanted { keys: true, headers: false };
    let mut newest = BTreeMap::new();
    let Ok(mut reader) = log.read(topic, &[(PartitionId(0), Start::Earliest)], wanted) else { return newest };
    while let Polled::Records { fetched, .. } = reader.poll(Duration::ZERO, 1 << 20).expect("records") {
        let text = |span: Span| {
            let bytes = fetched.data[span.start as usize..span.end as usize].to_vec();
            String::from_utf8(bytes).expect("text")
        };
        for (record, attributes) in fetched.records.iter().zip(&fetched.attributes) {
            let body = text(Span { start: record.start, end: record.end });
            newest.insert(text(attributes.key.expect("a key")), body);
        }
    }
    newest
}

#[test]
fn what_the_embedded_log_knows_of_its_records_is_counted_by() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(SystemClock::new());
    let log = EmbeddedLog::open(directory.path(), Options::default(), clock.clone()).expect("a log");
    let log = Arc::new(log);
    log.create_topic("events", 1).expect("a topic");

    let record = |key: &str, v: i64, tenant: &str| NewRecord {
        key: Some(key.into()),
        body: format!("{{\"v\":{v}}}").into_bytes().into(),
        headers: vec![("tenant".to_owned(), Some(tenant.into()))],
        time: None,
    };
    let records = vec![record("An", 1, "x"), record("An", 2, "y"), record("An", 3, "x")];
    log.append("events", records).expect("room").blocking_recv().expect("an answer").expect("durable");

    let process = Dispatcher::new(Environment {
        logs: Logs::new(log.clone(), None, clock.clone()),
        store: Arc::new(MemoryStore::default()),
        clock,
        defaults: Defaults::default(),
        checkpoints: None,
        registry: None,
    });

    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    let row = |total: i64, places: i64| {
        format!("{{\"kind\":\"LogAppendTime\",\"total\":{total},\"places\":{places}}}")
    };
    let expected = BTreeMap::from([
        ("{\"who\":\"An\",\"tenant\":\"x\"}".to_owned(), row(4, 2)),
        ("{\"who\":\"An\",\"tenant\":\"y\"}".to_owned(), row(2, 1)),
    ]);
    until("the totals are written", || newest(&log, "totals") == expected);
    assert!(job.cancel());
    assert!(process.shut_down(Duration::from_secs(20)));
}
