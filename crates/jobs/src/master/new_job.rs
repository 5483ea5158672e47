//! What a job is started with.

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

/// A job that is to be started.
pub(crate) struct NewJob {
    pub id: JobId,
    pub name: String,
    pub script: String,
    pub plan: Arc<Plan>,
    pub environment: Environment,
    pub checkpoints: Option<CheckpointOptions>,
    pub restart: RestartStrategy,
    /// What it goes on from.
    pub restored: Option<Restored>,
    /// It ran under this id before, and letters of it may stand.
    pub ran_before: bool,
    /// The jobs whose state it goes on from.
    pub ancestors: Vec<Ancestor>,
    /// Where the rows of a query go; `None` for other jobs.
    pub collector: Option<Arc<Collector>>,
    /// Who waits for the first attempt.
    pub first: First,
    /// What is to be done before whoever cancels it hears that it will be.
    pub on_cancel: Box<dyn Fn() + Send + Sync>,
    /// What is to be done when it has completed a checkpoint.
    pub on_checkpoint: Box<dyn Fn() + Send>,
    /// What is to be done before anyone hears that it has come to rest.
    pub on_end: Box<dyn Fn(&JobView) + Send>,
}

/// What a job does about its first attempt.
pub(crate) enum First {
    /// Tells how it went; a job that cannot be started is none.
    Told(Sender<Result<(), StartError>>),
    /// As about any other: a job that cannot be started now is started again.
    Insisted,
}
