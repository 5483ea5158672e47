//! Windows: state by key and slice, when windows fire, and which results are written.
//!
//! A row is added to the slice of its time. A window consists of consecutive slices, which are merged when it
//! fires, so that a row of overlapping windows is aggregated once:
//!
//! ```text
//! HOP, slide 10, size 30      slices    [0, 10)   [10, 20)   [20, 30)   [30, 40)
//!                  window  [0, 30)       └──────── merged ────────┘
//!                  window [10, 40)                 └──────── merged ────────┘
//! ```
//!
//! `aggregation` is the entry point. `state` holds the groups, adds rows to them, writes windows and ships partial
//! aggregates to other subtasks. `unit` holds the slices and windows of queries that share a window, `calendar` says when
//! windows fire, `windows` which have fired, and `results` turns aggregates into columns.

mod aggregation;
mod calendar;
pub(crate) mod results;
mod slice_partitioner;
mod state;
mod unit;
mod windows;

pub use aggregation::Aggregation;
pub(crate) use calendar::Calendar;
pub use state::{
    FailedRow, KEY_GROUPS, LateRow, Limits, Options, Receiving, RowsIn, Share, Shipment, Shipping,
    WindowError, WindowOutput, owner,
};
