//! Flink SQL: text to plan, a pure function.
//!
//! `parse` reads the script, `catalog` holds what it declares, `bind` resolves names and types with Flink's semantics,
//! `rewrite` simplifies, and out comes a [`plan::Plan`] that the engine runs. Nothing here does I/O; which connectors
//! exist is not known here either.

mod bind;
mod catalog;
mod compile;
mod dialect;
pub mod error;
pub mod explain;
pub mod expr;
pub mod functions;
mod graph;
mod lower;
mod parse;
pub mod plan;
mod rel;
mod rewrite;
pub mod rules;
pub mod session;
pub mod settings;
mod typing;
mod variables;

pub use compile::{compile, compile_query};
pub use settings::parse_duration;
pub use variables::secret_variables;
