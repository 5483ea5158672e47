//! Two ports to durable storage: the event log, from which jobs read, and the result store, to which they
//! write.
//!
//! Both deal in bytes, keys and offsets; they know no rows and no SQL. Each has an implementation embedded
//! in the data directory, and one for a server behind the same trait: Kafka for the log, Redis for the
//! store.

mod disk;
mod journal;
pub mod log;
mod lz4;
pub mod store;

pub use disk::free_bytes;
