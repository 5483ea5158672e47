//! A log and a store in memory that outlive their jobs, so that a test can end a job anywhere and start
//! another. They can be slow, silent or unreachable.

#[path = "memory_store.rs"]
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use storage::log::{
    Appending, Attributes, EventLog, Fetched, LogError, LogReader, NewRecord, Note, OffsetBounds, Polled,
    Position, RecordRef, Span, Start, TimeKind, Wanted,
};
use types::{Offset, PartitionId, Timestamp};

#[allow(unused_imports, reason = "each test uses its own part")]
pub use store::MemoryStore;

/// A log in memory. Only the first `visible` records of each partition can be read.
#[derive(Default)]
pub struct MemoryLog {
    topics: Mutex<BTreeMap<String, Vec<Partition>>>,
    out_of_reach: AtomicBool,
    /// Whether the next read fails.
    broken: AtomicBool,
    /// The number of appends to be refused.
    refusals: AtomicU32,
    /// The next append to this topic is lost, which is reported later.
    lost: Mutex<Option<String>>,
    refuses_appends: AtomicBool,
    refused_appends: AtomicUsize,
    /// Larger records of this topic are always refused.
    largest: Mutex<Option<(String, usize)>>,
    /// The number of readers that cannot be opened.
    failing_opens: AtomicUsize,
    /// The maximum number of records that a reader gets at once; 0 means no limit.
    at_once: AtomicUsize,
}

#[derive(Default, Clone)]
struct Partition {
    records: Arc<Vec<NewRecord>>,
    visible: usize,
    /// The maximum number of records for readers, however many are visible.
    held_at: Option<usize>,
}

impl MemoryLog {
    /// Creates a log with one topic, of which no record is visible.
    pub fn with(topic: &str, partitions: Vec<Vec<String>>) -> Arc<MemoryLog> {
        let log = MemoryLog::default();
        let partitions = partitions.into_iter().map(|lines| Partition {
            records: Arc::new(lines.into_iter().map(record).collect()),
            ..Partition::default()
        });
        log.topics.lock().insert(topic.to_owned(), partitions.collect());
        Arc::new(log)
    }

    /// Makes this many records of each partition visible.
    pub fn show(&self, topic: &str, visible: &[usize]) {
        let mut topics = self.topics.lock();
        let partitions = topics.get_mut(topic).expect("the topic is there");
        partitions.iter_mut().zip(visible).for_each(|(partition, &visible)| {
            partition.visible = visible.min(partition.records.len());
        });
    }

    /// Limits the records that readers get from a partition, although they see that there are more; `None`
    /// means no limit.
    pub fn hold(&self, topic: &str, partition: usize, at: Option<usize>) {
        let mut topics = self.topics.lock();
        topics.get_mut(topic).expect("the topic is there")[partition].held_at = at;
    }

    /// Appends records to a partition and makes them visible.
    pub fn add(&self, topic: &str, partition: usize, lines: Vec<String>) {
        self.add_records(topic, partition, lines.into_iter().map(record).collect());
    }

    /// Like [`MemoryLog::add`], with keys, headers and times.
    pub fn add_records(&self, topic: &str, partition: usize, records: Vec<NewRecord>) {
        let mut topics = self.topics.lock();
        let partition = &mut topics.get_mut(topic).expect("the topic is there")[partition];
        Arc::make_mut(&mut partition.records).extend(records);
        partition.visible = partition.records.len();
    }

    /// Sets whether the log is unreachable.
    pub fn be_out_of_reach(&self, out_of_reach: bool) {
        self.out_of_reach.store(out_of_reach, Ordering::SeqCst);
    }

    /// Makes the next read fail.
    pub fn break_down(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// Refuses this many appends from now on.
    pub fn refuse(&self, appends: u32) {
        self.refusals.store(appends, Ordering::SeqCst);
    }

    /// Returns the number of appends that will still be refused.
    pub fn refusals_left(&self) -> u32 {
        self.refusals.load(Ordering::SeqCst)
    }

    /// Loses the next append to a topic, and reports this to its caller.
    pub fn lose_one(&self, topic: &str) {
        *self.lost.lock() = Some(topic.to_owned());
    }

    /// Sets whether all appends except [`MemoryLog::add`] fail.
    pub fn refuse_appends(&self, refuses: bool) {
        self.refuses_appends.store(refuses, Ordering::SeqCst);
    }

    /// Returns the number of refused appends.
    pub fn refused_appends(&self) -> usize {
        self.refused_appends.load(Ordering::SeqCst)
    }

    /// Makes opening a reader fail this often.
    pub fn fail_opens(&self, times: usize) {
        self.failing_opens.store(times, Ordering::SeqCst);
    }

    /// Sets the number of records that readers get at once.
    pub fn give_at_once(&self, records: usize) {
        self.at_once.store(records, Ordering::SeqCst);
    }

    /// Adds an empty topic.
    pub fn create(&self, topic: &str, partitions: usize) {
        self.topics.lock().insert(topic.to_owned(), vec![Partition::default(); partitions]);
    }

    /// Adds an empty partition.
    pub fn grow(&self, topic: &str) {
        self.topics.lock().get_mut(topic).expect("the topic is there").push(Partition::default());
    }

    /// Returns the records of a topic.
    pub fn records(&self, topic: &str) -> Vec<NewRecord> {
        let topics = self.topics.lock();
        let partitions = topics.get(topic).into_iter().flatten();
        partitions.flat_map(|partition| partition.records.iter().cloned()).collect()
    }

    pub fn refuse_larger_than(&self, topic: &str, bytes: usize) {
        *self.largest.lock() = Some((topic.to_owned(), bytes));
    }

    /// Returns the header of each dead letter in a topic; for a mark, its body.
    pub fn dead_letters(&self, topic: &str) -> Vec<serde_json::Value> {
        let described = |record: &NewRecord| {
            let header = record.headers.iter().find(|(name, _)| name == "weir.dead-letter");
            let text = header.map_or(Some(&record.body[..]), |(_, value)| value.as_deref());
            serde_json::from_slice(text.expect("the header has a value")).expect("it is JSON")
        };
        self.records(topic).iter().map(described).collect()
    }

    /// Returns the bodies of the records of a topic.
    pub fn bodies(&self, topic: &str) -> Vec<Vec<u8>> {
        self.records(topic).into_iter().map(|record| record.body.to_vec()).collect()
    }
}

fn record(line: String) -> NewRecord {
    NewRecord { body: line.into_bytes().into(), ..NewRecord::default() }
}

/// A [`MemoryLog`] that is shared with its readers.
pub struct SharedLog(pub Arc<MemoryLog>);

impl EventLog for SharedLog {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        Ok(self.0.topics.lock().keys().cloned().collect())
    }

    fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), LogError> {
        let empty = vec![Partition::default(); partitions as usize];
        self.0.topics.lock().entry(topic.to_owned()).or_insert(empty);
        Ok(())
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        Ok(self.0.topics.lock().get(topic).map(|partitions| partitions.len() as u32))
    }

    fn time_kind(&self, _: &str) -> TimeKind {
        TimeKind::Created
    }

    fn note(&self, _: &str) -> Result<Option<Vec<u8>>, LogError> {
        Ok(None)
    }

    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        _: Option<Note>,
    ) -> Result<Appending, LogError> {
        if self.0.refuses_appends.load(Ordering::SeqCst) {
            self.0.refused_appends.fetch_add(1, Ordering::SeqCst);
            return Err(LogError::Overloaded { queued_bytes: 0 });
        }
        if let Some((of, limit)) = &*self.0.largest.lock()
            && of == topic
            && let Some(bytes) = records.iter().map(NewRecord::bytes).find(|bytes| bytes > limit)
        {
            return Err(LogError::TooLarge { bytes, limit: *limit });
        }

        let refused = |left: u32| left.checked_sub(1);
        if self.0.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refused).is_ok() {
            return Err(LogError::Overloaded { queued_bytes: 0 });
        }

        let (tell, appending) = tokio::sync::oneshot::channel();
        let mut lost = self.0.lost.lock();
        if lost.as_deref() == Some(topic) {
            *lost = None;
            let _ = tell.send(Err(LogError::DiskFull(std::io::ErrorKind::StorageFull.into())));
            return Ok(appending);
        }

        let mut topics = self.0.topics.lock();
        let partition = &mut topics.entry(topic.to_owned()).or_insert(vec![Partition::default()])[0];
        let kept = Arc::make_mut(&mut partition.records);
        let positions = records.into_iter().map(|record| {
            kept.push(record);
            Position { partition: PartitionId(0), offset: Offset(kept.len() as u64 - 1) }
        });
        let positions: Vec<Position> = positions.collect();
        partition.visible = partition.records.len();
        let _ = tell.send(Ok(positions));
        Ok(appending)
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError> {
        let one_less = |left: usize| left.checked_sub(1);
        if self.0.failing_opens.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Err(LogError::Corrupt { place: "the door".to_owned() });
        }
        let next = from.iter().map(|&(partition, start)| match start {
            Start::At(offset) => (partition, offset.0 as usize),
            _ => (partition, 0),
        });
        let next = next.collect();
        let reader = MemoryReader { log: self.0.clone(), topic: topic.to_owned(), next, turn: 0, wanted };
        Ok(Box::new(reader))
    }

    fn bounds(&self, topic: &str, partition: PartitionId) -> Result<OffsetBounds, LogError> {
        let topics = self.0.topics.lock();
        let visible = topics.get(topic).map_or(0, |partitions| partitions[partition.0 as usize].visible);
        Ok(OffsetBounds { first: Offset(0), next: Offset(visible as u64) })
    }
}

struct MemoryReader {
    log: Arc<MemoryLog>,
    topic: String,
    next: Vec<(PartitionId, usize)>,
    turn: usize,
    wanted: Wanted,
}

impl LogReader for MemoryReader {
    fn take_lost(&mut self) -> u64 {
        0
    }

    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled, LogError> {
        if self.log.broken.swap(false, Ordering::SeqCst) {
            return Err(LogError::Corrupt { place: "a place of this test".to_owned() });
        }

        let mut more = self.log.out_of_reach.load(Ordering::SeqCst);
        for _ in 0..if more { 0 } else { self.next.len() } {
            self.turn = (self.turn + 1) % self.next.len();
            let (id, next) = &mut self.next[self.turn];
            let partition = self.log.topics.lock()[&self.topic][id.0 as usize].clone();
            let readable = partition.visible.min(partition.held_at.unwrap_or(usize::MAX));
            if *next >= readable {
                more |= *next < partition.visible;
                continue;
            }
            let mut fetched = Fetched { partition: Some(*id), ..Fetched::default() };
            let mut data = Vec::new();
            let most = match self.log.at_once.load(Ordering::SeqCst) {
                0 => usize::MAX,
                most => most,
            };
            while *next < readable && data.len() < max_bytes.min(4096) && fetched.records.len() < most {
                let record = &partition.records[*next];
                let body = push(&mut data, &record.body);
                fetched.records.push(RecordRef {
                    offset: Offset(*next as u64),
                    appended: record.time.unwrap_or(Timestamp(0)),
                    start: body.start,
                    end: body.end,
                });
                if self.wanted.any() {
                    fetched.attributes.push(attributes(&mut data, record, self.wanted));
                }
                *next += 1;
            }
            fetched.data = Arc::new(data);
            return Ok(Polled::Records { fetched, behind: *next < partition.visible });
        }
        std::thread::park_timeout(timeout.min(Duration::from_millis(1)));
        Ok(if more { Polled::Unreachable } else { Polled::CaughtUp })
    }

    fn add(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError> {
        let Start::At(offset) = start else {
            self.next.push((partition, 0));
            return Ok(());
        };
        self.next.push((partition, offset.0 as usize));
        Ok(())
    }

    fn at_end(&self) -> Vec<PartitionId> {
        if self.log.out_of_reach.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let topics = self.log.topics.lock();
        let partitions = &topics[&self.topic];
        let ended = self.next.iter().filter(|(id, next)| *next >= partitions[id.0 as usize].visible);
        ended.map(|(id, _)| *id).collect()
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.next.iter().map(|&(partition, next)| (partition, Offset(next as u64))).collect()
    }
}

fn push(data: &mut Vec<u8>, bytes: &[u8]) -> Span {
    let start = data.len() as u32;
    data.extend_from_slice(bytes);
    Span { start, end: data.len() as u32 }
}

fn attributes(data: &mut Vec<u8>, record: &NewRecord, wanted: Wanted) -> Attributes {
    let key = record.key.as_ref().filter(|_| wanted.keys).map(|key| push(data, key));
    let headers = record.headers.iter().filter(|_| wanted.headers);
    let headers = headers
        .map(|(name, value)| (push(data, name.as_bytes()), value.as_ref().map(|value| push(data, value))));
    Attributes { key, headers: headers.collect() }
}
