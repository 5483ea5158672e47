//! A job's life: submitted, running, and how it ended.

mod dispatcher;
mod environment;
mod id;
mod local;
mod master;
mod status;

pub use dispatcher::{Dispatcher, SubmitError};
pub use environment::{Defaults, Environment};
pub use local::{LocalError, LocalInput, LocalRun, LocalSummary, Running};
pub use master::{JobMaster, JobView, TaskView};
pub use status::{InvalidTransition, JobStatus, StatusHistory};
