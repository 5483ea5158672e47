//! Documents in the binary and in directories, and where each comes from.
//!
//! A file that is no valid document stays where it is, and is logged with the place of its mistake. It does not stop
//! the start. If a dashboard of its name is saved later, the file is first set aside as `NAME.json.damaged`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::document::{BYTES_MAX, Dashboard};
use crate::documents::file::{self, Stored};
use crate::documents::{Mistake, tag_of, without_mark};

/// Maximum number of dashboards of one source.
pub(super) const DASHBOARDS_MAX: usize = 500;

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
    for path in file::paths(directory) {
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

fn read(path: &Path, source: Source) -> Result<(String, Document), Mistake> {
    let Stored { name, text, updated } = file::read(path, BYTES_MAX)?;
    let document = Document::parse(source, &text)?;
    Ok((name, Document { updated, ..document }))
}
