//! Snapshots that are taken in the middle of a stream, encoded, decoded and restored, with the same or
//! another parallelism, and the same or a changed script. The rows in the store and the ledger must be those
//! of a job without interruptions.

mod changed_scripts;
mod damaged;
#[path = "../support/event.rs"]
#[expect(dead_code, reason = "only the time of an event matters here")]
mod event;
mod interrupted;
#[path = "../support/lines.rs"]
mod lines;
#[path = "../support/memory.rs"]
#[expect(dead_code, reason = "other tests ask more of the log and the store")]
mod memory;
mod old_formats;
mod parts;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/stage.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage")]
mod stage;
