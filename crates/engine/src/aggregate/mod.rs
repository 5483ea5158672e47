//! Aggregates: the state of each group, and how it is updated, merged and read.

pub mod arg;
pub mod distinct;
pub mod domain;
pub mod exact_sum;
pub mod image;
pub mod keys;
pub mod lists;
pub mod pick;
pub mod state;
pub mod table;
