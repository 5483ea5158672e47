//! Live jobs with a manual clock: event time, lateness, corrections, early results, silence, and bounded
//! memory.

mod bounded;
mod changes;
mod conditions;
mod figures;
mod held;
mod idle;
mod late;
#[path = "../support/memory.rs"]
#[expect(dead_code, reason = "other tests ask more of the log and the store")]
mod memory;
mod metadata;
mod processing_time;
#[path = "../support/random.rs"]
mod random;
mod room;
mod script;
#[path = "../support/stage.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage")]
mod stage;
mod topics;
mod windows;
mod zones;
