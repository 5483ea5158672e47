//! Records of intended replacements, written before they are carried out, so that a crash at any time leaves
//! one of the two jobs and not both or none.

use std::fs;

use serde::{Deserialize, Serialize};
use types::JobId;

use super::{Registry, RegistryError, failed};

/// The version of written files. Earlier versions can be read too.
const FORMAT: u32 = 1;
const EXTENSION: &str = "replacement";

/// A job that will be stopped in favour of another. While this record exists, the old job is the one to
/// continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    pub format: u32,
    /// The job to be stopped.
    pub old: JobId,
    /// The id of the new job.
    pub new: JobId,
    /// The id with which the old job continues if the new one does not start.
    pub back: JobId,
    /// The location of the savepoint of the old job.
    pub savepoint: String,
}

impl Replacement {
    pub fn new(old: JobId, new: JobId, back: JobId, savepoint: String) -> Replacement {
        Replacement { format: FORMAT, old, new, back, savepoint }
    }
}

impl Registry {
    /// Records a replacement before it is carried out. Returns when the record would survive a power failure.
    pub fn intend(&self, replacement: &Replacement) -> Result<(), RegistryError> {
        let mut text = serde_json::to_vec_pretty(replacement).expect("a replacement is JSON");
        text.push(b'\n');
        self.put(&self.path_of_replacement(replacement.old), &text)
    }

    /// Removes the record of a replacement that was completed or undone.
    pub fn settle(&self, old: JobId) -> Result<(), RegistryError> {
        self.remove(&self.path_of_replacement(old))
    }

    /// Returns the replacements that were neither completed nor undone. An unreadable one is logged and left
    /// in place.
    pub fn replacements(&self) -> Result<Vec<Replacement>, RegistryError> {
        let mut found = Vec::new();
        for path in self.files(&self.directory, EXTENSION)? {
            let text = fs::read(&path).map_err(|source| failed("reading", &path, source))?;
            match serde_json::from_slice::<Replacement>(&text) {
                Ok(replacement) if replacement.format <= FORMAT => found.push(replacement),
                Ok(replacement) => {
                    let format = replacement.format;
                    tracing::error!(path = %path.display(), format, "a replacement is newer than this version of Weir");
                }
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "a replacement cannot be read");
                }
            }
        }
        found.sort_by_key(|replacement| replacement.old);
        Ok(found)
    }

    fn path_of_replacement(&self, old: JobId) -> std::path::PathBuf {
        self.directory.join(format!("{old}.{EXTENSION}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_intended_stands_until_it_is_settled() {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path()).unwrap();
        let wanted = Replacement::new(JobId(1), JobId(2), JobId(3), "/there".to_owned());
        registry.intend(&wanted).unwrap();
        fs::write(directory.path().join("x.replacement"), "{").unwrap();
        let again = Registry::open(directory.path()).unwrap();
        assert_eq!(again.replacements().unwrap(), [wanted]);
        assert_eq!(again.records().unwrap(), [], "it is no job");
        registry.settle(JobId(1)).unwrap();
        assert_eq!(again.replacements().unwrap(), []);
    }
}
