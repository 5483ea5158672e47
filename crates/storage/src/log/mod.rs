//! The event log: topics of partitions of records, ordered, durable, read from any offset.
//!
//! Records are written by group commit: everything that arrived while the disk was busy becomes one entry
//! per partition, with one fsync for all. They are read as [`Fetched`], a run of records of one partition.

mod embedded;
pub mod kafka;

mod commit;
mod draft;
mod entry;
mod key;
mod logs;
mod needs;
mod notes;
mod packed;
mod partitioner;
mod position;
mod queue;
mod reader;
mod recovery;
mod retention;
mod topic;

use std::sync::Arc;
use std::time::Duration;

use types::{ErrorDomain, Offset, PartitionId, Timestamp};

use crate::disk::Fault;

pub use embedded::{EmbeddedLog, Options};
pub use kafka::NOTES_TOPIC;
pub use logs::Logs;
pub use position::{OffsetBounds, Position, Start};

/// Topic of the events that jobs could not count.
pub const DEAD_LETTER_TOPIC: &str = "weir-dead-letters";

/// Returns whether a topic is Weir's own or the brokers'. Nobody else writes to such a topic, and a pattern
/// of topics never matches it: a job that read its own dead letters by a pattern would feed itself.
pub fn is_internal(topic: &str) -> bool {
    topic.starts_with("__") || topic == DEAD_LETTER_TOPIC || topic == NOTES_TOPIC
}

/// A record to append. A stable hash of its key picks its partition; round-robin does without a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRecord {
    pub key: Option<Vec<u8>>,
    /// Empty when the record has no value. In Kafka that is a tombstone, which deletes the row of its key.
    pub body: bytes::Bytes,
    /// Names and values, in order; names may repeat.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Creation time; `None`: the append time. Kafka overwrites it in topics of `LogAppendTime`.
    pub time: Option<Timestamp>,
}

impl NewRecord {
    /// Returns the bytes of key, body and headers, plus the length fields of each header.
    pub fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.body.len() + entry::headers_bytes(&self.headers)
    }
}

/// A value that is stored under a name with an append, for a day. A later request with the same name finds
/// out that the append was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub name: String,
    pub value: Vec<u8>,
}

/// A run of records of one partition, in offset order. Offsets have gaps only where retention or a broker
/// made them.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    pub partition: Option<PartitionId>,
    /// One per record of the run.
    pub records: Vec<RecordRef>,
    /// One per record where keys or headers are wanted, otherwise empty.
    pub attributes: Vec<Attributes>,
    /// The bytes into which records and attributes point.
    pub data: Arc<Vec<u8>>,
}

/// The parts of a record that a reader returns besides the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub keys: bool,
    pub headers: bool,
}

impl Wanted {
    /// Returns whether [`Fetched::attributes`] are filled.
    pub fn any(self) -> bool {
        self.keys || self.headers
    }
}

/// A range of bytes in [`Fetched::data`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

/// The wanted parts of a record besides its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    pub key: Option<Span>,
    /// Names and values, in order; names may repeat.
    pub headers: Vec<(Span, Option<Span>)>,
}

/// Meaning of the times of a topic's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// The time at which the producer made the record.
    Created,
    /// The time at which the log appended the record.
    Appended,
}

/// A record inside a [`Fetched`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef {
    pub offset: Offset,
    pub appended: Timestamp,
    pub start: u32,
    pub end: u32,
}

/// Outcome of a poll.
#[derive(Debug)]
pub enum Polled {
    /// Records of a partition, possibly none. `behind` tells whether the partition holds more right now.
    Records { fetched: Fetched, behind: bool },
    /// The log answered, and no assigned partition holds more right now.
    CaughtUp,
    /// Nothing arrived in time, and the log cannot tell whether there is more (the broker does not answer).
    Unreachable,
}

/// An ordered, partitioned, durable log.
///
/// An implementation must complete an append only after the records survive a crash, and must return records
/// of one partition in offset order without gaps.
pub trait EventLog: Send + Sync {
    /// Returns the name of the log, for people and for snapshots: offsets are valid only in the log of that
    /// name.
    fn name(&self) -> String;

    /// Returns the names of all topics.
    fn topics(&self) -> Result<Vec<String>, LogError>;

    /// Creates a topic unless it exists. An existing topic keeps its partitions.
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), LogError>;

    /// Returns the number of partitions of a topic, `None` if the topic does not exist.
    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError>;

    /// Returns the id of a topic, which changes when the topic is deleted and created again under its name.
    /// `None` for a log whose topics cannot be deleted, or that does not tell.
    fn topic_id(&self, _topic: &str) -> Result<Option<String>, LogError> {
        Ok(None)
    }

    /// Queues records of one topic for the next group commit. The receiver yields their positions, in the
    /// order given, once they are durable. Either all of them are appended or none.
    ///
    /// Fails at once with [`LogError::Overloaded`], having queued nothing, when the log cannot keep up.
    fn append(&self, topic: &str, records: Vec<NewRecord>) -> Result<Appending, LogError> {
        self.append_noted(topic, records, None)
    }

    /// As [`EventLog::append`], and stores a note with the records: both survive or neither.
    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        note: Option<Note>,
    ) -> Result<Appending, LogError>;

    /// Fails when the log knows, without trying, that records cannot be appended. A remote log does not.
    fn ping(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// Returns the value noted under a name within the last day.
    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, LogError>;

    /// Opens a reader over some partitions of a topic.
    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError>;

    /// Returns the offsets of the kept records.
    fn bounds(&self, topic: &str, partition: PartitionId) -> Result<OffsetBounds, LogError>;

    /// Returns the meaning of the times of a topic's records.
    fn time_kind(&self, _topic: &str) -> TimeKind {
        TimeKind::Appended
    }

    /// Returns the offsets of a reader group, from [`EventLog::commit`]; empty for a log without groups.
    fn committed(&self, _group: &str, _topic: &str) -> Result<Vec<(PartitionId, Offset)>, LogError> {
        Ok(Vec::new())
    }

    /// Keeps the records of these partitions from these offsets on for the reader, whatever the retention.
    /// Replaces the reader's offsets in these partitions. Does nothing where the retention is not Weir's.
    fn retain(&self, _reader: &str, _positions: &[(&str, PartitionId, Offset)]) {}

    /// Ends all that [`EventLog::retain`] keeps for the reader.
    fn release(&self, _reader: &str) {}

    /// Publishes the offsets of a reader group, for tools that watch its lag.
    fn commit(&self, _group: &str, _positions: &[(&str, PartitionId, Offset)]) -> Result<(), LogError> {
        Ok(())
    }
}

/// Yields the positions of an append once it is durable.
pub type Appending = tokio::sync::oneshot::Receiver<Result<Vec<Position>, LogError>>;

/// A reader of some partitions, which take turns. One subtask owns it; it is not shared.
pub trait LogReader: Send {
    /// Returns records as soon as there are any, at most about `max_bytes` of one partition. Waits up to
    /// `timeout`. Partitions with more to read take turns, so that none starves.
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled, LogError>;

    /// Adds a partition to the reader.
    fn add(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError>;

    /// Returns the assigned partitions that hold nothing more right now, as far as the log knows without
    /// waiting.
    fn at_end(&self) -> Vec<PartitionId>;

    /// Returns how many records of each assigned partition were not handed out yet, as far as the log knows
    /// without waiting.
    fn lags(&self) -> Vec<(PartitionId, u64)> {
        Vec::new()
    }

    /// Returns the next offset to read of each assigned partition.
    fn positions(&self) -> Vec<(PartitionId, Offset)>;

    /// Returns how many records retention dropped before they were read, since the last call.
    fn take_lost(&mut self) -> u64;
}

/// Errors of the event log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    #[error("topic `{topic}` does not exist")]
    UnknownTopic { topic: String },
    #[error(
        "topic name `{topic}` is not valid: 1 to 249 letters, digits, `.`, `_` and `-`, and not `.` or `..`"
    )]
    InvalidTopic { topic: String },
    #[error("topic `{topic}` cannot have {partitions} partitions: 1 to {limit}")]
    InvalidPartitions { topic: String, partitions: u32, limit: u32 },
    #[error("topic `{topic}` has no partition {partition}")]
    UnknownPartition { topic: String, partition: PartitionId },
    #[error("the log cannot keep up: {queued_bytes} bytes wait to be written")]
    Overloaded { queued_bytes: usize },
    #[error("a record of {bytes} bytes is larger than the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("records are larger than the brokers accept for topic `{topic}` (its `max.message.bytes`)")]
    TooLargeThere { topic: String },
    #[error("Kafka at {servers} does not answer")]
    Unreachable {
        servers: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("Kafka at {servers} refused")]
    Refused {
        servers: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("a setting of Kafka is wrong: {message}")]
    Setting { message: String },
    #[error(
        "topic `{topic}` partition {partition} has lost the records from offset {end} on, and reading should continue at \
         {offset}: the topic was recreated, or a broker without these records became the leader; start the job afresh"
    )]
    Truncated { topic: String, partition: PartitionId, offset: Offset, end: Offset },
    #[error(
        "topic `{topic}` was deleted and recreated while it was read: the new records are read from the beginning"
    )]
    Recreated { topic: String },
    #[error("topic `{topic}` was deleted while it was read; it is recreated and read from the beginning")]
    Deleted { topic: String },
    #[error("this log does not store notes")]
    NoNotes,
    /// The error of a commit, shared by all its appends.
    #[error(transparent)]
    Shared(Arc<LogError>),
    #[error("no space left for the event log")]
    DiskFull(#[source] std::io::Error),
    #[error(
        "another process uses the data directory {directory}; stop it, or choose another with --data-dir"
    )]
    Locked { directory: String },
    #[error("the event log is damaged at {place}")]
    Corrupt { place: String },
    #[error(
        "a newer version of Weir has written {place}: start that version, or restore the copy of the data directory that was \
         made before the upgrade"
    )]
    Newer { place: String },
    #[error(
        "a write to the event log has failed before, and it accepts no more until Weir restarts: the first error is in \
         Weir's log"
    )]
    Broken,
    #[error("the event log failed: {doing}")]
    Storage {
        doing: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the event log is shut down")]
    Closed,
}

impl LogError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            LogError::UnknownTopic { .. }
            | LogError::InvalidTopic { .. }
            | LogError::InvalidPartitions { .. }
            | LogError::UnknownPartition { .. }
            | LogError::TooLarge { .. }
            | LogError::TooLargeThere { .. }
            | LogError::Setting { .. }
            | LogError::NoNotes
            | LogError::Locked { .. } => ErrorDomain::User,
            LogError::Shared(error) => error.domain(),
            LogError::Overloaded { .. }
            | LogError::DiskFull(_)
            | LogError::Unreachable { .. }
            | LogError::Refused { .. }
            | LogError::Truncated { .. }
            | LogError::Recreated { .. }
            | LogError::Deleted { .. }
            | LogError::Storage { .. }
            | LogError::Broken
            | LogError::Closed => ErrorDomain::External,
            LogError::Corrupt { .. } | LogError::Newer { .. } => ErrorDomain::External,
        }
    }

    /// Returns whether the topic does not exist.
    pub fn is_unknown_topic(&self) -> bool {
        match self {
            LogError::UnknownTopic { .. } => true,
            LogError::Shared(error) => error.is_unknown_topic(),
            _ => false,
        }
    }

    /// Returns whether records were refused for their size.
    pub fn is_too_large(&self) -> bool {
        match self {
            LogError::TooLarge { .. } | LogError::TooLargeThere { .. } => true,
            LogError::Shared(error) => error.is_too_large(),
            _ => false,
        }
    }

    /// Translates a fault of the disk.
    fn of(fault: Fault, doing: &'static str) -> LogError {
        match fault {
            Fault::Full(error) => LogError::DiskFull(std::io::Error::new(error.kind(), error)),
            Fault::Locked { directory } => LogError::Locked { directory },
            Fault::Damaged { place } => LogError::Corrupt { place },
            Fault::Broken => LogError::Broken,
            Fault::Failed(source) => LogError::Storage { doing, source: Box::new(source) },
        }
    }
}
