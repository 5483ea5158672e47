//! Documents in the binary and in directories: reads all documents of a directory, and replaces and removes files so
//! that a crash leaves the old or the new document.
//!
//! A file that is no valid document stays where it is, and is logged with the place of its mistake. It does not stop
//! the start. If a dashboard of its name is saved later, the file is first set aside as `NAME.json.damaged`.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::check::is_name;
use super::condition::tag_of;
use super::document::{BYTES_MAX, Dashboard, Mistake, without_mark};

/// Maximum number of dashboards of one source.
pub(super) const DASHBOARDS_MAX: usize = 500;

/// Extension of documents, and of documents that are being written.
const DOCUMENT: &str = "json";
const PART: &str = "part";

/// Where a dashboard comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = DashboardSource)]
pub(crate) enum Source {
    /// Part of Weir.
    BuiltIn,
    /// A file beside a script.
    File,
    /// Saved by a client.
    Saved,
}

/// A valid document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) source: Source,
    pub(super) text: Bytes,
    pub(super) tag: String,
    pub(super) title: String,
    pub(super) title_vi: Option<String>,
    pub(super) panels: usize,
    /// When its file was last written.
    pub(super) updated: Option<jiff::Timestamp>,
}

impl Document {
    pub(super) fn parse(source: Source, text: &[u8]) -> Result<Document, Mistake> {
        let text = without_mark(text);
        let Dashboard { title, title_vi, panels, .. } = Dashboard::parse(text)?;
        Ok(Document {
            source,
            text: Bytes::copy_from_slice(text),
            tag: tag_of(text),
            title,
            title_vi,
            panels: panels.len(),
            updated: None,
        })
    }
}

/// Reads all documents of a directory, by name. A missing directory has none.
pub(super) fn read_all(directory: &Path, source: Source) -> BTreeMap<String, Arc<Document>> {
    let mut documents = BTreeMap::new();
    for path in paths(directory) {
        if documents.len() >= DASHBOARDS_MAX {
            let path = directory.display();
            tracing::warn!(%path, most = DASHBOARDS_MAX, "the directory has more dashboards than are served");
            break;
        }
        match read(&path, source) {
            Ok((name, document)) => drop(documents.insert(name, Arc::new(document))),
            Err(mistake) => {
                tracing::warn!(path = %path.display(), "the dashboard is not served: {mistake}");
            }
        }
    }
    documents
}

/// Returns the files of documents in a directory, in the order of their names.
fn paths(directory: &Path) -> Vec<PathBuf> {
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
            tracing::warn!(path = %directory.display(), %error, "the dashboards of a directory cannot be listed");
            Vec::new()
        }
    }
}

fn read(path: &Path, source: Source) -> Result<(String, Document), Mistake> {
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
    let most = BYTES_MAX as u64 + 4;
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut text)).map_err(unreadable)?;

    let document = Document::parse(source, &text)?;
    Ok((name.to_owned(), Document { updated: modified(&about), ..document }))
}

fn modified(about: &Metadata) -> Option<jiff::Timestamp> {
    jiff::Timestamp::try_from(about.modified().ok()?).ok()
}

/// Replaces a document's file. Returns when the document would survive a power failure, with the time of the file.
pub(super) fn write(directory: &Path, name: &str, text: &[u8]) -> io::Result<Option<jiff::Timestamp>> {
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

/// Sets aside the file of a dashboard that is not served, because the file is damaged.
pub(super) fn set_aside(directory: &Path, name: &str) -> io::Result<()> {
    let path = path_of(directory, name);
    let aside = path.with_extension("json.damaged");
    match fs::rename(&path, &aside) {
        Ok(()) => {
            tracing::warn!(path = %aside.display(), "a damaged dashboard was set aside: another one has its name");
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a document's file.
pub(super) fn remove(directory: &Path, name: &str) -> io::Result<()> {
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
