//! Flink SQL: compiles text to a plan, as a pure function.
//!
//! `parse` reads the script, `catalog` holds its declarations, `bind` resolves names and types with Flink's
//! semantics, `rewrite` simplifies, and `lower` produces a [`plan::Plan`] that the engine runs. Nothing here
//! does I/O or knows which connectors exist.

mod bind;
mod catalog;
pub mod check;
mod compile;
mod dialect;
mod encoding;
pub mod error;
pub mod explain;
pub mod expr;
pub mod flink;
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
pub mod statements;
mod typing;
mod variables;

pub use compile::{compile, compile_query};
pub use encoding::{NotUtf8, decode};
pub use settings::parse_duration;
pub use variables::secret_variables;
