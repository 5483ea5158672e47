//! The two storage ports, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use parking_lot::Mutex;
use serde_json::Value;
use storage::log::{
    Appending, EventLog, LogError, LogReader, NewRecord, Note, OffsetBounds, Position, Start, Wanted,
};
use storage::store::{
    Change, EachStep, Entry, Following, Interest, Notification, ResultStore, StoreError, Upsert, WriteBatch,
};
use tokio::sync::oneshot;
use types::{Clock, Interval, ManualClock, Offset, PartitionId};

/// The behaviour of the log on an append.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Willing,
    Overloaded,
    DiskFull,
    /// Nothing becomes durable until [`MemoryLog::release`].
    Slow,
}

type Waiting = (String, Vec<NewRecord>, Option<Note>, oneshot::Sender<Result<Vec<Position>, LogError>>);

#[derive(Default)]
pub struct MemoryLog {
    topics: Mutex<HashMap<String, Vec<NewRecord>>>,
    pub mood: Mutex<Mood>,
    waiting: Mutex<Vec<Waiting>>,
    notes: Mutex<HashMap<String, Vec<u8>>>,
    pub away: AtomicBool,
}

impl MemoryLog {
    pub fn records(&self, topic: &str) -> Vec<(Option<String>, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let topics = self.topics.lock();
        let records = topics.get(topic).map(Vec::as_slice).unwrap_or_default();
        records.iter().map(|record| (record.key.as_deref().map(text), text(&record.body))).collect()
    }

    pub fn waiting(&self) -> usize {
        self.waiting.lock().len()
    }

    pub fn release(&self) {
        for (topic, records, note, told) in std::mem::take(&mut *self.waiting.lock()) {
            let _ = told.send(self.keep(&topic, records, note));
        }
    }

    fn keep(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        note: Option<Note>,
    ) -> Result<Vec<Position>, LogError> {
        self.notes.lock().extend(note.map(|note| (note.name, note.value)));
        let mut topics = self.topics.lock();
        let kept = topics.get_mut(topic).ok_or_else(|| LogError::UnknownTopic { topic: topic.to_owned() })?;
        let place = |at: usize| Position { partition: PartitionId(0), offset: Offset(at as u64) };
        let positions = (kept.len()..kept.len() + records.len()).map(place).collect();
        kept.extend(records);
        Ok(positions)
    }
}

impl EventLog for MemoryLog {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        Ok(Vec::new())
    }

    fn create_topic(&self, topic: &str, _: u32) -> Result<(), LogError> {
        self.topics.lock().entry(topic.to_owned()).or_default();
        Ok(())
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(LogError::Closed);
        }
        Ok(self.topics.lock().contains_key(topic).then_some(1))
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, LogError> {
        Ok(self.notes.lock().get(name).cloned())
    }

    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        note: Option<Note>,
    ) -> Result<Appending, LogError> {
        let (told, appending) = oneshot::channel();
        match *self.mood.lock() {
            Mood::Overloaded => return Err(LogError::Overloaded { queued_bytes: 1 }),
            Mood::DiskFull => return Err(LogError::DiskFull(std::io::ErrorKind::StorageFull.into())),
            Mood::Slow => self.waiting.lock().push((topic.to_owned(), records, note, told)),
            Mood::Willing => {
                let _ = told.send(self.keep(topic, records, note));
            }
        }
        Ok(appending)
    }

    fn read(&self, _: &str, _: &[(PartitionId, Start)], _: Wanted) -> Result<Box<dyn LogReader>, LogError> {
        Err(LogError::Closed)
    }

    fn bounds(&self, _: &str, _: PartitionId) -> Result<OffsetBounds, LogError> {
        Err(LogError::Closed)
    }
}

pub struct MemoryStore {
    clock: Arc<ManualClock>,
    rows: Mutex<BTreeMap<Arc<str>, Entry>>,
    followers: Mutex<Vec<Sender<Arc<Change>>>>,
    pub away: AtomicBool,
    /// Whether reading all rows waits.
    pub slow: AtomicBool,
    pub remark: Mutex<Option<String>>,
}

pub const DAY: Duration = Duration::from_secs(86_400);

impl MemoryStore {
    pub fn new(clock: Arc<ManualClock>) -> MemoryStore {
        let (rows, followers) = (Mutex::default(), Mutex::default());
        MemoryStore {
            clock,
            rows,
            followers,
            away: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            remark: Mutex::default(),
        }
    }

    /// Writes a row for 30 days without a notification.
    pub fn put(&self, key: &str, value: Value) {
        self.put_for(key, value, DAY * 30);
    }

    pub fn put_for(&self, key: &str, value: Value, ttl: Duration) {
        let upserts = vec![Upsert { key: key.into(), value: value.to_string().into_bytes().into(), ttl }];
        self.write(&WriteBatch { upserts, ..WriteBatch::default() }).expect("written");
    }

    /// Writes any value for a day.
    pub fn put_text(&self, key: &str, value: &str) {
        let upserts = vec![Upsert { key: key.into(), value: value.as_bytes().into(), ttl: DAY }];
        self.write(&WriteBatch { upserts, ..WriteBatch::default() }).expect("written");
    }

    /// Writes rows of one analytic with a notification, as a job does.
    pub fn publish(&self, kind: &str, time: &str, rows: &[(&str, Value)]) {
        let upserts = rows.iter().map(|(key, value)| Upsert {
            key: (*key).into(),
            value: value.to_string().into_bytes().into(),
            ttl: DAY * 30,
        });
        let notification = Some(Notification {
            channel: "analytics:updates".into(),
            latest_key: "analytics:latest".into(),
            kind: kind.into(),
            time: time.into(),
            count: rows.len() as u64,
        });
        self.write(&WriteBatch { upserts: upserts.collect(), notification, ..WriteBatch::default() })
            .expect("written");
    }

    /// Deletes rows, as a job does that retracts them.
    pub fn delete(&self, keys: &[&str]) {
        let deletes = keys.iter().map(|key| Arc::from(*key)).collect();
        self.write(&WriteBatch { deletes, ..WriteBatch::default() }).expect("written");
    }

    /// Ends all subscriptions, as a broken connection does.
    pub fn lose_followers(&self) {
        self.followers.lock().clear();
    }

    pub fn followers(&self) -> usize {
        self.followers.lock().len()
    }

    fn reach(&self) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) { Err(StoreError::Closed) } else { Ok(()) }
    }
}

impl ResultStore for MemoryStore {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        // A follower that scans needs the rows while a writer waits for it.
        let mut followers = self.followers.lock();
        let mut rows = self.rows.lock();
        let now = self.clock.now();
        let entry = |upsert: &Upsert| Entry {
            key: Arc::clone(&upsert.key),
            value: Arc::clone(&upsert.value),
            expires: now + Interval(upsert.ttl.as_millis() as i64),
        };
        let entries: Vec<Entry> = batch.upserts.iter().map(entry).collect();
        for entry in &entries {
            rows.insert(Arc::clone(&entry.key), entry.clone());
        }
        for key in &batch.deletes {
            rows.remove(key);
        }
        let deleted = batch.deletes.clone();
        let change = Arc::new(Change { entries, deleted, notification: batch.notification.clone() });
        drop(rows);
        followers.retain(|follower| follower.send(Arc::clone(&change)).is_ok());
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.reach()?;
        Ok(self.rows.lock().get(key).filter(|entry| entry.expires > self.clock.now()).cloned())
    }

    fn scan_any(&self, prefixes: &[String], each: &mut EachStep<'_>) -> Result<(), StoreError> {
        self.reach()?;
        while self.slow.load(Ordering::SeqCst) {
            let (_open, never) = crossbeam_channel::bounded::<()>(0);
            let _ = never.recv_timeout(Duration::from_millis(5));
            // A step that finds nothing.
            if !each(Vec::new()) {
                return Ok(());
            }
        }
        let is_wanted = |entry: &&Entry| {
            prefixes.iter().any(|prefix| entry.key.starts_with(prefix)) && entry.expires > self.clock.now()
        };
        let rows: Vec<Entry> = self.rows.lock().values().filter(is_wanted).cloned().collect();
        rows.chunks(256).all(|rows| each(rows.to_vec()));
        Ok(())
    }

    fn watch(&self, _: Vec<Interest>) {}

    fn follow(&self) -> Result<Following, StoreError> {
        self.reach()?;
        let (follower, following) = crossbeam_channel::bounded(1_024);
        self.followers.lock().push(follower);
        Ok(following)
    }

    fn address(&self) -> (String, String) {
        ("memory".to_owned(), "0".to_owned())
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.reach()
    }

    fn remark(&self) -> Option<String> {
        self.remark.lock().clone()
    }
}
