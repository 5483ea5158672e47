//! Notes of appends: records of a topic, found again by their names in a store in the data directory.
//!
//! The store follows the topic and holds how far it has read. All that was committed before is read before the first
//! name is looked for; what another Weir over the same cluster notes is found soon after.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use types::{Clock, Offset, PartitionId, Timestamp};

use super::NOTES_TOPIC;
use super::ask::Ask;
use super::fetch::Network;
use super::reader::{Reader, Readers};
use super::settings::KafkaSettings;
use crate::log::{Fetched, LogError, LogReader as _, NewRecord, Note, Polled, Start, Wanted};
use crate::store::{EmbeddedStore, Options, ResultStore as _, StoreError, Upsert, WriteBatch};

/// How long a note is found.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the topic keeps it, in milliseconds: a little longer.
const TOPIC_KEPT_MS: &str = "93600000";
/// As long as anything lasts.
const AGES: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// How long the topic may take to be read to its end.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);
const FETCH_BYTES: usize = 1 << 20;

/// Names in the store: of this process, of how far the topic was read, and before those of notes.
const INSTANCE: &str = "weir:instance";
const POSITION: &str = "weir:position";
const NOTE: &str = "note:";

const PARTITION: PartitionId = PartitionId(0);

pub(super) struct Notes {
    servers: String,
    readers: Readers,
    /// Sees what is committed, as far as no open transaction stands before it.
    ask: Ask,
    /// Sees all.
    ask_all: Ask,
    clock: Arc<dyn Clock>,
    store: EmbeddedStore,
    instance: String,
    /// Held while the topic is read.
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
    /// Whether notes can be kept.
    pub fn ping(&self) -> Result<(), LogError> {
        self.store.ping().map_err(of_store)
    }

    pub fn open(
        directory: &Path,
        options: Options,
        settings: &KafkaSettings,
        network: Arc<Network>,
        clock: Arc<dyn Clock>,
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
        let readers = Readers::new(settings.committed_only(), network, clock.clone())?;
        let servers = settings.servers().to_owned();
        Ok(Notes { servers, readers, ask, ask_all, clock, store, instance, reading: Mutex::default() })
    }

    /// The name of this process among the producers of a cluster, over its restarts.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    pub fn close(&self) {
        self.reading.lock().reader = None;
        self.store.close();
    }

    /// What is appended for a note.
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

    /// A note, as far as the topic was read; it is read on with what has come since.
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

    /// Makes notes that are committed known without reading them.
    pub fn keep<'a>(&self, notes: impl Iterator<Item = &'a Note>) -> Result<(), LogError> {
        put(&self.store, notes.map(|note| row(format!("{NOTE}{}", note.name), &note.value, KEPT)).collect())
    }

    /// Whether all notes are known that were committed before this process began, or before it lost its way.
    pub fn is_complete(&self) -> bool {
        self.reading.lock().is_complete
    }

    /// A transaction may have been committed without our knowing.
    pub fn doubt(&self) {
        let mut reading = self.reading.lock();
        reading.is_complete = false;
        reading.doubts += 1;
    }

    /// How often it was [`Notes::doubt`]ed.
    pub fn doubts(&self) -> u64 {
        self.reading.lock().doubts
    }

    /// Reads the topic as far as it reaches now, which is all unless there were more doubts since.
    pub fn complete(&self, doubts: u64) -> Result<(), LogError> {
        self.make_topic()?;
        let mut reading = self.reading.lock();
        if reading.is_complete {
            return Ok(());
        }
        let until = self.clock.elapsed() + PATIENCE;
        let (_, end) = self.ask_all.bounds(NOTES_TOPIC, PARTITION)?;
        let first = self.settle(end, until)?;
        let position = self.position()?.unwrap_or(first).clamp(first, end);
        let wanted = Wanted { keys: true, headers: false };
        let from = [(PARTITION, Start::At(Offset(position)))];
        let reader = reading.reader.insert(self.readers.open(NOTES_TOPIC, &from, wanted)?);
        // Where nothing is, nothing is waited for.
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

    /// Waits until the transactions are over that stand before an offset: what was committed behind the beginning of one that
    /// is open is not given to anybody. Returns the first offset.
    fn settle(&self, end: u64, until: Duration) -> Result<u64, LogError> {
        loop {
            let (first, settled) = self.ask.bounds(NOTES_TOPIC, PARTITION)?;
            if settled >= end {
                return Ok(first);
            }
            if self.clock.elapsed() >= until {
                return Err(self.unreadable("the transaction of another process is not over"));
            }
            std::thread::park_timeout(LOOK);
        }
    }

    fn unreadable(&self, why: &'static str) -> LogError {
        LogError::Unreachable { servers: self.servers.clone(), source: why.into() }
    }

    /// Takes what has been fetched by now; tells whether there was anything.
    fn read_on(&self) -> Result<bool, LogError> {
        let mut reading = self.reading.lock();
        let Some(reader) = &mut reading.reader else { return Ok(false) };
        let mut found = false;
        while let Polled::Records { fetched, .. } = reader.poll(Duration::ZERO, FETCH_BYTES)? {
            // Only word of the partition: what is on its way is found by the next who asks.
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

    /// How long a note from this time on is still found.
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
        error => LogError::Storage { doing: "keeping notes", source: Box::new(error) },
    }
}
