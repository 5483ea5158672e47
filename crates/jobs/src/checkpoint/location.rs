//! Where a savepoint or a checkpoint lies, as people name it: its directory or the `_metadata` in it, as a path or a
//! `file:` URL.

use std::path::PathBuf;

use super::directory::{CheckpointDirectory, METADATA, Restored};
use super::error::DirectoryError;

/// Reads a savepoint or a checkpoint wherever it lies: its directory or the `_metadata` in it, as a path or a `file:` URL.
pub fn read_savepoint(location: &str) -> Result<Restored, DirectoryError> {
    let (directory, name) = place_of(location)?;
    directory.read(&name)
}

/// The directory in which a savepoint or a checkpoint lies, and its name there.
pub(super) fn place_of(location: &str) -> Result<(CheckpointDirectory, String), DirectoryError> {
    let path = local_path(location)?;
    let path = if path.file_name().is_some_and(|name| name == METADATA) {
        path.parent().unwrap_or(&path)
    } else {
        &path
    };
    let missing = || DirectoryError::Missing { location: path.display().to_string() };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(missing());
    };
    if !path.is_dir() {
        return Err(missing());
    }
    let parent = if parent.as_os_str().is_empty() { std::path::Path::new(".") } else { parent };
    Ok((CheckpointDirectory::open(&parent.display().to_string())?, name.to_owned()))
}

/// The path that a location stands for.
pub fn local_path(location: &str) -> Result<PathBuf, DirectoryError> {
    let refused = || DirectoryError::Scheme { location: location.to_owned() };
    if let Some(path) = location.strip_prefix("file:") {
        // `file:///a`, `file:/a` and `file://localhost/a` are the same.
        let path =
            path.strip_prefix("//").map_or(path, |rest| rest.strip_prefix("localhost").unwrap_or(rest));
        return if path.starts_with('/') { Ok(PathBuf::from(path)) } else { Err(refused()) };
    }
    if location.contains("://") { Err(refused()) } else { Ok(PathBuf::from(location)) }
}
