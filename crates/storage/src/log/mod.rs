//! The event log: topics of partitions of records, ordered, durable, read from any offset.
//!
//! The unit of writing is the group commit: whatever arrived while the disk was busy becomes one entry a partition and
//! one fsync for all. The unit of reading is a [`Fetched`], a run of records of one partition.

mod embedded;
pub mod kafka;

mod commit;
mod draft;
mod entry;
mod key;
mod logs;
mod needs;
mod notes;
mod partitioner;
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

/// Events that jobs could not count.
pub const DEAD_LETTER_TOPIC: &str = "weir-dead-letters";

/// Whether a topic is Weir's own, or the brokers': nobody else writes to it, and a pattern of topics never means it. A job
/// that read its own dead letters by a pattern would feed itself.
pub fn is_internal(topic: &str) -> bool {
    topic.starts_with("__") || topic == DEAD_LETTER_TOPIC || topic == NOTES_TOPIC
}

/// A record to append. Its partition follows from the key (a stable hash), or round-robin without one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRecord {
    pub key: Option<Vec<u8>>,
    /// Empty: the record has no value. In Kafka that is a tombstone, which deletes the row of its key.
    pub body: bytes::Bytes,
    /// Names and values, in order; a name may come again.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// When it was made; `None`: when it is appended. Kafka overwrites it where a topic's `message.timestamp.type` is
    /// `LogAppendTime`.
    pub time: Option<Timestamp>,
}

impl NewRecord {
    /// Key, body and headers together, and a little for the lengths of each header.
    pub fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.body.len() + entry::headers_bytes(&self.headers)
    }
}

/// Something to remember with an append, for a day: whoever asks again under the name finds out that it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub name: String,
    pub value: Vec<u8>,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub partition: PartitionId,
    pub offset: Offset,
}

/// Where a reader starts in each partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Earliest,
    /// Only what is appended after the reader was opened.
    Latest,
    /// The first record appended at this time or later.
    Time(Timestamp),
    At(Offset),
}

/// A run of records of one partition, in offset order; offsets have no gaps unless retention or a broker made them.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    pub partition: Option<PartitionId>,
    /// One entry a record.
    pub records: Vec<RecordRef>,
    /// One a record where keys or headers are wanted, otherwise empty.
    pub attributes: Vec<Attributes>,
    /// What records and attributes point into.
    pub data: Arc<Vec<u8>>,
}

/// What a reader gives besides bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub keys: bool,
    pub headers: bool,
}

impl Wanted {
    /// Whether [`Fetched::attributes`] are filled.
    pub fn any(self) -> bool {
        self.keys || self.headers
    }
}

/// Bytes inside of [`Fetched::data`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

/// What a record carries besides its body, as far as it is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    pub key: Option<Span>,
    /// Names and values, in order; a name may come again.
    pub headers: Vec<(Span, Option<Span>)>,
}

/// What the times of a topic's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// When they were made, as whoever appended them said.
    Created,
    /// When the log took them.
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

/// What a poll found.
#[derive(Debug)]
pub enum Polled {
    /// Records of a partition, or only word of it. `behind` tells whether it holds more right now.
    Records { fetched: Fetched, behind: bool },
    /// The log answered, and no assigned partition holds more right now.
    CaughtUp,
    /// Nothing arrived in time, and the log cannot say whether there is more (a broker that does not answer).
    Unreachable,
}

/// An ordered, partitioned, durable log.
///
/// An implementation must complete an append only after the records survive a crash, and must return records of one
/// partition in offset order without gaps.
pub trait EventLog: Send + Sync {
    /// What it is, for people and snapshots: offsets mean something only there.
    fn name(&self) -> String;

    /// The names of all topics.
    fn topics(&self) -> Result<Vec<String>, LogError>;

    /// Makes sure a topic exists. An existing topic keeps its partitions.
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), LogError>;

    /// The number of partitions of a topic, `None` if there is no such topic.
    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError>;

    /// The id of a topic: another one where a topic was deleted and made anew under its name. `None` for a log whose topics
    /// cannot be deleted, or that does not tell.
    fn topic_id(&self, _topic: &str) -> Result<Option<String>, LogError> {
        Ok(None)
    }

    /// Queues records of one topic for the next group commit. The receiver yields where they stand, in the order given,
    /// once they are durable. All or none of them are appended.
    ///
    /// Fails with [`LogError::Overloaded`] at once, having queued nothing, when the log cannot keep up.
    fn append(&self, topic: &str, records: Vec<NewRecord>) -> Result<Appending, LogError> {
        self.append_noted(topic, records, None)
    }

    /// As [`EventLog::append`], and keeps a note with the records: both or none of them survive.
    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        note: Option<Note>,
    ) -> Result<Appending, LogError>;

    /// Whether records can be appended right now, where the log knows without trying. A log on other machines finds out with
    /// the append.
    fn ping(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// What was noted under a name within the last day.
    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, LogError>;

    /// Opens a reader over some partitions of a topic.
    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError>;

    /// The offset after the last durable record, and that of the first one kept.
    fn bounds(&self, topic: &str, partition: PartitionId) -> Result<(Offset, Offset), LogError>;

    /// What the times of a topic's records are. A log that keeps those it is given says so.
    fn time_kind(&self, _topic: &str) -> TimeKind {
        TimeKind::Appended
    }

    /// Where a group of readers stands in a topic, as [`EventLog::commit`] said. A log without groups knows of none.
    fn committed(&self, _group: &str, _topic: &str) -> Result<Vec<(PartitionId, Offset)>, LogError> {
        Ok(Vec::new())
    }

    /// Keeps records for a reader, by name, whatever the retention: those of these partitions from these offsets on. Replaces
    /// what was kept of these partitions for the reader before. A log whose retention is its own keeps what it likes.
    fn retain(&self, _reader: &str, _positions: &[(&str, PartitionId, Offset)]) {}

    /// The reader needs nothing any more.
    fn release(&self, _reader: &str) {}

    /// Tells where a group of readers stands, for those who watch how far it lags behind.
    fn commit(&self, _group: &str, _positions: &[(&str, PartitionId, Offset)]) -> Result<(), LogError> {
        Ok(())
    }
}

/// Yields the positions of an append once it is durable.
pub type Appending = tokio::sync::oneshot::Receiver<Result<Vec<Position>, LogError>>;

/// Reads partitions in turn. Not shared: one subtask, one reader.
pub trait LogReader: Send {
    /// Returns records as soon as there are any, at most about `max_bytes` of one partition, waiting up to `timeout`.
    /// Partitions with more to read take turns, so that none starves.
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled, LogError>;

    /// Reads one more partition from now on.
    fn add(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError>;

    /// The assigned partitions that hold nothing more right now, as far as the log can say without being waited for.
    fn at_end(&self) -> Vec<PartitionId>;

    /// How many records each assigned partition holds that were not handed out, as far as the log can say without being
    /// waited for.
    fn lags(&self) -> Vec<(PartitionId, u64)> {
        Vec::new()
    }

    /// The next offset to be read of each assigned partition.
    fn positions(&self) -> Vec<(PartitionId, Offset)>;

    /// How many records were dropped by the log's retention before they were read, since the last call.
    fn take_lost(&mut self) -> u64;
}

/// Why the log could not do what was asked.
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
    #[error("records are larger than the brokers take for topic `{topic}` (its `max.message.bytes`)")]
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
        "topic `{topic}` partition {partition} ends at offset {end}, before {offset}, where reading was to go on: the topic \
         was made anew or has lost records; start the job afresh"
    )]
    Truncated { topic: String, partition: PartitionId, offset: Offset, end: Offset },
    #[error(
        "topic `{topic}` was deleted and made anew while it was read: its records are others now, and are read from the \
         beginning"
    )]
    Recreated { topic: String },
    #[error("topic `{topic}` was deleted while it was read; it is made anew and read from the beginning")]
    Deleted { topic: String },
    #[error("this log keeps no notes")]
    NoNotes,
    /// What several appends failed of.
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
        "a write to the event log has failed before, and it takes no more until Weir is started again: the first error is in \
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
            LogError::Corrupt { .. } => ErrorDomain::External,
        }
    }

    /// Whether there is no such topic.
    pub fn is_unknown_topic(&self) -> bool {
        match self {
            LogError::UnknownTopic { .. } => true,
            LogError::Shared(error) => error.is_unknown_topic(),
            _ => false,
        }
    }

    /// Whether records were refused for their size.
    pub fn is_too_large(&self) -> bool {
        match self {
            LogError::TooLarge { .. } | LogError::TooLargeThere { .. } => true,
            LogError::Shared(error) => error.is_too_large(),
            _ => false,
        }
    }

    /// What a fault of the disk means to the log.
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
