//! A log and a store in memory that outlive the jobs over them, so that a test can end a job anywhere and start another,
//! and that can be slow, silent or out of reach.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use storage::log::{
    Appending, EventLog, Fetched, LogError, LogReader, NewRecord, Note, Polled, Position, RecordRef, Start,
    Wanted,
};
use storage::store::{Entry, Following, ResultStore, StoreError, WriteBatch};
use types::{Offset, PartitionId, Timestamp};

/// Topics of partitions of bodies. Of each partition only the first `visible` records are to be read yet.
#[derive(Default)]
pub struct MemoryLog {
    topics: Mutex<BTreeMap<String, Vec<Partition>>>,
    out_of_reach: AtomicBool,
    /// The next read fails.
    broken: AtomicBool,
}

#[derive(Default, Clone)]
struct Partition {
    bodies: Arc<Vec<Vec<u8>>>,
    visible: usize,
    /// Records that readers get however many are visible.
    held_at: Option<usize>,
}

impl MemoryLog {
    /// A log with one filled topic, nothing of it visible.
    pub fn with(topic: &str, partitions: Vec<Vec<String>>) -> Arc<MemoryLog> {
        let log = MemoryLog::default();
        let partitions = partitions.into_iter().map(|lines| Partition {
            bodies: Arc::new(lines.into_iter().map(String::into_bytes).collect()),
            ..Partition::default()
        });
        log.topics.lock().insert(topic.to_owned(), partitions.collect());
        Arc::new(log)
    }

    /// Shows so many records of each partition.
    pub fn show(&self, topic: &str, visible: &[usize]) {
        let mut topics = self.topics.lock();
        let partitions = topics.get_mut(topic).expect("the topic is there");
        partitions.iter_mut().zip(visible).for_each(|(partition, &visible)| {
            partition.visible = visible.min(partition.bodies.len());
        });
    }

    /// Lets readers have only so many records of a partition, though they are told that there are more; `None`: all.
    pub fn hold(&self, topic: &str, partition: usize, at: Option<usize>) {
        let mut topics = self.topics.lock();
        topics.get_mut(topic).expect("the topic is there")[partition].held_at = at;
    }

    /// Appends records to a partition; they are visible at once.
    pub fn add(&self, topic: &str, partition: usize, lines: Vec<String>) {
        let mut topics = self.topics.lock();
        let partition = &mut topics.get_mut(topic).expect("the topic is there")[partition];
        Arc::make_mut(&mut partition.bodies).extend(lines.into_iter().map(String::into_bytes));
        partition.visible = partition.bodies.len();
    }

    /// Whether the log answers.
    pub fn be_out_of_reach(&self, out_of_reach: bool) {
        self.out_of_reach.store(out_of_reach, Ordering::SeqCst);
    }

    /// Lets the next read fail.
    pub fn break_down(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// What was appended to a topic.
    pub fn bodies(&self, topic: &str) -> Vec<Vec<u8>> {
        let topics = self.topics.lock();
        let partitions = topics.get(topic).into_iter().flatten();
        partitions.flat_map(|partition| partition.bodies.iter().cloned()).collect()
    }
}

/// [`MemoryLog`], shared with its readers.
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

    fn note(&self, _: &str) -> Result<Option<Vec<u8>>, LogError> {
        Ok(None)
    }

    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        _: Option<Note>,
    ) -> Result<Appending, LogError> {
        let mut topics = self.0.topics.lock();
        let partition = &mut topics.entry(topic.to_owned()).or_insert(vec![Partition::default()])[0];
        let bodies = Arc::make_mut(&mut partition.bodies);
        let positions = records.into_iter().map(|record| {
            bodies.push(record.body.to_vec());
            Position { partition: PartitionId(0), offset: Offset(bodies.len() as u64 - 1) }
        });
        let positions: Vec<Position> = positions.collect();
        partition.visible = partition.bodies.len();
        let (tell, appending) = tokio::sync::oneshot::channel();
        let _ = tell.send(Ok(positions));
        Ok(appending)
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        _: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError> {
        let next = from.iter().map(|&(partition, start)| match start {
            Start::At(offset) => (partition, offset.0 as usize),
            _ => (partition, 0),
        });
        let reader =
            MemoryReader { log: self.0.clone(), topic: topic.to_owned(), next: next.collect(), turn: 0 };
        Ok(Box::new(reader))
    }

    fn bounds(&self, topic: &str, partition: PartitionId) -> Result<(Offset, Offset), LogError> {
        let topics = self.0.topics.lock();
        let visible = topics.get(topic).map_or(0, |partitions| partitions[partition.0 as usize].visible);
        Ok((Offset(0), Offset(visible as u64)))
    }
}

struct MemoryReader {
    log: Arc<MemoryLog>,
    topic: String,
    next: Vec<(PartitionId, usize)>,
    turn: usize,
}

impl LogReader for MemoryReader {
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
            while *next < readable && data.len() < max_bytes.min(4096) {
                let start = data.len() as u32;
                data.extend_from_slice(&partition.bodies[*next]);
                fetched.records.push(RecordRef {
                    offset: Offset(*next as u64),
                    appended: Timestamp(0),
                    start,
                    end: data.len() as u32,
                });
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

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.next.iter().map(|&(partition, next)| (partition, Offset(next as u64))).collect()
    }
}

/// Rows by key, and all that was ever written; nothing expires.
#[derive(Default)]
pub struct MemoryStore {
    rows: Mutex<BTreeMap<String, Vec<u8>>>,
    history: Mutex<Vec<(String, Vec<u8>)>>,
    refuses: AtomicBool,
}

impl MemoryStore {
    /// Whether it takes nothing.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Every write in order.
    pub fn history(&self) -> Vec<(String, Vec<u8>)> {
        self.history.lock().clone()
    }

    pub fn rows(&self) -> BTreeMap<String, Vec<u8>> {
        self.rows.lock().clone()
    }
}

impl ResultStore for MemoryStore {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        let mut rows = self.rows.lock();
        for upsert in &batch.upserts {
            rows.insert(upsert.key.to_string(), upsert.value.to_vec());
            self.history.lock().push((upsert.key.to_string(), upsert.value.to_vec()));
        }
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

    fn scan(&self, prefix: &str, each: &mut dyn FnMut(Entry) -> bool) -> Result<(), StoreError> {
        for (key, value) in
            self.rows().range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix))
        {
            let (key, value) = (key.as_str().into(), value.as_slice().into());
            if !each(Entry { key, value, expires: Timestamp(i64::MAX) }) {
                break;
            }
        }
        Ok(())
    }

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
