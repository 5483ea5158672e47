//! The queue of the next group commit. It is bounded, so that a slow disk refuses its senders.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;
use types::{PartitionId, Timestamp};

use super::packed::Packed;
use super::topic::Topic;
use super::{LogError, NewRecord, Note, Position};

/// The records of a request.
pub(crate) enum Content {
    Records(Vec<NewRecord>),
    Packed(Vec<Packed>),
}

/// The records of one append.
pub(crate) struct Request {
    pub(crate) topic: Arc<Topic>,
    pub(crate) content: Content,
    /// Partition of each record.
    pub(crate) partitions: Vec<PartitionId>,
    pub(crate) note: Option<Note>,
    pub(crate) arrived: Timestamp,
    pub(crate) bytes: usize,
    pub(crate) done: oneshot::Sender<Result<Vec<Position>, LogError>>,
}

/// Receives the number of dropped records.
pub(crate) type Trimmed = crossbeam_channel::Sender<Result<u64, LogError>>;

/// The committer's next task.
pub(crate) enum Task {
    Commit(Vec<Request>),
    Trim(Trimmed),
    /// Nothing arrived in time.
    Idle,
    /// The queue is closed and empty.
    Stop,
}

/// The bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) bytes: usize,
    pub(crate) records: usize,
}

pub(crate) struct Queue {
    bounds: Bounds,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    bytes: usize,
    records: usize,
    trims: VecDeque<Trimmed>,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Queue {
        Queue { bounds, waiting: Mutex::default(), arrived: Condvar::new() }
    }

    /// Queues a request, or returns why not. A request that is larger than the bounds needs an empty queue.
    pub(crate) fn push(&self, request: Request) -> Result<(), LogError> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(LogError::Closed);
        }
        let full = waiting.bytes.saturating_add(request.bytes) > self.bounds.bytes
            || waiting.records.saturating_add(request.partitions.len()) > self.bounds.records;
        if full && !waiting.requests.is_empty() {
            return Err(LogError::Overloaded { queued_bytes: waiting.bytes });
        }
        waiting.bytes += request.bytes;
        waiting.records += request.partitions.len();
        waiting.requests.push_back(request);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    pub(crate) fn push_trim(&self, done: Trimmed) -> Result<(), LogError> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(LogError::Closed);
        }
        waiting.trims.push_back(done);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes the waiting requests, up to `bytes_max` but at least one. Waits at most `patience` for the
    /// first.
    pub(crate) fn take(&self, bytes_max: usize, patience: Duration) -> Task {
        let mut waiting = self.waiting.lock();
        let idle = |waiting: &mut Waiting| {
            waiting.requests.is_empty() && waiting.trims.is_empty() && !waiting.closed
        };
        self.arrived.wait_while_for(&mut waiting, idle, patience);
        if let Some(done) = waiting.trims.pop_front() {
            return Task::Trim(done);
        }
        let waiting = &mut *waiting;
        let mut taken = Vec::new();
        let mut bytes = 0;

        while let Some(request) = waiting.requests.front() {
            if !taken.is_empty() && bytes + request.bytes > bytes_max {
                break;
            }
            bytes += request.bytes;
            waiting.bytes -= request.bytes;
            waiting.records -= request.partitions.len();
            taken.extend(waiting.requests.pop_front());
        }

        match (taken.is_empty(), waiting.closed) {
            (false, _) => Task::Commit(taken),
            (true, true) => Task::Stop,
            (true, false) => Task::Idle,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.waiting.lock().closed
    }

    /// Refuses further requests; those that wait are still taken.
    pub(crate) fn close(&self) {
        self.waiting.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Refuses further requests and drops those that wait, because the committer is gone.
    pub(crate) fn abandon(&self) {
        let mut waiting = self.waiting.lock();
        *waiting = Waiting { closed: true, ..Waiting::default() };
    }
}
