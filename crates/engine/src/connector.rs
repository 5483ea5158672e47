//! What the engine asks of sources, sinks and tables that are looked up.

mod lookup;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sql::error::Diagnostic;
use types::{ErrorDomain, EventTime, Offset, PartitionId, Timestamp};

use crate::aggregate::keys::Rows as Selection;
use crate::batch::{Batch, LeafRequest, RecordSpan};
use crate::evaluate::Vector;
use crate::operator::changes::{Kinds, RowKind};

pub use lookup::{CachePolicy, Found, Lookup, LookupFactory};

/// A partition by the name that snapshots, letters and people know it under. A [`PartitionId`] stands for it while a job
/// runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Split {
    pub topic: String,
    pub partition: u32,
}

/// As Kafka writes it: `user-queries-3`.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Reads a table's records and decodes them; one a source subtask.
///
/// An implementation must return the records of a partition in order, each once, starting where it was opened, and must
/// fill a batch from one partition only.
pub trait Source: Send {
    /// Fills the batch (after clearing it) with whatever is there, waiting up to `timeout` for the first record. At most
    /// `max_rows` rows, save that a record is never split.
    fn poll(
        &mut self,
        batch: &mut Batch,
        max_rows: usize,
        timeout: Duration,
    ) -> Result<Polled, ConnectorError>;

    /// The time spent waiting for input since the last call.
    fn take_waited(&mut self) -> Duration;

    /// Tells how many values of which field were null because they were of another type, since the last call.
    fn take_wrong_types(&mut self, _each: &mut dyn FnMut(&str, u64)) {}

    /// The next offset of each partition, with all records before it returned by `poll`.
    fn positions(&self) -> Vec<(PartitionId, Offset)>;

    /// The partitions of which the log says that they hold nothing more right now, with all their records returned by
    /// `poll`. It is asked while others have more, so that those do not hold event time back for want of word of these.
    fn at_end(&self) -> Vec<PartitionId>;

    /// How many records each partition holds that `poll` has not returned, for those of which that is known without asking
    /// the log. For metrics.
    fn lags(&self) -> Vec<(PartitionId, u64)> {
        Vec::new()
    }

    /// The partitions this source reads.
    fn partitions(&self) -> Vec<PartitionId>;

    /// What a partition of this source is called.
    fn split(&self, partition: PartitionId) -> Split;

    /// Names a record for people, in an error: ``the record at offset 7 of partition 0 of topic `clicks` ``, `line 3 of
    /// clicks.json`.
    fn place(&self, partition: PartitionId, offset: Offset) -> String;

    /// The id of a partition's topic, where the log has ids: another one when the topic was deleted and made anew.
    fn topic_id(&self, _partition: PartitionId) -> Option<String> {
        None
    }

    /// How many records the log dropped before they were read, since the last call.
    fn take_lost(&mut self) -> u64 {
        0
    }

    /// What the record at an offset of the last batch carries besides its body. The default is for sources whose records
    /// carry nothing.
    fn carried(&self, _offset: Offset) -> Carried {
        Carried::default()
    }

    /// Partitions that are read since the last call, and were not when the source was opened.
    fn take_found(&mut self) -> Vec<PartitionId> {
        Vec::new()
    }
}

/// What a poll gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// The batch holds rows or rejects. `behind`: the partition holds more right now.
    Batch { behind: bool },
    /// The log answered: no partition of this source holds more right now.
    CaughtUp,
    /// The log did not answer; nothing is known about what it holds.
    Unreachable,
    /// A bounded source was read to its end.
    End,
}

/// Where a source starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFrom {
    /// As the table's options say.
    Options,
    /// Where a snapshot stood; partitions not named are new since, and start at their beginning.
    Positions(Vec<StartPosition>),
}

/// Where reading a partition goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPosition {
    pub split: Split,
    pub offset: Offset,
    /// The id that the topic had. In a topic of another id the offset means nothing, and reading starts at the beginning.
    pub topic_id: Option<String>,
}

/// What a table reads.
#[derive(Clone)]
pub struct Reads {
    /// In which offsets mean something, the same wherever it is served: `Kafka`.
    pub system: String,
    /// For people: ``topic `user-queries` ``.
    pub what: String,
    /// Whether a topic is a part of it.
    pub includes: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// Opens sources for one table.
pub trait SourceFactory: Send + Sync {
    /// What is read, so that a snapshot's positions are not taken for those of something else.
    fn reads(&self) -> Reads;

    /// Opens the source of one of `of` subtasks; partitions are spread over the subtasks. A subtask without partitions
    /// gets a source that is at its end (bounded) or always caught up.
    fn open(
        &self,
        requests: &[LeafRequest],
        subtask: usize,
        of: usize,
        from: &StartFrom,
    ) -> Result<Box<dyn Source>, ConnectorError>;

    /// Tells whoever watches from outside how far a snapshot that is kept reaches. Nothing starts from it that has a
    /// snapshot.
    fn commit(&self, _positions: &[(Split, Offset)]) -> Result<(), ConnectorError> {
        Ok(())
    }
}

/// Writes rows; one a subtask that has results.
///
/// `write` may hand over to a thread of its own through a bounded queue; it blocks when that is full.
pub trait Sink: Send {
    /// Takes rows of one query and, for windows, of one window.
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError>;

    /// All rows of windows that end at this event time or before have been written by this subtask.
    fn watermark(&mut self, watermark: EventTime) -> Result<(), ConnectorError>;

    /// The rows written from now on show records that came in since this time and that no row has shown before. For
    /// metrics: how long it took until whoever reads the rows could see a record.
    fn shows(&mut self, _since: Option<Timestamp>) {}

    /// Rows of operators that are written from now on are no part of this snapshot, and those written before are. For
    /// sinks that can take rows back: a snapshot that is gone on from knows nothing of the rows after it.
    fn barrier(&mut self, _snapshot: u64) {}

    /// Returns when everything written is durable.
    fn flush(&mut self) -> Result<(), ConnectorError>;

    /// Bytes of keys and values written since the last call. For metrics.
    fn take_bytes(&mut self) -> u64 {
        0
    }

    /// The time spent waiting for whoever takes the rows, since the last call.
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
    /// The query's place in the plan, for a stable order of output.
    pub query: usize,
    /// In the sink table's order and types.
    pub columns: &'a [Vector<'a>],
    /// Which rows of the columns are written.
    pub rows: Selection<'a>,
    /// What each row (by its place in the columns) does to the result so far.
    pub kinds: Kinds<'a>,
    /// The window's bounds on the session's wall clock, in ms, for window queries.
    pub window: Option<(i64, i64)>,
    pub stage: Stage,
    /// How often each row (by its place in the columns) was corrected after its window had closed; empty = never.
    pub revisions: &'a [u32],
    /// The records that the rows of a query without windows came from.
    pub records: Option<Records<'a>>,
}

impl Rows<'_> {
    /// What a row, by its place in the columns, does to the result so far.
    pub fn kind(&self, row: usize) -> RowKind {
        match self.kinds {
            Kinds::All(kind) => kind,
            Kinds::Each(kinds) => kinds[row],
        }
    }

    /// Whether every row adds to the result, and none takes anything back.
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
    /// The window has closed (rows of a query without windows are final too).
    Final,
}

/// A record that is not counted, with all that is needed to replay it.
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
    /// Other queries have counted it: given to the job again, it would be counted twice there.
    pub counted_elsewhere: bool,
    pub bytes: Vec<u8>,
    pub carried: Carried,
}

/// What a record carries besides its body and its time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    pub key: Option<Vec<u8>>,
    /// Names and values, in order; a name may come again.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Keeps records that are not counted.
pub trait DeadLetters: Send + Sync {
    /// Returns when the letters are durable.
    fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError>;
}

/// Why a connector failed.
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
