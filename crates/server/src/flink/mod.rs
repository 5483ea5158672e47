//! The job manager's listener: Flink's REST API over our own jobs, so that Flink's command line lists and cancels them.
//!
//! A request passes `route` (a pure table), `answer` (which asks the dispatcher), `describe` (views into models) and
//! `model`, the only place that knows Flink's JSON. Under `/weir/` are our own routes: a script in, a job's figures out.

mod options;
mod savepoint;
mod service;

mod route;

mod answer;
mod submit;

mod dead_letters;
mod describe;

mod figures;
mod model;
mod page;

pub use options::Options;
pub use service::{JobManager, Services, Variables};
