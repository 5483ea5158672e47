//! The vocabulary of all crates: data types, values, event time, identifiers, the clock and error domains.
//!
//! Nothing here does I/O or waits; every other crate depends on this one.

mod causes;
mod clock;
pub mod compact;
mod data_type;
mod error_domain;
mod id;
mod java_map;
pub mod nested;
pub mod simd;
mod time;
mod unicode;
mod value;

pub use causes::with_causes;
pub use clock::{Clock, ManualClock, SystemClock};
pub use data_type::{ColumnType, DataType, Field, Repr};
pub use error_domain::ErrorDomain;
pub use id::{InvalidJobId, JobId, Offset, PartitionId};
pub use time::{EventTime, Interval, Timestamp};
pub use unicode::{NotUnicode, WideEncoding};
pub use value::{Scalar, Value};
