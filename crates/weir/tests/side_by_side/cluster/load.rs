//! A steady load on a topic, and the exact rows that its events give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::support::pause_for;
use super::broker::Broker;

/// Events of a batch, and the pause behind it: about a thousand events per second.
const BATCH: u64 = 50;
const PAUSE: Duration = Duration::from_millis(50);
/// Events are at most this much out of order, in milliseconds; the scripts' watermarks wait for a second.
const DISORDER: u64 = 800;
const PAGES: u64 = 7;

/// The windows of the script, in milliseconds.
const MINUTES: i64 = 5_000;
const HOP: i64 = 20_000;
const SLIDE: i64 = 5_000;

/// A script over the load: windows of five seconds by page, and hops of twenty.
pub const SCRIPT: &str = "
SET 'pipeline.name' = 'clicks';
CREATE TABLE clicks (id BIGINT NOT NULL, page STRING NOT NULL, ms BIGINT NOT NULL, `at` TIMESTAMP_LTZ(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'properties.bootstrap.servers' = '${KAFKA_BROKER_URL}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
CREATE TABLE by_page (page STRING NOT NULL, n BIGINT, total BIGINT, mean DOUBLE, window_end TIMESTAMP(3) NOT NULL)
WITH ('connector' = 'redis', 'key' = 'by-page:{page}:{window_end}');
CREATE TABLE hops (n BIGINT, people BIGINT, window_start STRING, window_end STRING NOT NULL)
WITH ('connector' = 'redis', 'key' = 'hops:{window_end}');
INSERT INTO by_page SELECT page, COUNT(*), SUM(ms), AVG(CAST(ms AS DOUBLE)), window_end
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(`at`), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, page;
INSERT INTO hops SELECT COUNT(*), COUNT(DISTINCT id), DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
  DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(`at`), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
";

/// An event, with its time in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Click {
    id: u64,
    page: u64,
    ms: u64,
    pub at: i64,
}

impl Click {
    fn line(self) -> String {
        let at = Timestamp::from_millisecond(self.at).expect("a time");
        json!({"id": self.id, "page": format!("/{}", self.page), "ms": self.ms, "at": format!("{at:.3}")})
            .to_string()
    }
}

/// A thread that appends events with the times of the clock.
pub struct Load {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Click>>>,
}

impl Load {
    /// Starts the load on a topic.
    pub fn start(broker: Arc<Broker>, topic: &'static str) -> Load {
        let is_over = Arc::new(AtomicBool::new(false));
        let until = is_over.clone();
        let thread = std::thread::spawn(move || {
            let mut random = fastrand::Rng::with_seed(1);
            let mut all = Vec::new();
            while !until.load(Ordering::Acquire) {
                let now = Timestamp::now().as_millisecond();
                let click = |random: &mut fastrand::Rng| Click {
                    id: random.u64(0..500),
                    page: random.u64(0..PAGES),
                    ms: random.u64(1..1_000),
                    at: now - i64::try_from(random.u64(0..DISORDER)).expect("it is small"),
                };
                let batch: Vec<Click> = (0..BATCH).map(|_| click(&mut random)).collect();
                let lines: Vec<String> = batch.iter().map(|click| click.line()).collect();
                broker.append(topic, lines.iter().map(String::as_str));
                all.extend(batch);
                pause_for(PAUSE);
            }
            all
        });
        Load { is_over, thread: Some(thread) }
    }

    /// Ends the load, and returns all of its events.
    pub fn stop(mut self) -> Vec<Click> {
        self.is_over.store(true, Ordering::Release);
        self.thread.take().expect("it runs").join().expect("it has not failed")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
    }
}

/// Returns events of a minute later, enough for each partition to have one.
pub fn later(last: i64) -> Vec<String> {
    (0..BATCH).map(|id| Click { id, page: 0, ms: 1, at: last + 60_000 }.line()).collect()
}

/// Returns the rows of events, by key: those of windows that end at `until` or before.
pub fn exact(clicks: &[Click], until: i64) -> BTreeMap<String, Value> {
    let mut pages: BTreeMap<(u64, i64), (u64, u64)> = BTreeMap::new();
    let mut hops: BTreeMap<i64, (u64, BTreeSet<u64>)> = BTreeMap::new();
    for click in clicks {
        let end = click.at.div_euclid(MINUTES) * MINUTES + MINUTES;
        let (n, total) = pages.entry((click.page, end)).or_default();
        (*n, *total) = (*n + 1, *total + click.ms);
        let first = click.at.div_euclid(SLIDE) * SLIDE + SLIDE;
        for end in (0..HOP / SLIDE).map(|hop| first + hop * SLIDE) {
            let (n, people) = hops.entry(end).or_default();
            *n += 1;
            people.insert(click.id);
        }
    }

    let mut rows = BTreeMap::new();
    for ((page, end), (n, total)) in pages.into_iter().filter(|((_, end), _)| *end <= until) {
        let mean = total as f64 / n as f64;
        let end = shown(end).replace('T', " ");
        let row =
            json!({"page": format!("/{page}"), "n": n, "total": total, "mean": mean, "window_end": end});
        rows.insert(format!("by-page:/{page}:{end}"), row);
    }
    for (end, (n, people)) in hops.into_iter().filter(|(end, _)| *end <= until) {
        let (start, end) = (shown(end - HOP), shown(end));
        let row = json!({"n": n, "people": people.len(), "window_start": start, "window_end": end});
        rows.insert(format!("hops:{end}"), row);
    }
    rows
}

fn shown(time: i64) -> String {
    let time = Timestamp::from_millisecond(time).expect("a time");
    jiff::tz::TimeZone::UTC.to_datetime(time).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
