//! The events that both engines read, and the rows that both write: topics of one Kafka broker.
//!
//! Events are those of `weir generate`, one record each. Waiting events are lz4-compressed and end with an event of a
//! later day, which closes the windows before it. Live events are sent one by one at the moment that they name,
//! so a window may close at its end on the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, LogReader, NewRecord, Polled, Start, Wanted};
use types::{PartitionId, SystemClock};

use super::servers::kafka::KafkaServer;
use super::support::{pause_for, run, weir};

/// Waiting events per second of event time: 12,000 in a window of a minute.
const WAITING_RATE: u64 = 200;
/// Live events per second.
pub const LIVE_RATE: u64 = 1_000;
/// Time to write the live events before the first is sent.
const AHEAD: SignedDuration = SignedDuration::from_secs(3);
const BATCH: usize = 20_000;
const FETCH_BYTES: usize = 1 << 20;

/// The broker and its topics, each of one partition.
pub struct Topics {
    kafka: KafkaServer,
    log: KafkaLog,
}

/// The sender of live events.
pub struct Sender {
    is_done: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// A reader of the rows that an engine writes.
pub struct Results {
    reader: Box<dyn LogReader>,
}

/// A row of the results, and when it could be read.
pub struct Row {
    pub read: Timestamp,
    pub analytic: String,
    pub window_end: Timestamp,
    pub value: Value,
}

impl Topics {
    /// Starts a broker; `None` if there is none to start, which is printed.
    pub fn start() -> Option<Topics> {
        let kafka = KafkaServer::start(&[])?;
        let log = open(&kafka, &[("linger.ms", "0")]);
        Some(Topics { kafka, log })
    }

    pub fn brokers(&self) -> String {
        self.kafka.address()
    }

    /// Creates a topic with waiting events, and returns the end of the last window of a minute that closes.
    pub fn preload(&self, topic: &str, events: u64) -> Timestamp {
        let log =
            open(&self.kafka, &[("compression.type", "lz4"), ("linger.ms", "20"), ("batch.size", "65536")]);
        log.create_topic(topic, 1).expect("a topic");
        let start: Timestamp = "2025-12-09T00:00:00Z".parse().expect("a time");
        let lines = generate(events, WAITING_RATE, start, 2);

        let last = start + SignedDuration::from_secs((events / WAITING_RATE) as i64);
        let closing = last + SignedDuration::from_hours(24);
        let closing = format!("{{\"timestamp\":\"{}\"}}", closing.strftime("%Y-%m-%dT%H:%M:%S"));
        let bodies = lines.chain([closing]);

        let mut batch = Vec::with_capacity(BATCH);
        let send = |batch: &mut Vec<NewRecord>| {
            let appending = log.append(topic, std::mem::take(batch)).expect("there is room");
            appending.blocking_recv().expect("an answer").expect("durable");
        };
        for body in bodies {
            batch.push(NewRecord { body: body.into_bytes().into(), ..NewRecord::default() });
            if batch.len() == BATCH {
                send(&mut batch);
            }
        }
        if !batch.is_empty() {
            send(&mut batch);
        }

        let minutes = (last.as_second() - 1).div_euclid(60) + 1;
        Timestamp::from_second(minutes * 60).expect("a time")
    }

    /// Creates a topic and sends live events to it until the sender is stopped, for `length` at most.
    pub fn send_live(&self, topic: &str, length: Duration) -> Sender {
        // In the middle of a millisecond, so that no rounding moves an event into another window.
        let start = (Timestamp::now() + AHEAD).as_millisecond() * 1_000 + 500;
        let start = Timestamp::from_microsecond(start).expect("a time");
        let lines = generate(LIVE_RATE * length.as_secs(), LIVE_RATE, start, 0);
        let log = open(&self.kafka, &[("linger.ms", "0")]);
        let topic = topic.to_owned();
        let is_done = Arc::new(AtomicBool::new(false));

        let stopped = is_done.clone();
        let thread = std::thread::spawn(move || {
            for (number, line) in lines.enumerate() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let due = start + SignedDuration::from_micros((number as u64 * 1_000_000 / LIVE_RATE) as i64);
                let wait = Timestamp::now().duration_until(due);
                if let Ok(wait) = Duration::try_from(wait) {
                    pause_for(wait);
                }
                // The log reports its errors to the receiver; a lost event would only delay a window.
                let record = NewRecord { body: line.into_bytes().into(), ..NewRecord::default() };
                drop(log.append(&topic, vec![record]).expect("there is room"));
            }
        });
        Sender { is_done, thread }
    }

    pub fn create(&self, topic: &str) {
        self.log.create_topic(topic, 1).expect("a topic");
    }

    /// Creates a topic for results, and returns its reader.
    pub fn results(&self, topic: &str) -> Results {
        self.create(topic);
        let from = [(PartitionId(0), Start::Earliest)];
        Results { reader: self.log.read(topic, &from, Wanted::default()).expect("a reader") }
    }
}

impl Sender {
    pub fn stop(self) {
        self.is_done.store(true, Ordering::Relaxed);
        self.thread.join().expect("the sender ends");
    }
}

impl Results {
    /// Returns the rows that can be read, after the first or after a wait.
    pub fn poll(&mut self, wait: Duration) -> Vec<Row> {
        let Polled::Records { fetched, .. } =
            self.reader.poll(wait, FETCH_BYTES).expect("the broker answers")
        else {
            return Vec::new();
        };
        let read = Timestamp::now();
        let rows = fetched.records.iter().map(|record| {
            let body = &fetched.data[record.start as usize..record.end as usize];
            let value: Value = serde_json::from_slice(body).expect("a row is JSON");
            let analytic = value["analytic"].as_str().expect("its kind").to_owned();
            let end = value["window_end"].as_str().expect("its window").replace(' ', "T");
            let window_end = format!("{end}Z").parse().expect("a time");
            Row { read, analytic, window_end, value }
        });
        rows.collect()
    }
}

/// Returns what two engines' rows differ in: at most a few lines, none if they are the same rows.
///
/// Numbers may differ by a billionth: the mean depends on the order in which it is summed.
pub fn differences(one: &[Row], other: &[Row]) -> Vec<String> {
    let by_key = |rows: &[Row]| -> BTreeMap<String, Value> {
        let key = |row: &Row| {
            format!("{} {} {} {}", row.window_end, row.analytic, row.value["group"], row.value["position"])
        };
        rows.iter().map(|row| (key(row), row.value.clone())).collect()
    };
    let (ours, theirs) = (by_key(one), by_key(other));
    let mut found = Vec::new();
    if (ours.len(), theirs.len()) != (one.len(), other.len()) {
        found.push("an engine wrote a row twice".to_owned());
    }

    let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for key in keys {
        let (ours, theirs) = (ours.get(key), theirs.get(key));
        let is_same = ours.zip(theirs).is_some_and(|(ours, theirs)| {
            ["questions", "users", "successes"].iter().all(|name| ours[name] == theirs[name])
                && match (ours["mean_ms"].as_f64(), theirs["mean_ms"].as_f64()) {
                    (Some(ours), Some(theirs)) => (ours - theirs).abs() <= 1e-9 * ours.abs(),
                    (ours, theirs) => ours == theirs,
                }
        });
        if !is_same {
            found.push(format!("{key}: {ours:?} and {theirs:?}"));
        }
    }
    found.truncate(5);
    found
}

fn open(kafka: &KafkaServer, properties: &[(&str, &str)]) -> KafkaLog {
    let properties = properties.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
    let settings = KafkaSettings::new(&kafka.address(), &properties.collect()).expect("settings");
    KafkaLog::open(KafkaOptions::new(settings), Arc::new(SystemClock::new())).expect("a log")
}

/// Returns events of `weir generate`, one per line. They are in a file meanwhile, which is removed at once.
fn generate(
    count: u64,
    rate: u64,
    start: Timestamp,
    out_of_order: u64,
) -> impl Iterator<Item = String> + Send + 'static {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("events");
    let written = run(weir()
        .args(["generate", "--count", &count.to_string(), "--rate", &rate.to_string()])
        .args(["--start", &start.to_string(), "--out-of-order", &out_of_order.to_string()])
        .arg("--output")
        .arg(&path)
        .stderr(Stdio::null()));
    assert!(written.status.success(), "events could not be generated");
    let file = File::open(&path).expect("the events");
    BufReader::new(file).lines().map(|line| line.expect("a line"))
}
