//! What is measured of an engine: a drain of waiting events, live latency, and recovery from a kill.
//!
//! All three look only at the results topic, from where a user of either engine would read:
//!
//! ```text
//! drain     submit ──► first row ──► last row of the last window        CPU time, wall time
//! live      end of a window on the clock ──► its last row               latency
//! recovery  kill -9 ──► first row of a window that ends after the kill
//! ```
//!
//! Live windows are checked too: each must have all of its events, also those around the kill.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use types::{Clock as _, SystemClock};

use super::engine::{Engine, Kind, Usage};
use super::topics::{LIVE_RATE, Row, Topics};

/// Analytics of the script; each gives rows for each window.
const ANALYTICS: usize = 4;
const POLL: Duration = Duration::from_millis(20);
/// Quiet time after which the last row has come.
const QUIET: Duration = Duration::from_secs(2);
/// Limit of the wait for a row.
const PATIENCE: Duration = Duration::from_secs(180);
/// The analytic with one row for each window.
const WHOLE: &str = "all";
/// Length of a live window.
const WINDOW: SignedDuration = SignedDuration::from_millis(100);
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
///
/// # Errors
/// Fails where a window has not all of its events, or is missing, before or after the kill.
pub fn live(
    mut engine: Engine,
    topics: &Topics,
    events: &str,
    results: &str,
    length: Duration,
) -> Result<Live, String> {
    let mut reader = topics.results(results);
    topics.create(events);
    let names = [("window", "'0.1' SECOND"), ("disorder", "0"), ("checkpoints", "1 s")];
    let script = script(topics, events, results, &names);
    let job = engine.submit(&settings(engine.kind, &FLINK_LIVE), &script);
    engine.wait_until_running(&job);

    let sender = topics.send_live(events, LIVE_WARM_UP + length + PATIENCE);
    let mut windows = Windows::default();
    let until = Timestamp::now() + SignedDuration::try_from(LIVE_WARM_UP + length).expect("seconds");
    while Timestamp::now() < until {
        windows.take(&reader.poll(POLL));
    }
    assert!(!windows.read.is_empty(), "{}: no live row", engine.kind.name());

    let killed = Timestamp::now();
    let latencies = windows.latencies(killed - SignedDuration::try_from(length).expect("seconds"));
    let restarted = engine.kill();
    let recovered = loop {
        let rows = reader.poll(POLL);
        windows.take(&rows);
        if let Some(row) = rows.iter().find(|row| row.analytic == WHOLE && row.window_end > killed) {
            break row.read;
        }
        let waited = Timestamp::now().duration_since(killed).unsigned_abs();
        assert!(waited < PATIENCE, "{}: no recovery", engine.kind.name());
    };
    sender.stop();
    engine.stop(restarted);

    windows.check()?;
    Ok(Live { latencies, recovery: recovered.duration_since(killed).unsigned_abs() })
}

/// The live windows whose rows were read, by their ends.
#[derive(Default)]
struct Windows {
    /// When the newest row of a window was read.
    read: BTreeMap<Timestamp, Timestamp>,
    /// Number of events of a window.
    events: BTreeMap<Timestamp, u64>,
}

impl Windows {
    fn take(&mut self, rows: &[Row]) {
        for row in rows {
            self.read.insert(row.window_end, row.read);
            if row.analytic == WHOLE {
                self.events.insert(row.window_end, row.value["questions"].as_u64().unwrap_or_default());
            }
        }
    }

    /// Returns from the end of each window since a time to its last row, ascending.
    fn latencies(&self, since: Timestamp) -> Vec<Duration> {
        let measured = self.read.range(since..);
        let late =
            measured.map(|(end, read)| Duration::try_from(read.duration_since(*end)).unwrap_or_default());
        let mut late: Vec<Duration> = late.collect();
        late.sort_unstable();
        late
    }

    /// Checks that each window but the first, which began before the events, has all events, and that none is
    /// missing.
    fn check(&self) -> Result<(), String> {
        let ends: Vec<&Timestamp> = self.events.keys().collect();
        if let Some(gap) = ends.windows(2).find(|pair| pair[1].duration_since(*pair[0]) != WINDOW) {
            return Err(format!("no window ends between {} and {}", gap[0], gap[1]));
        }
        let wanted = LIVE_RATE * WINDOW.as_millis() as u64 / 1_000;
        match self.events.iter().skip(1).find(|(_, events)| **events != wanted) {
            Some((end, events)) => {
                Err(format!("the window that ends at {end} has {events} events, not {wanted}"))
            }
            None => Ok(()),
        }
    }
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
