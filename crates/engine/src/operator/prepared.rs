//! What preparing a batch takes besides it, and what it finds.

/// What preparing found.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Rows that cannot be used, in the order of what finds them.
    pub unusable: Vec<Unusable>,
    /// Rows left out by conditions that all queries share.
    pub filtered: u64,
    /// The greatest watermark that a row implies.
    pub watermark: i64,
}

/// A row that a query cannot use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub row: u32,
    pub reason: String,
    /// Other queries take it all the same.
    pub counted_elsewhere: bool,
}

/// How far rows may be ahead of the clock.
#[derive(Debug, Clone, Copy)]
pub struct Ahead {
    /// The clock, milliseconds since 1970.
    pub now: i64,
    /// Rows that are further ahead are unusable, ms.
    pub most: i64,
}
