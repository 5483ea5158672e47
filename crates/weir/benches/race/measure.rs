//! What is measured of an engine: a drain of waiting events, live latency, and recovery from a kill.
//!
//! All three look only at the results topic, from where a user of either engine would read:
//!
//! ```text
//! drain     submit ──► first row ──► last row of the last window        CPU time, wall time
//! live      end of a window on the clock ──► its last row               latency
//! recovery  kill -9 ──► first row of a window that ends after the kill
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use types::{Clock as _, SystemClock};

use super::engine::{Engine, Kind, Usage};
use super::topics::{Row, Topics};

/// Analytics of the script; each gives rows for each window.
const ANALYTICS: usize = 4;
const POLL: Duration = Duration::from_millis(20);
/// Quiet time after which the last row has come.
const QUIET: Duration = Duration::from_secs(2);
/// Limit of the wait for a row.
const PATIENCE: Duration = Duration::from_secs(180);
/// Live time before windows are measured.
const LIVE_WARM_UP: Duration = Duration::from_secs(10);

const SCRIPT: &str = include_str!("analytics.sql");

/// Flink's settings for all parts.
pub const FLINK: [&str; 1] = ["'pipeline.object-reuse' = 'true'"];
/// Flink's settings for live events: it passes on rows and watermarks at once.
pub const FLINK_LIVE: [&str; 2] =
    ["'execution.buffer-timeout.interval' = '0 ms'", "'pipeline.auto-watermark-interval' = '1 ms'"];

/// A drain of waiting events.
pub struct Drain {
    /// From the submission of the script to the first row.
    pub first: Duration,
    /// From the submission of the script to the last row.
    pub wall: Duration,
    pub cpu_seconds: f64,
    pub peak_mb: u64,
    pub rows: Vec<Row>,
}

/// Live events, and a kill at their end.
pub struct Live {
    /// From the end of each window on the clock to its last row, ascending.
    pub latencies: Vec<Duration>,
    pub recovery: Duration,
}

/// Runs the script over the waiting events until all windows up to `last_window` have been written.
pub fn drain(engine: &Engine, topics: &Topics, events: &str, results: &str, last_window: Timestamp) -> Drain {
    let mut reader = topics.results(results);
    let script = script(
        topics,
        events,
        results,
        &[("window", "'1' MINUTE"), ("disorder", "5"), ("checkpoints", "10 s")],
    );
    let settings = settings(engine.kind, &[]);
    let clock = SystemClock::new();
    let before = engine.usage();
    let began = clock.elapsed();
    let job = engine.submit(&settings, &script);

    let mut rows: Vec<Row> = Vec::new();
    let (mut first, mut last) = (None, None::<(Duration, Usage)>);
    loop {
        let mut new = reader.poll(POLL);
        let now = clock.elapsed();
        if !new.is_empty() {
            first.get_or_insert(now);
            last = Some((now, engine.usage()));
            rows.append(&mut new);
            continue;
        }

        let quiet = now.saturating_sub(last.map_or(began, |(at, _)| at));
        assert!(quiet < PATIENCE, "{}: no further row after {} rows", engine.kind.name(), rows.len());
        if quiet > QUIET && is_complete(&rows, last_window) {
            break;
        }
    }
    engine.cancel(&job);

    let (at, usage) = last.expect("there are rows");
    Drain {
        first: first.expect("there are rows").saturating_sub(began),
        wall: at.saturating_sub(began),
        cpu_seconds: usage.cpu_seconds - before.cpu_seconds,
        peak_mb: usage.peak_mb,
        rows,
    }
}

/// Runs the script over live events for `length`, then kills the engine, and waits until it has recovered.
pub fn live(mut engine: Engine, topics: &Topics, events: &str, results: &str, length: Duration) -> Live {
    let mut reader = topics.results(results);
    topics.create(events);
    let script = script(
        topics,
        events,
        results,
        &[("window", "'0.1' SECOND"), ("disorder", "0"), ("checkpoints", "1 s")],
    );
    let job = engine.submit(&settings(engine.kind, &FLINK_LIVE), &script);
    engine.wait_until_running(&job);

    let sender = topics.send_live(events, LIVE_WARM_UP + length + PATIENCE);
    let clock = SystemClock::new();
    let mut windows = BTreeMap::new();
    let mut started = None;
    loop {
        for row in reader.poll(POLL) {
            windows.insert(row.window_end, row.read);
        }
        let now = clock.elapsed();
        if !windows.is_empty() {
            let started = *started.get_or_insert(now);
            if now.saturating_sub(started) > LIVE_WARM_UP + length {
                break;
            }
        }
    }

    let killed = Timestamp::now();
    let restarted = engine.kill();
    let recovered = loop {
        let new = reader.poll(POLL);
        if let Some(row) = new.iter().find(|row| row.window_end > killed) {
            break row.read;
        }
        assert!(
            Timestamp::now().duration_since(killed).unsigned_abs() < PATIENCE,
            "{}: no recovery",
            engine.kind.name()
        );
    };
    sender.stop();
    engine.stop(restarted);

    let measured_from = killed - SignedDuration::try_from(length).expect("seconds");
    let mut latencies: Vec<Duration> = windows
        .iter()
        .filter(|(end, _)| **end >= measured_from)
        .map(|(end, read)| Duration::try_from(read.duration_since(*end)).unwrap_or_default())
        .collect();
    latencies.sort_unstable();
    Live { latencies, recovery: recovered.duration_since(killed).unsigned_abs() }
}

/// Returns whether every analytic has written its last window.
fn is_complete(rows: &[Row], last_window: Timestamp) -> bool {
    let last = rows.iter().filter(|row| row.window_end == last_window);
    last.map(|row| &row.analytic).collect::<BTreeSet<_>>().len() == ANALYTICS
}

/// Returns the settings of an engine that are not in the script: ours, then those of `RACE_FLINK`.
fn settings(kind: Kind, more: &[&str]) -> Vec<String> {
    if kind == Kind::Weir {
        return Vec::new();
    }
    let given = std::env::var("RACE_FLINK").unwrap_or_default();
    let given = given.split(';').map(str::trim).filter(|setting| !setting.is_empty());
    FLINK.iter().chain(more).copied().chain(given).map(str::to_owned).collect()
}

/// Returns the script with its names replaced: the same text for both engines.
fn script(topics: &Topics, events: &str, results: &str, more: &[(&str, &str)]) -> String {
    let brokers = topics.brokers();
    let names = [("brokers", brokers.as_str()), ("events", events), ("results", results)];
    names
        .iter()
        .chain(more)
        .fold(SCRIPT.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}
