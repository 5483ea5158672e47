//! A Weir that is killed at random moments: every event that was accepted is counted once, whatever else happens.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use servers::redis::RedisServer;
use servers::wait_until;
use storage::log::{EmbeddedLog, EventLog as _};
use storage::store::{EmbeddedStore, ResultStore as _};
use support::{Up, pause_for};
use types::{PartitionId, SystemClock};

const KILLS: usize = 20;
const BATCH: u64 = 40;
const PRODUCERS: usize = 2;

/// One result for each event: what a window says of it is how often it was counted there.
const SEEN: &str = "
SET 'pipeline.name' = 'seen';
SET 'weir.early-fire' = '200 ms';
SET 'parallelism.default' = '2';
CREATE TABLE queries (
  query_id STRING,
  `timestamp` TIMESTAMP_LTZ(3),
  WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset',
        'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601', 'json.ignore-parse-errors' = 'true');
CREATE TABLE seen (query_id STRING, n BIGINT, window_end TIMESTAMP(3))
WITH ('connector' = 'redis', 'key' = 'seen:{query_id}:{window_end}');
INSERT INTO seen
SELECT query_id, COUNT(*), CAST(window_end AS TIMESTAMP(3))
FROM TABLE(TUMBLE(TABLE queries, DESCRIPTOR(`timestamp`), INTERVAL '${SEEN_WINDOW}' SECOND))
WHERE query_id IS NOT NULL
GROUP BY window_start, window_end, query_id;
";

/// What the producers know.
#[derive(Default)]
struct Produced {
    next: AtomicU64,
    /// By `query_id`: whether its batch was answered with 202.
    events: Mutex<BTreeMap<String, bool>>,
    /// Batches without an answer: they are sent again.
    unanswered: Mutex<Vec<Batch>>,
}

/// Events that are sent as one, under one key however often.
struct Batch {
    key: String,
    ids: Vec<String>,
    body: String,
}

impl Produced {
    fn batch(&self) -> Batch {
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
        Batch { key: format!("batch-{first}"), ids, body }
    }

    /// Sends a batch; false if there was no answer.
    fn send(&self, url: &str, batch: &Batch) -> bool {
        let answer = ureq::post(format!("{url}/events"))
            .header("Idempotency-Key", &batch.key)
            .send(batch.body.as_bytes());
        let Ok(mut answer) = answer else { return false };
        let Ok(body) = answer.body_mut().read_json::<Value>() else { return false };
        assert_eq!((answer.status().as_u16(), &body["accepted"]), (202, &BATCH.into()), "{body}");
        let answered = batch.ids.iter().map(|id| (id.clone(), true));
        self.events.lock().expect("not poisoned").extend(answered);
        true
    }

    fn unanswered(&self) -> Option<Batch> {
        self.unanswered.lock().expect("not poisoned").pop()
    }

    /// Posts batches until the server is gone, first those that it owes an answer.
    fn run(&self, url: &str) {
        loop {
            let batch = self.unanswered().unwrap_or_else(|| self.batch());
            if !self.send(url, &batch) {
                self.unanswered.lock().expect("not poisoned").push(batch);
                return;
            }
        }
    }
}

/// What a Weir runs over.
struct World {
    _directory: tempfile::TempDir,
    data: PathBuf,
    script: PathBuf,
    redis: Option<RedisServer>,
    produced: Arc<Produced>,
}

impl World {
    fn new(redis: Option<RedisServer>) -> World {
        let directory = tempfile::tempdir().expect("a directory");
        let (data, script) = (directory.path().join("data"), directory.path().join("seen.sql"));
        std::fs::create_dir(&data).expect("a directory");
        std::fs::write(&script, SEEN).expect("the script is written");
        World { _directory: directory, data, script, redis, produced: Arc::default() }
    }

    fn start(&self) -> Up {
        let script = self.script.to_str().expect("a path of this test");
        let analytics = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/analytics.sql");
        let mut environment =
            vec![("WEIR_CHECKPOINTS_INTERVAL", "300 ms"), ("WEIR_LOG", "error,connectors=off")];
        let url = self.redis.as_ref().map(RedisServer::url).unwrap_or_default();
        environment.push(("REDIS_URL", &url));
        // Windows that close while the test runs; and with Redis some that do not, lest their last results hide what it lost.
        environment.push(("SEEN_WINDOW", if self.redis.is_some() { "3600" } else { "2" }));
        Up::start_in(&self.data, &[analytics, script], &environment)
    }

    /// Producers that post to a Weir until it is gone or they are told to stop.
    fn produce(&self, up: &Up) -> Vec<JoinHandle<()>> {
        let start = |_| {
            let (url, produced) = (up.http.clone(), self.produced.clone());
            thread::spawn(move || produced.run(&url))
        };
        (0..PRODUCERS).map(start).collect()
    }

    /// Sends what was not answered, waits until all is counted, ends Weir, and checks every event.
    fn check(&self, up: Up, at_least: usize) {
        while let Some(batch) = self.produced.unanswered() {
            assert!(self.produced.send(&up.http, &batch), "{} is not answered", batch.key);
        }
        let accepted = settled(&up);
        let clock = Arc::new(SystemClock::new());
        // Its early results are on their way.
        let from_redis = self.redis.as_ref().map(|redis| {
            for _ in 0..100 {
                if counted_in_redis(&redis.url()).values().sum::<u64>() >= accepted {
                    break;
                }
                pause_for(Duration::from_millis(200));
            }
            counted_in_redis(&redis.url())
        });
        assert!(up.stop().success());
        let events = self.produced.events.lock().expect("not poisoned");
        assert!(events.len() > at_least, "only {} events were sent: this proves nothing", events.len());
        let counted = from_redis.unwrap_or_else(|| counted(&self.data, clock.clone()));
        for (id, answered) in events.iter() {
            let times = counted.get(id).copied().unwrap_or(0);
            assert!(*answered && times == 1, "{id} was counted {times} times; answered: {answered}");
        }
        assert_eq!(accepted, events.len() as u64, "what was sent again was appended once");
        assert_eq!(counted.values().sum::<u64>(), accepted, "what the job took is what it counted");
        let log =
            EmbeddedLog::open(&self.data.join("log"), Default::default(), clock).expect("the log opens");
        let kept: u64 = (0..4).map(|p| log.bounds("user-queries", PartitionId(p)).expect("bounds").0.0).sum();
        assert_eq!(kept, accepted, "the job took every record of the log once");
    }
}

/// A number that differs from run to run, below `limit`.
fn random(limit: u64) -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one(0) % limit
}

#[test]
fn every_event_that_was_accepted_is_counted_once_though_the_process_is_killed() {
    let world = World::new(None);
    for _ in 0..KILLS {
        let up = world.start();
        let producers = world.produce(&up);
        pause_for(Duration::from_millis(50 + random(900)));
        up.kill();
        producers.into_iter().for_each(|producer| producer.join().expect("a producer without a complaint"));
    }
    world.check(world.start(), KILLS);
}

#[test]
fn nothing_is_lost_while_redis_goes_away_hangs_and_comes_back_empty() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let mut world = World::new(Some(redis));
    for round in 0..8 {
        let up = world.start();
        let producers = world.produce(&up);
        pause_for(Duration::from_millis(200 + random(300)));
        let redis = world.redis.as_mut().expect("it is there");
        match round % 4 {
            0 => {
                redis.down();
                pause_for(Duration::from_millis(random(1_500)));
                redis.up();
            }
            1 => {
                redis.hang(true);
                pause_for(Duration::from_millis(500 + random(1_500)));
                redis.hang(false);
            }
            2 => drop(redis.ask(&["CLIENT", "KILL", "TYPE", "normal"])),
            _ => drop(redis.ask(&["FLUSHALL"])),
        }
        pause_for(Duration::from_millis(100 + random(300)));
        up.kill();
        producers.into_iter().for_each(|producer| producer.join().expect("a producer without a complaint"));
    }
    let up = world.start();
    settled(&up);
    let redis = world.redis.as_ref().expect("it is there");
    wait_until("all results are there", || {
        redis.ask(&["DBSIZE"]).parse::<u64>().is_ok_and(|keys| keys > 100)
    });
    pause_for(Duration::from_secs(1));
    redis.ask(&["FLUSHALL"]);
    world.check(up, KILLS);
}

/// Waits until both jobs have taken all there is; their ledgers must balance and agree.
fn settled(up: &Up) -> u64 {
    let jobs = up.wait_for_jobs(2);
    let mut last = 0;
    for _ in 0..400 {
        let ledgers: Vec<Value> =
            jobs.iter().map(|id| up.get_job(&format!("/weir/jobs/{id}"))["ledger"].clone()).collect();
        let count = |ledger: &Value, name: &str| ledger[name].as_u64().expect("a count");
        for ledger in &ledgers {
            let parts = ["counted", "filtered", "late", "dead_lettered"];
            let sum: u64 = parts.iter().map(|name| count(ledger, name)).sum();
            // It is read while the job runs: the parts may be ahead of the whole, or behind, by a batch.
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
    panic!("the jobs never came to rest: {jobs:?}, {last} accepted");
}

/// By `query_id`: how often it was counted, in all windows together.
fn counted(data: &Path, clock: Arc<SystemClock>) -> BTreeMap<String, u64> {
    let store =
        EmbeddedStore::open(&data.join("results"), Default::default(), clock).expect("the store opens");
    let mut counted = BTreeMap::new();
    let scanned = store.scan("seen:", &mut |entry| {
        let row: Value = serde_json::from_slice(&entry.value).expect("a row");
        let id = row["query_id"].as_str().expect("an id").to_owned();
        *counted.entry(id).or_default() += row["n"].as_u64().expect("a count");
        true
    });
    scanned.expect("the store can be read");
    counted
}

fn counted_in_redis(url: &str) -> BTreeMap<String, u64> {
    let client = redis::Client::open(url).expect("an address");
    let mut connection = client.get_connection().expect("a connection");
    let keys: Vec<String> = redis::cmd("KEYS").arg("seen:*").query(&mut connection).expect("keys");
    let mut counted = BTreeMap::new();
    if keys.is_empty() {
        return counted;
    }
    let values: Vec<Option<String>> = redis::cmd("MGET").arg(&keys).query(&mut connection).expect("values");
    for value in values.into_iter().flatten() {
        let row: Value = serde_json::from_str(&value).expect("a row");
        let id = row["query_id"].as_str().expect("an id").to_owned();
        *counted.entry(id).or_default() += row["n"].as_u64().expect("a count");
    }
    counted
}
