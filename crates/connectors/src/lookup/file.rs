//! Lookups in files of JSON lines, which are held in memory by the columns that the join compares.
//!
//! At an interval the sizes and times of the files are checked; if one has changed, all files are read again.
//! A file that is rewritten in place may be read half-written, so writers should move complete files into the
//! directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use engine::connector::{CachePolicy, ConnectorError, Found, Lookup, LookupFactory};
use engine::row;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;
use sql::plan::operator::LookupJoin;
use types::{Clock, Scalar};

use super::policy::LookupPolicy;
use super::rows::RowReader;
use super::{LookupError, repeated};
use crate::format::json::JsonOptions;
use crate::retry::Retry;

/// Largest total size of a table's files, which are held in memory.
const BYTES_MAX: u64 = 256 << 20;
/// Number of lines decoded at once.
const LINES: usize = 4_096;

/// Rows by the values of the compared columns, both in the compact form.
type RowsByKey = HashMap<Box<[u8]>, Vec<Box<[u8]>>>;

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineForm {
    /// The row itself.
    Row,
    /// `{"value": {…}}`, as in files that replace a table in a local run.
    Enveloped,
}

/// A lookup table in files.
pub struct FileLookup {
    join: Arc<LookupJoin>,
    form: LineForm,
    json: JsonOptions,
    policy: LookupPolicy,
    retry: Arc<Retry>,
    clock: Arc<dyn Clock>,
    monitor_interval: Duration,
    /// Files and directories, and the directories that must contain them; `None` for no restriction.
    paths: Vec<PathBuf>,
    allowed: Option<Vec<PathBuf>>,
    held: Arc<Mutex<Held>>,
}

/// The contents of the files when they were last read, by key.
#[derive(Default)]
struct Held {
    rows: RowsByKey,
    stamps: Option<Vec<Stamp>>,
    /// Time of the last check for changes.
    looked_at: Duration,
}

/// Identifies a version of a file.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    bytes: u64,
    written: Option<SystemTime>,
}

impl FileLookup {
    /// Creates a lookup in files at any place, whose lines have the given form.
    pub fn new(
        join: &LookupJoin,
        paths: Vec<PathBuf>,
        (form, json): (LineForm, JsonOptions),
        policy: LookupPolicy,
        retry: Arc<Retry>,
        clock: Arc<dyn Clock>,
    ) -> FileLookup {
        FileLookup {
            join: Arc::new(join.clone()),
            form,
            json,
            policy,
            retry,
            clock,
            monitor_interval: Duration::from_secs(1),
            paths,
            allowed: None,
            held: Arc::default(),
        }
    }

    /// Sets the interval of checks for changed files.
    pub fn monitored_each(self, monitor_interval: Duration) -> FileLookup {
        FileLookup { monitor_interval, ..self }
    }

    /// Requires the files to be below these directories.
    pub fn below(self, directories: Vec<PathBuf>) -> FileLookup {
        FileLookup { allowed: Some(directories), ..self }
    }
}

impl LookupFactory for FileLookup {
    fn open(&self) -> Result<Box<dyn Lookup>, ConnectorError> {
        Ok(Box::new(OpenFiles {
            table: self.join.table.name.clone(),
            keys: self.join.keys.iter().map(|(leaf, _)| *leaf).collect(),
            form: self.form,
            policy: self.policy,
            retry: self.retry.clone(),
            clock: self.clock.clone(),
            monitor_interval: self.monitor_interval,
            paths: self.paths.clone(),
            allowed: self.allowed.clone(),
            reader: RowReader::new(&self.join.table.leaves, self.json),
            held: self.held.clone(),
        }))
    }

    fn cache(&self) -> Option<CachePolicy> {
        self.policy.cache
    }
}

struct OpenFiles {
    table: String,
    /// Leaves that the join compares.
    keys: Vec<usize>,
    form: LineForm,
    policy: LookupPolicy,
    retry: Arc<Retry>,
    clock: Arc<dyn Clock>,
    monitor_interval: Duration,
    paths: Vec<PathBuf>,
    allowed: Option<Vec<PathBuf>>,
    reader: RowReader,
    held: Arc<Mutex<Held>>,
}

impl Lookup for OpenFiles {
    fn find(&mut self, keys: &[Box<[u8]>], found: &mut Found) -> Result<(), ConnectorError> {
        let (retry, table, policy) = (self.retry.clone(), self.table.clone(), self.policy);
        let held = self.held.clone();
        let mut held = held.lock();
        repeated(&retry, &table, &policy, || self.look(&mut held))?;

        for (place, key) in keys.iter().enumerate() {
            for row in held.rows.get(key).into_iter().flatten() {
                found.add(place, row::Reader::new(row));
            }
        }
        Ok(())
    }
}

impl OpenFiles {
    /// Reads the files again if they have changed.
    fn look(&mut self, held: &mut Held) -> Result<(), LookupError> {
        let now = self.clock.elapsed();
        if held.stamps.is_some() && now.saturating_sub(held.looked_at) < self.monitor_interval {
            return Ok(());
        }
        let stamps = self.stamps()?;
        if held.stamps.as_ref() != Some(&stamps) {
            held.rows = self.read(&stamps)?;
            held.stamps = Some(stamps);
        }
        held.looked_at = now;
        Ok(())
    }

    fn stamps(&self) -> Result<Vec<Stamp>, LookupError> {
        let mut files = Vec::new();
        for path in &self.paths {
            self.check_place(path)?;
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            let failed = |error| cannot("list", path, error);
            for entry in std::fs::read_dir(path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                // As in Flink, files with these prefixes are incomplete or do not belong to the table.
                let is_hidden = entry.file_name().to_string_lossy().starts_with(['.', '_']);
                if !is_hidden && entry.path().is_file() {
                    self.check_place(&entry.path())?;
                    files.push(entry.path());
                }
            }
        }
        files.sort();

        let mut stamps = Vec::new();
        for path in files {
            let of = std::fs::metadata(&path).map_err(|error| cannot("read", &path, error))?;
            stamps.push(Stamp { path, bytes: of.len(), written: of.modified().ok() });
        }
        if stamps.iter().map(|stamp| stamp.bytes).sum::<u64>() > BYTES_MAX {
            let what = format!("its files are larger than {} MiB, and are held in memory", BYTES_MAX >> 20);
            return Err(LookupError::Malformed(what));
        }
        Ok(stamps)
    }

    /// Checks whether the settings allow a file to be read, after following links.
    fn check_place(&self, path: &Path) -> Result<(), LookupError> {
        let Some(allowed) = &self.allowed else { return Ok(()) };
        let real = std::fs::canonicalize(path).map_err(|error| cannot("read", path, error))?;
        let is_below = |directory: &PathBuf| {
            std::fs::canonicalize(directory).is_ok_and(|directory| real.starts_with(directory))
        };
        if allowed.iter().any(is_below) {
            return Ok(());
        }
        let what = format!("{} is not below a directory of `jobs.lookup_directories`", path.display());
        Err(LookupError::NotAllowed(what))
    }

    fn read(&mut self, stamps: &[Stamp]) -> Result<RowsByKey, LookupError> {
        let mut rows = RowsByKey::new();
        for Stamp { path, .. } in stamps {
            let text = std::fs::read(path).map_err(|error| cannot("read", path, error))?;
            let lines = text.split(|&byte| byte == b'\n').enumerate();
            let lines: Vec<(usize, &[u8])> = lines
                .map(|(at, line)| (at + 1, line.trim_ascii()))
                .filter(|(_, line)| !line.is_empty())
                .collect();
            for lines in lines.chunks(LINES) {
                self.add_lines(path, lines, &mut rows)?;
            }
        }
        Ok(rows)
    }

    fn add_lines(
        &mut self,
        path: &Path,
        lines: &[(usize, &[u8])],
        rows: &mut RowsByKey,
    ) -> Result<(), LookupError> {
        let wrong = |line: usize, reason: String| {
            LookupError::Malformed(format!("line {line} of {}: {reason}", path.display()))
        };
        let mut documents = Vec::with_capacity(lines.len());
        for &(number, line) in lines {
            documents.push(match self.form {
                LineForm::Row => line,
                LineForm::Enveloped => value_of(line).map_err(|error| wrong(number, error.to_string()))?,
            });
        }

        let OpenFiles { keys, reader, .. } = self;
        let (mut key, mut row) = (Vec::new(), Vec::new());
        let read = reader.read(&documents, |_, values| {
            key.clear();
            for &leaf in keys.iter() {
                match values[leaf] {
                    // A null equals nothing.
                    Scalar::Null => return,
                    // Zeros of both signs get one key, as in the join's keys.
                    Scalar::Double(0.0) => row::write(Scalar::Double(0.0), &mut key),
                    value => row::write(value, &mut key),
                }
            }
            row.clear();
            row::write_all(values.iter().copied(), &mut row);
            rows.entry(key.as_slice().into()).or_default().push(row.as_slice().into());
        });
        read.map_err(|malformed| wrong(lines[malformed.document].0, malformed.reason))
    }
}

#[derive(Deserialize)]
struct Enveloped<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
}

/// Returns the row in a line of an [`LineForm::Enveloped`] file.
fn value_of(line: &[u8]) -> Result<&[u8], serde_json::Error> {
    Ok(serde_json::from_slice::<Enveloped<'_>>(line)?.value.get().as_bytes())
}

fn cannot(doing: &'static str, path: &Path, source: std::io::Error) -> LookupError {
    LookupError::File { doing, path: path.display().to_string(), source }
}
