//! A store in memory that keeps every write and can refuse writes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use storage::store::{
    EachStep, Entry, Following, Interest, Notification, ResultStore, StoreError, WriteBatch,
};
use types::Timestamp;

/// The rows by key, and all writes; nothing expires.
#[derive(Default)]
pub struct MemoryStore {
    rows: Mutex<BTreeMap<String, Vec<u8>>>,
    history: Mutex<Vec<(String, Vec<u8>)>>,
    told: Mutex<Vec<Notification>>,
    refuses: AtomicBool,
    refused: AtomicUsize,
}

impl MemoryStore {
    /// Sets whether all writes are refused.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Returns the number of refused writes.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Returns all writes in order.
    pub fn history(&self) -> Vec<(String, Vec<u8>)> {
        self.history.lock().clone()
    }

    /// Returns the messages to followers in order.
    #[allow(dead_code, reason = "some tests follow nothing")]
    pub fn told(&self) -> Vec<Notification> {
        self.told.lock().clone()
    }

    pub fn rows(&self) -> BTreeMap<String, Vec<u8>> {
        self.rows.lock().clone()
    }
}

impl ResultStore for MemoryStore {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        if self.refuses.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Closed);
        }
        let mut rows = self.rows.lock();
        for upsert in &batch.upserts {
            rows.insert(upsert.key.to_string(), upsert.value.to_vec());
            self.history.lock().push((upsert.key.to_string(), upsert.value.to_vec()));
        }
        for key in &batch.deletes {
            rows.remove(&**key);
        }
        self.told.lock().extend(batch.notification.clone());
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let entry = |value: &Vec<u8>| Entry {
            key: key.into(),
            value: value.as_slice().into(),
            expires: Timestamp(i64::MAX),
        };
        Ok(self.rows.lock().get(key).map(entry))
    }

    fn scan_any(&self, prefixes: &[String], each: &mut EachStep<'_>) -> Result<(), StoreError> {
        let rows = self.rows().into_iter();
        let rows = rows.filter(|(key, _)| prefixes.iter().any(|prefix| key.starts_with(prefix)));
        let entry = |(key, value): (String, Vec<u8>)| Entry {
            key: key.into(),
            value: value.into(),
            expires: Timestamp(i64::MAX),
        };
        each(rows.map(entry).collect());
        Ok(())
    }

    fn watch(&self, _: Vec<Interest>) {}

    fn follow(&self) -> Result<Following, StoreError> {
        Ok(crossbeam_channel::never())
    }

    fn address(&self) -> (String, String) {
        ("memory".to_owned(), "0".to_owned())
    }

    fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn remark(&self) -> Option<String> {
        None
    }
}
