//! Helpers of the storage tests: a log in a directory, and reading it to its end.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use storage::log::{EmbeddedLog, EventLog, LogReader, NewRecord, Options, Polled, Position, Start, Wanted};
use types::{ManualClock, PartitionId, Timestamp};

pub(crate) const TOPIC: &str = "user-queries";
/// Limit that only ends a test that would hang.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A record as a reader saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) appended: Timestamp,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp(1_765_279_800_000)))
}

pub(crate) fn options() -> Options {
    // Retention runs only when a test calls it.
    Options { keep_free_bytes: 0, retention_interval: Duration::from_secs(1 << 40), ..Options::default() }
}

pub(crate) fn open(directory: &Path) -> EmbeddedLog {
    EmbeddedLog::open(directory, options(), clock()).unwrap()
}

pub(crate) fn record(body: impl Into<Vec<u8>>) -> NewRecord {
    NewRecord { body: body.into().into(), ..NewRecord::default() }
}

pub(crate) fn keyed(key: &str, body: impl Into<Vec<u8>>) -> NewRecord {
    NewRecord { key: Some(key.into()), body: body.into().into(), ..NewRecord::default() }
}

pub(crate) fn append(log: &EmbeddedLog, records: Vec<NewRecord>) -> Vec<Position> {
    log.append(TOPIC, records).unwrap().blocking_recv().unwrap().unwrap()
}

pub(crate) fn reader(log: &EmbeddedLog, start: Start) -> Box<dyn LogReader> {
    let count = log.partitions(TOPIC).unwrap().unwrap();
    let from: Vec<_> = (0..count).map(|number| (PartitionId(number), start)).collect();
    log.read(TOPIC, &from, Wanted::default()).unwrap()
}

/// Reads until the log reports that there is no more.
pub(crate) fn drain(reader: &mut dyn LogReader, max_bytes: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    loop {
        match reader.poll(Duration::ZERO, max_bytes).unwrap() {
            Polled::Records { fetched, .. } => {
                assert!(!fetched.records.is_empty());
                seen.extend(fetched.records.iter().map(|record| Seen {
                    partition: fetched.partition.unwrap().0,
                    offset: record.offset.0,
                    appended: record.appended,
                    body: fetched.data[record.start as usize..record.end as usize].to_vec(),
                }));
            }
            Polled::CaughtUp => return seen,
            Polled::Unreachable => panic!("the embedded log is always reachable"),
        }
    }
}

pub(crate) fn read_from(log: &EmbeddedLog, start: Start) -> Vec<Seen> {
    drain(reader(log, start).as_mut(), 1 << 20)
}

pub(crate) fn bodies(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(|record| String::from_utf8(record.body.clone()).unwrap()).collect()
}
