//! Notes of appends: records of a topic, indexed by name in a store in the data directory.
//!
//! The store follows the topic and holds the offset up to which it has read. Before the first lookup it reads
//! all notes that were committed earlier. Notes of another Weir over the same cluster are found soon after.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use types::{Clock, Offset, PartitionId, Timestamp};

use super::NOTES_TOPIC;
use super::ask::Ask;
use super::fetch::Network;
use super::outage::Outage;
use super::reader::{Reader, Readers};
use super::settings::KafkaSettings;
use crate::log::{Fetched, LogError, LogReader as _, NewRecord, Note, Polled, Start, Wanted};
use crate::store::{EmbeddedStore, Options, ResultStore as _, StoreError, Upsert, WriteBatch};

/// Time for which a note is found.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Retention of the topic in milliseconds, a little longer.
const TOPIC_KEPT_MS: &str = "93600000";
/// Lifetime of entries that never expire.
const AGES: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// Timeout of reading the topic to its end.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);
const FETCH_BYTES: usize = 1 << 20;

/// Keys in the store: this process's name, the offset read so far, and the prefix of notes.
const INSTANCE: &str = "weir:instance";
const POSITION: &str = "weir:position";
const NOTE: &str = "note:";

const PARTITION: PartitionId = PartitionId(0);

pub(super) struct Notes {
    servers: String,
    readers: Readers,
    /// Sees the end of committed records, up to the oldest open transaction.
    ask: Ask,
    /// Sees the end of all records.
    ask_all: Ask,
    clock: Arc<dyn Clock>,
    store: EmbeddedStore,
    instance: String,
    /// Locked while the topic is read.
    reading: Mutex<Reading>,
}

#[derive(Default)]
struct Reading {
    is_topic_there: bool,
    is_complete: bool,
    doubts: u64,
    reader: Option<Reader>,
}

impl Notes {
    /// Fails when notes cannot be stored.
    pub fn ping(&self) -> Result<(), LogError> {
        self.store.ping().map_err(of_store)
    }

    pub fn open(
        directory: &Path,
        options: Options,
        settings: &KafkaSettings,
        network: Arc<Network>,
        clock: Arc<dyn Clock>,
        outage: Outage,
    ) -> Result<Notes, LogError> {
        let store = EmbeddedStore::open(directory, options, clock.clone()).map_err(of_store)?;
        let known = store.get(INSTANCE).map_err(of_store)?;
        let instance = match known.and_then(|entry| String::from_utf8(entry.value.to_vec()).ok()) {
            Some(instance) => instance,
            None => {
                let instance = format!("{:016x}", RandomState::new().hash_one(0));
                put(&store, vec![row(INSTANCE.to_owned(), instance.as_bytes(), AGES)])?;
                store.flush().map_err(of_store)?;
                instance
            }
        };
        let (ask, ask_all) = (Ask::new(settings.committed_only())?, Ask::new(settings.with_uncommitted())?);
        let readers = Readers::new(settings.committed_only(), network, clock.clone(), outage)?;
        let servers = settings.servers().to_owned();
        Ok(Notes { servers, readers, ask, ask_all, clock, store, instance, reading: Mutex::default() })
    }

    /// Returns the name of this process among the cluster's producers, which survives restarts.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    pub fn close(&self) {
        self.reading.lock().reader = None;
        self.store.close();
    }

    /// Returns the record that stores a note.
    pub fn record(note: &Note) -> NewRecord {
        let key = Some(note.name.clone().into_bytes());
        NewRecord { key, body: note.value.clone().into(), ..NewRecord::default() }
    }

    pub fn make_topic(&self) -> Result<(), LogError> {
        let mut reading = self.reading.lock();
        if !reading.is_topic_there {
            let settings = [("cleanup.policy", "delete"), ("retention.ms", TOPIC_KEPT_MS)];
            self.ask.create_topic(NOTES_TOPIC, 1, &settings)?;
            reading.is_topic_there = true;
        }
        Ok(())
    }

    /// Returns a note of this name. Reads new records of the topic first when the store has none.
    pub fn find(&self, name: &str) -> Result<Option<Vec<u8>>, LogError> {
        let key = format!("{NOTE}{name}");
        let find =
            || self.store.get(&key).map(|found| found.map(|entry| entry.value.to_vec())).map_err(of_store);
        match find()? {
            Some(found) => Ok(Some(found)),
            None if self.read_on()? => find(),
            None => Ok(None),
        }
    }

    /// Stores committed notes directly, without reading them from the topic.
    pub fn keep<'a>(&self, notes: impl Iterator<Item = &'a Note>) -> Result<(), LogError> {
        put(&self.store, notes.map(|note| row(format!("{NOTE}{}", note.name), &note.value, KEPT)).collect())
    }

    /// Returns whether the store holds all notes committed before this process began, or before the last
    /// doubt.
    pub fn is_complete(&self) -> bool {
        self.reading.lock().is_complete
    }

    /// Marks the notes as incomplete: a transaction may have been committed unnoticed.
    pub fn doubt(&self) {
        let mut reading = self.reading.lock();
        reading.is_complete = false;
        reading.doubts += 1;
    }

    /// Returns the number of calls of [`Notes::doubt`].
    pub fn doubts(&self) -> u64 {
        self.reading.lock().doubts
    }

    /// Reads the topic to its present end. The notes are then complete, unless there were more than `doubts`
    /// doubts.
    pub fn complete(&self, doubts: u64) -> Result<(), LogError> {
        self.make_topic()?;
        let mut reading = self.reading.lock();
        if reading.is_complete {
            return Ok(());
        }
        let until = self.clock.elapsed() + PATIENCE;
        let end = self.ask_all.bounds(NOTES_TOPIC, PARTITION)?.next.0;
        let first = self.settle(end, until)?;
        let position = self.position()?.unwrap_or(first).clamp(first, end);
        let wanted = Wanted { keys: true, headers: false };
        let from = [(PARTITION, Start::At(Offset(position)))];
        let reader = reading.reader.insert(self.readers.open(NOTES_TOPIC, &from, wanted)?);
        // Do not wait for records of an empty topic.
        let mut is_read = position >= end;

        while !is_read {
            let left = until.saturating_sub(self.clock.elapsed());
            if left.is_zero() {
                return Err(self.unreadable("notes of earlier appends could not be read"));
            }
            match reader.poll(left.min(LOOK), FETCH_BYTES)? {
                Polled::Records { fetched, behind } => {
                    self.learn(reader, &fetched)?;
                    is_read = !behind || reader.positions().first().is_some_and(|(_, next)| next.0 >= end);
                }
                Polled::CaughtUp => is_read = true,
                Polled::Unreachable => {}
            }
        }

        reading.is_complete = reading.doubts == doubts;
        Ok(())
    }

    /// Waits until no transaction before an offset is open, since brokers hand out nothing behind the
    /// beginning of an open one. Returns the first offset.
    fn settle(&self, end: u64, until: Duration) -> Result<u64, LogError> {
        loop {
            let bounds = self.ask.bounds(NOTES_TOPIC, PARTITION)?;
            if bounds.next.0 >= end {
                return Ok(bounds.first.0);
            }
            if self.clock.elapsed() >= until {
                return Err(self.unreadable("the transaction of another process is still open"));
            }
            std::thread::park_timeout(LOOK);
        }
    }

    fn unreadable(&self, why: &'static str) -> LogError {
        LogError::Unreachable { servers: self.servers.clone(), source: why.into() }
    }

    /// Stores the records fetched by now; returns whether there were any.
    fn read_on(&self) -> Result<bool, LogError> {
        let mut reading = self.reading.lock();
        let Some(reader) = &mut reading.reader else { return Ok(false) };
        let mut found = false;
        while let Polled::Records { fetched, .. } = reader.poll(Duration::ZERO, FETCH_BYTES)? {
            // An empty chunk: records still in flight are found by the next lookup.
            if fetched.records.is_empty() {
                break;
            }
            self.learn(reader, &fetched)?;
            found = true;
        }
        Ok(found)
    }

    fn learn(&self, reader: &Reader, fetched: &Fetched) -> Result<(), LogError> {
        if fetched.records.is_empty() {
            return Ok(());
        }
        let bytes = |start: u32, end: u32| &fetched.data[start as usize..end as usize];
        let mut rows = Vec::with_capacity(fetched.records.len() + 1);
        for (record, attributes) in fetched.records.iter().zip(&fetched.attributes) {
            let Some(key) = attributes.key.map(|key| bytes(key.start, key.end)) else { continue };
            let Some(left) = self.left(record.appended) else { continue };
            let name = format!("{NOTE}{}", String::from_utf8_lossy(key));
            rows.push(row(name, bytes(record.start, record.end), left));
        }
        let next = reader.positions().first().map_or(0, |(_, next)| next.0);
        rows.push(row(POSITION.to_owned(), next.to_string().as_bytes(), AGES));
        put(&self.store, rows)
    }

    fn position(&self) -> Result<Option<u64>, LogError> {
        let found = self.store.get(POSITION).map_err(of_store)?;
        Ok(found.and_then(|entry| std::str::from_utf8(&entry.value).ok()?.parse().ok()))
    }

    /// Returns how long a note of this time is still found.
    fn left(&self, from: Timestamp) -> Option<Duration> {
        let age = u64::try_from(self.clock.now().0.saturating_sub(from.0)).unwrap_or(0);
        KEPT.checked_sub(Duration::from_millis(age)).filter(|left| !left.is_zero())
    }
}

fn row(key: String, value: &[u8], ttl: Duration) -> Upsert {
    Upsert { key: key.into(), value: value.into(), ttl }
}

fn put(store: &EmbeddedStore, upserts: Vec<Upsert>) -> Result<(), LogError> {
    store.write(&WriteBatch { upserts, ..WriteBatch::default() }).map_err(of_store)
}

fn of_store(error: StoreError) -> LogError {
    match error {
        StoreError::DiskFull(error) => LogError::DiskFull(error),
        StoreError::Locked { directory } => LogError::Locked { directory },
        StoreError::Closed => LogError::Closed,
        StoreError::Broken => LogError::Broken,
        error => LogError::Storage { doing: "storing notes", source: Box::new(error) },
    }
}
