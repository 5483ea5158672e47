//! Checkpoints: when they are taken, where they are stored, and from which one a job restarts.

mod directory;
mod disposal;
mod error;
mod history;
mod lateness;
mod location;
mod manifest;
mod options;
mod parts;
mod segments;
mod undo;

use types::{JobId, with_causes};

pub use directory::{CheckpointDirectory, Restored};
pub use disposal::{DisposalError, dispose_savepoint};
pub use error::DirectoryError;
pub(crate) use lateness::LatenessFiles;
pub use location::{local_path, read_savepoint};
pub(crate) use undo::UndoFiles;

pub use history::{
    CheckpointHistory, CheckpointRecord, CheckpointState, Measured, RestoredFrom, SubtaskPart,
};
pub use manifest::{CheckpointKind, Manifest, StateFile};
pub use options::{CheckpointOptions, INLINE_BELOW};
pub use parts::{EarlierParts, PartFiles, PartTotals, PartWriter};

/// Removes all checkpoints of a job.
pub(crate) fn forget(directory: &str, job: JobId) -> Result<(), DirectoryError> {
    CheckpointDirectory::open(directory)?.remove(&job.to_string())
}

/// Returns the newest complete checkpoint of a job; problems with newer ones are logged.
pub(crate) fn newest(directory: &str, job: JobId) -> Result<Option<Restored>, DirectoryError> {
    CheckpointDirectory::open(directory)?.newest(job, |error| {
        if let DirectoryError::Missing { location } = error {
            tracing::info!(job_id = %job, location, "a checkpoint was never finished; trying the previous one");
        } else {
            let error = with_causes(error);
            tracing::error!(job_id = %job, error, "a checkpoint is incomplete or damaged; trying the previous one");
        }
    })
}
