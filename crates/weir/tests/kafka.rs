//! A script that names Kafka brokers reads them, whatever the deployment's own log is; and events posted over
//! HTTP are in Kafka where that is the deployment's log.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use servers::kafka::KafkaServer;
use servers::wait_until;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, NewRecord, Polled, Start, Wanted};
use support::{Up, run, stderr, weir};
use types::{Clock as _, Offset, PartitionId, SystemClock, Timestamp};

/// Writes events like the producers of the system before Weir, with the same compression.
fn produce(log: &KafkaLog, topic: &str, from: u32, to: u32) {
    let records = (from..to).map(|n| {
        let body = format!(
            r#"{{"query_id": "q-{n}", "timestamp": "2025-12-09T11:30:00.123456", "user": {{"user_id": {n}, "user_type": "Sinh vi\u00ean"}}, "_id": "67"}}"#
        );
        NewRecord { key: Some(format!("q-{n}").into_bytes()), body: body.into(), ..NewRecord::default() }
    });
    let appending = log.append(topic, records.collect()).expect("there is room");
    appending.blocking_recv().expect("an answer").expect("durable");
}

fn open(server: &KafkaServer) -> KafkaLog {
    let gzip = BTreeMap::from([("compression.type".to_owned(), "gzip".to_owned())]);
    let settings = KafkaSettings::new(&server.address(), &gzip).expect("settings");
    KafkaLog::open(KafkaOptions::new(settings), Arc::new(SystemClock::new())).expect("a log")
}

fn script(directory: &Path, servers: &str, with: &str) -> String {
    let text = format!(
        "CREATE TABLE asked (
           query_id STRING,
           `timestamp` TIMESTAMP(3),
           WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '1' SECOND
         ) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '{servers}', 'format' = 'json',
                 'json.timestamp-format.standard' = 'ISO-8601', {with});
         CREATE TABLE overall (total_queries BIGINT, window_end TIMESTAMP(3))
         WITH ('connector' = 'redis', 'key' = 'analytics:overall:{{window_end}}', 'channel' = 'analytics:updates');
         SET 'weir.early-fire' = '100 ms';
         INSERT INTO overall
         SELECT COUNT(*), window_end FROM TABLE(TUMBLE(TABLE asked, DESCRIPTOR(`timestamp`), INTERVAL '1' DAY))
         GROUP BY window_start, window_end;"
    );
    let path = directory.join("asked.sql");
    std::fs::write(&path, text).expect("the script is written");
    path.to_str().expect("a path of this test").to_owned()
}

fn total(up: &Up, wanted: u64) {
    up.wait_for("/analytics/redis/overall-summary?days=36500", |answer| answer["total_queries"] == wanted);
}

#[test]
fn a_script_that_names_brokers_reads_them_and_tells_its_group_how_far() {
    let Some(server) = KafkaServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    std::fs::create_dir(&data).expect("a directory");
    let log = open(&server);

    log.create_topic("asked-a", 1).expect("a topic");
    produce(&log, "asked-a", 0, 300);
    let group = "'topic-pattern' = 'asked-.*', 'properties.group.id' = 'watched',
                 'scan.startup.mode' = 'group-offsets', 'properties.auto.offset.reset' = 'earliest'";
    let script = script(directory.path(), &server.address(), group);

    let environment = [("WEIR_CHECKPOINTS_INTERVAL", "200 ms"), ("WEIR_LOG", "warn")];
    let up = Up::start_in(&data, &[&script], &environment);
    total(&up, 300);

    let stands = |topic: &str, offsets: &[u64]| {
        let offsets = offsets.iter().enumerate();
        let wanted: Vec<_> =
            offsets.map(|(number, &offset)| (PartitionId(number as u32), Offset(offset))).collect();
        wait_until("the group stands there", || {
            log.committed("watched", topic).is_ok_and(|committed| committed == wanted)
        });
    };
    stands("asked-a", &[300]);

    // A new topic, and a new partition.
    log.create_topic("asked-b", 1).expect("a topic");
    produce(&log, "asked-b", 300, 400);
    total(&up, 400);

    let address = server.address();
    let arguments = ["--bootstrap-server", &address, "--alter", "--topic", "asked-b", "--partitions", "2"];
    server.tool("org.apache.kafka.tools.TopicCommand", &arguments);
    wait_until("the partition is known", || log.partitions("asked-b").is_ok_and(|of| of == Some(2)));
    let fresh = open(&server);
    produce(&fresh, "asked-b", 400, 500);
    total(&up, 500);
    assert!(fresh.bounds("asked-b", PartitionId(1)).expect("bounds").next.0 > 0, "the new partition is used");
    assert!(up.stop().success());

    // Without its state, the job begins at its group's offsets.
    produce(&log, "asked-a", 500, 510);
    std::fs::remove_dir_all(&data).expect("it can be removed");
    std::fs::create_dir(&data).expect("a directory");
    let up = Up::start_in(&data, &[&script], &environment);
    total(&up, 10);
    stands("asked-a", &[310]);
    up.stop();
}

#[test]
fn what_records_carry_is_read_and_results_are_written_to_topics() {
    let Some(server) = KafkaServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(&server);
    log.create_topic("calls", 2).expect("a topic");
    let record = |key: &str, tenant: &str, second: i64| NewRecord {
        key: Some(key.into()),
        body: r#"{"v": 2}"#.into(),
        headers: vec![("tenant".to_owned(), Some(tenant.into()))],
        time: Some(Timestamp(1_765_290_000_000 + second * 1_000)),
    };
    let records = vec![record("a", "x", 1), record("b", "y", 2), record("c", "x", 3), record("a", "x", 90)];
    log.append("calls", records).expect("room").blocking_recv().expect("an answer").expect("durable");

    let servers = server.address();
    let text = format!(
        "SET 'weir.early-fire' = '100 ms';
         CREATE TABLE calls (
           id STRING, v INT, tenant MAP<STRING, BYTES> METADATA FROM 'headers', part INT METADATA FROM 'partition' VIRTUAL,
           told TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', WATERMARK FOR told AS told
         ) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '{servers}', 'topic' = 'calls',
                 'scan.startup.mode' = 'earliest-offset', 'key.format' = 'raw', 'key.fields' = 'id',
                 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY');
         CREATE TABLE totals (tenant STRING, total INT, ids BIGINT, window_end TIMESTAMP_LTZ(3),
           PRIMARY KEY (tenant, window_end) NOT ENFORCED
         ) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '{servers}', 'topic' = 'totals',
                 'key.format' = 'json', 'value.format' = 'json');
         INSERT INTO totals
         SELECT CAST(tenant['tenant'] AS STRING), SUM(v), COUNT(DISTINCT id), window_end
         FROM TABLE(TUMBLE(TABLE calls, DESCRIPTOR(told), INTERVAL '1' MINUTE))
         GROUP BY window_start, window_end, CAST(tenant['tenant'] AS STRING);"
    );

    let script = directory.path().join("calls.sql");
    std::fs::write(&script, text).expect("the script is written");
    let data = directory.path().join("data");
    std::fs::create_dir(&data).expect("a directory");
    let up = Up::start_in(&data, &[script.to_str().expect("a path of this test")], &[("WEIR_LOG", "warn")]);

    wait_until("the topic is made", || log.partitions("totals").is_ok_and(|of| of.is_some()));
    let from: Vec<_> = (0..log.partitions("totals").expect("an answer").expect("a topic"))
        .map(|partition| (PartitionId(partition), Start::Earliest))
        .collect();
    let mut reader = log.read("totals", &from, Wanted { keys: true, headers: false }).expect("a reader");

    // The last record of each key.
    let mut rows: BTreeMap<String, Value> = BTreeMap::new();
    let wanted = |rows: &BTreeMap<String, Value>| {
        let mut of: Vec<_> = rows
            .values()
            .map(|row| (row["tenant"].clone(), row["total"].clone(), row["ids"].clone()))
            .collect();
        of.sort_by_key(|(tenant, total, _)| (tenant.to_string(), total.to_string()));
        of == [
            ("x".into(), 2.into(), 1.into()),
            ("x".into(), 4.into(), 2.into()),
            ("y".into(), 2.into(), 1.into()),
        ]
    };
    wait_until("all totals are there", || {
        if let Polled::Records { fetched, .. } = reader.poll(Duration::ZERO, 1 << 20).expect("records") {
            for (record, of) in fetched.records.iter().zip(&fetched.attributes) {
                let bytes = |start: u32, end: u32| &fetched.data[start as usize..end as usize];
                let key = of.key.map(|key| String::from_utf8_lossy(bytes(key.start, key.end)).into_owned());
                let row = serde_json::from_slice(bytes(record.start, record.end)).expect("a JSON object");
                rows.insert(key.expect("the row's key"), row);
            }
        }
        wanted(&rows)
    });
    up.stop();
}

#[test]
fn what_is_posted_is_in_kafka_once_it_is_answered() {
    let Some(server) = KafkaServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let address = server.address();
    let up = Up::start_in(directory.path(), &[], &[("KAFKA_BROKER_URL", &address), ("WEIR_LOG", "warn")]);
    let bodies: Vec<String> =
        (0..20).map(|n| format!(r#"{{"query_id": "q-{n}", "timestamp": "2025-12-09T11:30:00Z"}}"#)).collect();
    let mut answer =
        ureq::post(format!("{}/events", up.http)).send(bodies.join("\n").as_bytes()).expect("accepted");
    assert_eq!(answer.status().as_u16(), 202, "{:?}", answer.body_mut().read_to_string());

    let from: Vec<_> = (0..4).map(|partition| (PartitionId(partition), Start::Earliest)).collect();
    let mut reader =
        open(&server).read("user-queries", &from, Wanted { keys: true, headers: false }).expect("a reader");

    let mut found = BTreeMap::new();
    wait_until("all are read", || {
        if let Polled::Records { fetched, .. } = reader.poll(Duration::ZERO, 1 << 20).expect("records") {
            for (record, of) in fetched.records.iter().zip(&fetched.attributes) {
                let text = |start: u32, end: u32| {
                    String::from_utf8_lossy(&fetched.data[start as usize..end as usize]).into_owned()
                };
                let key = of.key.map(|key| text(key.start, key.end)).expect("the query's id");
                found.insert(key, text(record.start, record.end));
            }
        }
        found.len() == bodies.len()
    });

    for (n, body) in bodies.iter().enumerate() {
        assert_eq!(&found[&format!("q-{n}")], body);
    }
    total(&up, 20);
    up.stop();
}

#[test]
fn a_property_that_no_client_takes_is_refused_at_its_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let with = "'topic' = 'asked', 'properties.fetch.min.byte' = '1'";
    let script = script(directory.path(), "127.0.0.1:1", with);
    let arguments = [
        "up",
        "--http",
        "127.0.0.1:0",
        "--jobs-http",
        "127.0.0.1:0",
        "--gateway-http",
        "127.0.0.1:0",
        "--data-dir",
    ];
    let output = run(weir().args(arguments).arg(directory.path().join("data")).arg(&script));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("fetch.min.byte") && said.contains("asked.sql"), "{said}");
}

#[test]
fn a_crash_does_not_make_an_event_late_that_was_counted() {
    let Some(server) = KafkaServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    std::fs::create_dir(&data).expect("a directory");
    let log = open(&server);
    let now = SystemClock::new().now().0;
    let append = |topic: &str, count: usize, seconds_old: i64| {
        let time = Some(Timestamp(now - seconds_old * 1_000));
        let record = NewRecord { body: r#"{"kind": "asked"}"#.into(), time, ..NewRecord::default() };
        let appending = log.append(topic, vec![record; count]).expect("there is room");
        appending.blocking_recv().expect("an answer").expect("durable");
    };
    ["slow", "fast"].iter().for_each(|topic| log.create_topic(topic, 1).expect("a topic"));
    // The old event of one topic holds event time back, so that the old event of the other is on time.
    append("slow", 1, 600);
    append("fast", 60_000, 0);
    append("fast", 1, 400);
    let text = format!(
        "CREATE TABLE asked (
           kind STRING, told TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
           WATERMARK FOR told AS told - INTERVAL '5' SECOND
         ) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '{}', 'topic' = 'slow;fast',
                 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
         CREATE TABLE counts (kind STRING, n BIGINT, window_end TIMESTAMP_LTZ(3))
         WITH ('connector' = 'redis', 'key' = 'counts:{{kind}}:{{window_end}}');
         SET 'weir.early-fire' = '100 ms';
         SET 'table.exec.source.idle-timeout' = '10 min';
         INSERT INTO counts
         SELECT kind, COUNT(*), window_end FROM TABLE(TUMBLE(TABLE asked, DESCRIPTOR(told), INTERVAL '1' MINUTE))
         GROUP BY window_start, window_end, kind;",
        server.address()
    );
    let script = directory.path().join("counts.sql");
    std::fs::write(&script, text).expect("the script is written");
    let script = script.to_str().expect("a path of this test");
    let start =
        || Up::start_in(&data, &[script], &[("WEIR_CHECKPOINTS_INTERVAL", "1 h"), ("WEIR_LOG", "warn")]);
    let is_counted = |up: &Up, count: u64| {
        let jobs = up.wait_for_jobs(1);
        let ledger = up.wait_for_job(&jobs[0], |job| job["ledger"]["accepted"] == count)["ledger"].clone();
        assert_eq!((&ledger["counted"], &ledger["late"]), (&count.into(), &0.into()), "{ledger}");
    };

    let up = start();
    is_counted(&up, 60_002);
    append("slow", 100, 0);
    is_counted(&up, 60_102);
    up.kill();
    // The records that were read last may come first now.
    for _ in 0..4 {
        let up = start();
        is_counted(&up, 60_102);
        up.kill();
    }
}

/// A new topic has no leader for a moment, and on a busy machine the moment is long.
#[test]
fn jobs_over_topics_that_were_just_made_start_at_the_first_try() {
    const JOBS: u64 = 20;
    let Some(server) = KafkaServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let address = server.address();
    let up = Up::start_in(directory.path(), &[], &[("KAFKA_BROKER_URL", &address), ("WEIR_LOG", "warn")]);

    std::thread::scope(|scope| {
        for n in 0..JOBS {
            let (up, directory) = (&up, directory.path());
            scope.spawn(move || {
                let text = format!(
                    "CREATE TABLE asked (kind STRING, told TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', WATERMARK FOR told AS told)
                     WITH ('connector' = 'kafka', 'topic' = 'fresh-{n}', 'scan.startup.mode' = 'earliest-offset',
                           'format' = 'json');
                     CREATE TABLE counts (n BIGINT, window_end TIMESTAMP_LTZ(3))
                     WITH ('connector' = 'redis', 'key' = 'fresh-{n}:{{window_end}}');
                     INSERT INTO counts SELECT COUNT(*), window_end
                     FROM TABLE(TUMBLE(TABLE asked, DESCRIPTOR(told), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;"
                );
                let script = directory.join(format!("fresh-{n}.sql"));
                std::fs::write(&script, text).expect("the script is written");
                let output = run(weir().arg("run").arg(&script).args(["--jobs-url", &up.jobs_http]));
                assert!(output.status.success(), "{n}: {}", stderr(&output));
            });
        }
    });

    // One more for the built-in job.
    for job in up.wait_for_jobs(JOBS as usize + 1) {
        let figures = up.figures(&job);
        assert_eq!(figures["failures"].as_array().map_or(0, Vec::len), 0, "{figures}");
    }

    up.stop();
}
