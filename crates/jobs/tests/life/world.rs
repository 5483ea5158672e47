//! A dispatcher with a log and a store in memory, and a directory for state that outlives it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connectors::dead_letter::DEAD_LETTER_TOPIC;
use jobs::checkpoint::CheckpointOptions;
use jobs::registry::Registry;
use jobs::{Defaults, Dispatcher, Environment, JobMaster, JobOrigin, JobStatus, Submission};
use serde_json::Value;
use storage::log::{EventLog, Logs};
use storage::store::ResultStore;
use types::{Clock, Interval, SystemClock};

use crate::memory::{MemoryLog, MemoryStore, SharedLog};

pub const TOPIC: &str = "events";

/// Counts by key and minute. Keys that are not strings become dead letters, as do lines that are not JSON.
pub const SCRIPT: &str = "
SET 'restart-strategy.type' = 'fixed-delay';
SET 'restart-strategy.fixed-delay.attempts' = '3';
SET 'restart-strategy.fixed-delay.delay' = '10 ms';
SET 'weir.early-fire' = '0 s';
SET 'weir.max-future' = '0 s';
CREATE TABLE events (k STRING, v INT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'events', 'scan.startup.mode' = 'earliest-offset',
        'format' = 'json', 'json.ignore-parse-errors' = 'true');
CREATE TABLE counts (k STRING, n BIGINT, total INT, window_end TIMESTAMP(3))
  WITH ('connector' = 'redis', 'key' = '{k}:{window_end}');
INSERT INTO counts
SELECT k, COUNT(*), SUM(v), window_end FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, k;
";

pub struct World {
    pub directory: tempfile::TempDir,
    pub log: Arc<MemoryLog>,
    pub store: Arc<MemoryStore>,
    pub defaults: Defaults,
    pub interval: Option<Duration>,
    pub clock: Arc<dyn Clock>,
}

impl World {
    pub fn new(partitions: usize) -> World {
        World {
            directory: tempfile::tempdir().expect("a directory"),
            log: MemoryLog::with(TOPIC, vec![Vec::new(); partitions]),
            store: Arc::default(),
            defaults: Defaults { idle_timeout: Interval(0), ..Defaults::default() },
            interval: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    pub fn place(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Starts a process, which knows only what the log, the store and the directory contain.
    pub fn process(&self) -> Dispatcher {
        let registry = Registry::open(&self.directory.path().join("jobs")).expect("the registry opens");
        self.process_over(Arc::new(SharedLog(self.log.clone())), self.store.clone(), registry)
    }

    /// Like [`World::process`], with another log and store.
    pub fn process_over(
        &self,
        log: Arc<dyn EventLog>,
        store: Arc<dyn ResultStore>,
        registry: Registry,
    ) -> Dispatcher {
        let checkpoints = CheckpointOptions {
            interval: self.interval,
            min_pause: Duration::ZERO,
            timeout: Duration::from_secs(20),
            retained: 2,
            tolerable_failures: None,
            directory: self.place("checkpoints"),
            savepoints: self.place("savepoints"),
            keep_free_bytes: 0,
            inline_below: jobs::checkpoint::INLINE_BELOW,
        };
        Dispatcher::new(Environment {
            logs: Logs::new(log, None, self.clock.clone()),
            store,
            clock: self.clock.clone(),
            defaults: self.defaults.clone(),
            checkpoints: Some(checkpoints),
            registry: Some(Arc::new(registry)),
        })
    }

    /// Appends events with this key and second of the day, and waits until a job has read them and written
    /// the changes.
    pub fn give(&self, job: &JobMaster, partition: usize, events: &[(&str, u32)]) {
        let before = job.view().ledger.accepted;
        self.append(partition, events);
        until("the events are taken", || job.view().ledger.accepted == before + events.len() as u64);
        self.written(job);
    }

    pub fn append(&self, partition: usize, events: &[(&str, u32)]) {
        let line = |(k, second): &(&str, u32)| {
            let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
            format!(r#"{{"k": "{k}", "v": 1, "at": "2025-12-09 {hour:02}:{minute:02}:{second:02}"}}"#)
        };
        self.log.add(TOPIC, partition, events.iter().map(line).collect());
    }

    /// Waits until the rows contain everything that the job has counted.
    pub fn written(&self, job: &JobMaster) {
        until("the results are written", || {
            let ledger = job.view().ledger;
            ledger.balances() && self.counts().values().sum::<i64>() == ledger.counted as i64
        });
    }

    /// Returns the number of events for each key and window.
    pub fn counts(&self) -> BTreeMap<String, i64> {
        let rows = self.store.rows().into_iter().filter(|(key, _)| key.contains(':'));
        let rows = rows.filter_map(|(key, row)| {
            let row: Value = serde_json::from_slice(&row).ok()?;
            Some((key, row["n"].as_i64()?))
        });
        rows.collect()
    }

    /// Returns whether the row with this key says that it is final.
    pub fn is_final(&self, key: &str) -> Option<bool> {
        let rows = self.store.rows();
        let row: Value = serde_json::from_slice(rows.get(key)?).ok()?;
        row["is_final"].as_bool()
    }

    pub fn dead_letters(&self) -> Vec<Value> {
        self.log.dead_letters(DEAD_LETTER_TOPIC)
    }
}

pub fn submission<'a>(script: &'a str, origin: JobOrigin) -> Submission<'a> {
    Submission { script, name: "counting", variables: &|_| None, origin, from: None, afresh: false }
}

/// Waits until a condition holds, and fails the test after some time.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if holds() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("waited in vain until {what}");
}

pub fn until_is(job: &JobMaster, status: JobStatus) {
    until(&format!("the job is {status}, not {}", job.status()), || job.status() == status);
}
