//! The fetch path: brings records from the leaders of a topic's partitions to one reader.
//!
//! One task finds the leaders and follows them when they move. One task per leader sends fetch requests and
//! hands over the answered records in chunks. The tasks wait while the reader does not take chunks, so that
//! memory stays bounded.
//!
//! ```text
//!              ┌─ cluster: metadata, every two seconds or when a leader has moved
//! Fetcher ─────┤
//!              └─ leader 1, leader 2 …: fetch ─ inflate ─ decode ─▶ events ─▶ Fetcher::next
//! ```
//!
//! The fetch path joins no group and commits nothing. An answer is inflated once, into the buffer from
//! which the rows are decoded; no record has an allocation of its own.

mod batch;
mod buffer;
mod chunk;
mod cluster;
mod codec;
mod connection;
mod error;
mod leader;
mod network;
mod options;
mod records;
mod sasl;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use types::{Clock, PartitionId};
use uuid::Uuid;

use self::chunk::Pool;
use self::error::FetchError;
use crate::log::{LogError, Wanted};

pub(super) use self::chunk::Chunk;
pub(super) use self::network::{Network, Threads};
pub(super) use self::options::FetchOptions;

/// Chunks that wait for the reader, besides those that the leaders' tasks hold.
const EVENTS: usize = 4;

/// Events for the reader.
pub(super) enum Event {
    Chunk(Chunk),
    /// The brokers no longer have the next offset to read, or not yet.
    OutOfRange {
        partition: PartitionId,
        generation: u64,
    },
    /// The brokers have lost records that were read: other records follow from offset `end` on.
    Truncated {
        partition: PartitionId,
        generation: u64,
        end: u64,
    },
    /// Reading cannot continue.
    Failed(LogError),
}

/// The last answer of a partition's leader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// Time of the answer, on the clock's `elapsed`.
    pub at: Duration,
    /// The offset behind the newest record, readable or not.
    pub end: u64,
    /// The offset behind the newest readable record: the beginning of the oldest open transaction, or the
    /// end.
    pub stable_end: u64,
}

/// Reasons why a topic cannot be read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    Deleted,
    /// Deleted and created again under the same name.
    Recreated,
}

/// Reads some partitions of a topic. Its tasks end when it is dropped.
pub(super) struct Fetcher {
    shared: Arc<Shared>,
    events: mpsc::Receiver<Event>,
    threads: Arc<Threads>,
    cluster: AbortHandle,
}

/// State that the tasks and the reader share.
struct Shared {
    options: Arc<FetchOptions>,
    topic: Arc<str>,
    /// Id of the topic when it was opened, where the brokers have ids.
    topic_id: Option<Uuid>,
    wanted: Wanted,
    clock: Arc<dyn Clock>,
    partitions: Mutex<BTreeMap<PartitionId, Partition>>,
    /// Notifies that a partition was added, moved or repositioned.
    changed: Notify,
    /// Notifies that the metadata is stale.
    stale: Notify,
    gone: Mutex<Option<Gone>>,
    /// Whether a request has failed and no broker has answered since.
    is_failing: AtomicBool,
    events: mpsc::Sender<Event>,
    pool: Pool,
}

/// A partition that is read.
#[derive(Debug, Clone, Copy)]
struct Partition {
    generation: u64,
    /// The next offset to fetch.
    position: u64,
    /// The broker to fetch from; `None` until the metadata tells.
    source: Option<i32>,
    leader_epoch: i32,
    /// The epoch of the leader that wrote the last fetched batch; -1 until one was fetched. The brokers compare
    /// it with their records, and report if these have been replaced (KIP-320, KIP-595).
    fetched_epoch: i32,
    /// Whether nothing is fetched until the reader sets a new position.
    is_stopped: bool,
    /// The end that the reader was told last, so that it is told once.
    told_end: Option<u64>,
    heard: Option<Heard>,
}

impl Fetcher {
    /// Starts the tasks. They read no partition until [`Fetcher::read_from`] adds one.
    pub fn start(
        options: Arc<FetchOptions>,
        topic: Arc<str>,
        topic_id: Option<Uuid>,
        wanted: Wanted,
        clock: Arc<dyn Clock>,
        threads: Arc<Threads>,
    ) -> Fetcher {
        let (sender, events) = mpsc::channel(EVENTS);
        let shared = Arc::new(Shared {
            options,
            topic,
            topic_id,
            wanted,
            clock,
            partitions: Mutex::default(),
            changed: Notify::new(),
            stale: Notify::new(),
            gone: Mutex::new(None),
            is_failing: AtomicBool::new(false),
            events: sender,
            pool: Pool::default(),
        });
        let cluster = threads.handle().spawn(cluster::follow(shared.clone())).abort_handle();
        Fetcher { shared, events, threads, cluster }
    }

    /// Reads a partition from an offset on, whether or not it was read before. Returns the generation of
    /// its next chunks.
    pub fn read_from(&self, partition: PartitionId, offset: u64) -> u64 {
        let mut partitions = self.shared.partitions.lock();
        let before = partitions.get(&partition).copied();
        let generation = before.map_or(0, |before| before.generation + 1);
        partitions.insert(
            partition,
            Partition {
                generation,
                position: offset,
                source: before.and_then(|before| before.source),
                leader_epoch: before.map_or(-1, |before| before.leader_epoch),
                fetched_epoch: -1,
                is_stopped: false,
                told_end: None,
                heard: before.and_then(|before| before.heard),
            },
        );
        drop(partitions);
        self.shared.changed.notify_waiters();
        self.shared.stale.notify_one();
        generation
    }

    /// Returns the next event as soon as there is one; `None` on timeout.
    pub fn next(&mut self, timeout: Duration) -> Option<Event> {
        if let Ok(event) = self.events.try_recv() {
            return Some(event);
        }
        if timeout.is_zero() {
            return None;
        }
        let events = &mut self.events;
        self.threads
            .handle()
            .block_on(async { tokio::time::timeout(timeout, events.recv()).await.ok().flatten() })
    }

    /// Returns the last answer of a partition's leader; `None` before the first answer.
    pub fn heard(&self, partition: PartitionId) -> Option<Heard> {
        self.shared.partitions.lock().get(&partition)?.heard
    }

    /// Returns why the opened topic cannot be read any more; `None` while it can.
    pub fn gone(&self) -> Option<Gone> {
        *self.shared.gone.lock()
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        // The leaders' tasks end with the cluster's task.
        self.cluster.abort();
    }
}

impl Shared {
    /// Hands an event to the reader. Waits while the reader's queue is full.
    async fn tell(&self, event: Event) {
        // Without a reader the tasks are about to end.
        let _ = self.events.send(event).await;
    }

    /// Reports a failure that no retry can mend to the reader. Logs other failures once, until a broker
    /// answers again.
    async fn tell_failure(&self, error: FetchError) {
        if error.is_refusal() {
            return self.tell(Event::Failed(error.into_log_error(&self.options.servers))).await;
        }

        let was_failing = self.is_failing.swap(true, Ordering::Relaxed);
        let (servers, topic) = (&self.options.servers, &self.topic);
        let error = &error as &dyn std::error::Error;
        if was_failing {
            tracing::debug!(%servers, %topic, error, "a broker does not answer; retrying");
        } else {
            tracing::warn!(%servers, %topic, error, "a broker does not answer; retrying");
        }
    }
}
