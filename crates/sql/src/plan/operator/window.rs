//! Operators with windows and frames.

use types::Interval;

use super::{AggregateCall, SortKey};
use crate::plan::Window;

/// Event time or processing time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// A field of type `TIMESTAMP(3)` (wall-clock time) or `TIMESTAMP_LTZ(3)`, in ms. The watermark uses the
    /// field's time scale.
    Event(usize),
    Processing,
}

/// The windows of an operator. Bounds are `TIMESTAMP(3)` in the session's wall-clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windowing {
    /// Windows are assigned by the row's time.
    Sliced { window: Window, time: Time },
    /// A window lasts until no row arrives for `gap`; rows exactly `gap` apart share a window.
    Session { gap: Interval, time: Time },
    /// Windows are assigned by an operator below, in the fields of `window_start` and `window_end`. A window
    /// closes when event time or processing time passes its end.
    Attached { start: usize, end: usize, is_processing: bool },
}

/// A property of the window that is appended to an operator's other fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowProperty {
    /// The window's bounds as `TIMESTAMP(3)`.
    Start,
    End,
    /// The end minus one millisecond, in the type of the event time.
    Time,
}

/// `GROUP BY` in windows: emits the keys, the calls' results and the window's properties when the window
/// closes.
#[derive(Debug, Clone)]
pub struct WindowAggregate {
    pub windowing: Windowing,
    /// Whether the time is an instant, whose windows are in the session's wall-clock time.
    pub is_instant: bool,
    pub keys: Vec<usize>,
    pub calls: Vec<AggregateCall>,
    pub properties: Vec<WindowProperty>,
}

/// A window table function: emits each row once for each of its windows, with `window_start`, `window_end`
/// and `window_time` appended. Rows of a session are emitted when it closes; sessions are separate for each
/// `partition`.
#[derive(Debug, Clone)]
pub struct WindowAssign {
    pub windowing: Windowing,
    pub is_instant: bool,
    pub partition: Vec<usize>,
}

/// Top-N or deduplication in windows; rows are emitted when the window closes.
#[derive(Debug, Clone)]
pub struct WindowRank {
    pub start: usize,
    pub end: usize,
    /// Whether the watermark that `end` is compared with is an instant.
    pub is_instant: bool,
    pub partition: Vec<usize>,
    pub order: Vec<SortKey>,
    pub from: u64,
    pub to: u64,
    pub with_number: bool,
}

/// `OVER`: emits the input's fields, then the calls' results.
#[derive(Debug, Clone)]
pub struct Over {
    pub partition: Vec<usize>,
    pub order: OverOrder,
    pub frame: Frame,
    pub calls: Vec<AggregateCall>,
    pub emits_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverOrder {
    /// Rows are emitted in order of event time when the watermark passes them.
    Event(usize),
    /// Rows are emitted in order of arrival, at once.
    Processing,
    /// Order by a column that is no time attribute; a later row may update the results of other rows.
    Field(SortKey),
}

/// The rows up to the current one over which a call of `OVER` is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// All rows up to the current one and its peers (`RANGE`).
    UnboundedRange,
    UnboundedRows,
    /// The current row, its peers, and the rows at most this much earlier.
    Range(Interval),
    /// The current row and this many rows before it.
    Rows(u64),
}
