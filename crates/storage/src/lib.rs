//! Two ports to durable storage: the event log, from which jobs read, and the result store, to which they write.
//!
//! Bytes, keys and offsets; no rows and no SQL. Each port has an embedded tenant on the data directory; real servers
//! stand behind the same traits.

mod disk;
mod journal;
pub mod log;
pub mod store;

pub use disk::free_bytes;
