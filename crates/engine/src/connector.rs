//! The interfaces of sources, sinks and lookup tables to the engine.

mod lookup;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sql::error::Diagnostic;
use types::{ErrorDomain, EventTime, Offset, PartitionId, Timestamp};

use crate::batch::{Batch, LeafRequest, RecordSpan};
use crate::evaluate::Vector;
use crate::operator::changes::{Kinds, RowKind};
use crate::selection::Selection;

pub use lookup::{CachePolicy, Found, Lookup, LookupFactory};

/// A partition by its name in snapshots, dead letters and messages. A [`PartitionId`] identifies it while a
/// job runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Split {
    pub topic: String,
    pub partition: u32,
}

/// Formats it as Kafka does: `user-queries-3`.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Reads a table's records and decodes them; one per source subtask.
///
/// An implementation must return the records of a partition in order, each once, starting where it was
/// opened, and must fill a batch from one partition only.
pub trait Source: Send {
    /// Clears the batch and fills it with the available records, waiting up to `timeout` for the first one.
    /// The batch gets at most `max_rows` rows, except that a record is never split.
    fn poll(
        &mut self,
        batch: &mut Batch,
        max_rows: usize,
        timeout: Duration,
    ) -> Result<Polled, ConnectorError>;

    /// Returns the time spent waiting for input since the last call.
    fn take_waited(&mut self) -> Duration;

    /// Calls `each` with a field and how many of its values were null because they had another type, since
    /// the last call.
    fn take_wrong_types(&mut self, _each: &mut dyn FnMut(&str, u64)) {}

    /// Returns the next offset of each partition; `poll` has returned all records before it.
    fn positions(&self) -> Vec<(PartitionId, Offset)>;

    /// Returns the partitions that hold nothing more right now according to the log, and whose records `poll`
    /// has all returned. The engine calls this while other partitions have more, so that these partitions do
    /// not hold back the watermark.
    fn at_end(&self) -> Vec<PartitionId>;

    /// Returns how many records of each partition `poll` has not returned, for the partitions for which that
    /// is known without a request to the log. For metrics.
    fn lags(&self) -> Vec<(PartitionId, u64)> {
        Vec::new()
    }

    /// Returns the partitions that this source reads.
    fn partitions(&self) -> Vec<PartitionId>;

    /// Returns the name of a partition of this source.
    fn split(&self, partition: PartitionId) -> Split;

    /// Names a record in an error message: ``the record at offset 7 of partition 0 of topic `clicks` ``,
    /// `line 3 of clicks.json`.
    fn place(&self, partition: PartitionId, offset: Offset) -> String;

    /// Returns the id of a partition's topic, if the log has ids. The id changes when the topic is deleted
    /// and recreated.
    fn topic_id(&self, _partition: PartitionId) -> Option<String> {
        None
    }

    /// Returns how many records the log dropped before they were read, since the last call.
    fn take_lost(&mut self) -> u64 {
        0
    }

    /// Returns what the record at an offset of the last batch carries besides its body. The default is for
    /// sources whose records carry nothing.
    fn carried(&self, _offset: Offset) -> Carried {
        Carried::default()
    }

    /// Returns the partitions that have been found since the last call and did not exist when the source was
    /// opened.
    fn take_found(&mut self) -> Vec<PartitionId> {
        Vec::new()
    }
}

/// The result of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// The batch holds rows or rejects. `behind`: the partition holds more right now.
    Batch { behind: bool },
    /// The log answered: no partition of this source holds more right now.
    CaughtUp,
    /// The log did not answer; its content is unknown.
    Unreachable,
    /// A bounded source was read to its end.
    End,
}

/// The starting point of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFrom {
    /// As the table's options say.
    Options,
    /// The positions of a snapshot. Partitions that are not named are new since, and start at their
    /// beginning.
    Positions(Vec<StartPosition>),
}

/// The position from which reading a partition continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPosition {
    pub split: Split,
    pub offset: Offset,
    /// The id of the topic. In a topic of another id the offset means nothing, and reading starts at the
    /// beginning.
    pub topic_id: Option<String>,
}

/// Describes what a table reads.
#[derive(Clone)]
pub struct Reads {
    /// The system in which offsets are valid, wherever it is served: `Kafka`.
    pub system: String,
    /// A description for people: ``topic `user-queries` ``.
    pub what: String,
    /// Returns whether a topic is a part of it.
    pub includes: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// Opens sources for one table.
pub trait SourceFactory: Send + Sync {
    /// Returns what is read, so that a snapshot's positions are not used for another input.
    fn reads(&self) -> Reads;

    /// Opens the source of one of `of` subtasks; partitions are distributed over the subtasks. A subtask
    /// without partitions gets a source that is at its end (bounded) or always caught up.
    fn open(
        &self,
        requests: &[LeafRequest],
        subtask: usize,
        of: usize,
        from: &StartFrom,
    ) -> Result<Box<dyn Source>, ConnectorError>;

    /// Publishes the positions of a completed snapshot for external observers. Weir itself never starts from
    /// them if it has a snapshot.
    fn commit(&self, _positions: &[(Split, Offset)]) -> Result<(), ConnectorError> {
        Ok(())
    }
}

/// Writes rows; one per subtask that has results.
///
/// `write` may hand rows to a separate thread through a bounded queue; it blocks when that is full.
pub trait Sink: Send {
    /// Writes rows of one query and, for windows, of one window.
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError>;

    /// Tells that this subtask has written all rows of windows that end at this event time or before.
    fn watermark(&mut self, watermark: EventTime) -> Result<(), ConnectorError>;

    /// Tells that the following rows are the first to include records that arrived since this time. For
    /// metrics: the delay until readers of the rows can see a record.
    fn shows(&mut self, _since: Option<Timestamp>) {}

    /// Marks the barrier of a snapshot: rows of operators written before are part of it, rows written from
    /// now on are not. For sinks that can withdraw rows: a restored snapshot does not know the rows after it.
    fn barrier(&mut self, _snapshot: u64) {}

    /// Returns once everything written is durable.
    fn flush(&mut self) -> Result<(), ConnectorError>;

    /// Returns the bytes of keys and values written since the last call. For metrics.
    fn take_bytes(&mut self) -> u64 {
        0
    }

    /// Returns the time spent waiting for the receiver of the rows, since the last call.
    fn take_blocked(&mut self) -> Duration {
        Duration::ZERO
    }
}

/// Opens sinks for one table.
pub trait SinkFactory: Send + Sync {
    fn open(&self, subtask: usize, of: usize) -> Result<Box<dyn Sink>, ConnectorError>;
}

/// Result rows of one query.
#[derive(Debug)]
pub struct Rows<'a> {
    /// The query's index in the plan, for a stable order of output.
    pub query: usize,
    /// In the sink table's order and types.
    pub columns: &'a [Vector<'a>],
    /// The rows of the columns that are written.
    pub rows: Selection<'a>,
    /// The kind of each row, by its place in the columns.
    pub kinds: Kinds<'a>,
    /// The window's bounds on the session's wall clock, in milliseconds, for window queries.
    pub window: Option<(i64, i64)>,
    pub stage: Stage,
    /// How often each row, by its place in the columns, was corrected after its window had closed; empty =
    /// never.
    pub revisions: &'a [u32],
    /// The records from which the rows of a query without windows came.
    pub records: Option<Records<'a>>,
}

impl Rows<'_> {
    /// Returns the kind of a row, by its place in the columns.
    pub fn kind(&self, row: usize) -> RowKind {
        match self.kinds {
            Kinds::All(kind) => kind,
            Kinds::Each(kinds) => kinds[row],
        }
    }

    /// Returns whether every row adds to the result, and none retracts.
    pub fn are_additions(&self) -> bool {
        matches!(self.kinds, Kinds::All(kind) if kind.is_addition())
    }
}

/// Records of one partition, by row.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    pub partition: PartitionId,
    pub spans: &'a [RecordSpan],
}

/// Whether rows may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The window is still open.
    Early,
    /// The window has closed. (Rows of a query without windows are final too.)
    Final,
}

/// A record that is not counted, with everything needed to replay it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub table: String,
    pub split: Split,
    pub offset: Offset,
    pub appended: Timestamp,
    /// `malformed: …`, `missing query_id`, `bad timestamp`, `late`, `future`.
    pub reason: String,
    /// For late rows: the queries that did not count it.
    pub queries: Vec<String>,
    /// Other queries have counted the record: a replay would count it twice there.
    pub counted_elsewhere: bool,
    pub bytes: Vec<u8>,
    pub carried: Carried,
}

/// The contents of a record besides its body and its time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    pub key: Option<Vec<u8>>,
    /// Names and values, in order; a name may occur repeatedly.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Stores records that are not counted.
pub trait DeadLetters: Send + Sync {
    /// Returns once the dead letters are durable.
    fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError>;
}

/// The reason why a connector failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// A table's options are wrong; the diagnostic points at the place in the script.
    #[error("{}", .0.message)]
    Options(Box<Diagnostic>),
    #[error("{doing}")]
    External {
        doing: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ConnectorError {
    pub fn external(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> ConnectorError {
        ConnectorError::External { doing: doing.into(), source: source.into() }
    }

    pub fn domain(&self) -> ErrorDomain {
        match self {
            ConnectorError::Options(_) => ErrorDomain::User,
            ConnectorError::External { .. } => ErrorDomain::External,
        }
    }
}
