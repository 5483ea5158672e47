//! A job's life over a log and a store that outlive it: checkpoints, failures and restarts, savepoints, the end of the
//! process, and what is on record of it.

mod again;
mod letters;
#[path = "../support/memory.rs"]
#[expect(dead_code, reason = "other tests ask more of the log")]
mod memory;
mod over;
mod process;
mod queries;
mod room;
mod savepoints;
mod topics;
mod world;
