//! The inputs of preparing a batch, beside the batch, and its results.

use crate::watermark::Clamp;

/// The results of preparing a batch.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Rows that cannot be used, in the order of the checks that found them.
    pub unusable: Vec<Unusable>,
    /// The number of rows left out by conditions that all queries share.
    pub filtered: u64,
    /// The greatest watermark that a row implies.
    pub watermark: i64,
    /// Another time of the clock would have made other rows unusable or late, so the time is worth recording.
    pub clock_matters: bool,
}

/// A row that a query cannot use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub row: u32,
    pub reason: String,
    /// Other queries still count it.
    pub counted_elsewhere: bool,
}

/// A run of a batch's rows that are judged against the same clamp and clock. It ends where the next one
/// begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub first_row: usize,
    pub clamp: Clamp,
    /// The clock, in milliseconds since 1970.
    pub now: i64,
}

/// The bounds against which the rows of a batch are judged.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    /// The partition's watermark before the batch.
    pub partition: i64,
    /// In order of their rows; the first level begins with the first row.
    pub levels: &'a [Level],
    /// Rows further ahead of the clock than this are unusable, in milliseconds. `None`: no limit.
    pub most_ahead: Option<i64>,
    /// The resolution, in milliseconds, at which [`Prepared::clock_matters`] compares watermarks. `None`: it
    /// is not determined.
    pub grain: Option<i64>,
}
