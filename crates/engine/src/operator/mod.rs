//! Operators: synchronous steps between a source's batch and state.

mod ledger;
mod prepare;

pub use ledger::{Ledger, LedgerCounts};
pub use prepare::{Ahead, Prepare, Prepared, Unusable};
