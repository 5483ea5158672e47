//! Places in a topic: of a record, of the kept records of a partition, and where a reader starts.

use types::{Offset, PartitionId, Timestamp};

/// Place of a record in its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub partition: PartitionId,
    pub offset: Offset,
}

/// The offsets of the records that a partition keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetBounds {
    /// The offset of the oldest kept record.
    pub first: Offset,
    /// The offset after the newest durable record.
    pub next: Offset,
}

/// Offset at which a reader starts in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Earliest,
    /// Reads only records that are appended after the reader was opened.
    Latest,
    /// Reads from the first record appended at this time or later.
    Time(Timestamp),
    At(Offset),
}
