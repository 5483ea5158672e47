//! A log and a store that trigger a trap in the place that a test has set, and otherwise work normally.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use storage::log::{
    Appending, EventLog, LogError, LogReader, NewRecord, Note, OffsetBounds, Polled, Start, Wanted,
};
use storage::store::{EachStep, Entry, Following, Interest, ResultStore, StoreError, WriteBatch};
use types::{Offset, PartitionId};

/// The place of a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrapPlace {
    /// Opening a source.
    Open,
    /// Reading a source.
    Read,
    /// Writing results.
    Write,
    /// Writing a checkpoint, when the position of the group is committed.
    Commit,
}

/// The effect of a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    Panic,
    /// Blocks until the trap is removed.
    Stick,
}

#[derive(Default)]
struct State {
    set: Option<(TrapPlace, Trap)>,
    stuck: usize,
}

/// The traps for one topic, and for result keys that begin with its name.
#[derive(Default)]
pub struct Traps {
    state: Mutex<State>,
    changed: Condvar,
}

/// The topic that has the traps.
pub const TRAPPED: &str = "trapped";

impl Traps {
    pub fn set(&self, place: TrapPlace, trap: Trap) {
        self.state.lock().set = Some((place, trap));
    }

    /// Removes the trap and releases blocked threads.
    pub fn take_away(&self) {
        self.state.lock().set = None;
        self.changed.notify_all();
    }

    /// Returns the number of threads that are blocked now.
    pub fn stuck(&self) -> usize {
        self.state.lock().stuck
    }

    fn pass(&self, here: TrapPlace) {
        let mut state = self.state.lock();
        match state.set {
            Some((place, Trap::Panic)) if place == here => {
                // The trap works only once, so the restarted job succeeds.
                state.set = None;
                drop(state);
                panic!("caught at {here:?}");
            }
            Some((place, Trap::Stick)) if place == here => {
                state.stuck += 1;
                self.changed.wait_while(&mut state, |state| state.set.is_some());
                state.stuck -= 1;
            }
            _ => {}
        }
    }
}

pub struct TrappedLog {
    pub of: Arc<dyn EventLog>,
    pub traps: Arc<Traps>,
}

struct TrappedReader {
    of: Box<dyn LogReader>,
    traps: Option<Arc<Traps>>,
}

impl EventLog for TrappedLog {
    fn name(&self) -> String {
        self.of.name()
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        self.of.topics()
    }

    fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), LogError> {
        self.of.create_topic(topic, partitions)
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.of.partitions(topic)
    }

    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        note: Option<Note>,
    ) -> Result<Appending, LogError> {
        self.of.append_noted(topic, records, note)
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, LogError> {
        self.of.note(name)
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError> {
        let traps = (topic == TRAPPED).then(|| self.traps.clone());
        if let Some(traps) = &traps {
            traps.pass(TrapPlace::Open);
        }
        Ok(Box::new(TrappedReader { of: self.of.read(topic, from, wanted)?, traps }))
    }

    fn bounds(&self, topic: &str, partition: PartitionId) -> Result<OffsetBounds, LogError> {
        self.of.bounds(topic, partition)
    }

    fn commit(&self, _: &str, positions: &[(&str, PartitionId, Offset)]) -> Result<(), LogError> {
        if positions.iter().any(|(topic, ..)| *topic == TRAPPED) {
            self.traps.pass(TrapPlace::Commit);
        }
        Ok(())
    }
}

impl LogReader for TrappedReader {
    fn take_lost(&mut self) -> u64 {
        self.of.take_lost()
    }

    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled, LogError> {
        if let Some(traps) = &self.traps {
            traps.pass(TrapPlace::Read);
        }
        self.of.poll(timeout, max_bytes)
    }

    fn add(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError> {
        self.of.add(partition, start)
    }

    fn at_end(&self) -> Vec<PartitionId> {
        self.of.at_end()
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.of.positions()
    }
}

pub struct TrappedStore {
    pub of: Arc<dyn ResultStore>,
    pub traps: Arc<Traps>,
}

impl ResultStore for TrappedStore {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        if batch.upserts.iter().any(|upsert| upsert.key.starts_with(TRAPPED)) {
            self.traps.pass(TrapPlace::Write);
        }
        self.of.write(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.of.flush()
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.of.get(key)
    }

    fn scan_any(&self, prefixes: &[String], each: &mut EachStep<'_>) -> Result<(), StoreError> {
        self.of.scan_any(prefixes, each)
    }

    fn watch(&self, interests: Vec<Interest>) {
        self.of.watch(interests);
    }

    fn follow(&self) -> Result<Following, StoreError> {
        self.of.follow()
    }

    fn address(&self) -> (String, String) {
        self.of.address()
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.of.ping()
    }

    fn remark(&self) -> Option<String> {
        self.of.remark()
    }
}
