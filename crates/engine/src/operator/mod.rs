//! Operators: synchronous steps between a source's batch and state.

mod judge;
mod ledger;
mod prepare;
mod prepared;

pub use ledger::{Ledger, LedgerCounts};
pub use prepare::Prepare;
pub use prepared::{Judging, Level, Prepared, Unusable};
