//! Snapshots taken in the middle of a stream, encoded, decoded and restored, at the same or another parallelism, with
//! the same or a changed script: the rows in the store and the ledger are those of a job that was never interrupted.

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
