//! The event log on the data directory: one fjall database, one thread that writes, any number that read.
//!
//! An append is answered after the sync that made it durable. When a sync fails, fjall refuses writes until
//! the process restarts, and records whose append failed may turn out to have been written. A sender that
//! repeats them then has them twice, never not at all.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use fjall::{CompressionType, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use parking_lot::{Mutex, RwLock};
use tokio::sync::oneshot;
use types::{Clock, Offset, PartitionId};

use super::commit::Committer;
use super::draft::SegmentLimits;
use super::needs::Needs;
use super::queue::{Bounds, Content, Queue, Request};
use super::reader::Reader;
use super::topic::{Partition, Topic, check_name};
use super::{
    Appending, EventLog, LogError, LogReader, NewRecord, Note, OffsetBounds, Start, Wanted, key, notes,
    packed, partitioner, recovery,
};
use crate::disk::{Budget, Disk, OPEN_FILES};
use crate::journal::AfterDamage;

/// Retention and limits of the embedded log.
#[derive(Debug, Clone)]
pub struct Options {
    /// Age at which records are dropped, 7 days by default. Whole segments go, each about a 32nd of this
    /// age long.
    pub retention_age: Duration,
    /// Size of a topic's entries above which its oldest records are dropped, 10 GiB by default.
    pub retention_bytes: u64,
    /// Interval between retention checks, one minute by default.
    pub retention_interval: Duration,
    /// Bytes waiting to be written above which appends are refused, 16 MiB by default.
    pub queue_bytes: usize,
    /// Records waiting to be written above which appends are refused, 200,000 by default.
    pub queue_records: usize,
    /// Approximate limit of bytes written with one sync, 4 MiB by default.
    pub commit_bytes: usize,
    /// Size of the largest record: key, body and headers together, 1 MiB by default.
    pub record_bytes_max: usize,
    /// Free disk space below which appends are refused, 256 MiB by default. Background work needs some
    /// room.
    pub keep_free_bytes: u64,
    /// Files kept open for reading, 128 by default. A few more are open for short times.
    pub open_files: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            retention_age: Duration::from_secs(7 * 24 * 60 * 60),
            retention_bytes: 10 << 30,
            retention_interval: Duration::from_secs(60),
            queue_bytes: 16 << 20,
            queue_records: 200_000,
            commit_bytes: 4 << 20,
            record_bytes_max: 1 << 20,
            keep_free_bytes: 256 << 20,
            open_files: OPEN_FILES,
        }
    }
}

/// Approximate number of segments in the retained part of a topic. Retention drops whole segments.
const SEGMENTS_KEPT: u64 = 32;
const SEGMENT_BYTES_MAX: u64 = 16 << 20;

impl Options {
    pub(super) fn retention_age_ms(&self) -> i64 {
        i64::try_from(self.retention_age.as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn segment_limits(&self) -> SegmentLimits {
        SegmentLimits {
            bytes: (self.retention_bytes / SEGMENTS_KEPT).clamp(1, SEGMENT_BYTES_MAX),
            span_ms: (self.retention_age_ms() / SEGMENTS_KEPT as i64).max(1),
        }
    }
}

/// Limit of partitions of a topic. More do not help on one machine.
const PARTITIONS_MAX: u32 = 1_024;

/// Limit of a note's name; keys may have 65,535 bytes.
const NOTE_NAME_BYTES_MAX: usize = 1_024;

/// Size of the table in memory that holds what is not flushed yet.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// Readers go forwards through entries in order, so only an entry that was read in part is read again.
const CACHE_BYTES: u64 = 4 << 20;
/// Size of a file of entries. A file is deleted once all its entries were dropped, so it is small against
/// what is retained.
const ENTRY_FILE_BYTES: u64 = 32 << 20;

/// Compactions rewrite only the keys of entries, so flushes hardly wait for them.
const WORKERS: usize = 1;

/// The embedded event log. Dropping it closes it, as [`EmbeddedLog::close`] does.
pub struct EmbeddedLog {
    pub(super) shared: Arc<Shared>,
    committer: Mutex<Option<JoinHandle<()>>>,
    /// Serializes the creation of topics.
    creating: Mutex<()>,
}

/// State that the log, its committer and its readers share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: Queue,
    pub(crate) topics: RwLock<HashMap<Arc<str>, Arc<Topic>>>,
    /// Records that readers still need.
    pub(crate) needs: Mutex<Needs>,
    /// `None` once the log is closed, so that the directory is free even while readers exist.
    files: RwLock<Option<Files>>,
}

#[derive(Clone)]
struct Files {
    disk: Disk,
    keyspace: Keyspace,
}

impl EmbeddedLog {
    /// Opens the log in a directory of its own, which is created if missing.
    ///
    /// Fails with [`LogError::Locked`] if another process has it open.
    pub fn open(directory: &Path, options: Options, clock: Arc<dyn Clock>) -> Result<EmbeddedLog, LogError> {
        let budget = Budget {
            cache_bytes: CACHE_BYTES,
            open_files: options.open_files,
            keep_free_bytes: options.keep_free_bytes,
            after_damage: AfterDamage::Refuse,
            workers: WORKERS,
        };

        let failed = |fault| LogError::of(fault, "opening its files");
        let disk = Disk::open(directory, &budget).map_err(failed)?;
        let keyspace =
            disk.database.keyspace("log", keyspace_options).map_err(|error| failed(error.into()))?;
        let topics = recovery::topics(&keyspace)?;
        let bounds = Bounds { bytes: options.queue_bytes, records: options.queue_records };

        let shared = Arc::new(Shared {
            options,
            clock,
            queue: Queue::new(bounds),
            topics: RwLock::new(topics),
            needs: Mutex::default(),
            files: RwLock::new(Some(Files { disk: disk.clone(), keyspace: keyspace.clone() })),
        });

        let committer = Committer::new(shared.clone(), disk, keyspace);
        let committer = std::thread::Builder::new()
            .name("log-commit".to_owned())
            .spawn(move || committer.run())
            .map_err(|error| LogError::of(error.into(), "starting its thread"))?;

        Ok(EmbeddedLog { shared, committer: Mutex::new(Some(committer)), creating: Mutex::new(()) })
    }

    /// Drops expired records now and returns their number. Without a call, they are dropped every
    /// [`Options::retention_interval`].
    pub fn trim(&self) -> Result<u64, LogError> {
        let (done, trimmed) = crossbeam_channel::bounded(1);
        self.shared.queue.push_trim(done)?;
        trimmed.recv().map_err(|_| LogError::Closed)?
    }

    /// Returns the bytes that the database holds in memory.
    pub fn memory_bytes(&self) -> usize {
        self.shared.files.read().as_ref().map_or(0, |files| files.disk.memory_bytes())
    }

    /// Writes what is queued, refuses later appends, and frees the directory.
    pub fn close(&self) {
        self.shared.queue.close();
        if let Some(committer) = self.committer.lock().take()
            && committer.join().is_err()
        {
            tracing::error!("the thread that writes the event log had panicked");
        }
        *self.shared.files.write() = None;
        for topic in self.shared.topics.read().values() {
            topic.grown.raise();
        }
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.close();
    }
}

fn check_note(name: &str) -> Result<(), LogError> {
    if name.is_empty() || name.len() > NOTE_NAME_BYTES_MAX {
        return Err(LogError::TooLarge { bytes: name.len(), limit: NOTE_NAME_BYTES_MAX });
    }
    Ok(())
}

fn keyspace_options() -> KeyspaceCreateOptions {
    // Entries are stored apart from their keys, in order of time: compactions never copy them, and a file
    // goes as a whole when retention has dropped all its entries.
    let entries =
        KvSeparationOptions::default().file_target_size(ENTRY_FILE_BYTES).compression(CompressionType::Lz4);
    KeyspaceCreateOptions::default()
        .max_memtable_size(MEMTABLE_BYTES)
        .expect_point_read_hits(true)
        .with_kv_separation(Some(entries))
}

impl Shared {
    pub(crate) fn keyspace(&self) -> Result<Keyspace, LogError> {
        Ok(self.files()?.keyspace)
    }

    fn files(&self) -> Result<Files, LogError> {
        self.files.read().clone().ok_or(LogError::Closed)
    }

    fn topic(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        self.topics.read().get(name).cloned().ok_or_else(|| LogError::UnknownTopic { topic: name.to_owned() })
    }
}

impl EventLog for EmbeddedLog {
    fn name(&self) -> String {
        "the embedded event log".to_owned()
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        Ok(self.shared.topics.read().keys().map(|name| name.to_string()).collect())
    }

    fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), LogError> {
        check_name(topic)?;
        if partitions == 0 || partitions > PARTITIONS_MAX {
            return Err(LogError::InvalidPartitions {
                topic: topic.to_owned(),
                partitions,
                limit: PARTITIONS_MAX,
            });
        }

        let _one_at_a_time = self.creating.lock();
        let id = {
            let topics = self.shared.topics.read();
            if topics.contains_key(topic) {
                return Ok(());
            }
            topics.values().map(|topic| topic.id + 1).max().unwrap_or(0)
        };

        let failed = |fault| LogError::of(fault, "creating a topic");
        let Files { disk, keyspace } = self.shared.files()?;
        disk.check_room(0).map_err(failed)?;
        let mut batch = disk.database.batch().durability(Some(PersistMode::SyncData));
        batch.insert(&keyspace, key::topic(topic), recovery::topic_value(id, partitions));
        batch.commit().map_err(|error| failed(error.into()))?;
        let created = Topic::new(topic, id, vec![Partition::default(); partitions as usize]);
        self.shared.topics.write().insert(created.name.clone(), Arc::new(created));
        Ok(())
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        check_name(topic)?;
        Ok(self.shared.topics.read().get(topic).map(|topic| topic.partitions.len() as u32))
    }

    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        note: Option<Note>,
    ) -> Result<Appending, LogError> {
        let topic = self.shared.topic(topic)?;
        let limit = self.shared.options.record_bytes_max;
        let mut bytes = 0;

        for record in &records {
            let size = record.bytes();
            if size > limit {
                return Err(LogError::TooLarge { bytes: size, limit });
            }
            bytes += size;
        }

        let (done, appending) = oneshot::channel();
        if let Some(note) = &note {
            check_note(&note.name)?;
            bytes += note.name.len() + note.value.len();
        }

        if records.is_empty() && note.is_none() {
            // The receiver is still in scope.
            let _ = done.send(Ok(Vec::new()));
            return Ok(appending);
        }

        let partitions = topic.deal(&records);
        let arrived = self.shared.clock.now();
        let content = packed::pack(&records, &partitions).map_or(Content::Records(records), Content::Packed);
        self.shared.queue.push(Request { topic, content, partitions, note, arrived, bytes, done })?;
        Ok(appending)
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, LogError> {
        check_note(name)?;
        let found = notes::find(&self.shared.keyspace()?, name, self.shared.clock.now());
        found.map_err(|fault| LogError::of(fault, "reading a note"))
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError> {
        let topic = self.shared.topic(topic)?;
        Ok(Box::new(Reader::open(self.shared.clone(), topic, from, wanted)?))
    }

    fn ping(&self) -> Result<(), LogError> {
        // The queue of an open log closes only when its committer has panicked.
        if self.shared.files.read().is_some() && self.shared.queue.is_closed() {
            return Err(LogError::Broken);
        }
        self.shared
            .files()?
            .disk
            .check()
            .map_err(|fault| LogError::of(fault, "checking whether it is writable"))
    }

    fn retain(&self, reader: &str, positions: &[(&str, PartitionId, Offset)]) {
        self.shared.needs.lock().retain(reader, positions);
    }

    fn release(&self, reader: &str) {
        self.shared.needs.lock().release(reader);
    }

    fn bounds(&self, topic: &str, partition: PartitionId) -> Result<OffsetBounds, LogError> {
        let topic = self.shared.topic(topic)?;
        let partition = topic.partition(partition)?.lock();
        Ok(OffsetBounds { first: Offset(partition.first), next: Offset(partition.next) })
    }
}

impl Topic {
    /// Returns the partition of each record: by its key, or round-robin by append without one, so that all
    /// keyless records of an append share a partition.
    fn deal(&self, records: &[NewRecord]) -> Vec<PartitionId> {
        let count = self.partitions.len() as u32;
        let keyless = PartitionId(self.turn.fetch_add(1, Ordering::Relaxed) % count);
        records
            .iter()
            .map(|record| record.key.as_deref().map_or(keyless, |key| partitioner::partition_of(key, count)))
            .collect()
    }
}
