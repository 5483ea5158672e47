//! Runs a plan over streams: owns time, state and exactly-once.
//!
//! ```text
//! Source ─batch─► Prepare ─rows─► window Aggregation ─results─► chain of operators ─changes─► Sink
//!                    └───────── rows of queries without windows ─────────┘
//! ```
//!
//! The data plane is threads and bounded channels; operators are synchronous and never read a clock. Sources
//! and sinks are behind the traits of [`connector`]; this crate knows no file, socket or server.

pub mod activity;
pub mod aggregate;
pub mod batch;
pub mod column;
pub mod connector;
pub mod dictionary;
pub mod evaluate;
pub mod execution;
pub mod lateness;
pub mod layout;
pub mod memory;
pub mod metrics;
pub mod operator;
pub mod output_metrics;
pub mod row;
pub mod selection;
pub mod snapshot;
pub mod state;
pub mod watermark;
pub mod window;
