//! The SQL gateway's listener: the REST API of Flink's SQL gateway over Weir's sessions and jobs, so that
//! Flink's SQL client and JDBC driver work with Weir.
//!
//! A request passes `route` (a pure table) and `answer`. A statement becomes an `operation`, which `run`
//! executes in its session (`sessions`). Its result is fetched page by page (`results`) in Flink's format
//! (`model`, `cells`, `types`). A failure is a `fault`: the chain of causes that Flink would answer.

mod handle;
mod options;
mod service;

mod answer;
mod route;

mod operation;
mod operations;
mod queries;
mod run;
mod sessions;

mod results;

mod cells;
mod fault;
mod findings;
mod model;
mod types;

mod openapi;

pub use options::Options;
pub use service::{Gateway, Services, SqlSessions};
