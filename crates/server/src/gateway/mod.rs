//! The SQL gateway's listener: Flink's SQL gateway REST API over our own sessions and jobs, so that Flink's SQL client and
//! JDBC driver work against it.
//!
//! A request passes `route` (a pure table) and `answer`. A statement becomes an `operation`, which `run` carries out in
//! its session (`sessions`); its result is fetched page by page (`results`), in Flink's words (`model`, `cells`, `types`).
//! What goes wrong is a `fault`: the causes that Flink would name.

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
pub use service::{Gateway, Services};
