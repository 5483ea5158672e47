//! The result store: string keys, JSON values, an expiry each, and a stream of what changed.

mod counted;
mod embedded;

mod followers;
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
pub use redis::{Options as RedisOptions, RedisStore};

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
/// "count"}` (contract: one message a type and batch). Rows that were deleted are told by a message of their own, which
/// names their keys: `{"type", "timestamp", "count": 0, "deleted": [key, …]}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Empty: nobody is told, and only the latest key is written.
    pub channel: Arc<str>,
    /// Empty: there is none.
    pub latest_key: Arc<str>,
    /// The analytic's name.
    pub kind: Arc<str>,
    /// The key's time, `window_end` as it is written in the rows.
    pub time: Arc<str>,
    /// Rows written.
    pub count: u64,
}

impl Notification {
    /// The key under which the time is kept, if it is.
    fn latest_key(&self) -> Option<&Arc<str>> {
        Some(&self.latest_key).filter(|key| !key.is_empty())
    }

    /// Whether followers are told.
    fn is_told(&self) -> bool {
        !self.channel.is_empty()
    }
}

/// A batch of writes of one analytic, and what followers are told afterwards.
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    pub upserts: Vec<Upsert>,
    /// Keys of rows that are no more. None of them is the key of an upsert of this batch.
    pub deletes: Vec<Arc<str>>,
    pub notification: Option<Notification>,
}

impl WriteBatch {
    /// What followers are told of the rows that were written, if they are. Where none was written there is nothing to tell.
    fn told(&self) -> Option<&Notification> {
        self.kept().filter(|notification| notification.is_told())
    }

    /// The notification of rows that were written; a batch that only deletes rows writes no latest key.
    fn kept(&self) -> Option<&Notification> {
        self.notification.as_ref().filter(|_| !self.upserts.is_empty() || self.deletes.is_empty())
    }

    /// The latest key that the batch writes.
    fn latest_key(&self) -> Option<&Arc<str>> {
        self.kept().and_then(Notification::latest_key)
    }

    /// All keys that the batch writes or deletes.
    fn keys(&self) -> impl Iterator<Item = &Arc<str>> + Clone {
        self.upserts.iter().map(|upsert| &upsert.key).chain(&self.deletes)
    }

    /// What followers see of it that expires so long after `now` as each row says.
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
    /// A row's JSON object; the plain text of the time under a latest key, as Redis has it.
    pub value: Arc<[u8]>,
    /// `Timestamp(i64::MAX)` where it never does, as a latest key.
    pub expires: Timestamp,
}

/// What a follower sees: the rows of one batch, then its notification.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub entries: Vec<Entry>,
    /// Keys of rows that are no more; none of them is the key of an entry.
    pub deleted: Vec<Arc<str>>,
    pub notification: Option<Notification>,
}

/// Keyed results that expire.
///
/// An implementation must apply batches of one writer in order, must never show half a batch's notification before its
/// rows, and must not return an expired row.
pub trait ResultStore: Send + Sync {
    /// Writes a batch; returns when it is applied and visible. Blocks the calling thread.
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError>;

    /// The batch that was just written is the first to show records that came in at this time. For metrics.
    fn shows(&self, _since: Timestamp) {}

    /// Makes everything written so far survive a crash.
    fn flush(&self) -> Result<(), StoreError>;

    /// One value, `None` if absent or expired.
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError>;

    /// The values of some keys, in their order; `None` for each that is absent or expired. The default asks for one after
    /// the other, which costs nothing where no server is asked.
    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Calls `each` for every row whose key starts with `prefix`, once, in whatever order is cheap. Rows that are written
    /// while it runs may be there or not. Stops early when `each` returns false. Latest keys are keys like others: a scan of `analytics:` finds
    /// `analytics:latest` too.
    fn scan(&self, prefix: &str, each: &mut dyn FnMut(Entry) -> bool) -> Result<(), StoreError>;

    /// Follows changes from now on. The queue is bounded; a writer waits for a follower that lags.
    fn follow(&self) -> Result<Following, StoreError>;

    /// Where the store is, for `/analytics/health`: host and port, `embedded` and `0` for the embedded one.
    fn address(&self) -> (String, String);

    /// Whether the store answers and takes results now.
    fn ping(&self) -> Result<(), StoreError>;

    /// What whoever operates it should know though it takes results, in a sentence without a full stop: that it is slow,
    /// or drops rows before their time.
    fn remark(&self) -> Option<String>;
}

/// The changes a follower receives.
pub type Following = crossbeam_channel::Receiver<Arc<Change>>;

/// Why the store could not do what was asked.
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
        "a write to the result store has failed before, and it takes no more until Weir is started again: the first error is \
         in Weir's log"
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
    /// A command that the store has answered with an error. `command` is its name and its key.
    #[error("the result store refused {command}: {answer}")]
    Refused { command: String, answer: String },
    /// Rows are written, and the message about them is refused.
    #[error(
        "the result store takes rows and refused {command}, so that its other readers are not told of changes: {answer}"
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

    /// What a fault of the disk means to the store.
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
