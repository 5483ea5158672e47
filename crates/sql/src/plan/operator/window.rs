//! Operators with windows and frames.

use types::Interval;

use super::{Call, SortKey};
use crate::plan::Window;

/// Event time or processing time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// A field: `TIMESTAMP(3)` on the wall clock or `TIMESTAMP_LTZ(3)`, ms. The watermark has the same scale as the field.
    Event(usize),
    Processing,
}

/// The windows of an operator. On the session's wall clock; bounds are `TIMESTAMP(3)` there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windowing {
    /// Assigned by the row's time.
    Sliced { window: Window, time: Time },
    /// A window lasts until nothing has come for `gap`; rows exactly `gap` apart are in one.
    Session { gap: Interval, time: Time },
    /// Assigned below: the fields of `window_start` and `window_end`. A window closes when time passes its end: event time,
    /// or processing time.
    Attached { start: usize, end: usize, is_processing: bool },
}

/// What an operator with windows adds behind its other fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowProperty {
    /// `TIMESTAMP(3)`.
    Start,
    End,
    /// The end less one millisecond, in the type of the event time.
    Time,
}

/// `GROUP BY` in windows: gives the keys, the calls' results, and the properties of the window, when the window closes.
#[derive(Debug, Clone)]
pub struct WindowAggregate {
    pub windowing: Windowing,
    /// Whether the time is an instant, so that windows are found by the session's wall clock.
    pub is_instant: bool,
    pub keys: Vec<usize>,
    pub calls: Vec<Call>,
    pub properties: Vec<WindowProperty>,
}

/// A window table function: gives each row once for each of its windows, with `window_start`, `window_end` and
/// `window_time` behind its fields. Rows of a session come when it closes; its sessions are apart by `partition`.
#[derive(Debug, Clone)]
pub struct WindowAssign {
    pub windowing: Windowing,
    pub is_instant: bool,
    pub partition: Vec<usize>,
}

/// Top-N or deduplication in windows: rows come when the window closes.
#[derive(Debug, Clone)]
pub struct WindowRank {
    pub start: usize,
    pub end: usize,
    /// Whether `end` is to be compared with the watermark of an instant.
    pub is_instant: bool,
    pub partition: Vec<usize>,
    pub order: Vec<SortKey>,
    pub from: u64,
    pub to: u64,
    pub with_number: bool,
}

/// `OVER`: gives the input's fields, then the calls' results.
#[derive(Debug, Clone)]
pub struct Over {
    pub partition: Vec<usize>,
    pub order: OverOrder,
    pub frame: Frame,
    pub calls: Vec<Call>,
    pub emits_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverOrder {
    /// Rows come in order of time when the watermark has passed them.
    Event(usize),
    /// Rows come in order of arrival, at once.
    Processing,
    /// A column that is no time: results of later rows are updated.
    Field(SortKey),
}

/// Which rows up to the current one a call of `OVER` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// All up to the current one, with its peers (`RANGE`).
    UnboundedRange,
    UnboundedRows,
    /// Those no longer ago, with peers.
    Range(Interval),
    /// So many before, and the current one.
    Rows(u64),
}
