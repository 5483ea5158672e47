//! Topics in memory: where each partition begins and ends, and its segments.
//!
//! A segment is a run of entries that retention drops as one, so that neither retention nor a search by
//! time looks at every entry. Only the committer changes a partition, after it has changed the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use types::{PartitionId, Timestamp};

use super::LogError;
use super::key::Place;

/// A topic and its partitions, in order.
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    pub(crate) id: u32,
    pub(crate) partitions: Vec<Mutex<Partition>>,
    /// Counts appends, to distribute records without a key.
    pub(crate) turn: AtomicU32,
    /// Raised after every commit to the topic.
    pub(crate) grown: Signal,
}

/// The extent of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    /// The first offset kept.
    pub(crate) first: u64,
    /// The offset after the last durable record.
    pub(crate) next: u64,
    /// Bytes of all entries ever written, deleted ones included.
    pub(crate) position: u64,
    /// Time of the last record. Times never go back, even if the clock does.
    pub(crate) last_time: Timestamp,
    /// Oldest first. The last segment still grows.
    pub(crate) segments: VecDeque<Segment>,
}

/// A run of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    /// Time of the first record.
    pub(crate) time: Timestamp,
    /// Bytes of all entries of the partition before this segment.
    pub(crate) position: u64,
    /// Time of the last record before this segment.
    pub(crate) before: Timestamp,
}

impl Topic {
    pub(crate) fn new(name: &str, id: u32, partitions: Vec<Partition>) -> Topic {
        Topic {
            name: name.into(),
            id,
            partitions: partitions.into_iter().map(Mutex::new).collect(),
            turn: AtomicU32::new(0),
            grown: Signal::default(),
        }
    }

    pub(crate) fn place(&self, partition: PartitionId) -> Place {
        Place { topic: self.id, partition }
    }

    pub(crate) fn partition(&self, partition: PartitionId) -> Result<&Mutex<Partition>, LogError> {
        self.partitions
            .get(partition.0 as usize)
            .ok_or_else(|| LogError::UnknownPartition { topic: self.name.to_string(), partition })
    }
}

impl Default for Partition {
    fn default() -> Partition {
        Partition {
            first: 0,
            next: 0,
            position: 0,
            last_time: Timestamp(i64::MIN),
            segments: VecDeque::new(),
        }
    }
}

/// Wakes waiting threads when an event has happened.
#[derive(Default)]
pub(crate) struct Signal {
    raised: Mutex<u64>,
    condition: Condvar,
}

impl Signal {
    /// Returns how often the signal was raised. Read it before you look for the event.
    pub(crate) fn seen(&self) -> u64 {
        *self.raised.lock()
    }

    pub(crate) fn raise(&self) {
        *self.raised.lock() += 1;
        self.condition.notify_all();
    }

    /// Waits until the signal is raised after `seen`; returns false on timeout.
    pub(crate) fn wait(&self, seen: u64, timeout: Duration) -> bool {
        let mut raised = self.raised.lock();
        let waited = self.condition.wait_while_for(&mut raised, |raised| *raised == seen, timeout);
        !waited.timed_out() || *raised != seen
    }
}

/// Checks that Kafka would accept the name too.
pub(crate) fn check_name(name: &str) -> Result<(), LogError> {
    let valid = (1..=249).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if valid { Ok(()) } else { Err(LogError::InvalidTopic { topic: name.to_owned() }) }
}
