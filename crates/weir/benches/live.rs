//! Measures a running Weir as its users see it: the time until it runs, the time until waiting events show,
//! its memory and CPU when idle and at a steady rate, and the time from an accepted event to a browser.
//!
//! `cargo bench -p weir --bench live [-- EVENTS_PER_SECOND]`
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::process::{cpu_seconds, memory_mb, peak_mb};
use support::{Up, pause_for, run, weir};
use tokio_tungstenite::tungstenite::{self, Message};
use types::{Clock as _, SystemClock};

const RUNS: usize = 5;
const CHECKPOINT_RUNS: usize = 3;
const RATE: u64 = 10_000;
const SECONDS: u64 = 20;
const PUSHES: usize = 300;
const QUIET: &[&str] = &["--log", "warn"];
const OVERALL: &str = "/analytics/redis/overall-summary";
const NO_PAUSE: &str = "SET 'weir.early-fire' = '0 s'";

fn main() {
    let rate = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(RATE);
    starts();
    steady(rate);
    kills(rate);
    pushes();
}

/// Measures the time from the start of the process until its job runs, and until an answer includes waiting
/// events.
fn starts() {
    let clock = SystemClock::new();
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), QUIET);
    generate(&up, 10_000, &[]);
    up.wait_for(OVERALL, |answer| answer["total_queries"] == 10_000);
    up.stop();
    let (mut running, mut first) = (Vec::new(), Vec::new());

    for _ in 0..RUNS {
        std::fs::remove_dir_all(directory.path().join("results")).expect("results can be removed");
        let began = clock.elapsed();
        // The checkpoint includes the events, so they wait for a Weir that ignores it.
        let up = Up::start(directory.path(), &["--afresh", "--log", "warn"]);
        running.push(clock.elapsed().saturating_sub(began));
        while up.get(OVERALL)["total_queries"].as_u64().unwrap_or_default() == 0 {
            thread::yield_now();
        }
        first.push(clock.elapsed().saturating_sub(began));
        up.stop();
    }

    println!(
        "start to job running: {}; to the first result of waiting events: {}",
        median(running),
        median(first)
    );
}

/// Measures memory and CPU of the process, without events and at a rate, and the cost of a checkpoint every
/// second.
fn steady(rate: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), QUIET);
    pause_for(Duration::from_secs(3));
    let idle = usage(up.id());
    pause_for(Duration::from_secs(5));
    let before = usage(up.id());
    println!("idle: {} MB, {:.2} % of a core", before.memory_mb, (before.cpu - idle.cpu) / 5.0 * 100.0);
    up.stop();
    // In turns, so that a machine that slows down affects both.
    let runs: Vec<[(f64, u64); 2]> =
        (0..CHECKPOINT_RUNS).map(|_| ["0 s", "1 s"].map(|interval| at_rate(rate, interval))).collect();

    let median = |of: usize| {
        let mut cpu: Vec<f64> = runs.iter().map(|run| run[of].0).collect();
        cpu.sort_by(f64::total_cmp);
        cpu[cpu.len() / 2]
    };

    let memory = runs.iter().flatten().map(|(_, memory)| *memory).max().unwrap_or_default();
    println!(
        "{rate} events/s for {SECONDS} s: {memory} MB at most, {:.1} % of a core without checkpoints, {:.1} % with one a second",
        median(0),
        median(1)
    );
}

/// Returns the per cent of a core, and the peak memory in MB.
fn at_rate(rate: u64, checkpoints: &str) -> (f64, u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start_in(directory.path(), QUIET, &[("WEIR_CHECKPOINTS_INTERVAL", checkpoints)]);
    let before = usage(up.id());
    generate(&up, rate * SECONDS, &["--rate", &rate.to_string()]);
    let after = usage(up.id());
    up.stop();
    ((after.cpu - before.cpu) / SECONDS as f64 * 100.0, after.memory_max_mb)
}

/// Measures the time from `kill -9` under load to the first result of a later event.
fn kills(rate: u64) {
    let clock = SystemClock::new();
    let mut times = Vec::new();

    for run in 0..RUNS {
        let directory = tempfile::tempdir().expect("a directory");
        let script = eager(directory.path());
        let data = directory.path().join("data");
        std::fs::create_dir(&data).expect("a directory");
        let arguments = [script.as_str(), "--log", "warn"];
        let up = Up::start(&data, &arguments);
        generate(&up, rate * 3, &["--rate", &rate.to_string()]);
        let began = clock.elapsed();
        up.kill();
        let up = Up::start(&data, &arguments);
        let before = up.get(OVERALL)["total_queries"].as_u64().unwrap_or_default();
        post(&up, run as u64);
        while up.get(OVERALL)["total_queries"].as_u64().unwrap_or_default() <= before {
            thread::yield_now();
        }
        times.push(clock.elapsed().saturating_sub(began));
        up.stop();
    }

    println!("kill -9 at {rate} events/s to the next result: {}", median(times));
}

/// Measures the time from the answer to an event until a WebSocket client has its early result.
fn pushes() {
    let clock = SystemClock::new();
    let directory = tempfile::tempdir().expect("a directory");
    let script = eager(directory.path());
    let up = Up::start(directory.path(), &[&script, "--log", "warn"]);
    let (mut feed, _) =
        tungstenite::connect(format!("{}/ws/analytics", up.http.replace("http:", "ws:"))).expect("the feed");
    let mut times = Vec::new();

    for n in 1..=PUSHES {
        pause_for(Duration::from_millis(20));
        post(&up, n as u64);
        let accepted = clock.elapsed();
        while total(&mut feed) != Some(n as u64) {}
        times.push(clock.elapsed().saturating_sub(accepted));
    }

    times.sort();
    println!(
        "event accepted to early result at a client: p50 {:.2?}, p99 {:.2?}",
        times[PUSHES / 2],
        times[PUSHES * 99 / 100]
    );

    up.stop();
}

/// Returns the path of the analytics with immediate early results.
fn eager(directory: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../jobs/analytics.sql");
    let script = std::fs::read_to_string(script).expect("the script");
    let eager = script.replace("SET 'weir.early-fire' = '1 s'", NO_PAUSE);
    assert!(eager.contains(NO_PAUSE), "the script sets early-fire otherwise");
    let path = directory.join("eager.sql");
    std::fs::write(&path, eager).expect("the script is written");
    path.to_str().expect("a path of this test").to_owned()
}

/// Posts one event of the present time, and returns once it is answered.
fn post(up: &Up, user: u64) {
    let now = jiff::Timestamp::now();
    let event = format!(
        r#"{{"query_id": "q-{user}", "timestamp": "{now}", "user": {{"user_id": {user}, "user_type": "Sinh viên"}}}}"#
    );
    let mut answer = ureq::post(format!("{}/events", up.http)).send(event.as_bytes()).expect("accepted");
    answer.body_mut().read_to_string().expect("an answer");
}

/// Returns the sum in the next frame, if the frame has one.
fn total(
    feed: &mut tungstenite::WebSocket<tungstenite::stream::MaybeTlsStream<std::net::TcpStream>>,
) -> Option<u64> {
    let Message::Text(text) = feed.read().expect("a frame") else { return None };
    let frame: Value = serde_json::from_str(&text).expect("JSON");
    frame["data"]["overall"]["total_queries"].as_u64()
}

fn generate(up: &Up, count: u64, arguments: &[&str]) {
    let url = format!("{}/events", up.http);
    let output = run(weir()
        .args(["generate", "--url", &url, "--count", &count.to_string()])
        .args(arguments)
        .stderr(Stdio::null()));
    assert!(output.status.success(), "events could not be generated");
}

struct Usage {
    /// In seconds.
    cpu: f64,
    memory_mb: u64,
    memory_max_mb: u64,
}

fn usage(process: u32) -> Usage {
    Usage { cpu: cpu_seconds(process), memory_mb: memory_mb(process), memory_max_mb: peak_mb(process) }
}

fn median(mut times: Vec<Duration>) -> String {
    times.sort();
    format!("{:.0?} ({:.0?} to {:.0?})", times[times.len() / 2], times[0], times[times.len() - 1])
}
