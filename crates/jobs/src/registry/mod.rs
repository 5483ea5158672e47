//! The records of submitted jobs in a directory, from which Weir learns at the start which jobs to continue.
//! Each job has a JSON file, which is always replaced as a whole; further files contain the history of ended
//! jobs, replacements in progress, and the result tables that jobs have declared.

mod past;
mod replacement;
mod result_tables;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use connectors::dead_letter::Ancestor;
use serde::{Deserialize, Serialize};
use types::JobId;

pub use replacement::Replacement;

/// The version of written files. Earlier versions can be read too.
const FORMAT: u32 = 1;
/// The extension of files that are not complete yet.
const PART: &str = "part";

/// How a job was submitted, which decides how it is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobOrigin {
    /// Named when Weir is started, and started with it.
    Start,
    /// Submitted while Weir was running; restarted by Weir itself.
    Submitted,
}

/// The state of a recorded job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The job should be continued.
    Running,
    Finished,
    Canceled,
    Failed,
}

/// A recorded job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    pub format: u32,
    /// 32 hexadecimal digits.
    pub id: String,
    pub name: String,
    pub origin: JobOrigin,
    pub fate: Fate,
    /// As submitted.
    pub script: String,
    /// The values of `${NAME}` in the script, without secrets.
    pub variables: BTreeMap<String, String>,
    /// Variables with secret values. Only their names are recorded; each start reads the values again.
    #[serde(default)]
    pub secrets: BTreeSet<String>,
    /// Milliseconds since 1970.
    pub submitted: i64,
    /// The directory of its checkpoints.
    pub checkpoints: Option<String>,
    /// The savepoint from which it was first started.
    pub started_from: Option<String>,
    /// The job that wrote this savepoint, and the jobs from whose state that job continued.
    #[serde(default)]
    pub ancestors: Vec<Ancestor>,
    /// The name of the job, started with Weir, that this one replaced while Weir was running. As long as this
    /// job should continue, it is started in the place of that one.
    #[serde(default)]
    pub stands_for: Option<String>,
    /// Whether it has completed a checkpoint. If none is found later, the job does not start from scratch by
    /// itself.
    #[serde(default)]
    pub has_checkpoints: bool,
}

/// A file that should contain a job's record but cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub path: PathBuf,
    /// Taken from the name of the file.
    pub job_id: Option<JobId>,
    pub reason: String,
}

/// The records in one directory.
pub struct Registry {
    directory: PathBuf,
    after: Box<dyn Fn() + Send + Sync>,
}

/// The reason for which a record cannot be written or read.
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

impl JobRecord {
    /// Returns the name by which a job that is started with Weir is found.
    pub(crate) fn place(&self) -> &str {
        self.stands_for.as_deref().unwrap_or(&self.name)
    }

    pub(crate) fn job_id(&self) -> Option<JobId> {
        self.id.parse().ok()
    }
}

impl Registry {
    /// Opens a directory, and creates it if necessary.
    pub fn open(directory: &Path) -> Result<Registry, RegistryError> {
        Registry::watched(directory, || {})
    }

    /// Like [`Registry::open`], but calls `after` after each step, so that tests can simulate a crash there.
    pub fn watched(
        directory: &Path,
        after: impl Fn() + Send + Sync + 'static,
    ) -> Result<Registry, RegistryError> {
        let registry = Registry { directory: directory.to_owned(), after: Box::new(after) };
        for directory in [directory, &registry.past_directory(), &registry.results_directory()] {
            fs::create_dir_all(directory).map_err(|source| failed("creating", directory, source))?;
            // Left by a process that ended while writing.
            for part in registry.files(directory, PART)? {
                fs::remove_file(&part).map_err(|source| failed("removing", &part, source))?;
            }
        }
        Ok(registry)
    }

    /// Stores a record. Returns when it would survive a power failure.
    pub fn keep(&self, record: &JobRecord) -> Result<(), RegistryError> {
        let mut text = serde_json::to_vec_pretty(&JobRecord { format: FORMAT, ..record.clone() })
            .expect("a record is JSON");
        text.push(b'\n');
        self.put(&self.path(&record.id), &text)
    }

    pub fn forget(&self, id: JobId) -> Result<(), RegistryError> {
        self.remove(&self.path(&id.to_string()))
    }

    /// Replaces a file as a whole.
    fn put(&self, path: &Path, text: &[u8]) -> Result<(), RegistryError> {
        // A random name, because two threads may write at the same time; the later one wins.
        let part = path.with_extension(format!("{:08x}.{PART}", crate::id::random() as u32));
        let written = File::create(&part).and_then(|mut file| {
            file.write_all(text)?;
            file.sync_all()?;
            fs::rename(&part, path)?;
            File::open(path.parent().unwrap_or(&self.directory))?.sync_all()
        });
        written.map_err(|source| failed("writing", path, source))?;
        (self.after)();
        Ok(())
    }

    /// Removes a file if it exists.
    fn remove(&self, path: &Path) -> Result<(), RegistryError> {
        match fs::remove_file(path) {
            Ok(()) => {
                let parent = path.parent().unwrap_or(&self.directory);
                let synced = File::open(parent).and_then(|directory| directory.sync_all());
                synced.map_err(|source| failed("removing", path, source))?;
                (self.after)();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(failed("removing", path, source)),
        }
    }

    /// Returns the files of a directory with this extension, in any order.
    fn files(&self, directory: &Path, extension: &str) -> Result<Vec<PathBuf>, RegistryError> {
        let failed = |source| failed("listing", directory, source);
        let listed = fs::read_dir(directory).map_err(failed)?;
        let paths = listed.map(|file| file.map(|file| file.path()));
        let paths: Vec<PathBuf> = paths.collect::<io::Result<_>>().map_err(failed)?;
        Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == extension)).collect())
    }

    /// Returns all records, oldest first. Unreadable files are left in place, see [`Registry::unreadable`].
    pub fn records(&self) -> Result<Vec<JobRecord>, RegistryError> {
        Ok(self.read_all()?.0)
    }

    /// Returns the files whose record cannot be read or was written by a newer version.
    pub fn unreadable(&self) -> Result<Vec<Unreadable>, RegistryError> {
        Ok(self.read_all()?.1)
    }

    fn read_all(&self) -> Result<(Vec<JobRecord>, Vec<Unreadable>), RegistryError> {
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        for path in self.files(&self.directory, "json")? {
            let text = fs::read(&path).map_err(|source| failed("reading", &path, source))?;
            let reason = match serde_json::from_slice::<JobRecord>(&text) {
                Ok(record) if record.format <= FORMAT => {
                    records.push(record);
                    continue;
                }
                Ok(record) => format!("its format {} is newer than this version of Weir", record.format),
                Err(error) => error.to_string(),
            };
            let job_id = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            unreadable.push(Unreadable { path, job_id, reason });
        }
        records.sort_by(|a: &JobRecord, b| (a.submitted, &a.id).cmp(&(b.submitted, &b.id)));
        Ok((records, unreadable))
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
            origin: JobOrigin::Submitted,
            fate: Fate::Running,
            script: "SET …".to_owned(),
            variables: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
            secrets: BTreeSet::new(),
            submitted,
            checkpoints: None,
            started_from: None,
            ancestors: Vec::new(),
            stands_for: None,
            has_checkpoints: false,
        }
    }

    #[test]
    fn a_record_of_before_replacements_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let mut text = serde_json::to_value(record(1, 1)).unwrap();
        text.as_object_mut().unwrap().remove("stands_for");
        fs::write(directory.path().join("old.json"), text.to_string()).unwrap();
        let records = Registry::open(directory.path()).unwrap().records().unwrap();
        assert_eq!((records[0].place(), &records[..]), ("a job", &[record(1, 1)][..]));
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
        let broken = directory.path().join(format!("{}.json", JobId(2)));
        fs::write(&broken, "{").unwrap();
        fs::write(directory.path().join("half.part"), "{").unwrap();
        assert_eq!(registry.records().unwrap(), [record(1, 1)]);
        let unreadable = registry.unreadable().unwrap();
        assert_eq!(unreadable.len(), 1);
        assert_eq!((&unreadable[0].path, unreadable[0].job_id), (&broken, Some(JobId(2))));
    }
}
