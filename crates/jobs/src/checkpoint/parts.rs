//! Part files: the state of one operator for one range of key groups, next to the envelope of a checkpoint.
//!
//! ```text
//! JOB/chk-41/ part-0 part-1 part-2  state  _metadata
//!             │      │      └─ written: its bytes have changed
//!             └──────┴─ hard links to the files of chk-40: same length, same hash
//! ```
//!
//! A file begins with `WEIRPART` and a version (u16, little-endian), followed by the pieces of
//! [`StateImage::for_each_piece`].
//!
//! * Small parts are in the envelope instead: [`super::CheckpointOptions::inline_below`] sets the limit.
//! * A part with the same bytes as in the previous checkpoint is not written again: the new directory gets a
//!   hard link to the file. So each checkpoint is a directory with everything it needs. The file system
//!   counts the links, and removing a checkpoint frees the files that no other checkpoint links to. Without
//!   support for hard links, the part is written again.
//! * A savepoint writes all its parts, so that it shares no files.
//! * Files are written once and never changed. They are durable before the envelope is written, and the
//!   envelope before `_metadata`. A directory without both was left by a killed process, and is removed at
//!   the next start.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use engine::snapshot::{
    KeptPart, NotKept, PartContent, PartError, PartFile, PartKeeper, PartReader, Snapshot,
};
use engine::state::{KeyGroups, StateImage};
use xxhash_rust::xxh3::Xxh3;

use super::directory::{CheckpointDirectory, Restored};
use super::error::DirectoryError;

const HEADER: [u8; 10] = *b"WEIRPART\x01\0";
/// Size of one read of a file.
const CHUNK: usize = 256 << 10;

/// The part files of the previous checkpoint, which the next one may link to.
#[derive(Debug, Clone, Default)]
pub struct EarlierParts {
    directory: PathBuf,
    files: HashMap<(String, KeyGroups), Vec<PartFile>>,
}

impl EarlierParts {
    /// Returns the part files of a checkpoint at a location.
    pub fn of(location: &Path, snapshot: &Snapshot) -> EarlierParts {
        let mut files: HashMap<(String, KeyGroups), Vec<PartFile>> = HashMap::new();
        for (operator, groups, file) in snapshot.part_files() {
            files.entry((operator.to_owned(), groups)).or_default().push(file.clone());
        }
        EarlierParts { directory: location.to_owned(), files }
    }

    pub fn of_restored(restored: &Restored) -> EarlierParts {
        EarlierParts::of(Path::new(&restored.location), &restored.snapshot)
    }

    /// Returns the seed of the hashes; with another seed, no equal part would be found.
    fn seed(&self) -> Option<u64> {
        self.files.values().flatten().next().map(|file| file.seed)
    }
}

/// Writes the parts of a checkpoint.
pub struct PartWriter<'a> {
    within: &'a CheckpointDirectory,
    directory: PathBuf,
    earlier: &'a EarlierParts,
    inline_below: u64,
    /// The seed is secret, so that no one can craft two states with the same hash.
    seed: u64,
    keep_free: u64,
    files: u64,
    bytes: u64,
    reused: u64,
    failure: Option<DirectoryError>,
}

impl<'a> PartWriter<'a> {
    /// Creates a writer for a checkpoint at a place in a directory. Parts smaller than `inline_below` bytes
    /// go into the envelope; `keep_free` bytes are left free on the disk.
    pub fn new(
        within: &'a CheckpointDirectory,
        place: &str,
        earlier: &'a EarlierParts,
        (inline_below, keep_free): (u64, u64),
    ) -> PartWriter<'a> {
        PartWriter {
            within,
            directory: Path::new(within.location()).join(place),
            earlier,
            inline_below,
            seed: earlier.seed().unwrap_or_else(|| crate::id::random() as u64),
            keep_free,
            files: 0,
            bytes: 0,
            reused: 0,
            failure: None,
        }
    }

    /// Returns the number of files, their bytes, and the bytes that were not written again.
    pub fn totals(&self) -> PartTotals {
        PartTotals { files: self.files, bytes: self.bytes, reused: self.reused }
    }

    /// Returns the reason why a part was not kept.
    pub fn into_failure(self) -> Option<DirectoryError> {
        self.failure
    }

    /// Returns when the directory itself survives a power failure. Its entries become durable with the
    /// envelope.
    pub fn finish(&self) -> Result<(), DirectoryError> {
        match self.directory.parent().filter(|_| self.files > 0) {
            Some(parent) => sync(parent),
            None => Ok(()),
        }
    }

    fn file(
        &mut self,
        operator: &str,
        groups: KeyGroups,
        image: &StateImage,
    ) -> Result<KeptPart, DirectoryError> {
        let mut hasher = Xxh3::with_seed(self.seed);
        let mut bytes = 0;
        for_each_piece(image, |piece| {
            hasher.update(piece);
            bytes += piece.len() as u64;
        });
        let name = format!("part-{}", self.files);
        let file = PartFile { name, bytes, seed: self.seed, hash: hasher.digest128() };
        let path = self.directory.join(&file.name);
        if self.files == 0 {
            let failed = |source| directory_failed(&self.directory, source);
            fs::create_dir_all(&self.directory).map_err(failed)?;
        }

        // A file left by a killed process may be a link to a file of another checkpoint, so it must not be
        // overwritten.
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(failed("removing", &path, source));
            }
            _ => {}
        }
        let is_new = !self.refer(operator, groups, &file, &path);
        if is_new {
            self.within.check_room(bytes as usize, self.keep_free)?;
            write(&path, image).map_err(|source| failed("writing", &path, source))?;
        } else {
            self.reused += bytes;
        }
        self.files += 1;
        self.bytes += bytes;
        Ok(KeptPart { content: PartContent::File(file), is_new })
    }

    /// Links to the file of the previous checkpoint, if its content is equal.
    fn refer(&self, operator: &str, groups: KeyGroups, file: &PartFile, path: &Path) -> bool {
        let same = |earlier: &&PartFile| {
            (earlier.bytes, earlier.seed, earlier.hash) == (file.bytes, file.seed, file.hash)
        };
        let earlier = self.earlier.files.get(&(operator.to_owned(), groups));
        let Some(earlier) = earlier.and_then(|files| files.iter().find(same)) else { return false };

        let earlier_path = self.earlier.directory.join(&earlier.name);
        let is_whole = fs::metadata(&earlier_path).is_ok_and(|found| found.len() == file.bytes);
        is_whole && fs::hard_link(&earlier_path, path).is_ok()
    }
}

impl PartKeeper for PartWriter<'_> {
    fn keep(&mut self, operator: &str, groups: KeyGroups, image: &StateImage) -> Result<KeptPart, NotKept> {
        if image.bytes() < self.inline_below {
            return Ok(KeptPart::inline(image));
        }
        self.file(operator, groups, image).map_err(|error| {
            self.failure = Some(error);
            NotKept
        })
    }
}

/// Totals of a checkpoint's part files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PartTotals {
    pub files: u64,
    pub bytes: u64,
    /// Bytes of part files that an earlier checkpoint had written.
    pub reused: u64,
}

/// Reads the part files of a checkpoint.
#[derive(Debug, Clone)]
pub struct PartFiles {
    directory: PathBuf,
}

impl PartFiles {
    /// Returns a reader for a checkpoint at a location.
    pub fn at(location: &str) -> PartFiles {
        PartFiles { directory: PathBuf::from(location) }
    }

    /// Checks that a file exists with the right length, without reading it.
    pub(super) fn look_for(&self, file: &PartFile) -> Result<(), DirectoryError> {
        let path = self.directory.join(&file.name);
        match fs::metadata(&path) {
            Ok(found) if found.len() == file.bytes => Ok(()),
            Ok(found) => Err(damaged(&path, format!("it has {} bytes, not {}", found.len(), file.bytes))),
            Err(source) => Err(unreadable(&path, source)),
        }
    }

    /// Reads a file and verifies its content.
    pub(super) fn verify(&self, file: &PartFile) -> Result<(), DirectoryError> {
        self.read_through(file, |_| ())
    }

    fn read_through(&self, file: &PartFile, mut each: impl FnMut(&[u8])) -> Result<(), DirectoryError> {
        self.look_for(file)?;
        let path = self.directory.join(&file.name);
        let failed = |source| unreadable(&path, source);
        let mut reader = File::open(&path).map_err(failed)?;
        let mut hasher = Xxh3::with_seed(file.seed);
        let mut chunk = vec![0; CHUNK];

        let mut header = [0; HEADER.len()];
        reader.read_exact(&mut header).map_err(failed)?;
        hasher.update(&header);
        loop {
            let read = reader.read(&mut chunk).map_err(failed)?;
            if read == 0 {
                break;
            }
            hasher.update(&chunk[..read]);
            each(&chunk[..read]);
        }

        if hasher.digest128() != file.hash {
            return Err(damaged(&path, "its bytes are not those that were written".to_owned()));
        }
        if header != HEADER {
            return Err(damaged(&path, "it does not begin with `WEIRPART` and version 1".to_owned()));
        }
        Ok(())
    }
}

impl PartReader for PartFiles {
    fn read(&self, file: &PartFile) -> Result<Vec<u8>, PartError> {
        // The length in the envelope may be wrong, so the file's length is checked before memory is
        // allocated.
        self.look_for(file).map_err(|error| PartError(Box::new(error)))?;
        let mut bytes = Vec::with_capacity(file.bytes as usize);
        let read = self.read_through(file, |chunk| bytes.extend_from_slice(chunk));
        read.map_err(|error| PartError(Box::new(error)))?;
        Ok(bytes)
    }
}

fn for_each_piece(image: &StateImage, mut each: impl FnMut(&[u8])) {
    each(&HEADER);
    image.for_each_piece(each);
}

/// Writes a file; returns when its bytes survive a power failure.
fn write(path: &Path, image: &StateImage) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(CHUNK, File::create_new(path)?);
    let mut written = Ok(());
    for_each_piece(image, |piece| {
        if written.is_ok() {
            written = file.write_all(piece);
        }
    });
    written?;
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
}

fn sync(directory: &Path) -> Result<(), DirectoryError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| directory_failed(directory, source))
}

fn directory_failed(directory: &Path, source: std::io::Error) -> DirectoryError {
    DirectoryError::Directory { location: directory.display().to_string(), source }
}

fn failed(doing: &'static str, path: &Path, source: std::io::Error) -> DirectoryError {
    DirectoryError::Part { doing, location: path.display().to_string(), source }
}

fn unreadable(path: &Path, source: std::io::Error) -> DirectoryError {
    match source.kind() {
        ErrorKind::NotFound => DirectoryError::PartMissing { location: path.display().to_string() },
        _ => failed("reading", path, source),
    }
}

fn damaged(path: &Path, what: String) -> DirectoryError {
    DirectoryError::PartDamaged { location: path.display().to_string(), what }
}
