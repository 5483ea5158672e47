//! The fifteen analytics over a Flink cluster and in Weir: both ways end in a Redis of their own, and `weir compare` finds the
//! same rows.
//!
//! ```text
//! topic ─▶ Flink ─▶ results topics ─▶ weir up --deliver ─▶ Redis ─┐
//!       └▶ weir up jobs/analytics.sql ──────────────────▶ Redis ─┴▶ weir compare
//! ```

use std::path::Path;
use std::process::Stdio;

use super::super::servers::redis::RedisServer;
use super::super::support::process::cpu_seconds;
use super::super::support::{Up, pause_for, run, stderr, weir};
use super::broker::Broker;
use super::{Cluster, POLL, TRIES, awkward, root};

const TOPIC: &str = "user-queries";
const PARTITIONS: u32 = 4;
const PARALLELISM: &str = "2";

/// Events of a batch in Kafka.
const BATCH: usize = 10_000;
/// Events that close all windows, with a key each, so that every partition has one.
const LAST: u32 = 64;

/// Differences that are shown.
const SHOWN: usize = 10;

/// The analytics of the script.
const TABLES: usize = 15;

/// Sends so many generated and awkward events through both ways; panics where the rows differ. Returns whether it could: it
/// prints which server there is none of.
pub fn equals(events: u64, seed: u64) -> bool {
    let cluster = Cluster::given();
    let (Some(broker), Some(new), Some(old)) =
        (Broker::start(), RedisServer::start(&[]), RedisServer::start(&[]))
    else {
        return false;
    };
    broker.create_with(TOPIC, PARTITIONS);
    let records = fill(&broker, events, seed);

    let script = root().join("jobs/analytics.sql");
    let directories = [tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory")];
    let started = cluster.cpu_seconds();
    let job = cluster.submitted(&broker, TOPIC, &script, &["--parallelism", PARALLELISM]);
    let delivering = delivering(&broker, &old, directories[0].path(), &script);
    let script = script.to_str().expect("UTF-8");
    let weirs = beside(&broker, &new, directories[1].path(), &[script]);

    let own = weirs.wait_for_jobs(1).remove(0);
    let counted = |weirs: &Up| weirs.figures(&own)["ledger"]["accepted"].as_u64().unwrap_or_default();
    let is_counted = (0..TRIES).any(|_| {
        pause_for(POLL);
        counted(&weirs) >= records
    });
    assert!(is_counted, "Weir has counted only {} of {records} records", counted(&weirs));
    let summary = wait_until_equal(&old, &new);
    println!("{summary}");

    let rows = equal_rows(&summary);
    assert_eq!(rows.len(), TABLES, "not all analytics have rows");
    println!("{records} records, {} rows are equal", rows.iter().sum::<u64>());
    println!(
        "CPU seconds: {:.1} in Flink and {:.1} in `weir up --deliver`; {:.1} in Weir",
        cluster.cpu_seconds() - started,
        cpu_seconds(delivering.id()),
        cpu_seconds(weirs.id()),
    );
    cluster.jobs(&["cancel", &job]);
    cluster.wait_for(&job, "CANCELED");
    true
}

/// Appends generated events, a part of them awkward, and such that close all windows. Returns the number of records.
fn fill(broker: &Broker, events: u64, seed: u64) -> u64 {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("events");
    let generated = run(weir()
        .args(["generate", "--count", &events.to_string(), "--rate", "200", "--out-of-order", "2"])
        .args(["--seed", &seed.to_string(), "--output"])
        .arg(&path)
        .stderr(Stdio::null()));
    assert!(generated.status.success(), "events could not be generated");

    let mut random = fastrand::Rng::with_seed(seed);
    let text = std::fs::read_to_string(&path).expect("the events");
    let lines: Vec<&str> = text.lines().collect();
    for batch in lines.chunks(BATCH) {
        broker.append_all(TOPIC, batch.iter().map(|line| (None, awkward::record(line, &mut random))));
    }
    let last = br#"{"timestamp":"2025-12-20T12:00:00"}"#;
    broker.append_all(TOPIC, (0..LAST).map(|key| (Some(key.to_string().into_bytes()), last.to_vec())));
    events + u64::from(LAST)
}

/// Starts a Weir that writes the cluster's results topics to a Redis.
fn delivering(broker: &Broker, redis: &RedisServer, directory: &Path, script: &Path) -> Up {
    let text = std::fs::read_to_string(script).expect("the script");
    let tables = text.split("CREATE TABLE ").skip(1).filter(|table| table.contains("'connector' = 'redis'"));
    let name = |table: &str| table.split_whitespace().next().unwrap_or_default().replace('`', "");
    let topics: Vec<String> = tables.map(|table| format!("--deliver=weir-results-{}", name(table))).collect();
    assert_eq!(topics.len(), TABLES);
    beside(broker, redis, directory, &topics.iter().map(String::as_str).collect::<Vec<&str>>())
}

fn beside(broker: &Broker, redis: &RedisServer, directory: &Path, arguments: &[&str]) -> Up {
    let (address, port) = (broker.address(), redis.port().to_string());
    let environment = [
        ("KAFKA_BROKER_URL", address.as_str()),
        ("KAFKA_TOPIC_QUERIES", TOPIC),
        ("REDIS_HOST", "127.0.0.1"),
        ("REDIS_PORT", port.as_str()),
        ("WEIR_LOG", "error"),
    ];
    Up::start_in(directory, arguments, &environment)
}

/// Waits until both stores have the same rows, and returns the summary of the comparison.
fn wait_until_equal(old: &RedisServer, new: &RedisServer) -> String {
    let mut last = String::new();
    for _ in 0..TRIES {
        let output = run(weir().arg("compare").args([old.url(), new.url()]));
        last = stderr(&output);
        if output.status.success() {
            return last;
        }
        let differences = String::from_utf8_lossy(&output.stdout).into_owned();
        last.extend(differences.lines().take(SHOWN).map(|line| format!("\n{line}")));
        pause_for(POLL);
    }
    panic!("the rows differ\n{last}");
}

/// Returns how many rows of each analytic are equal, by the summary of a comparison.
fn equal_rows(summary: &str) -> Vec<u64> {
    let lines = summary.lines().map(|line| line.split_whitespace().collect::<Vec<&str>>());
    let numbers = lines.filter(|line| line.len() >= 5 && line[0] != "all");
    numbers.filter_map(|line| line[1].parse().ok()).filter(|&rows| rows > 0).collect()
}
