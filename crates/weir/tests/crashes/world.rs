//! The data, servers and producers of a Weir that is killed, and the final checks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EmbeddedLog, EventLog, Polled, Start, Wanted};
use storage::store::{EmbeddedStore, ResultStore as _};

use crate::servers::kafka::KafkaServer;
use crate::servers::redis::RedisServer;
use crate::support::{Up, pause_for};
use types::{PartitionId, SystemClock};

pub const KILLS: usize = 20;
const BATCH: u64 = 40;
const PRODUCERS: usize = 2;
/// Pause between two batches of a producer: some thousand events a second, so that a minute's backlog can be
/// caught up with.
const PAUSE: Duration = Duration::from_millis(15);

/// Writes one result for each event: a window's row tells how often it counted the event. And counts by the
/// last digits of an event's id, in an operator whose state is in files of each checkpoint.
const SEEN: &str = "
SET 'pipeline.name' = 'seen';
SET 'weir.early-fire' = '200 ms';
SET 'weir.allowed-lateness' = '10 min';
SET 'parallelism.default' = '2';
SET 'execution.checkpointing.data-inline-threshold' = '0';
CREATE TABLE queries (
  query_id STRING,
  `timestamp` TIMESTAMP_LTZ(3),
  WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset',
        'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601', 'json.ignore-parse-errors' = 'true');
CREATE TABLE seen (query_id STRING, n BIGINT, window_end TIMESTAMP(3))
WITH ('connector' = 'redis', 'key' = 'seen:{query_id}:{window_end}');
CREATE TABLE digits (digits STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'digits:{digits}');
INSERT INTO digits
SELECT RIGHT(query_id, 2), COUNT(*) FROM queries WHERE query_id IS NOT NULL GROUP BY RIGHT(query_id, 2);
INSERT INTO seen
SELECT query_id, COUNT(*), CAST(window_end AS TIMESTAMP(3))
FROM TABLE(TUMBLE(TABLE queries, DESCRIPTOR(`timestamp`), INTERVAL '${SEEN_WINDOW}' SECOND))
WHERE query_id IS NOT NULL
GROUP BY window_start, window_end, query_id;
";

/// The producers' record of their events.
#[derive(Default)]
pub struct Produced {
    next: AtomicU64,
    /// By `query_id`: whether its batch was answered with 202.
    events: Mutex<BTreeMap<String, bool>>,
    /// Batches without an answer, which are sent again.
    unanswered: Mutex<Vec<Batch>>,
}

/// Events that are sent together: repeatedly under one key, or once without a key.
struct Batch {
    key: Option<String>,
    ids: Vec<String>,
    body: String,
}

impl Produced {
    fn batch(&self, has_key: bool) -> Batch {
        let first = self.next.fetch_add(BATCH, Ordering::SeqCst);
        let ids: Vec<String> = (first..first + BATCH).map(|n| format!("q-{n:08}")).collect();
        let now = jiff::Timestamp::now();
        let line = |id: &String| {
            format!(
                r#"{{"query_id": "{id}", "timestamp": "{now:.3}", "user": {{"user_id": 7, "user_type": "Sinh viên"}}}}"#
            )
        };
        let body = ids.iter().map(line).collect::<Vec<String>>().join("\n");
        self.events.lock().expect("not poisoned").extend(ids.iter().map(|id| (id.clone(), false)));
        Batch { key: has_key.then(|| format!("batch-{first}")), ids, body }
    }

    /// Sends a batch; returns false if there was no answer.
    fn send(&self, url: &str, batch: &Batch) -> bool {
        let mut request = ureq::post(format!("{url}/events")).config().http_status_as_error(false).build();
        if let Some(key) = &batch.key {
            request = request.header("Idempotency-Key", key);
        }
        let Ok(mut answer) = request.send(batch.body.as_bytes()) else { return false };
        // The log does not answer: the fate of the events is unknown, as without an answer.
        if answer.status() == 503 {
            return false;
        }
        let Ok(body) = answer.body_mut().read_json::<Value>() else { return false };
        assert_eq!((answer.status().as_u16(), &body["accepted"]), (202, &BATCH.into()), "{body}");
        let answered = batch.ids.iter().map(|id| (id.clone(), true));
        self.events.lock().expect("not poisoned").extend(answered);
        true
    }

    fn unanswered(&self) -> Option<Batch> {
        self.unanswered.lock().expect("not poisoned").pop()
    }

    /// Posts batches until the server is gone, beginning with unanswered ones.
    fn run(&self, url: &str, has_keys: bool) {
        loop {
            let owed = if has_keys { self.unanswered() } else { None };
            let batch = owed.unwrap_or_else(|| self.batch(has_keys));
            pause_for(PAUSE);
            if !self.send(url, &batch) {
                if batch.key.is_some() {
                    self.unanswered.lock().expect("not poisoned").push(batch);
                }
                return;
            }
        }
    }
}

/// The data and servers of a Weir.
pub struct World {
    _directory: tempfile::TempDir,
    data: PathBuf,
    script: PathBuf,
    pub kafka: Option<KafkaServer>,
    pub redis: Option<RedisServer>,
    produced: Arc<Produced>,
}

impl World {
    pub fn new(kafka: Option<KafkaServer>, redis: Option<RedisServer>) -> World {
        let directory = tempfile::tempdir().expect("a directory");
        let (data, script) = (directory.path().join("data"), directory.path().join("seen.sql"));
        std::fs::create_dir(&data).expect("a directory");
        std::fs::write(&script, SEEN).expect("the script is written");
        World { _directory: directory, data, script, kafka, redis, produced: Arc::default() }
    }

    pub fn start(&self) -> Up {
        let script = self.script.to_str().expect("a path of this test");
        let analytics = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/analytics.sql");
        let mut environment =
            vec![("WEIR_CHECKPOINTS_INTERVAL", "300 ms"), ("WEIR_LOG", "error,connectors=off")];
        let url = self.redis.as_ref().map(RedisServer::url).unwrap_or_default();
        environment.push(("REDIS_URL", &url));
        let brokers = self.kafka.as_ref().map(KafkaServer::address).unwrap_or_default();
        environment.push(("KAFKA_BROKER_URL", &brokers));
        // Windows that close while the test runs. With Redis, windows that do not, lest their last results
        // hide lost rows.
        environment.push(("SEEN_WINDOW", if self.redis.is_some() { "3600" } else { "2" }));
        Up::start_in(&self.data, &[analytics, script], &environment)
    }

    /// Starts producers that post to a Weir until it is gone; the last of them has no keys.
    pub fn produce(&self, up: &Up) -> Vec<JoinHandle<()>> {
        let start = |number| {
            let (url, produced) = (up.http.clone(), self.produced.clone());
            thread::spawn(move || produced.run(&url, number + 1 < PRODUCERS))
        };
        (0..PRODUCERS).map(start).collect()
    }

    /// Sends unanswered batches, waits until all events are counted, ends Weir, and checks every event.
    pub fn check(&self, up: Up, at_least: usize) {
        while let Some(batch) = self.produced.unanswered() {
            assert!(self.produced.send(&up.http, &batch), "{:?} is not answered", batch.key);
        }

        let accepted = settled(&up);
        let clock = Arc::new(SystemClock::new());
        // Early results are on their way.
        let from_redis = self.redis.as_ref().map(|redis| {
            for _ in 0..100 {
                let is_there = [SEEN_ROWS, DIGITS_ROWS]
                    .iter()
                    .all(|rows| counted_in_redis(&redis.url(), *rows).values().sum::<u64>() >= accepted);
                if is_there {
                    break;
                }
                pause_for(Duration::from_millis(200));
            }
            [SEEN_ROWS, DIGITS_ROWS].map(|rows| counted_in_redis(&redis.url(), rows))
        });

        assert!(up.stop().success());
        let events = self.produced.events.lock().expect("not poisoned");
        assert!(events.len() > at_least, "only {} events were sent: this proves nothing", events.len());
        let [counted, by_digits] =
            from_redis.unwrap_or_else(|| counted(&self.data, clock.clone(), [SEEN_ROWS, DIGITS_ROWS]));

        let mut unknown = 0;
        for (id, answered) in events.iter() {
            let times = counted.get(id).copied().unwrap_or(0);
            // An event that was not answered and not sent again may be stored, but not twice.
            assert!(
                times == 1 || !answered && times == 0,
                "{id} was counted {times} times; answered: {answered}"
            );
            unknown += u64::from(times == 0);
        }

        assert_eq!(accepted + unknown, events.len() as u64, "what was sent again was appended once");
        assert_eq!(counted.values().sum::<u64>(), accepted, "what the job took is what it counted");

        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for (id, times) in &counted {
            *expected.entry(id[id.len() - 2..].to_owned()).or_default() += times;
        }
        assert_eq!(by_digits, expected, "what an operator counted is what windows did");
        assert_eq!(self.kept(clock), accepted, "the job took every record of the log once");
    }

    /// Returns the number of records in the log.
    fn kept(&self, clock: Arc<SystemClock>) -> u64 {
        let Some(kafka) = &self.kafka else {
            let log = EmbeddedLog::open(&self.data.join("log"), Default::default(), clock);
            return count(&log.expect("the log opens"));
        };
        let settings = KafkaSettings::new(&kafka.address(), &BTreeMap::new()).expect("settings");
        count(&KafkaLog::open(KafkaOptions::new(settings), clock).expect("the log opens"))
    }
}

fn count(log: &dyn EventLog) -> u64 {
    let from = [0, 1, 2, 3].map(|partition| (PartitionId(partition), Start::Earliest));
    let mut reader = log.read("user-queries", &from, Wanted::default()).expect("a reader");
    let mut count = 0;
    loop {
        match reader.poll(Duration::from_millis(100), 1 << 20).expect("the log can be read") {
            Polled::Records { fetched, .. } => count += fetched.records.len() as u64,
            Polled::CaughtUp => return count,
            Polled::Unreachable => {}
        }
    }
}

/// Waits until both jobs have read all records. Their ledgers must balance and agree.
pub fn settled(up: &Up) -> u64 {
    let jobs = up.wait_for_jobs(2);
    let mut last = 0;
    for _ in 0..400 {
        let ledgers: Vec<Value> =
            jobs.iter().map(|id| up.get_job(&format!("/weir/jobs/{id}"))["ledger"].clone()).collect();
        let count = |ledger: &Value, name: &str| ledger[name].as_u64().expect("a count");
        for ledger in &ledgers {
            let parts = ["counted", "filtered", "late", "dead_lettered"];
            let sum: u64 = parts.iter().map(|name| count(ledger, name)).sum();
            // The ledger is read while the job runs: its parts may be ahead of the whole, or behind, by a
            // batch.
            assert!(count(ledger, "accepted").abs_diff(sum) < 100_000, "{ledger}");
        }

        let accepted = count(&ledgers[0], "accepted");
        let balances = ledgers.iter().all(|ledger| {
            count(ledger, "accepted") == accepted
                && count(ledger, "counted") == accepted
                && count(ledger, "late") + count(ledger, "dead_lettered") + count(ledger, "filtered") == 0
        });

        let overall = up.get("/analytics/redis/overall-summary?days=2")["total_queries"].as_u64();
        if balances && accepted == last && overall == Some(accepted) {
            return accepted;
        }
        last = accepted;
        pause_for(Duration::from_millis(300));
    }

    let ledgers: Vec<Value> =
        jobs.iter().map(|id| up.get_job(&format!("/weir/jobs/{id}"))["ledger"].clone()).collect();
    panic!("the jobs never came to rest: {ledgers:?}, {}", up.get("/analytics/redis/overall-summary?days=2"));
}

/// The rows of a table: the prefix of their keys, and the field that identifies them.
type Rows = (&'static str, &'static str);

const SEEN_ROWS: Rows = ("seen:", "query_id");
const DIGITS_ROWS: Rows = ("digits:", "digits");

/// Returns how often each value of these fields was counted, in all windows together.
fn counted<const N: usize>(
    data: &Path,
    clock: Arc<SystemClock>,
    tables: [Rows; N],
) -> [BTreeMap<String, u64>; N] {
    let store =
        EmbeddedStore::open(&data.join("results"), Default::default(), clock).expect("the store opens");
    tables.map(|rows| {
        let mut counted = BTreeMap::new();
        let scanned = store.scan(rows.0, &mut |entry| {
            count_row(rows, &entry.value, &mut counted);
            true
        });
        scanned.expect("the store can be read");
        counted
    })
}

fn count_row((_, name): Rows, value: &[u8], counted: &mut BTreeMap<String, u64>) {
    let row: Value = serde_json::from_slice(value).expect("a row");
    let name = row[name].as_str().expect("a name").to_owned();
    *counted.entry(name).or_default() += row["n"].as_u64().expect("a count");
}

fn counted_in_redis(url: &str, rows: Rows) -> BTreeMap<String, u64> {
    let client = redis::Client::open(url).expect("an address");
    let mut connection = client.get_connection().expect("a connection");
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(format!("{}*", rows.0)).query(&mut connection).expect("keys");
    let mut counted = BTreeMap::new();
    if keys.is_empty() {
        return counted;
    }
    let values: Vec<Option<String>> = redis::cmd("MGET").arg(&keys).query(&mut connection).expect("values");
    for value in values.into_iter().flatten() {
        count_row(rows, value.as_bytes(), &mut counted);
    }
    counted
}
