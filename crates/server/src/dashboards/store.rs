//! All dashboards in memory, by name and source, and the changes of saved ones.
//!
//! A change holds a lock from the comparison of the entity tag until the file is on disk. So of two changes that name
//! the same tag, exactly one succeeds. Readers wait for neither.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::file::{DASHBOARDS_MAX, Document, Source, read_all};
use crate::documents::{Condition, Mistake, Unmet, file, is_name};
use crate::options::DocumentPlaces;

/// The dashboards of the binary.
const BUILT_IN: [(&str, &str); 1] =
    [("analytics", include_str!("../../../../jobs/dashboards/analytics.json"))];

type Documents = BTreeMap<String, Arc<Document>>;

/// All dashboards.
pub(crate) struct Dashboards {
    built_in: Documents,
    files: Documents,
    saved: RwLock<Documents>,
    /// Held while a file is written.
    writing: Mutex<()>,
    /// Directory of saved dashboards; `None` to keep them in memory only.
    directory: Option<PathBuf>,
}

/// A dashboard as readers see it.
pub(super) struct Shown {
    pub(super) document: Arc<Document>,
    /// The source of the dashboard that it hides.
    pub(super) replaces: Option<Source>,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// There was no dashboard of this name.
    Created,
    Replaced,
}

/// Why a change was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("`{name}` cannot be the name of a dashboard: use 1 to 64 of the characters a-z, 0-9 and -")]
    Name { name: String },
    #[error("{0}")]
    Document(Mistake),
    #[error("there is no dashboard `{name}`; GET /dashboards lists the dashboards")]
    Unknown { name: String },
    #[error(
        "say which version of `{name}` to {action}: send its ETag, which GET /dashboards/{name} gives, in If-Match{create}"
    )]
    NoCondition { name: String, action: &'static str, create: &'static str },
    #[error(
        "the dashboard `{name}` has changed since you read it: read it again, repeat your change on it, and send its \
         new ETag in If-Match"
    )]
    Changed { name: String },
    #[error("there is no dashboard `{name}` any more: send `If-None-Match: *` to create it")]
    Gone { name: String },
    #[error(
        "there is a dashboard `{name}` already ({origin}): choose another name, or send its ETag in If-Match to save \
         yours in its place"
    )]
    Exists { name: String, origin: Source },
    #[error("the dashboard `{name}` cannot be deleted: {why}")]
    ReadOnly { name: String, why: &'static str },
    #[error("there are {DASHBOARDS_MAX} saved dashboards, which is the maximum: delete one first")]
    Full,
    #[error("the dashboard `{name}` could not be written: {error}")]
    Disk { name: String, error: io::Error },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::BuiltIn => "built-in",
            Source::File => "file",
            Source::Saved => "saved",
        })
    }
}

impl Dashboards {
    /// Reads all dashboards. Those that are damaged are logged and left out.
    pub(crate) fn open(places: &DocumentPlaces) -> Dashboards {
        let built_in = BUILT_IN.iter().filter_map(|(name, text)| {
            let document = Document::parse(Source::BuiltIn, text.as_bytes());
            let document =
                document.inspect_err(|error| tracing::error!(name, %error, "a built-in dashboard"));
            Some(((*name).to_owned(), Arc::new(document.ok()?)))
        });

        let saved = places.saved.as_deref().map(|directory| read_all(directory, Source::Saved));
        Dashboards {
            built_in: built_in.collect(),
            files: read_files(&places.files),
            saved: RwLock::new(saved.unwrap_or_default()),
            writing: Mutex::new(()),
            directory: places.saved.clone(),
        }
    }

    /// Returns the dashboards that are shown, by name.
    pub(super) fn all(&self) -> Vec<(String, Shown)> {
        let names: BTreeSet<String> = {
            let saved = self.saved.read();
            [&self.built_in, &self.files, &*saved].iter().flat_map(|of| of.keys().cloned()).collect()
        };
        let shown = |name: String| self.get(&name).map(|shown| (name, shown));
        names.into_iter().filter_map(shown).collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<Shown> {
        let saved = self.saved.read().get(name).cloned();
        let found = [saved.as_ref(), self.files.get(name), self.built_in.get(name)];
        let mut found = found.into_iter().flatten();
        let document = Arc::clone(found.next()?);
        Some(Shown { document, replaces: found.next().map(|hidden| hidden.source) })
    }

    /// Returns the dashboard that is shown if none of this name is saved.
    fn shipped(&self, name: &str) -> Option<&Document> {
        self.files.get(name).or_else(|| self.built_in.get(name)).map(|document| &**document)
    }

    /// Saves a document under a name.
    pub(super) fn put(
        &self,
        name: &str,
        text: &[u8],
        condition: Option<&Condition>,
    ) -> Result<(Put, Shown), Refusal> {
        if !is_name(name) {
            return Err(Refusal::Name { name: name.to_owned() });
        }
        let condition = condition.ok_or_else(|| Refusal::NoCondition {
            name: name.to_owned(),
            action: "replace",
            create: ", or `If-None-Match: *` for a new dashboard",
        })?;
        let document = Document::parse(Source::Saved, text).map_err(Refusal::Document)?;

        let _writing = self.writing.lock();
        let present = self.get(name);
        check(name, condition, present.as_ref())?;
        let is_first = !self.saved.read().contains_key(name);
        if is_first && self.saved.read().len() >= DASHBOARDS_MAX {
            return Err(Refusal::Full);
        }

        let updated = match &self.directory {
            Some(directory) => self.write(directory, name, &document, is_first),
            None => Ok(None),
        };
        let updated = updated.map_err(|error| Refusal::Disk { name: name.to_owned(), error })?;
        let document = Arc::new(Document { updated, ..document });
        self.saved.write().insert(name.to_owned(), Arc::clone(&document));

        let put = if present.is_some() { Put::Replaced } else { Put::Created };
        let hidden = self.shipped(name).map(|hidden| hidden.source);
        Ok((put, Shown { document, replaces: hidden }))
    }

    fn write(
        &self,
        directory: &Path,
        name: &str,
        document: &Document,
        is_first: bool,
    ) -> io::Result<Option<jiff::Timestamp>> {
        // A file of this name that was not served is damaged. Its owner may want to repair it.
        if is_first {
            file::set_aside(directory, name)?;
        }
        file::write(directory, name, &document.text)
    }

    /// Deletes a saved dashboard. The one that it hides is then shown again.
    pub(super) fn delete(&self, name: &str, condition: Option<&Condition>) -> Result<(), Refusal> {
        let _writing = self.writing.lock();
        let present = self.get(name).ok_or_else(|| Refusal::Unknown { name: name.to_owned() })?;
        let read_only = |why| Refusal::ReadOnly { name: name.to_owned(), why };
        match present.document.source {
            Source::BuiltIn => return Err(read_only("it is part of Weir")),
            Source::File => {
                return Err(read_only("it is a file beside a script; remove the file and restart Weir"));
            }
            Source::Saved => {}
        }
        let condition = condition.filter(|condition| **condition != Condition::IsNew);
        let condition = condition.ok_or_else(|| Refusal::NoCondition {
            name: name.to_owned(),
            action: "delete",
            create: "",
        })?;
        check(name, condition, Some(&present))?;

        if let Some(directory) = &self.directory {
            file::remove(directory, name).map_err(|error| Refusal::Disk { name: name.to_owned(), error })?;
        }
        self.saved.write().remove(name);
        Ok(())
    }
}

/// Checks the condition of a change against the dashboard that is shown.
fn check(name: &str, condition: &Condition, present: Option<&Shown>) -> Result<(), Refusal> {
    let document = present.map(|shown| &shown.document);
    condition.check(document.map(|document| document.tag.as_str())).map_err(|unmet| {
        let name = name.to_owned();
        match (unmet, document) {
            (Unmet::Exists, Some(document)) => Refusal::Exists { name, origin: document.source },
            (Unmet::Exists | Unmet::Gone, _) => Refusal::Gone { name },
            (Unmet::Changed, _) => Refusal::Changed { name },
        }
    })
}

/// Reads the dashboards beside scripts. If two directories have one of the same name, the first directory counts.
fn read_files(directories: &[PathBuf]) -> Documents {
    let mut files = Documents::new();
    for directory in directories {
        for (name, document) in read_all(directory, Source::File) {
            match files.entry(name) {
                Entry::Vacant(place) => drop(place.insert(document)),
                Entry::Occupied(place) => {
                    let (path, name) = (directory.display(), place.key());
                    tracing::warn!(%path, name, "the dashboard is not served: another directory has one of its name");
                }
            }
        }
    }
    files
}

#[cfg(test)]
mod tests;
