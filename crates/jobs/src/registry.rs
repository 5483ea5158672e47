//! What was submitted, kept in a directory: so that a Weir that starts again knows which jobs to go on with. A file a
//! job, JSON, replaced as a whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use connectors::dead_letter::Ancestor;
use serde::{Deserialize, Serialize};
use types::JobId;

/// The version that is written. A reader takes this one and those before.
const FORMAT: u32 = 1;

/// Who starts a job again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Named when Weir is started, and started with it.
    Start,
    /// Came in while Weir was up; it is started again by itself.
    Submitted,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// To be gone on with.
    Running,
    Finished,
    Canceled,
    Failed,
}

/// A job on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    pub format: u32,
    /// 32 hexadecimal digits.
    pub id: String,
    pub name: String,
    pub origin: Origin,
    pub fate: Fate,
    /// As it was submitted.
    pub script: String,
    /// What filled `${NAME}` in it.
    pub variables: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub submitted: i64,
    /// Where its checkpoints lie.
    pub checkpoints: Option<String>,
    /// The savepoint that it was first started from.
    pub started_from: Option<String>,
    /// The job that wrote it, and those that one went on from.
    #[serde(default)]
    pub ancestors: Vec<Ancestor>,
}

/// The records of one directory.
#[derive(Debug)]
pub struct Registry {
    directory: PathBuf,
}

/// Why a record cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("{doing} {}", path.display())]
    Files {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Registry {
    /// Opens a directory, which is created if need be.
    pub fn open(directory: &Path) -> Result<Registry, RegistryError> {
        fs::create_dir_all(directory).map_err(|source| failed("creating", directory, source))?;
        Ok(Registry { directory: directory.to_owned() })
    }

    /// Keeps a record; returns when it survives a power cut.
    pub fn keep(&self, record: &JobRecord) -> Result<(), RegistryError> {
        let path = self.path(&record.id);
        let part = path.with_extension("part");
        let mut text = serde_json::to_vec_pretty(&JobRecord { format: FORMAT, ..record.clone() })
            .expect("a record is JSON");
        text.push(b'\n');
        let written = File::create(&part).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            File::open(&self.directory)?.sync_all()
        });
        written.map_err(|source| failed("writing", &path, source))
    }

    pub fn forget(&self, id: JobId) -> Result<(), RegistryError> {
        let path = self.path(&id.to_string());
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(failed("removing", &path, source)),
        }
    }

    /// All records, oldest first. One that cannot be read is named in the log and left where it is.
    pub fn records(&self) -> Result<Vec<JobRecord>, RegistryError> {
        let listed =
            fs::read_dir(&self.directory).map_err(|source| failed("listing", &self.directory, source))?;
        let mut records = Vec::new();
        for file in listed {
            let path = file.map_err(|source| failed("listing", &self.directory, source))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = fs::read(&path).map_err(|source| failed("reading", &path, source))?;
            match serde_json::from_slice::<JobRecord>(&text) {
                Ok(record) if record.format <= FORMAT => records.push(record),
                Ok(record) => {
                    let format = record.format;
                    tracing::error!(path = %path.display(), format, "a job's record is newer than this version of Weir");
                }
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "a job's record cannot be read")
                }
            }
        }
        records.sort_by(|a: &JobRecord, b| (a.submitted, &a.id).cmp(&(b.submitted, &b.id)));
        Ok(records)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> RegistryError {
    RegistryError::Files { doing, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u128, submitted: i64) -> JobRecord {
        JobRecord {
            format: FORMAT,
            id: JobId(id).to_string(),
            name: "a job".to_owned(),
            origin: Origin::Submitted,
            fate: Fate::Running,
            script: "SET …".to_owned(),
            variables: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
            submitted,
            checkpoints: None,
            started_from: None,
            ancestors: Vec::new(),
        }
    }

    #[test]
    fn records_are_kept_replaced_and_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path()).unwrap();
        for record in [record(1, 20), record(2, 10), record(3, 30)] {
            registry.keep(&record).unwrap();
        }
        let cancelled = JobRecord { fate: Fate::Canceled, ..record(1, 20) };
        registry.keep(&cancelled).unwrap();
        registry.forget(JobId(3)).unwrap();
        registry.forget(JobId(4)).unwrap();
        assert_eq!(Registry::open(directory.path()).unwrap().records().unwrap(), [record(2, 10), cancelled]);
    }

    #[test]
    fn a_record_that_cannot_be_read_hides_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path()).unwrap();
        registry.keep(&record(1, 1)).unwrap();
        fs::write(directory.path().join("broken.json"), "{").unwrap();
        fs::write(directory.path().join("half.part"), "{").unwrap();
        assert_eq!(registry.records().unwrap(), [record(1, 1)]);
    }
}
