//! Documents in directories: lists and reads the documents of a directory, and replaces and removes files so that a
//! crash leaves the old or the new document.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Mistake, is_name};

/// Extension of documents, and of documents that are being written.
const DOCUMENT: &str = "json";
const PART: &str = "part";

/// A file of a document.
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
    /// When the file was last written.
    pub(crate) updated: Option<jiff::Timestamp>,
}

/// Returns the files of documents in a directory, in the order of their names.
pub(crate) fn paths(directory: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(directory).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    match listed {
        Ok(mut paths) => {
            paths.retain(|path| path.extension().is_some_and(|extension| extension == DOCUMENT));
            paths.sort();
            paths
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            tracing::warn!(path = %directory.display(), %error, "the documents of a directory cannot be listed");
            Vec::new()
        }
    }
}

/// Reads a document's file. Of a file that is longer than a document may be, it reads only as much as shows that.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Stored, Mistake> {
    let name = path.file_stem().and_then(|name| name.to_str()).filter(|name| is_name(name));
    let name = name.ok_or_else(|| {
        Mistake::new("", "the name of its file must be 1 to 64 of the characters a-z, 0-9 and -, and `.json`")
    })?;

    let unreadable = |error: io::Error| Mistake::new("", error.to_string());
    let about = fs::metadata(path).map_err(unreadable)?;
    // Opening a pipe would wait for its writer.
    if !about.is_file() {
        return Err(Mistake::new("", "it is not a file"));
    }
    let mut text = Vec::new();
    // A byte order mark and one byte more than a document may have: the parser then refuses the length.
    let most = bytes_max as u64 + 4;
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut text)).map_err(unreadable)?;

    Ok(Stored { name: name.to_owned(), text, updated: modified(&about) })
}

fn modified(about: &Metadata) -> Option<jiff::Timestamp> {
    jiff::Timestamp::try_from(about.modified().ok()?).ok()
}

/// Replaces a document's file. Returns when the document would survive a power failure, with the time of the file.
pub(crate) fn write(directory: &Path, name: &str, text: &[u8]) -> io::Result<Option<jiff::Timestamp>> {
    create(directory)?;
    let path = path_of(directory, name);
    let part = path.with_extension(PART);

    let written = File::create(&part).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        sync(directory)?;
        Ok(modified(&file.metadata()?))
    });
    if written.is_err() {
        // On a full disk, the part would take the space that it lacks.
        let _ = fs::remove_file(&part);
    }
    written
}

/// Sets aside the file of a document that is not served, because the file is damaged.
pub(crate) fn set_aside(directory: &Path, name: &str) -> io::Result<()> {
    let path = path_of(directory, name);
    let aside = path.with_extension("json.damaged");
    match fs::rename(&path, &aside) {
        Ok(()) => {
            tracing::warn!(path = %aside.display(), "a damaged document was set aside: another one has its name");
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a document's file.
pub(crate) fn remove(directory: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(path_of(directory, name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => sync(directory),
    }
}

fn path_of(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.{DOCUMENT}"))
}

/// Creates a directory whose entry survives a power failure.
fn create(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    directory.parent().map_or(Ok(()), sync)
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
