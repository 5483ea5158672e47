//! Runs Weir between a real Kafka and a real Redis for hours: memory and file handles must stay flat, and
//! every event be accounted for. Exits with 1 otherwise.
//!
//! `make soak`, or `cargo bench -p weir --bench soak -- SECONDS [EVENTS_PER_SECOND]`
#![allow(clippy::print_stdout, reason = "whoever waits for hours is told how it goes")]

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use serde_json::Value;
use servers::kafka::KafkaServer;
use servers::redis::RedisServer;
use support::{Up, pause_for, weir};

const SECONDS: u64 = 3_600;
const RATE: u64 = 1_000;
/// Total number of measurements.
const LOOKS: u64 = 120;
/// Permitted growth from the second quarter to the last: open windows, a day of notes, the allocator's state.
const GROWTH: f64 = 1.15;
const HANDLES: u64 = 8;

/// Resources that a process holds.
#[derive(Debug, Clone, Copy)]
struct Look {
    memory_mb: u64,
    handles: u64,
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse().ok());

    let (seconds, rate) = (numbers.next().unwrap_or(SECONDS), numbers.next().unwrap_or(RATE));
    let Some(kafka) = KafkaServer::start(&[]) else { return ExitCode::FAILURE };
    let Some(mut redis) = RedisServer::start(&[]) else { return ExitCode::FAILURE };

    let directory = tempfile::tempdir().expect("a directory");
    let (brokers, url) = (kafka.address(), redis.url());
    let environment = [
        ("KAFKA_BROKER_URL", &*brokers),
        ("REDIS_URL", &url),
        // Let rows expire, so that the stored data does not grow all the time.
        ("REDIS_TTL", "120"),
        ("WEIR_REDIS_COPY_FOR", "2 min"),
        ("WEIR_CHECKPOINTS_INTERVAL", "1 s"),
    ];

    let up = Up::start_in(directory.path(), &["--log", "warn,connectors=off"], &environment);

    let mut producer = weir()
        .args(["generate", "--url", &format!("{}/events", up.http), "--rate", &rate.to_string()])
        .args(["--count", &(rate * seconds).to_string(), "--bad", "0.01", "--out-of-order", "3"])
        .args(["--retry-for", "600"])
        .stderr(Stdio::null())
        .spawn()
        .expect("the generator starts");

    let mut looks = Vec::new();
    for number in 0..LOOKS {
        pause_for(Duration::from_secs_f64(seconds as f64 / LOOKS as f64));
        // An outage, as it happens once in months.
        if number == LOOKS / 3 {
            redis.down();
            pause_for(Duration::from_secs(2));
            redis.up();
        }

        let look = look(up.id());
        if number % 10 == 9 {
            println!("{:>3} %: {} MB, {} handles", (number + 1) * 100 / LOOKS, look.memory_mb, look.handles);
        }
        looks.push(look);
    }

    assert!(producer.wait().expect("the generator ends").success(), "all events were sent");
    let ledger = settled(&up);

    up.stop();
    let (before, after) = (&looks[looks.len() / 4..looks.len() / 2], &looks[looks.len() * 3 / 4..]);
    let [was, is] = [before, after].map(middle);
    println!(
        "from {} to {} MB, from {} to {} handles; {ledger}",
        was.memory_mb, is.memory_mb, was.handles, is.handles
    );

    let flat = is.memory_mb as f64 <= was.memory_mb as f64 * GROWTH && is.handles <= was.handles + HANDLES;
    let count = |name: &str| ledger[name].as_u64().unwrap_or_default();
    let parts = ["counted", "filtered", "late", "dead_lettered"].map(count);
    let balances =
        count("accepted") == parts.iter().sum::<u64>() && count("accepted") > rate * seconds * 9 / 10;

    println!("memory and handles flat: {flat}; ledger balanced: {balances}");
    if flat && balances { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the ledger once it no longer changes.
fn settled(up: &Up) -> Value {
    let id = &up.wait_for_jobs(1)[0];
    let ledger = || up.get_job(&format!("/weir/jobs/{id}"))["ledger"].clone();
    let mut last = ledger();
    loop {
        pause_for(Duration::from_secs(2));
        let now = ledger();
        if now == last {
            return now;
        }
        last = now;
    }
}

fn middle(looks: &[Look]) -> Look {
    let of = |part: fn(&Look) -> u64| {
        let mut values: Vec<u64> = looks.iter().map(part).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Look { memory_mb: of(|look| look.memory_mb), handles: of(|look| look.handles) }
}

/// Measures a process from `/proc`.
fn look(process: u32) -> Look {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    let memory: u64 = line.trim().trim_end_matches(" kB").parse().expect("kB");
    let handles = std::fs::read_dir(format!("/proc/{process}/fd")).expect("Linux tells").count() as u64;
    Look { memory_mb: memory / 1024, handles }
}
