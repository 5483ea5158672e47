//! The result store: string keys, JSON values, an expiry each, and a stream of what changed.

use std::sync::Arc;
use std::time::Duration;

use types::{ErrorDomain, Timestamp};

/// One row of a result, written or overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upsert {
    pub key: Arc<str>,
    /// A JSON object.
    pub value: Arc<[u8]>,
    /// How long it stands after this write.
    pub ttl: Duration,
}

/// What is told to followers after a write: `SET {latest_key} {time}`, then `PUBLISH {channel} {"type", "timestamp",
/// "count"}` (contract: one message a type and batch).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub channel: Arc<str>,
    pub latest_key: Arc<str>,
    /// The analytic's name.
    pub kind: Arc<str>,
    /// The key's time, `window_end` as it is written in the rows.
    pub time: Arc<str>,
    /// Rows written.
    pub count: u64,
}

/// A batch of writes of one analytic, and what followers are told afterwards.
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    pub upserts: Vec<Upsert>,
    pub notification: Option<Notification>,
}

/// A stored row.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Arc<str>,
    pub value: Arc<[u8]>,
    pub expires: Timestamp,
}

/// What a follower sees: the rows of one batch, then its notification.
#[derive(Debug, Clone)]
pub struct Change {
    pub entries: Vec<Entry>,
    pub notification: Option<Notification>,
}

/// Keyed results that expire.
///
/// An implementation must apply batches of one writer in order, must never show half a batch's notification before its
/// rows, and must not return an expired row.
pub trait ResultStore: Send + Sync {
    /// Writes a batch; returns when it is applied and visible. Blocks the calling thread.
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError>;

    /// Makes everything written so far survive a crash.
    fn flush(&self) -> Result<(), StoreError>;

    /// One value, `None` if absent or expired.
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError>;

    /// Calls `each` for every row whose key starts with `prefix`, in key order. Stops early when `each` returns false.
    fn scan(&self, prefix: &str, each: &mut dyn FnMut(Entry) -> bool) -> Result<(), StoreError>;

    /// Follows changes from now on. The queue is bounded; a writer waits for a follower that lags.
    fn follow(&self) -> Result<Following, StoreError>;

    /// Where the store is, for `/analytics/health`: host and port, `embedded` and `0` for the embedded one.
    fn address(&self) -> (String, String);

    /// Whether the store answers now.
    fn ping(&self) -> Result<(), StoreError>;
}

/// The changes a follower receives.
pub type Following = crossbeam_channel::Receiver<Arc<Change>>;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("no space left for the result store")]
    DiskFull(#[source] std::io::Error),
    #[error("the result store failed: {doing}")]
    Storage {
        doing: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the result store is shut down")]
    Closed,
}

impl StoreError {
    pub fn domain(&self) -> ErrorDomain {
        ErrorDomain::External
    }
}
