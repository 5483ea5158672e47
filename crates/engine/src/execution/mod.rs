//! Execution: runs a plan's pipelines as threads and bounded channels.
//!
//! At parallelism 1 one thread per pipeline does everything, and aggregates into the final state. At higher
//! parallelism, source subtasks read, decode and aggregate locally, and ship their partial aggregates by key
//! group to as many global subtasks, which own all state:
//!
//! ```text
//! parallelism 1     source: read, aggregate, write
//! parallelism 2     source 0 ─┬─► global 0: merge, write
//!                   source 1 ─┴─► global 1: merge, write
//! ```
//!
//! Operators that need rows of several subtasks run in vertices of their own, see the file `placement.rs`.

mod acknowledgement;
mod alignment;
mod barrier;
mod booking;
mod collecting;
mod control;
mod exchange;
mod global;
mod handover;
mod io;
mod memory_meter;
mod memory_pressure;
mod opening;
mod operator_task;
mod options;
mod outputs;
mod panic;
mod placement;
mod progress;
mod source;
mod source_progress;
mod source_time;
mod spec;
mod vertices;
mod wiring;

use std::convert::Infallible;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Receiver;
use types::ErrorDomain;

pub use acknowledgement::{Acknowledgement, PartBytes, bytes_of_parts};
pub use control::{Afterwards, CheckpointError, Control};
pub use options::{ExecutionOptions, Mode};
pub use panic::{caught, panic_message};
pub use spec::{JobSpec, Restore};

use placement::{Home, Placement};

use crate::connector::ConnectorError;
use crate::layout::LayoutError;
use crate::memory::Account;
use crate::metrics::TaskMetrics;
use crate::operator::chain::OperatorError;
use crate::operator::{Ledger, LedgerCounts};
use crate::snapshot::PartError;
use crate::window::WindowError;

/// The longest wait for input, so that the subtasks of a cancelled job end soon.
const INPUT_WAIT_MAX: Duration = Duration::from_millis(50);

/// Poll interval at which a thread that waits for a part of a snapshot checks whether it is still wanted.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// A running plan.
pub struct Execution {
    threads: Vec<JoinHandle<()>>,
    /// Closed when the last thread has ended.
    ended: Receiver<Infallible>,
    control: Arc<Control>,
    memory: Arc<Account>,
    tasks: Vec<Task>,
}

/// A subtask with its metrics.
#[derive(Debug, Clone)]
pub struct Task {
    pub vertex: String,
    pub subtask: usize,
    pub metrics: Arc<TaskMetrics>,
    /// The outcome of the records; only source subtasks have a ledger.
    pub ledger: Option<Arc<Ledger>>,
}

/// The reason why a job failed.
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
        /// The record from which the row was made, and its position.
        record: String,
        source: sql::functions::EvalError,
    },
    #[error(transparent)]
    Operator(Box<OperatorError>),
    #[error("{0}")]
    Plan(String),
    #[error("the state of the snapshot cannot be read")]
    Part(#[from] PartError),
    #[error("checkpoints failed: {0}")]
    Checkpoints(String),
    /// A writer outside the subtasks cannot continue.
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
            ExecutionError::Window(WindowError::Operator(error)) => operator_domain(error),
            ExecutionError::Operator(error) => operator_domain(error),
            ExecutionError::Window(_) => ErrorDomain::User,
            ExecutionError::Panic { .. } | ExecutionError::Writer(_) => ErrorDomain::Internal,
            ExecutionError::Thread(_) | ExecutionError::Checkpoints(_) | ExecutionError::Part(_) => {
                ErrorDomain::External
            }
        }
    }
}

/// Returns who must act when an operator cannot continue.
fn operator_domain(error: &OperatorError) -> ErrorDomain {
    match error {
        OperatorError::Sink(error) => error.domain(),
        OperatorError::State(_) => ErrorDomain::Internal,
        OperatorError::Evaluate { .. } | OperatorError::Rows { .. } => ErrorDomain::User,
    }
}

impl Execution {
    /// Starts the threads.
    pub fn start(spec: JobSpec) -> Result<Execution, ExecutionError> {
        spec::start(spec)
    }

    /// Asks all subtasks to end as soon as possible.
    pub fn cancel(&self) {
        self.control.cancel();
    }

    /// Returns a channel that closes when all subtasks have ended.
    pub fn ended(&self) -> Receiver<Infallible> {
        self.ended.clone()
    }

    /// Returns whether all subtasks have ended.
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for all subtasks; returns the first failure, if there was one.
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

    /// Returns the account of the subtasks' memory.
    pub fn memory(&self) -> Arc<Account> {
        self.memory.clone()
    }

    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Returns the outcome of all records so far.
    pub fn ledger(&self) -> LedgerCounts {
        ledger(&self.tasks)
    }
}

/// Returns the name of the vertex that reads a table.
pub fn source_vertex(table: &str) -> String {
    format!("Source: {table}")
}

/// Returns the name of the vertex that owns the state of a table's queries.
pub fn global_vertex(table: &str) -> String {
    format!("GlobalWindowAggregate[{table}]")
}

/// Returns the name of a vertex of operators.
pub fn operator_vertex(plan: &sql::plan::Plan, operators: &[usize], vertex: usize) -> String {
    let name = operators.first().map(|&operator| operator_kind(&plan.operators[operator]));
    format!("{} {vertex}", name.unwrap_or_default())
}

/// Returns the name of an operator in metrics: `GroupAggregate[3]`, with its index in the plan, as in
/// `explain`.
pub fn operator_name(plan: &sql::plan::Plan, operator: usize) -> String {
    format!("{}[{operator}]", operator_kind(&plan.operators[operator]))
}

/// Returns the kind of an operator: `GroupAggregate`.
pub fn operator_kind(operator: &sql::plan::Operator) -> String {
    operator.name.chars().take_while(|c| *c != '[').collect()
}

/// The operators that run in the subtasks of one vertex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorHome {
    /// The name of the vertex.
    pub vertex: String,
    /// Indexes in the plan.
    pub operators: Vec<usize>,
    /// The vertices that send it rows; none for operators that run where a table is read.
    pub inputs: Vec<OperatorInput>,
}

/// A vertex that sends rows to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorInput {
    pub vertex: String,
    /// Whether rows are partitioned by key, instead of going to any subtask.
    pub is_hash: bool,
}

/// Returns where the operators of a plan run.
pub fn operator_homes(plan: &sql::plan::Plan, parallelism: usize) -> Vec<OperatorHome> {
    let placement = Placement::new(plan, parallelism);
    let name = |home: Home| match home {
        Home::Source(pipeline) => source_vertex(&plan.pipelines[pipeline].source.name),
        Home::Global(pipeline) => global_vertex(&plan.pipelines[pipeline].source.name),
        Home::Vertex(vertex) => operator_vertex(plan, &placement.vertices[vertex].operators, vertex),
    };
    let mut homes: Vec<Home> = placement.homes.clone();
    homes.sort_unstable();
    homes.dedup();

    let view = |home: Home| {
        let is_hash = |from: Home| {
            let mut between = placement.edges.iter().filter(|edge| edge.from == from && edge.to == home);
            between.any(|edge| matches!(edge.distribution, sql::plan::operator::Distribution::Hash(_)))
        };
        let input = |from: Home| OperatorInput { vertex: name(from), is_hash: is_hash(from) };
        OperatorHome {
            vertex: name(home),
            operators: placement.operators_in(home),
            inputs: placement.feeding(home).into_iter().map(input).collect(),
        }
    };
    homes.into_iter().map(view).collect()
}

fn ledger(tasks: &[Task]) -> LedgerCounts {
    let mut counts = LedgerCounts::default();
    for ledger in tasks.iter().filter_map(|task| task.ledger.as_ref()) {
        counts.add(&ledger.counts());
    }
    counts
}
