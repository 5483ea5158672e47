//! Repeatable lateness: the bounds against which rows were judged, recorded before any effect of the
//! judgement is visible.
//!
//! With several partitions, whether a row is late depends on the order in which the partitions are read.
//! After a crash the records since the last checkpoint are replayed in another order. If they were judged
//! anew, a row that is counted in a written result could become late and get a dead letter, and a row with a
//! dead letter could be counted.
//!
//! So a source subtask keeps a log beside its job's checkpoints. The log says from which offset of a
//! partition rows were judged against which bounds ([`Clamp`]), and up to which offset the judgement may have
//! been visible:
//!
//! ```text
//! offset of p0      100       160           210         230
//! recorded            |--- A ----|------ B ------|-- C ---|      reached 230
//! replay              |--- A ----|------ B ------|-- C ---|      from here on judged by current knowledge
//! ```
//!
//! Invariants:
//!
//! * An entry is in the log before any row, shipment or dead letter that depends on it leaves the subtask.
//! * The pipeline's watermark does not pass the bounds of rows that are still to be replayed: a window in
//!   which such a row was counted is open when the row comes again.
//! * A checkpoint holds the judgements that are still to be replayed, and after each barrier the subtask
//!   records the bounds of the next batch anew. So a checkpoint and the records since its trigger suffice for
//!   a restart.
//!
//! Windows end on a grid ([`crate::layout::Layout::lateness_grain`]). Bounds between the same two points of
//! the grid make the same rows late, so an entry is written only when a point is passed. A single partition
//! writes none. Several partitions write at most one entry each per second of event time, and with each
//! shipment or result one of the reached offsets.

mod history;
mod recorder;

use std::sync::Arc;

use crate::connector::Split;
use crate::watermark::Clamp;

pub use history::LatenessHistory;
pub(crate) use recorder::LatenessRecorder;

/// Stores entries so that they survive the process.
pub trait LatenessLog: Send + Sync {
    /// Appends entries; returns whether they would survive a kill of the process now. An implementation that
    /// cannot write reports it to people: the job continues, and the entries are passed again with the next
    /// ones.
    fn append(&self, entries: &[LatenessEntry]) -> bool;
}

/// The records of earlier attempts of a job, and the log for the next one.
#[derive(Clone)]
pub struct RecordedLateness {
    pub log: Arc<dyn LatenessLog>,
    pub history: LatenessHistory,
}

/// A recorded event of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatenessEntry {
    /// The table that reads the partition.
    pub table: String,
    pub split: Split,
    /// The id of the topic, if the log has ids: in a topic of another id the offsets mean nothing.
    pub topic_id: Option<String>,
    pub offset: u64,
    pub what: Judged,
}

/// The event at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// From here on rows were judged against these bounds.
    From { clamp: Clamp, clock: Option<i64> },
    /// Up to here, exclusive, the judgement may have been visible.
    Reached,
}

/// Returns whether two watermarks lie between the same two points of the grid of window ends. A window that
/// ends at `end` is closed from the watermark `end - 1` on.
pub(crate) fn same_side(a: i64, b: i64, grain: i64) -> bool {
    a == b || cell(a, grain) == cell(b, grain)
}

fn cell(watermark: i64, grain: i64) -> i64 {
    watermark.saturating_add(1).div_euclid(grain.max(1))
}
