//! Lateness that can be repeated: what rows were judged against, recorded before anything of the judgement can be seen.
//!
//! With several partitions, whether a row is late depends on the order in which the partitions are read. After a crash the
//! records since the last checkpoint are read a second time, in another order. If they were judged anew, a row that is
//! counted in a written result could become late and get a dead letter, and a row with a dead letter could be counted.
//!
//! So a source subtask keeps a log beside its job's checkpoints. It says from which offset of a partition on rows were
//! judged against which bounds ([`Clamp`]), and up to which offset the judgement may have been seen:
//!
//! ```text
//! offset of p0     100        160             210      230
//! recorded          |--- A ----|------ B ------|-- C ---|  reached 230
//! second reading    |--- A ----|------ B ------|-- C ---|  from here on judged by what is known now
//! ```
//!
//! Invariants:
//!
//! * An entry is in the log before a row, a shipment or a dead letter leaves the subtask that it decided about.
//! * The pipeline's watermark does not pass the bounds of rows that are still to be read a second time: a window in which
//!   such a row was counted is open when the row comes again.
//! * A checkpoint holds what is still to be read a second time, and after each barrier the subtask records the bounds of the
//!   next batch anew. So a checkpoint and what was recorded since it was triggered suffice to go on.
//!
//! Windows end on a grid ([`crate::layout::Layout::lateness_grain`]). Bounds that lie between the same two points of the
//! grid find the same rows late, so an entry is written only when a point is passed: a partition alone writes none, several
//! write one each per second of event time at most, and one of how far they have come with each shipment or result.

mod history;
mod recorder;

use std::sync::Arc;

use crate::connector::Split;
use crate::watermark::Clamp;

pub use history::LatenessHistory;
pub(crate) use recorder::LatenessRecorder;

/// Keeps entries where they survive the process.
pub trait LatenessLog: Send + Sync {
    /// Appends entries; tells whether they survive a kill of the process now. An implementation that cannot write says so to
    /// people: the job goes on, and the entries are given again with the next ones.
    fn append(&self, entries: &[LatenessEntry]) -> bool;
}

/// What earlier attempts of a job recorded, and where the next one does.
#[derive(Clone)]
pub struct RecordedLateness {
    pub log: Arc<dyn LatenessLog>,
    pub history: LatenessHistory,
}

/// What was recorded of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatenessEntry {
    /// The table that reads the partition.
    pub table: String,
    pub split: Split,
    /// The id of the topic, where the log has ids: in a topic of another id the offsets mean nothing.
    pub topic_id: Option<String>,
    pub offset: u64,
    pub what: Judged,
}

/// What happened at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// From here on rows were judged against these bounds.
    From { clamp: Clamp, clock: Option<i64> },
    /// Up to here, exclusive, the judgement may have been seen.
    Reached,
}

/// Whether two watermarks lie between the same two points of the grid of window ends. A window that ends at `end` is out of
/// reach from the watermark `end - 1` on.
pub(crate) fn same_side(a: i64, b: i64, grain: i64) -> bool {
    a == b || cell(a, grain) == cell(b, grain)
}

fn cell(watermark: i64, grain: i64) -> i64 {
    watermark.saturating_add(1).div_euclid(grain.max(1))
}
