//! What more than one subtask costs and gives, from Kafka to Redis: CPU seconds, wall seconds and memory at parallelism 1, 2
//! and 4, with few and with many texts, and with one faculty that has nearly all events.

use std::time::Duration;

use types::{Clock as _, SystemClock};

use super::servers::kafka::KafkaServer;
use super::servers::redis::RedisServer;
use super::support::{Up, pause_for};
use super::{Load, OVERALL, RUNS, preload, usage};

/// How the events of a run differ from others.
const LOADS: [(&str, Load); 3] = [
    ("2,000 texts", Load { codec: "lz4", texts: 2_000, is_skewed: false }),
    ("100,000 texts", Load { codec: "lz4", texts: 100_000, is_skewed: false }),
    ("95 % of one faculty", Load { codec: "lz4", texts: 2_000, is_skewed: true }),
];
const PARALLELISM: [u32; 3] = [1, 2, 4];
const POLL: Duration = Duration::from_millis(20);

/// Prints one line for each load and parallelism: medians of runs that take turns.
pub fn cores(events: u64) {
    let Some(kafka) = KafkaServer::start(&[]) else { return };
    let Some(redis) = RedisServer::start(&[]) else { return };

    for (at, (name, load)) in LOADS.iter().enumerate() {
        let topic = format!("cores-{at}");
        preload(&kafka, &topic, load, events);
        let mut runs: [Vec<(f64, f64, u64)>; PARALLELISM.len()] = Default::default();
        for _ in 0..RUNS {
            for (parallelism, runs) in PARALLELISM.iter().zip(&mut runs) {
                runs.push(drain(&kafka, &redis, &topic, *parallelism, events));
            }
        }
        for (parallelism, mut runs) in PARALLELISM.iter().zip(runs) {
            runs.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (cpu, wall, memory) = runs[RUNS / 2];
            println!("{name}, parallelism {parallelism}: {cpu:.2} CPU s, {wall:.2} s, {memory} MB");
        }
    }
}

/// Counts the events of a topic. Returns CPU seconds, wall seconds from the start of the process, and MB of memory.
fn drain(
    kafka: &KafkaServer,
    redis: &RedisServer,
    topic: &str,
    parallelism: u32,
    events: u64,
) -> (f64, f64, u64) {
    redis.ask(&["FLUSHALL"]);
    let directory = tempfile::tempdir().expect("a directory");
    let (brokers, url, parallelism) = (kafka.address(), redis.url(), parallelism.to_string());
    let environment = [
        ("KAFKA_BROKER_URL", &*brokers),
        ("REDIS_URL", &url),
        ("KAFKA_TOPIC_QUERIES", topic),
        ("WEIR_JOBS_PARALLELISM", &parallelism),
    ];
    let clock = SystemClock::new();
    let began = clock.elapsed();
    let up = Up::start_in(directory.path(), &["--log", "warn"], &environment);
    while up.get(OVERALL)["total_queries"].as_u64().unwrap_or_default() < events {
        pause_for(POLL);
    }
    let wall = (clock.elapsed() - began).as_secs_f64();
    let (cpu, memory) = usage(up.id());
    up.stop();
    (cpu, wall, memory)
}
