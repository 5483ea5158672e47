//! A result store that counts the rows, notifications and failures of its writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use types::{Clock, Timestamp};

use super::latency::{Histogram, Latencies};
use super::{EachStep, Entry, Following, Interest, ResultStore, StoreError, WriteBatch};

/// Wraps another store and counts its writes since the process started.
pub struct CountedStore {
    inner: Arc<dyn ResultStore>,
    clock: Arc<dyn Clock>,
    shown: Histogram,
    rows: AtomicU64,
    notifications: AtomicU64,
    failures: AtomicU64,
}

/// The counts of a [`CountedStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Rows that the store wrote or deleted.
    pub rows: u64,
    /// Notifications that the store sent.
    pub notifications: u64,
    /// Batches that the store did not take. The writer repeats each of them.
    pub failures: u64,
}

impl CountedStore {
    pub fn new(inner: Arc<dyn ResultStore>, clock: Arc<dyn Clock>) -> CountedStore {
        let (rows, notifications, failures) = Default::default();
        CountedStore { inner, clock, shown: Histogram::default(), rows, notifications, failures }
    }

    /// Returns the latencies of results: from the arrival of the oldest record that a batch is the first to
    /// show, until the batch was written.
    pub fn latencies(&self) -> Latencies {
        self.shown.view()
    }

    pub fn counts(&self) -> Counts {
        Counts {
            rows: self.rows.load(Ordering::Relaxed),
            notifications: self.notifications.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}

impl ResultStore for CountedStore {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let written = self.inner.write(batch);
        if written.is_ok() {
            self.rows.fetch_add((batch.upserts.len() + batch.deletes.len()) as u64, Ordering::Relaxed);
            self.notifications.fetch_add(u64::from(batch.told().is_some()), Ordering::Relaxed);
        } else {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    fn shows(&self, since: Timestamp) {
        self.inner.shows(since);
        let passed = self.clock.now().0.saturating_sub(since.0);
        self.shown.add(passed.max(0).unsigned_abs());
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.inner.get(key)
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.inner.get_many(keys)
    }

    fn scan_any(&self, prefixes: &[String], each: &mut EachStep<'_>) -> Result<(), StoreError> {
        self.inner.scan_any(prefixes, each)
    }

    fn watch(&self, interests: Vec<Interest>) {
        self.inner.watch(interests);
    }

    fn follow(&self) -> Result<Following, StoreError> {
        self.inner.follow()
    }

    fn address(&self) -> (String, String) {
        self.inner.address()
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping()
    }

    fn remark(&self) -> Option<String> {
        self.inner.remark()
    }
}
