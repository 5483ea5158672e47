//! A Weir that is up, as its users meet it: how soon it runs, how soon waiting events show, what it holds and uses when
//! idle and at a steady rate, and how long an accepted event takes to reach a browser.
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
use support::{Up, pause_for, run, weir};
use tokio_tungstenite::tungstenite::{self, Message};
use types::{Clock as _, SystemClock};

const RUNS: usize = 5;
const RATE: u64 = 10_000;
const SECONDS: u64 = 20;
const PUSHES: usize = 300;
const QUIET: &[&str] = &["--log", "warn"];
const OVERALL: &str = "/analytics/redis/overall-summary";
const NO_JOB_PAUSE: &str = "SET 'weir.early-fire' = '0 s'";

fn main() {
    let rate = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(RATE);
    starts();
    steady(rate);
    pushes();
}

/// From the start of the process until its job runs, and until waiting events are in an answer.
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
        let up = Up::start(directory.path(), QUIET);
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

/// Memory and CPU of the process, without events and at a rate.
fn steady(rate: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), QUIET);
    pause_for(Duration::from_secs(3));
    let idle = usage(up.id());
    pause_for(Duration::from_secs(5));
    let before = usage(up.id());
    println!("idle: {} MB, {:.2} % of a core", before.memory_mb, (before.cpu - idle.cpu) / 5.0 * 100.0);
    generate(&up, rate * SECONDS, &["--rate", &rate.to_string()]);
    let after = usage(up.id());
    println!(
        "{rate} events/s for {SECONDS} s: {} MB at most, {:.1} % of a core",
        after.memory_max_mb,
        (after.cpu - before.cpu) / SECONDS as f64 * 100.0
    );
    up.stop();
}

/// From the answer to an event until a WebSocket client has its early result.
fn pushes() {
    let clock = SystemClock::new();
    let directory = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../jobs/analytics.sql");
    let script = std::fs::read_to_string(script).expect("the script");
    let eager = script.replace("SET 'weir.early-fire' = '1 s'", NO_JOB_PAUSE);
    assert!(eager.contains(NO_JOB_PAUSE), "the script sets early-fire otherwise");
    let path = directory.path().join("eager.sql");
    std::fs::write(&path, eager).expect("the script is written");
    let up = Up::start(directory.path(), &[path.to_str().expect("a path of this test"), "--log", "warn"]);
    let (mut feed, _) =
        tungstenite::connect(format!("{}/ws/analytics", up.http.replace("http:", "ws:"))).expect("the feed");
    let mut times = Vec::new();
    for n in 1..=PUSHES {
        pause_for(Duration::from_millis(20));
        let now = jiff::Timestamp::now();
        let event = format!(
            r#"{{"query_id": "q-{n}", "timestamp": "{now}", "user": {{"user_id": {n}, "user_type": "Sinh viên"}}}}"#
        );
        let mut answer = ureq::post(format!("{}/events", up.http)).send(event.as_bytes()).expect("accepted");
        let accepted = clock.elapsed();
        answer.body_mut().read_to_string().expect("an answer");
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

/// The sum that the next frame tells, if it tells one.
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
    /// Seconds.
    cpu: f64,
    memory_mb: u64,
    memory_max_mb: u64,
}

/// What Linux tells of a process in `/proc`.
fn usage(process: u32) -> Usage {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux tells");
    let memory = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the key is there");
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().expect("kB") / 1024
    };
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux tells");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    // SAFETY: a question without memory.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
    let cpu: f64 = fields[11..=12].iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Usage { cpu: cpu / ticks, memory_mb: memory("VmRSS"), memory_max_mb: memory("VmHWM") }
}

fn median(mut times: Vec<Duration>) -> String {
    times.sort();
    format!("{:.0?} ({:.0?} to {:.0?})", times[times.len() / 2], times[0], times[times.len() - 1])
}
