//! The layout of checkpoints on disk: `JOB/chk-ID/` contains part files ([`super::parts`]), the envelope
//! `state`, and `_metadata`, which is written last, after everything else is durable. A checkpoint without it
//! was not completed.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use engine::execution::Restore;
use engine::snapshot::{Snapshot, decode};
use futures_executor::block_on;
use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use types::JobId;

use super::error::DirectoryError;
use super::location::local_path;
use super::manifest::{FORMAT, Manifest, StateFile};
use super::parts::{PartFiles, PartWriter};

pub(super) const METADATA: &str = "_metadata";
const STATE: &str = "state";

/// A directory of checkpoints.
pub struct CheckpointDirectory {
    files: Arc<dyn ObjectStore>,
    /// The directory's path, for messages.
    location: String,
}

/// A checkpoint that was read and verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// Directory of the checkpoint.
    pub location: String,
    pub manifest: Manifest,
    pub snapshot: Arc<Snapshot>,
}

impl Restored {
    /// Returns a reader of the checkpoint's part files.
    pub fn part_files(&self) -> PartFiles {
        PartFiles::at(&self.location)
    }

    /// Returns the state from which a job restarts.
    pub fn restore(&self) -> Restore {
        Restore { snapshot: self.snapshot.clone(), parts: Arc::new(self.part_files()) }
    }
}

impl CheckpointDirectory {
    /// Opens a directory, given as a path or a `file:` URL; creates it if it does not exist.
    pub fn open(location: &str) -> Result<CheckpointDirectory, DirectoryError> {
        let path = local_path(location)?;
        let failed = |source| DirectoryError::Directory { location: path.display().to_string(), source };
        std::fs::create_dir_all(&path).map_err(failed)?;
        // Users of a savepoint's location may have another working directory.
        let path = path.canonicalize().map_err(failed)?;
        let files = LocalFileSystem::new_with_prefix(&path).map_err(|source| DirectoryError::Files {
            doing: "opening",
            location: path.display().to_string(),
            source,
        })?;
        let files = files.with_fsync(true).with_automatic_cleanup(true);
        Ok(CheckpointDirectory { files: Arc::new(files), location: path.display().to_string() })
    }

    /// Returns the directory's path, for messages.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Fails if writing `bytes` would leave less than `kept` bytes free.
    pub fn check_room(&self, bytes: usize, kept: u64) -> Result<(), DirectoryError> {
        let location = || self.location.clone();
        let free = storage::free_bytes(std::path::Path::new(&self.location))
            .map_err(|source| DirectoryError::Directory { location: location(), source })?;
        match free < kept.saturating_add(bytes as u64) {
            true => Err(DirectoryError::Full { location: location(), free, kept }),
            false => Ok(()),
        }
    }

    /// Returns the place of a job's checkpoint in this directory.
    pub fn checkpoint(job: JobId, id: u64) -> String {
        format!("{job}/chk-{id}")
    }

    /// Writes a checkpoint whose parts are written; returns when it survives a power failure. The manifest's
    /// fields about the state are filled in.
    pub fn write(
        &self,
        place: &str,
        manifest: &mut Manifest,
        state: Vec<u8>,
        parts: &PartWriter<'_>,
    ) -> Result<(), DirectoryError> {
        parts.finish()?;
        manifest.format = FORMAT;
        manifest.parts = parts.totals();
        manifest.state =
            StateFile { name: STATE.to_owned(), bytes: state.len() as u64, crc32: crc32fast::hash(&state) };
        let mut text = serde_json::to_vec_pretty(manifest).expect("a manifest is JSON");
        text.push(b'\n');
        self.put(&Path::from(format!("{place}/{STATE}")), state)?;
        self.put(&Path::from(format!("{place}/{METADATA}")), text)
    }

    /// Reads a checkpoint and verifies that it is complete. Only the lengths of part files are checked; each
    /// file is verified when its state is restored.
    pub fn read(&self, place: &str) -> Result<Restored, DirectoryError> {
        let location = self.whole(place);
        let text = match self.get(&Path::from(format!("{place}/{METADATA}"))) {
            Ok(text) => text,
            Err(DirectoryError::Files { source: object_store::Error::NotFound { .. }, .. }) => {
                return Err(DirectoryError::Missing { location });
            }
            Err(error) => return Err(error),
        };

        // Read the version first, because other fields of a newer manifest may have another form.
        #[derive(serde::Deserialize)]
        struct Version {
            format: u32,
        }

        let failed = |source| DirectoryError::Manifest { location: location.clone(), source };
        let Version { format } = serde_json::from_slice(&text).map_err(failed)?;
        if format > FORMAT {
            return Err(DirectoryError::Format { location, format });
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(failed)?;
        let state = self.get(&Path::from(format!("{place}/{}", manifest.state.name)))?;
        let (there, found) = (state.len() as u64, crc32fast::hash(&state));
        let (expected, wanted) = (manifest.state.bytes, manifest.state.crc32);
        if (there, found) != (expected, wanted) {
            return Err(DirectoryError::Damaged { location, there, found, expected, wanted });
        }

        let snapshot =
            decode(&state).map_err(|source| DirectoryError::State { location: location.clone(), source })?;
        let restored = Restored { location, manifest, snapshot: Arc::new(snapshot) };
        let parts = restored.part_files();
        restored.snapshot.part_files().try_for_each(|(_, _, file)| parts.look_for(file))?;
        Ok(restored)
    }

    /// Reads a checkpoint like [`CheckpointDirectory::read`], and verifies all part files.
    fn read_verified(&self, place: &str) -> Result<Restored, DirectoryError> {
        let restored = self.read(place)?;
        let parts = restored.part_files();
        restored.snapshot.part_files().try_for_each(|(_, _, file)| parts.verify(file))?;
        Ok(restored)
    }

    /// Returns the ids of a job's checkpoints, complete or not, in ascending order.
    pub fn ids(&self, job: JobId) -> Result<Vec<u64>, DirectoryError> {
        let prefix = Path::from(job.to_string());
        let listed = block_on(self.files.list_with_delimiter(Some(&prefix)));
        let listed = listed.map_err(|source| self.failed("listing", job.to_string(), source))?;
        let number = |path: &Path| path.filename()?.strip_prefix("chk-")?.parse().ok();
        let mut ids: Vec<u64> = listed.common_prefixes.iter().filter_map(number).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Returns the newest complete checkpoint of a job, or `None` if no checkpoint was ever completed.
    /// Damaged ones are passed to `skipped`, newest first. If all are damaged, this is an error, so that a
    /// job does not silently start without state.
    pub fn newest(
        &self,
        job: JobId,
        mut skipped: impl FnMut(&DirectoryError),
    ) -> Result<Option<Restored>, DirectoryError> {
        let mut damaged = Vec::new();
        for id in self.ids(job)?.into_iter().rev() {
            let place = CheckpointDirectory::checkpoint(job, id);
            // Only before anything is restored is it possible to fall back to an older checkpoint.
            match self.read_verified(&place) {
                Ok(restored) => return Ok(Some(restored)),
                Err(error) => {
                    skipped(&error);
                    if self.was_finished(id, &place, &error) {
                        damaged.push(error);
                    }
                }
            }
        }

        let count = damaged.len();
        match damaged.into_iter().next() {
            None => Ok(None),
            Some(newest) => Err(DirectoryError::NoneWhole {
                location: self.whole(&job.to_string()),
                count,
                source: Box::new(newest),
            }),
        }
    }

    /// Returns whether an unreadable checkpoint was once complete. Without a manifest it probably was not:
    /// certainly if it is the first one, and otherwise if it has no state either.
    fn was_finished(&self, id: u64, place: &str, error: &DirectoryError) -> bool {
        let state = Path::from(format!("{place}/{STATE}"));
        !matches!(error, DirectoryError::Missing { .. })
            || (id > 1 && block_on(self.files.head(&state)).is_ok())
    }

    /// Removes all completed checkpoints of a job except for the newest `keep`. An incomplete one is removed
    /// too, unless it is newer than all complete ones.
    pub fn prune(&self, job: JobId, keep: usize) -> Result<(), DirectoryError> {
        let mut kept = 0;
        for id in self.ids(job)?.into_iter().rev() {
            let place = CheckpointDirectory::checkpoint(job, id);
            let metadata = Path::from(format!("{place}/{METADATA}"));
            let is_finished = block_on(self.files.head(&metadata)).is_ok();
            if kept >= keep || (kept > 0 && !is_finished) {
                self.remove(&place)?;
            } else if is_finished {
                kept += 1;
            }
        }
        Ok(())
    }

    /// Removes incomplete checkpoints of a process that was killed while it wrote parts. No checkpoint may be
    /// in progress.
    pub fn remove_orphans(&self, job: JobId) -> Result<(), DirectoryError> {
        for id in self.ids(job)? {
            let place = CheckpointDirectory::checkpoint(job, id);
            let is_there = |name| block_on(self.files.head(&Path::from(format!("{place}/{name}")))).is_ok();
            if !is_there(METADATA) && !is_there(STATE) {
                self.remove(&place)?;
            }
        }
        Ok(())
    }

    /// Removes a checkpoint, its manifest first.
    pub fn remove(&self, place: &str) -> Result<(), DirectoryError> {
        let failed = |source| self.failed("removing", place.to_owned(), source);
        let metadata = Path::from(format!("{place}/{METADATA}"));

        match block_on(self.files.delete(&metadata)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(failed(source)),
        }

        block_on(async {
            let prefix = Path::from(place);
            let files: Vec<Path> = self
                .files
                .list(Some(&prefix))
                .map_ok(|file| file.location)
                .try_collect()
                .await
                .map_err(failed)?;
            for file in files {
                self.files.delete(&file).await.map_err(failed)?;
            }
            Ok(())
        })
    }

    fn put(&self, path: &Path, bytes: Vec<u8>) -> Result<(), DirectoryError> {
        let put = block_on(self.files.put(path, PutPayload::from(bytes)));
        put.map(|_| ()).map_err(|source| self.failed("writing", path.to_string(), source))
    }

    fn get(&self, path: &Path) -> Result<Vec<u8>, DirectoryError> {
        let bytes = block_on(async { self.files.get(path).await?.bytes().await });
        bytes.map(Vec::from).map_err(|source| self.failed("reading", path.to_string(), source))
    }

    fn whole(&self, place: &str) -> String {
        format!("{}/{place}", self.location)
    }

    fn failed(&self, doing: &'static str, place: String, source: object_store::Error) -> DirectoryError {
        DirectoryError::Files { doing, location: self.whole(&place), source }
    }
}
