//! Windows: state by key and slice, when windows fire, and which results are written.

mod aggregation;
mod calendar;
mod compact;
mod image;
mod input;
mod partition;
pub(crate) mod results;
mod ship;
mod unit;
mod write;

pub use aggregation::{Aggregation, Limits, Options};
pub(crate) use calendar::Calendar;
pub use image::Share;
pub use input::{FailedRow, LateRow, RowsIn};
pub use ship::{KEY_GROUPS, Receiving, Shipment, Shipping, owner};
pub use write::{Output, WindowError};
