//! Removal of savepoints.

use super::error::DirectoryError;
use super::location::place_of;
use super::manifest::CheckpointKind;

/// The reason why a savepoint was not removed.
#[derive(Debug, thiserror::Error)]
pub enum DisposalError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error("{location} is a checkpoint, which its job removes itself")]
    Checkpoint { location: String },
}

/// Removes a savepoint. Checkpoints and damaged savepoints are kept.
pub fn dispose_savepoint(location: &str) -> Result<(), DisposalError> {
    let (directory, name) = place_of(location)?;
    let found = directory.read(&name)?;
    if found.manifest.kind != CheckpointKind::Savepoint {
        return Err(DisposalError::Checkpoint { location: found.location });
    }
    Ok(directory.remove(&name)?)
}
