//! Tests of the lookup join, over a table that answers late, in another order, or not at all.

mod flow;
mod rows;
mod table;
