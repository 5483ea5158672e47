//! The job manager's listener: Flink's REST API over Weir's jobs, so that Flink's command line lists and
//! cancels them.
//!
//! A request passes `route` (a pure table), then `answer`, which calls the dispatcher (with `of_jobs`,
//! `of_vertices` and `machine` for the larger families, and `triggers` for long operations), then pure
//! functions from views to models (`describe`, `vertices`, `checkpoints`, `metrics`), and `model`, the only
//! place that knows Flink's JSON. Weir's own routes are under `/weir/`: scripts, figures of jobs,
//! dead letters, and the sessions of the SQL gateway.

mod options;
mod path;
mod savepoint;
mod service;

mod own_route;
mod route;

mod answer;
mod machine;
mod of_jobs;
mod of_vertices;
mod operations;
mod places;
mod program;
mod restored;
mod sql;
mod submit;
mod triggers;

mod applications;
mod checkpoints;
mod dead_letters;
mod describe;
mod metrics;
mod process;
mod queries;
mod vertices;

mod profile;
mod rates;

mod endpoints;
mod figures;
mod log_tail;
mod model;
mod openapi;
mod page;

pub(crate) use answer::{json, parameter};
pub(crate) use describe::FLINK_VERSION;
pub use log_tail::LogTail;
pub use model::Setting;
#[cfg(test)]
pub(crate) use openapi::described as description;
pub use options::Options;
pub(crate) use path::plain_path;
pub(crate) use places::Peer;
pub(crate) use route::{Reach, reach};
pub use service::{JobManager, Services, Variables};
pub use sql::Finding;
pub(crate) use sql::session_path;
