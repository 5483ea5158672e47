//! Locations of savepoints and checkpoints as users give them: the directory or the `_metadata` in it, as a
//! path or a `file:` URL.

use std::path::PathBuf;

use super::directory::{CheckpointDirectory, METADATA, Restored};
use super::error::DirectoryError;

/// Reads a savepoint or checkpoint at any location: its directory or the `_metadata` in it, as a path or a
/// `file:` URL.
pub fn read_savepoint(location: &str) -> Result<Restored, DirectoryError> {
    let (directory, name) = place_of(location)?;
    directory.read(&name)
}

/// Splits a location into the directory of checkpoints and the place in it.
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

/// Returns the local path of a location.
pub fn local_path(location: &str) -> Result<PathBuf, DirectoryError> {
    let refused = || DirectoryError::Scheme { location: location.to_owned() };
    if let Some(path) = location.strip_prefix("file:") {
        // `file:///a`, `file:/a` and `file://localhost/a` are equivalent.
        let path =
            path.strip_prefix("//").map_or(path, |rest| rest.strip_prefix("localhost").unwrap_or(rest));
        return if path.starts_with('/') { Ok(PathBuf::from(path)) } else { Err(refused()) };
    }
    if location.contains("://") { Err(refused()) } else { Ok(PathBuf::from(location)) }
}
