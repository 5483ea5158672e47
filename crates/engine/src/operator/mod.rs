//! Operators: the synchronous steps between a source's batch and the sinks.
//!
//! [`chain`] holds the trait and how operators work together in a thread; each operator is a folder of its
//! own. [`Prepare`] and [`Ledger`] belong to the scan, the fused path at the root of the graph.

pub mod accumulate;
pub mod build;
pub mod calc;
pub mod chain;
pub mod changelog;
pub mod changes;
mod copy;
pub mod deduplicate;
pub mod expand;
pub mod expiry;
pub(crate) mod fields;
mod gather;
pub mod group_aggregate;
#[cfg(test)]
pub(crate) mod harness;
pub mod interval_join;
pub mod join;
mod judge;
mod kept_row;
mod key_chunk;
mod ledger;
pub mod limit;
pub mod lookup_join;
pub mod match_recognize;
pub mod materialize;
pub mod normalize;
mod ordered;
pub mod over;
mod prepare;
mod prepared;
pub mod rank;
mod row_driven;
mod row_identity;
pub mod set_operation;
pub mod sort;
mod stateless;
pub mod temporal_join;
pub mod union;
pub mod unnest;
pub mod window_aggregate;
pub mod window_assign;
pub mod window_join;
pub mod window_rank;
mod windows;

pub use ledger::{Ledger, LedgerCounts};
pub use prepare::Prepare;
pub use prepared::{Judging, Level, Prepared, Unusable};
