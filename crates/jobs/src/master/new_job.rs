//! The description of a new job.

use std::sync::Arc;

use connectors::collect::Collector;
use connectors::dead_letter::Ancestor;
use crossbeam_channel::Sender;
use sql::plan::Plan;
use types::JobId;

use super::attempt::StartError;
use super::view::JobView;
use crate::checkpoint::{CheckpointOptions, Restored};
use crate::environment::Environment;
use crate::restart::RestartStrategy;

/// A job to be started.
pub(crate) struct NewJob {
    pub id: JobId,
    pub name: String,
    pub script: String,
    pub plan: Arc<Plan>,
    pub environment: Environment,
    pub checkpoints: Option<CheckpointOptions>,
    pub restart: RestartStrategy,
    /// The state from which it continues.
    pub restored: Option<Restored>,
    /// Whether it ran under this id before and may have dead letters.
    pub ran_before: bool,
    /// The jobs from whose state it continues.
    pub ancestors: Vec<Ancestor>,
    /// The receiver of a query's rows; `None` for other jobs.
    pub collector: Option<Arc<Collector>>,
    /// Who is told the result of the first attempt.
    pub first: First,
    /// Called before a request to cancel the job is answered.
    pub on_cancel: Box<dyn Fn() + Send + Sync>,
    /// Called when a checkpoint was completed.
    pub on_checkpoint: Box<dyn Fn() + Send>,
    /// Called before anyone is told that the job has stopped.
    pub on_end: Box<dyn Fn(&JobView) + Send>,
}

/// How a job handles the result of its first attempt.
pub(crate) enum First {
    /// Sends the result; a job that cannot be started does not exist.
    Reported(Sender<Result<(), StartError>>),
    /// Handles it like any other attempt: a job that cannot be started now is restarted.
    Retried,
}
