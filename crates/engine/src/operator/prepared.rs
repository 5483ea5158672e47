//! What preparing a batch takes besides it, and what it finds.

use crate::watermark::Clamp;

/// What preparing found.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Rows that cannot be used, in the order of what finds them.
    pub unusable: Vec<Unusable>,
    /// Rows left out by conditions that all queries share.
    pub filtered: u64,
    /// The greatest watermark that a row implies.
    pub watermark: i64,
    /// Another time of the clock would have made other rows unusable or late. The time is worth recording then.
    pub clock_matters: bool,
}

/// A row that a query cannot use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub row: u32,
    pub reason: String,
    /// Other queries take it all the same.
    pub counted_elsewhere: bool,
}

/// A run of a batch's rows, and what they are judged against. It ends where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub first_row: usize,
    pub clamp: Clamp,
    /// The clock, milliseconds since 1970.
    pub now: i64,
}

/// What the rows of a batch are judged against.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    /// The partition's watermark before the batch.
    pub partition: i64,
    /// In the order of their rows; the first begins with the first row.
    pub levels: &'a [Level],
    /// Rows that are further ahead of the clock are unusable, ms; `None`: rows may be as far ahead as they like.
    pub most_ahead: Option<i64>,
    /// How finely watermarks are told apart where [`Prepared::clock_matters`] is found out, ms; `None`: not at all.
    pub grain: Option<i64>,
}
