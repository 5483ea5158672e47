//! All rules in memory, by name and source, and the changes of saved ones.
//!
//! A saved rule hides a file of the same name. A change holds a lock from the comparison of the entity tag until the file
//! is on disk, as for dashboards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::document::{BYTES_MAX, Document, Rule, Source};
use super::refusal::Refusal;
use crate::documents::file::{self, Stored};
use crate::documents::{Condition, Mistake, Unmet, is_name};
use crate::options::DocumentPlaces;

/// Maximum number of rules.
pub(super) const RULES_MAX: usize = 200;

type Documents = BTreeMap<String, Arc<Document>>;

pub(super) struct Rules {
    files: Documents,
    saved: RwLock<Documents>,
    /// Held while a file is written.
    writing: Mutex<()>,
    /// Directory of saved rules; `None` to keep them in memory only.
    directory: Option<PathBuf>,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// There was no rule of this name.
    Created,
    Replaced,
}

impl Rules {
    /// Reads all rules. Those that are damaged are logged and left out.
    pub(super) fn open(places: &DocumentPlaces) -> Rules {
        let mut saved = Documents::new();
        if let Some(directory) = &places.saved {
            read_all(directory, Source::Saved, &mut saved);
        }
        let mut files = Documents::new();
        for directory in &places.files {
            read_all(directory, Source::File, &mut files);
        }

        let room = RULES_MAX.saturating_sub(saved.len());
        let beyond = files.keys().filter(|name| !saved.contains_key(*name)).nth(room).cloned();
        if let Some(first) = beyond {
            tracing::warn!(
                first,
                most = RULES_MAX,
                "there are more alerts than are watched: files from this name on are left out"
            );
            drop(files.split_off(&first));
        }
        Rules { files, saved: RwLock::new(saved), writing: Mutex::new(()), directory: places.saved.clone() }
    }

    /// Returns the rules that count, by name.
    pub(super) fn all(&self) -> Documents {
        let mut all = self.files.clone();
        all.extend(self.saved.read().iter().map(|(name, document)| (name.clone(), Arc::clone(document))));
        all
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Document>> {
        self.saved.read().get(name).or_else(|| self.files.get(name)).cloned()
    }

    /// Returns whether a rule hides a file.
    pub(super) fn replaces(&self, name: &str, document: &Document) -> Option<Source> {
        (document.source == Source::Saved && self.files.contains_key(name)).then_some(Source::File)
    }

    fn len(&self) -> usize {
        let saved = self.saved.read();
        self.files.keys().chain(saved.keys()).collect::<BTreeSet<_>>().len()
    }

    /// Saves a rule under a name.
    pub(super) fn put(
        &self,
        name: &str,
        text: &[u8],
        condition: Option<&Condition>,
    ) -> Result<(Put, Arc<Document>), Refusal> {
        if !is_name(name) {
            return Err(Refusal::Name { name: name.to_owned() });
        }
        let condition = condition.ok_or_else(|| Refusal::NoCondition {
            name: name.to_owned(),
            action: "replace",
            create: ", or `If-None-Match: *` for a new alert",
        })?;

        let _writing = self.writing.lock();
        let present = self.get(name);
        // First, because the document may keep the secret of the one that it replaces.
        check(name, condition, present.as_deref())?;
        let rule = Rule::parse(text, present.as_ref().map(|document| &document.rule));
        let rule = rule.map_err(Refusal::Document)?;
        if present.is_none() && self.len() >= RULES_MAX {
            return Err(Refusal::Full);
        }

        let updated = match &self.directory {
            Some(directory) => self.write(directory, name, &rule),
            None => Ok(None),
        };
        let updated = updated.map_err(|error| Refusal::Disk { name: name.to_owned(), error })?;
        let document = Arc::new(Document::new(Source::Saved, rule, updated));
        self.saved.write().insert(name.to_owned(), Arc::clone(&document));
        Ok((if present.is_some() { Put::Replaced } else { Put::Created }, document))
    }

    fn write(&self, directory: &Path, name: &str, rule: &Rule) -> std::io::Result<Option<jiff::Timestamp>> {
        // A file of this name that is not served is damaged. Its owner may want to repair it.
        if !self.saved.read().contains_key(name) {
            file::set_aside(directory, name)?;
        }
        file::write(directory, name, &rule.text())
    }

    /// Deletes a saved rule. The file that it hides then counts again.
    pub(super) fn delete(&self, name: &str, condition: Option<&Condition>) -> Result<(), Refusal> {
        let _writing = self.writing.lock();
        let present = self.get(name).ok_or_else(|| Refusal::Unknown { name: name.to_owned() })?;
        present.source.check_deletable(name)?;
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

fn check(name: &str, condition: &Condition, present: Option<&Document>) -> Result<(), Refusal> {
    let name = || name.to_owned();
    condition.check(present.map(|document| document.tag.as_str())).map_err(|unmet| match unmet {
        Unmet::Exists => Refusal::Exists { name: name() },
        Unmet::Gone => Refusal::Gone { name: name() },
        Unmet::Changed => Refusal::Changed { name: name() },
    })
}

/// Reads the rules of a directory. A rule whose name is known already is left out.
fn read_all(directory: &Path, source: Source, documents: &mut Documents) {
    for path in file::paths(directory) {
        let path_shown = path.display();
        if documents.len() >= RULES_MAX {
            tracing::warn!(path = %path_shown, most = RULES_MAX, "there are more alerts than are watched");
            return;
        }
        match read(&path, source) {
            Ok((name, _)) if documents.contains_key(&name) => {
                tracing::warn!(path = %path_shown, "the alert is left out: another directory has one of its name");
            }
            Ok((name, document)) => drop(documents.insert(name, Arc::new(document))),
            Err(mistake) => tracing::warn!(path = %path_shown, "the alert is left out: {mistake}"),
        }
    }
}

fn read(path: &Path, source: Source) -> Result<(String, Document), Mistake> {
    let Stored { name, text, updated } = file::read(path, BYTES_MAX)?;
    let rule = Rule::parse(&text, None)?;
    Ok((name, Document::new(source, rule, updated)))
}
