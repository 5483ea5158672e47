//! Tests of jobs over a log and a store that outlive them: checkpoints, failures and restarts, savepoints,
//! the end of the process, and the records of jobs.

mod again;
mod apart;
mod clock;
mod dead_letters;
mod failing_checkpoints;
mod history;
mod many;
#[path = "../support/memory.rs"]
#[expect(dead_code, reason = "other tests ask more of the log")]
mod memory;
mod over;
mod parts;
mod process;
mod queries;
#[path = "../support/random.rs"]
#[allow(dead_code, reason = "other tests draw more")]
mod random;
mod replace;
mod room;
mod savepoints;
mod told;
mod topics;
mod traps;
mod world;
