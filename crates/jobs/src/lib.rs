//! Jobs: submission, execution, restart after failures, and their end.

pub mod checkpoint;
mod dispatcher;
mod environment;
mod id;
mod local;
mod master;
pub mod registry;
pub mod restart;
mod result_tables;
mod setting;
mod status;

/// Events that a job could not process.
pub mod dead_letters {
    pub use connectors::dead_letter::{
        DeadLetterError, DeadLetterId, DeadLetterInfo, DeadLetterQueue, InvalidDeadLetterId, Place, Replayed,
        StoredDeadLetter,
    };
}

pub use connectors::check as check_options;
pub use connectors::collect::CollectedRow;
pub use dispatcher::{
    Dispatcher, FindError, Outline, QueryJob, ReplaceError, Replaced, Secrets, Submission, SubmitError,
};
pub use engine::operator::changes::RowKind;
pub use environment::{Defaults, Environment};
pub use id::random as random_id;
pub use local::{LocalError, LocalInput, LocalRun, LocalSummary, Running};
pub use master::{
    EdgeView, Failure, JobMaster, JobView, SavepointError, Sequel, TaskView, VertexView, why_held_back,
};
pub use registry::JobOrigin;
pub use result_tables::{ColumnKind, Declared, ResultColumn, ResultTable, ResultTables, TABLES_MAX};
pub use status::{InvalidTransition, JobStatus, StatusHistory};
