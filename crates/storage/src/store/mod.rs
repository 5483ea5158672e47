//! The result store: JSON values under string keys, each with an expiry, and a stream of changes.

mod counted;
mod embedded;
mod followers;
pub mod key;
mod latency;
mod redis;
mod row;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use types::{ErrorDomain, Timestamp};

use crate::disk::Fault;

pub use counted::{CountedStore, Counts};
pub use embedded::{EmbeddedStore, Options};
pub use latency::Latencies;
pub use redis::{Options as RedisOptions, RedisReader, RedisStore};

/// One row of a result, written or overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upsert {
    pub key: Arc<str>,
    /// A JSON object.
    pub value: Arc<[u8]>,
    /// Time after which the row expires.
    pub ttl: Duration,
}

/// Message to followers after a write: `SET {latest_key} {time}`, then `PUBLISH {channel} {"type",
/// "timestamp", "count"}` (contract: one message per type and batch). Deleted rows have a message of their
/// own, which lists their keys: `{"type", "timestamp", "count": 0, "deleted": [key, …]}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Empty when only the latest key is written and no message is sent.
    pub channel: Arc<str>,
    /// Empty when there is no latest key.
    pub latest_key: Arc<str>,
    /// The analytic's name.
    pub kind: Arc<str>,
    /// The time of the latest key: `window_end` as the rows have it.
    pub time: Arc<str>,
    /// Rows written.
    pub count: u64,
}

impl Notification {
    /// Returns the key that stores the time, if any.
    fn latest_key(&self) -> Option<&Arc<str>> {
        Some(&self.latest_key).filter(|key| !key.is_empty())
    }

    /// Returns whether followers get a message.
    fn is_told(&self) -> bool {
        !self.channel.is_empty()
    }
}

/// A batch of writes of one analytic, and the notification that follows them.
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    pub upserts: Vec<Upsert>,
    /// Keys of deleted rows. None of them is the key of an upsert in this batch.
    pub deletes: Vec<Arc<str>>,
    pub notification: Option<Notification>,
}

impl WriteBatch {
    /// Returns the notification to send about written rows; `None` when the batch writes none.
    fn told(&self) -> Option<&Notification> {
        self.kept().filter(|notification| notification.is_told())
    }

    /// Returns the notification unless the batch only deletes rows; such a batch writes no latest key.
    fn kept(&self) -> Option<&Notification> {
        self.notification.as_ref().filter(|_| !self.upserts.is_empty() || self.deletes.is_empty())
    }

    /// Returns the latest key that the batch writes.
    fn latest_key(&self) -> Option<&Arc<str>> {
        self.kept().and_then(Notification::latest_key)
    }

    /// Returns all keys that the batch writes or deletes.
    fn keys(&self) -> impl Iterator<Item = &Arc<str>> + Clone {
        self.upserts.iter().map(|upsert| &upsert.key).chain(&self.deletes)
    }

    /// Returns the change that followers receive. Each row expires its time to live after `now`.
    fn change(&self, now: Timestamp) -> Change {
        let entries = self.upserts.iter().map(|upsert| Entry {
            key: upsert.key.clone(),
            value: upsert.value.clone(),
            expires: row::expires(now, upsert.ttl),
        });
        Change {
            entries: entries.collect(),
            deleted: self.deletes.clone(),
            notification: self.told().cloned(),
        }
    }
}

/// A stored row, or the time under a latest key.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Arc<str>,
    /// A row's JSON object, or the plain text of the time under a latest key, as in Redis.
    pub value: Arc<[u8]>,
    /// `Timestamp(i64::MAX)` when the entry does not expire, as for a latest key.
    pub expires: Timestamp,
}

/// A change as followers receive it: the rows of one batch, then its notification.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub entries: Vec<Entry>,
    /// Keys of deleted rows; none of them is the key of an entry.
    pub deleted: Vec<Arc<str>>,
    pub notification: Option<Notification>,
}

/// Rows that others may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interest {
    /// The beginning of their keys.
    pub prefix: String,
    /// Channel of the messages about them; empty if there are none.
    pub channel: String,
}

/// Takes the rows of a step of a scan; returns whether the scan goes on.
pub type EachStep<'e> = dyn FnMut(Vec<Entry>) -> bool + 'e;

/// Keyed results that expire.
///
/// An implementation must apply batches of one writer in order, must never publish a batch's notification
/// before its rows, and must not return an expired row.
pub trait ResultStore: Send + Sync {
    /// Writes a batch; returns once it is applied and visible. Blocks the calling thread.
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError>;

    /// Records for metrics that the last batch is the first to show records that arrived at `since`.
    fn shows(&self, _since: Timestamp) {}

    /// Makes all earlier writes survive a crash.
    fn flush(&self) -> Result<(), StoreError>;

    /// Returns the value under a key, `None` if absent or expired.
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError>;

    /// Returns the values of some keys, in their order; `None` for each absent or expired one. The default
    /// gets one key after the other, which is cheap without a server.
    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Passes the rows whose key begins with one of some prefixes to `each`, some at a time and each once, in any
    /// order, until it returns false. No prefix begins with another. After a step that has found no row, `each` is
    /// called without rows, so that the caller can do other work during a scan that finds little.
    ///
    /// Rows written during the scan may be missed. Latest keys are ordinary keys: a scan of `analytics:` finds
    /// `analytics:latest` too.
    fn scan_any(&self, prefixes: &[String], each: &mut EachStep<'_>) -> Result<(), StoreError>;

    /// As [`ResultStore::scan_any`] for one prefix, and one row at a time.
    fn scan(&self, prefix: &str, each: &mut dyn FnMut(Entry) -> bool) -> Result<(), StoreError> {
        self.scan_any(&[prefix.to_owned()], &mut |entries| entries.into_iter().all(&mut *each))
    }

    /// Names rows that others may write, of which followers are told from now on. A store without other writers
    /// has nothing to do.
    fn watch(&self, interests: Vec<Interest>);

    /// Follows changes from now on. The queue is bounded; a writer waits for a follower that lags.
    fn follow(&self) -> Result<Following, StoreError>;

    /// Returns host and port of the store for `/analytics/health`; `embedded` and `0` for the embedded store.
    fn address(&self) -> (String, String);

    /// Fails when the store does not answer or does not take results now.
    fn ping(&self) -> Result<(), StoreError>;

    /// Returns a warning for the operator while the store takes results, in a sentence without a full stop:
    /// the store is slow, or drops rows before they expire.
    fn remark(&self) -> Option<String>;
}

/// The changes a follower receives.
pub type Following = crossbeam_channel::Receiver<Arc<Change>>;

/// Errors of the result store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("a key of {bytes} bytes cannot be stored: 1 to {limit} bytes")]
    InvalidKey { bytes: usize, limit: usize },
    #[error(
        "another process uses the data directory {directory}; stop it, or choose another with --data-dir"
    )]
    Locked { directory: String },
    #[error("the result store is damaged at {place}")]
    Corrupt { place: String },
    #[error("no space left for the result store")]
    DiskFull(#[source] std::io::Error),
    #[error(
        "a write to the result store has failed before, and it accepts no more until Weir restarts: the first error is in \
         Weir's log"
    )]
    Broken,
    #[error("the result store failed: {doing}")]
    Storage {
        doing: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the address of the result store is wrong: {message}")]
    Address { message: String },
    #[error("the result store cannot be reached")]
    Unreachable {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store answered a command with an error. `command` is its name and its key.
    #[error("the result store refused {command}: {answer}")]
    Refused { command: String, answer: String },
    /// The rows are written, but the store refused the message about them.
    #[error(
        "the result store accepts rows but refused {command}, so its other readers do not learn of changes: {answer}"
    )]
    Untold { command: String, answer: String },
    #[error("the result store is shut down")]
    Closed,
}

impl StoreError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            StoreError::InvalidKey { .. } | StoreError::Locked { .. } | StoreError::Address { .. } => {
                ErrorDomain::User
            }
            StoreError::Corrupt { .. }
            | StoreError::DiskFull(_)
            | StoreError::Storage { .. }
            | StoreError::Broken
            | StoreError::Unreachable { .. }
            | StoreError::Refused { .. }
            | StoreError::Untold { .. }
            | StoreError::Closed => ErrorDomain::External,
        }
    }

    /// Translates a fault of the disk.
    fn of(fault: Fault, doing: &'static str) -> StoreError {
        match fault {
            Fault::Full(error) => StoreError::DiskFull(std::io::Error::new(error.kind(), error)),
            Fault::Locked { directory } => StoreError::Locked { directory },
            Fault::Damaged { place } => StoreError::Corrupt { place },
            Fault::Broken => StoreError::Broken,
            Fault::Failed(source) => StoreError::Storage { doing, source: Box::new(source) },
        }
    }
}
