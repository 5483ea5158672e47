//! The fetch path: records from the leaders of a topic's partitions to one reader.
//!
//! One task looks for the leaders and follows them when they move; one task for each leader asks it for records, over and
//! over, and hands over what it answers in chunks. The tasks wait when the reader does not take the chunks, so that little
//! is held in memory.
//!
//! ```text
//!              ┌─ cluster: metadata, every two seconds or when a leader has moved
//! Fetcher ─────┤
//!              └─ leader 1, leader 2 …: fetch ─ inflate ─ decode ─▶ events ─▶ Fetcher::next
//! ```
//!
//! No group is joined and nothing is committed here. An answer is inflated once, into the buffer from which the rows are
//! decoded, and no memory is taken for a single record.

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

/// Chunks that wait for the reader, beside the ones that the leaders' tasks hold.
const EVENTS: usize = 4;

/// What the reader is told.
pub(super) enum Event {
    Chunk(Chunk),
    /// The brokers no longer have what was to be read next, or not yet.
    OutOfRange {
        partition: PartitionId,
        generation: u64,
    },
    /// Reading cannot go on.
    Failed(LogError),
}

/// What a partition's leader said last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// When it answered.
    pub at: Duration,
    /// The offset behind the newest record, whether or not it may be read yet.
    pub end: u64,
    /// The offset behind the newest record that may be read: where an open transaction begins, or the end.
    pub stable_end: u64,
}

/// Why a topic cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    Deleted,
    /// Deleted, and made anew under the same name.
    Recreated,
}

/// Reads some partitions of a topic. Its tasks end when it is dropped.
pub(super) struct Fetcher {
    shared: Arc<Shared>,
    events: mpsc::Receiver<Event>,
    threads: Arc<Threads>,
    cluster: AbortHandle,
}

/// What the tasks and the reader share.
struct Shared {
    options: Arc<FetchOptions>,
    topic: Arc<str>,
    /// The topic's id when it was opened, where the brokers have ids.
    topic_id: Option<Uuid>,
    wanted: Wanted,
    clock: Arc<dyn Clock>,
    partitions: Mutex<BTreeMap<PartitionId, Partition>>,
    /// Rings when a partition was added, moved or told where to go on.
    changed: Notify,
    /// Rings when the metadata is to be asked anew.
    stale: Notify,
    gone: Mutex<Option<Gone>>,
    /// A broker could not be asked, and none has answered since.
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
    /// Nothing is fetched until the reader tells where to go on.
    is_stopped: bool,
    /// The end that the reader was told of, so that it is told once.
    told_end: Option<u64>,
    heard: Option<Heard>,
}

impl Fetcher {
    /// No partition is read until one is added with [`Fetcher::read_from`].
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

    /// Reads a partition from an offset on: a new one, or one that was read from somewhere else before. Returns the
    /// generation that its chunks have from now on.
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

    /// The next event, as soon as there is one; `None` where none came in time.
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

    /// What the leader of a partition said last; `None` before its first answer.
    pub fn heard(&self, partition: PartitionId) -> Option<Heard> {
        self.shared.partitions.lock().get(&partition)?.heard
    }

    /// What became of the topic, if it is not the one any more that was opened.
    pub fn gone(&self) -> Option<Gone> {
        *self.shared.gone.lock()
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        // The tasks of the leaders end with it.
        self.cluster.abort();
    }
}

impl Shared {
    /// Hands an event to the reader, and waits while it has enough.
    async fn tell(&self, event: Event) {
        // Without a reader the tasks are being ended.
        let _ = self.events.send(event).await;
    }

    /// Tells the reader that it cannot go on, where trying again does not help. Other failures are logged once until a
    /// broker answers again.
    async fn tell_failure(&self, error: FetchError) {
        if error.is_refusal() {
            return self.tell(Event::Failed(error.into_log_error(&self.options.servers))).await;
        }

        let was_failing = self.is_failing.swap(true, Ordering::Relaxed);
        let (servers, topic) = (&self.options.servers, &self.topic);
        let error = &error as &dyn std::error::Error;
        if was_failing {
            tracing::debug!(%servers, %topic, error, "a broker cannot be asked; trying on");
        } else {
            tracing::warn!(%servers, %topic, error, "a broker cannot be asked; trying on");
        }
    }
}
