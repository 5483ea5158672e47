//! Aggregates: the state of each group, and how it is updated, merged and read.
//!
//! A `table` holds the groups of one key set, with one column of state per aggregate. Keys, distinct values
//! and picked texts are codes of a `domain`:
//!
//! ```text
//! values ──domain──► codes ──keys──► group number ──► rows[group], states[0][group], states[1][group], …
//! ```

pub mod arg;
pub mod distinct;
pub mod domain;
pub mod exact_sum;
pub mod group_code_set;
pub mod image;
pub mod keys;
pub mod lists;
pub(crate) mod percentile;
pub mod pick;
pub mod share;
pub mod state;
pub mod table;
