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
//! `aggregation` is the entry point. `input` adds rows, `ship` moves partial aggregates between subtasks,
//! `calendar` says when windows fire, `windows` which have fired, `write` and `results` produce rows, `image` converts state to and from
//! snapshots, and `compact` drops unused codes.

mod aggregation;
mod calendar;
mod compact;
mod image;
mod input;
pub(crate) mod results;
mod ship;
mod slice_partitioner;
mod unit;
mod windows;
mod write;

pub use aggregation::{Aggregation, Limits, Options};
pub(crate) use calendar::Calendar;
pub use image::Share;
pub use input::{FailedRow, LateRow, RowsIn};
pub use ship::{KEY_GROUPS, Receiving, Shipment, Shipping, owner};
pub use write::{WindowError, WindowOutput};
