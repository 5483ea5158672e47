//! Execution: a plan's pipelines as threads and bounded channels.
//!
//! At parallelism 1 one thread a pipeline does it all, straight into the final state. At more, source subtasks read,
//! decode and aggregate locally, and ship what they have by key group to as many global subtasks that own all state.

mod acknowledgement;
mod barrier;
mod booking;
mod control;
mod global;
mod io;
mod options;
mod panic;
mod progress;
mod room;
mod source;
mod spec;

use std::convert::Infallible;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;
use types::ErrorDomain;

pub use acknowledgement::{Acknowledgement, bytes_of_parts};
pub use control::{Afterwards, CheckpointError, Control};
pub use options::{ExecutionOptions, Mode};
pub use panic::{caught, panic_message};
pub use spec::JobSpec;

use crate::connector::ConnectorError;
use crate::layout::LayoutError;
use crate::memory::Account;
use crate::metrics::TaskMetrics;
use crate::operator::{Ledger, LedgerCounts};
use crate::window::WindowError;

/// A running plan.
pub struct Execution {
    threads: Vec<JoinHandle<()>>,
    /// Closed when the last of them has ended.
    ended: Receiver<Infallible>,
    control: Arc<Control>,
    memory: Arc<Account>,
    tasks: Vec<Task>,
}

/// A subtask, for those who watch.
#[derive(Debug, Clone)]
pub struct Task {
    pub vertex: String,
    pub subtask: usize,
    pub metrics: Arc<TaskMetrics>,
    /// What became of the records; source subtasks have one.
    pub ledger: Option<Arc<Ledger>>,
}

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    #[error("{record} could not be computed")]
    Evaluate {
        /// What the row was made of: where the record stands.
        record: String,
        source: sql::functions::EvalError,
    },
    #[error("{0}")]
    Plan(String),
    #[error("checkpoints failed: {0}")]
    Checkpoints(String),
    /// A writer outside of the subtasks cannot go on.
    #[error("results cannot be written: {0}")]
    Writer(String),
    #[error("`{task}` panicked: {message}")]
    Panic { task: String, message: String },
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
}

impl ExecutionError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            ExecutionError::Layout(_) | ExecutionError::Evaluate { .. } | ExecutionError::Plan(_) => {
                ErrorDomain::User
            }
            ExecutionError::Window(WindowError::Sink(error)) | ExecutionError::Connector(error) => {
                error.domain()
            }
            ExecutionError::Window(_) => ErrorDomain::User,
            ExecutionError::Panic { .. } | ExecutionError::Writer(_) => ErrorDomain::Internal,
            ExecutionError::Thread(_) | ExecutionError::Checkpoints(_) => ErrorDomain::External,
        }
    }
}

impl Execution {
    /// Starts the threads.
    pub fn start(spec: JobSpec) -> Result<Execution, ExecutionError> {
        spec::start(spec)
    }

    /// Asks all subtasks to end where they are.
    pub fn cancel(&self) {
        self.control.cancel();
    }

    /// A channel that is closed when all subtasks have ended.
    pub fn ended(&self) -> Receiver<Infallible> {
        self.ended.clone()
    }

    /// Whether all subtasks have ended.
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for all subtasks; the first failure, if there was one.
    pub fn join(self) -> Result<LedgerCounts, ExecutionError> {
        for thread in self.threads {
            // Panics are caught inside and recorded.
            let _ = thread.join();
        }
        match self.control.take_failure() {
            Some(failure) => Err(failure),
            None => Ok(ledger(&self.tasks)),
        }
    }

    pub fn control(&self) -> Arc<Control> {
        self.control.clone()
    }

    /// What the subtasks hold.
    pub fn memory(&self) -> Arc<Account> {
        self.memory.clone()
    }

    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// What became of all records so far.
    pub fn ledger(&self) -> LedgerCounts {
        ledger(&self.tasks)
    }
}

/// What the subtasks that read a table are called.
pub fn source_vertex(table: &str) -> String {
    format!("Source: {table}")
}

/// What the subtasks that own the state of a table's queries are called.
pub fn global_vertex(table: &str) -> String {
    format!("GlobalWindowAggregate[{table}]")
}

fn ledger(tasks: &[Task]) -> LedgerCounts {
    let mut counts = LedgerCounts::default();
    for ledger in tasks.iter().filter_map(|task| task.ledger.as_ref()) {
        counts.add(&ledger.counts());
    }
    counts
}
