//! A process that runs a job and can be killed: later writes have no effect.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;
use std::time::Duration;

use jobs::checkpoint::{CheckpointDirectory, CheckpointOptions};
use jobs::registry::Registry;
use jobs::{Defaults, Dispatcher, Environment, JobMaster, JobOrigin, Submission};
use parking_lot::Mutex;
use serde_json::Value;
use storage::log::{
    Appending, EventLog, LogError, LogReader, Logs, NewRecord, Note, OffsetBounds, Polled, Start, Wanted,
};
use storage::store::{EachStep, Entry, Following, Interest, ResultStore, StoreError, WriteBatch};
use types::{Interval, JobId, ManualClock, Offset, PartitionId};

use crate::acts::{Checkpoints, Damage, Entry as Way};
use crate::memory::{MemoryLog, MemoryStore, SharedLog};

/// A write to the store, and the attempt that it came from; each attempt has its own writer thread.
pub struct Write {
    pub attempt: ThreadId,
    pub key: String,
    pub value: Vec<u8>,
}

/// State that outlives processes.
pub struct World {
    pub directory: tempfile::TempDir,
    pub log: Arc<MemoryLog>,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<ManualClock>,
    pub checkpoints: Checkpoints,
    pub writes: Arc<Mutex<Vec<Write>>>,
    pub slow: Arc<AtomicBool>,
}

pub struct Process {
    pub dispatcher: Dispatcher,
    pub job: Arc<JobMaster>,
    dead: Arc<AtomicBool>,
}

/// The state from which a job continues.
#[derive(Debug, Clone, Copy)]
pub enum From<'a> {
    Nothing,
    /// Its own last state.
    Before,
    Savepoint(&'a str),
}

pub const LONG: Duration = Duration::from_secs(30);

impl World {
    /// Starts a process with the job.
    pub fn start(&self, text: &str, parallelism: u32, way: Way, from: From<'_>) -> Process {
        let dead = Arc::new(AtomicBool::new(false));
        let dispatcher = self.dispatcher(parallelism, &dead);
        let (origin, is_resumed) = match (way, from) {
            (Way::Named, _) => (JobOrigin::Start, false),
            (Way::Submitted, From::Before) => (JobOrigin::Submitted, true),
            (Way::Submitted, _) => (JobOrigin::Submitted, false),
        };
        let from = match from {
            From::Savepoint(location) => Some(location),
            From::Nothing | From::Before => None,
        };

        dispatcher.resume().expect("the records can be read");
        if !is_resumed {
            let submission =
                Submission { script: text, name: "", variables: &|_| None, origin, from, afresh: false };
            dispatcher
                .submit(submission)
                .unwrap_or_else(|error| panic!("it does not start: {error}, {error:?}"));
        }
        let jobs = dispatcher.jobs();
        let [job] = &jobs[..] else { panic!("{} jobs run", jobs.len()) };
        Process { job: job.clone(), dispatcher, dead }
    }

    /// Returns all rows by key.
    pub fn rows(&self) -> BTreeMap<String, Value> {
        let rows = self.store.rows().into_iter();
        rows.map(|(key, row)| (key, serde_json::from_slice(&row).expect("a row is JSON"))).collect()
    }

    /// Damages the newest checkpoint of a job, if there is another.
    pub fn damage(&self, job: JobId, damage: Damage) {
        let directory = self.directory.path().join("checkpoints");
        let checkpoints = CheckpointDirectory::open(&directory.display().to_string()).expect("it opens");
        let ids = checkpoints.ids(job).expect("it can be listed").into_iter().rev();
        let mut whole = ids
            .map(|id| CheckpointDirectory::checkpoint(job, id))
            .filter(|place| checkpoints.read(place).is_ok());
        if let (Some(newest), Some(_)) = (whole.next(), whole.next()) {
            damage.inflict(&directory.join(newest));
        }
    }

    fn dispatcher(&self, parallelism: u32, dead: &Arc<AtomicBool>) -> Dispatcher {
        let place = |name: &str| self.directory.path().join(name).display().to_string();
        let often = self.checkpoints == Checkpoints::Often;
        let checkpoints = CheckpointOptions {
            // The clock stands still between acts, so that a checkpoint is due whenever it moves.
            interval: often.then_some(Duration::from_millis(1)),
            min_pause: Duration::ZERO,
            timeout: LONG,
            retained: 3,
            keep_free_bytes: 0,
            // Every part is a file.
            inline_below: 0,
            tolerable_failures: None,
            directory: place("checkpoints"),
            savepoints: place("savepoints"),
        };

        let registry = Registry::open(Path::new(&place("jobs"))).expect("the registry opens");
        let store = Fenced { of: self.store.clone(), dead: dead.clone() };
        let log = Fenced { of: Arc::new(SharedLog(self.log.clone())), dead: dead.clone() };
        Dispatcher::new(Environment {
            logs: Logs::new(Arc::new(log), None, self.clock.clone()),
            store: Arc::new(Watched { store, writes: self.writes.clone(), slow: self.slow.clone() }),
            clock: self.clock.clone(),
            defaults: Defaults { parallelism, idle_timeout: Interval(5_000), ..Defaults::default() },
            checkpoints: Some(checkpoints),
            registry: Some(Arc::new(registry)),
        })
    }
}

impl Process {
    /// Ends the process as a crash would: nothing of what it does later reaches the log or the store. What it
    /// writes to the files next to the checkpoints is removed.
    pub fn kill(self, checkpoints: &Path) {
        self.dead.store(true, Ordering::SeqCst);
        let before = lateness_files(checkpoints, self.job.id());
        self.dispatcher.shut_down(Duration::ZERO);
        assert!(self.job.wait(LONG), "a killed job does not end");
        for (path, _) in lateness_files(checkpoints, self.job.id()) {
            let length = before.get(&path).copied().unwrap_or(0);
            let file = std::fs::File::options().write(true).open(&path).expect("it is there");
            file.set_len(length).expect("it can be cut");
        }
    }
}

/// Returns the files of a job's lateness and undo logs with their lengths.
fn lateness_files(checkpoints: &Path, job: JobId) -> BTreeMap<std::path::PathBuf, u64> {
    let entries = std::fs::read_dir(checkpoints.join(job.to_string())).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.filter_map(|path| Some((path.clone(), path.metadata().ok()?.len()))).collect()
}

impl Damage {
    fn inflict(self, checkpoint: &Path) {
        let (state, manifest) = (checkpoint.join("state"), checkpoint.join("_metadata"));
        let change = |path: &Path, change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = std::fs::read(path).expect("it was there");
            change(&mut bytes);
            std::fs::write(path, bytes).expect("it can be written");
        };
        let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
        match self {
            Damage::Truncate => change(&state, &cut),
            Damage::TruncateManifest => change(&manifest, &cut),
            Damage::FlipBit => change(&state, &|bytes| {
                let at = bytes.len() * 2 / 3;
                bytes[at] ^= 4;
            }),
            Damage::RemoveState => std::fs::remove_file(&state).expect("it was there"),
            Damage::RemoveManifest => std::fs::remove_file(&manifest).expect("it was there"),
        }
    }
}

/// A log or a store that fails once the process is dead.
struct Fenced<T: ?Sized> {
    of: Arc<T>,
    dead: Arc<AtomicBool>,
}

impl<T: ?Sized> Fenced<T> {
    fn log(&self) -> Result<&T, LogError> {
        if self.dead.load(Ordering::SeqCst) { Err(LogError::Closed) } else { Ok(&*self.of) }
    }

    fn store(&self) -> Result<&T, StoreError> {
        if self.dead.load(Ordering::SeqCst) { Err(StoreError::Closed) } else { Ok(&*self.of) }
    }
}

impl EventLog for Fenced<SharedLog> {
    fn name(&self) -> String {
        self.of.name()
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        self.log()?.topics()
    }

    fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), LogError> {
        self.log()?.create_topic(topic, partitions)
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.log()?.partitions(topic)
    }

    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        note: Option<Note>,
    ) -> Result<Appending, LogError> {
        self.log()?.append_noted(topic, records, note)
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, LogError> {
        self.log()?.note(name)
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError> {
        let reader = self.log()?.read(topic, from, wanted)?;
        Ok(Box::new(FencedReader { reader, dead: self.dead.clone() }))
    }

    fn bounds(&self, topic: &str, partition: PartitionId) -> Result<OffsetBounds, LogError> {
        self.log()?.bounds(topic, partition)
    }
}

struct FencedReader {
    reader: Box<dyn LogReader>,
    dead: Arc<AtomicBool>,
}

impl LogReader for FencedReader {
    fn take_lost(&mut self) -> u64 {
        self.reader.take_lost()
    }

    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled, LogError> {
        if self.dead.load(Ordering::SeqCst) {
            return Err(LogError::Closed);
        }
        self.reader.poll(timeout, max_bytes)
    }

    fn add(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError> {
        self.reader.add(partition, start)
    }

    fn at_end(&self) -> Vec<PartitionId> {
        self.reader.at_end()
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.reader.positions()
    }
}

/// A store that records each write with its source, and that can be slow.
struct Watched {
    store: Fenced<MemoryStore>,
    writes: Arc<Mutex<Vec<Write>>>,
    slow: Arc<AtomicBool>,
}

impl ResultStore for Watched {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        if self.slow.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        self.store.store()?.write(batch)?;
        let attempt = std::thread::current().id();
        let writes = batch.upserts.iter().map(|upsert| Write {
            attempt,
            key: upsert.key.to_string(),
            value: upsert.value.to_vec(),
        });
        self.writes.lock().extend(writes);
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.store.store()?.flush()
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.store.store()?.get(key)
    }

    fn scan_any(&self, prefixes: &[String], each: &mut EachStep<'_>) -> Result<(), StoreError> {
        self.store.store()?.scan_any(prefixes, each)
    }

    fn watch(&self, interests: Vec<Interest>) {
        self.store.of.watch(interests);
    }

    fn follow(&self) -> Result<Following, StoreError> {
        self.store.store()?.follow()
    }

    fn address(&self) -> (String, String) {
        self.store.of.address()
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.store.store()?.ping()
    }

    fn remark(&self) -> Option<String> {
        self.store.store().ok()?.remark()
    }
}
