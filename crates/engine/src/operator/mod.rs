//! Operators: synchronous steps between a source's batch and state.

mod ledger;
mod prepare;
mod prepared;

pub use ledger::{Ledger, LedgerCounts};
pub use prepare::Prepare;
pub use prepared::{Ahead, Prepared, Unusable};
