//! The files of the undo log, next to a job's checkpoints: `JOB/undo-ID.jsonl` contains the rows that keys of
//! the result store had before the job changed them ([`UndoLog`]).
//!
//! An entry is a line of JSON: the table's key template, the checkpoint after which the row was written, and
//! the previous row. An entry without a value says that the key had no row.
//!
//! ```json
//! {"template":"top:{k}","checkpoint":7,"key":"top:a","value":"{\"n\":5}","expires":1767882000000}
//! {"template":"top:{k}","checkpoint":7,"key":"top:c"}
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use connectors::result_store::{UndoEntry, UndoLog};
use serde::{Deserialize, Serialize};
use storage::store::Entry;
use types::{JobId, Timestamp};

use super::segments::Segments;

/// The undo log of a job.
#[derive(Debug)]
pub(crate) struct UndoFiles {
    segments: Segments,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    template: Cow<'a, str>,
    checkpoint: u64,
    key: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    /// Absent if the row never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

impl UndoFiles {
    /// Opens the log; see [`Segments::new`].
    pub fn new(checkpoints: &Path, job: JobId, last: u64) -> UndoFiles {
        UndoFiles { segments: Segments::new(checkpoints, job, "undo", last) }
    }

    /// Returns the files of the log.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// Returns the rows that keys had at a checkpoint of a job, for keys that were changed after it. `also`
    /// is the directory of a job that restarted from there, whose entries are all included.
    pub fn rows_at(
        &self,
        (directory, checkpoint): (&Path, u64),
        also: Option<&Path>,
    ) -> io::Result<Vec<UndoEntry>> {
        let mut first: BTreeMap<Arc<str>, UndoEntry> = BTreeMap::new();
        let jobs = [(directory, checkpoint)].into_iter().chain(also.map(|directory| (directory, 0)));
        for (directory, checkpoint) in jobs {
            self.segments.read(directory, |line| {
                // The row of a line that was cut short was not written.
                if let Ok(line) = serde_json::from_slice::<Line<'_>>(line)
                    && line.checkpoint >= checkpoint
                {
                    first.entry((&*line.key).into()).or_insert_with(|| line.into());
                }
            })?;
        }
        Ok(first.into_values().collect())
    }
}

impl UndoLog for UndoFiles {
    fn append(&self, entries: &[UndoEntry]) {
        self.segments.append_entries(
            entries.iter().map(Line::from),
            "deleted rows of lists and joins may stay in the result store",
        );
    }

    fn checkpoint(&self) -> u64 {
        self.segments.segment()
    }
}

impl<'a> From<&'a UndoEntry> for Line<'a> {
    fn from(entry: &'a UndoEntry) -> Line<'a> {
        let expires = entry.row.as_ref().map(|row| row.expires.0).filter(|&expires| expires != i64::MAX);
        Line {
            template: Cow::Borrowed(&entry.template),
            checkpoint: entry.checkpoint,
            key: Cow::Borrowed(&entry.key),
            value: entry.row.as_ref().map(|row| String::from_utf8_lossy(&row.value)),
            expires,
        }
    }
}

impl From<Line<'_>> for UndoEntry {
    fn from(line: Line<'_>) -> UndoEntry {
        let key: Arc<str> = (&*line.key).into();
        let expires = Timestamp(line.expires.unwrap_or(i64::MAX));
        let row = line.value.map(|value| Entry { key: key.clone(), value: value.as_bytes().into(), expires });
        UndoEntry { template: (&*line.template).into(), checkpoint: line.checkpoint, key, row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(directory: &Path, job: u128) -> UndoFiles {
        UndoFiles::new(directory, JobId(job), 0)
    }

    fn note(files: &UndoFiles, checkpoint: u64, key: &str, value: Option<&str>) {
        let row = value.map(|value| Entry {
            key: key.into(),
            value: value.as_bytes().into(),
            expires: Timestamp(9),
        });
        files.append(&[UndoEntry { template: "t:{k}".into(), checkpoint, key: key.into(), row }]);
    }

    fn shown(of: &[UndoEntry]) -> String {
        let row = |entry: &UndoEntry| match &entry.row {
            Some(row) => format!("{}={}@{}", entry.key, String::from_utf8_lossy(&row.value), row.expires.0),
            None => format!("{}-", entry.key),
        };
        of.iter().map(row).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_first_entry_of_a_key_after_a_checkpoint_says_what_stood_there() {
        let directory = tempfile::tempdir().unwrap();
        let files = log(directory.path(), 7);
        note(&files, 0, "a", None);
        files.segments.rotate(3);
        note(&files, 3, "a", Some("1"));
        // This subtask receives the barrier later.
        note(&files, 0, "b", Some("\"ü\""));
        note(&files, 3, "b", None);
        files.segments.rotate(4);
        note(&files, 4, "a", Some("2"));

        let at = |checkpoint| shown(&files.rows_at((files.segments.directory(), checkpoint), None).unwrap());
        assert_eq!(at(0), "a- b=\"ü\"@9");
        assert_eq!(at(3), "a=1@9 b-");
        assert_eq!(at(4), "a=2@9");
        assert_eq!(at(5), "");
        files.segments.prune(4).unwrap();
        assert_eq!(at(0), "a=2@9");
    }

    #[test]
    fn what_a_job_wrote_after_its_checkpoint_comes_before_what_the_next_one_wrote() {
        let directory = tempfile::tempdir().unwrap();
        let (before, after) = (log(directory.path(), 7), log(directory.path(), 8));
        note(&before, 2, "a", Some("1"));
        note(&after, 0, "a", Some("5"));
        note(&after, 0, "b", Some("6"));
        let found =
            after.rows_at((before.segments.directory(), 2), Some(after.segments.directory())).unwrap();
        assert_eq!(shown(&found), "a=1@9 b=6@9");
    }
}
