//! The files of the lateness log, next to a job's checkpoints: `JOB/lateness-ID.jsonl` contains the entries
//! since checkpoint ID was triggered ([`engine::lateness`]).
//!
//! An entry is a line of JSON:
//!
//! ```json
//! {"table":"events","topic":"user-queries","partition":1,"offset":4200,"bounds":{"current":1765290000000}}
//! {"table":"events","topic":"user-queries","partition":1,"offset":4711,"reached":true}
//! ```
//!
//! Each attempt of the job begins with a line `{"attempt":true}`. An absent bound does not limit anything.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use engine::connector::Split;
use engine::lateness::{Judged, LatenessEntry, LatenessHistory, LatenessLog};
use engine::watermark::{Clamp, NO_WATERMARK};
use serde::{Deserialize, Serialize};
use types::JobId;

use super::segments::Segments;

/// The lateness log of a job.
#[derive(Debug)]
pub(crate) struct LatenessFiles {
    segments: Segments,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line<'a> {
    Entry(#[serde(borrow)] EntryLine<'a>),
    /// The start of an attempt.
    Attempt {
        #[expect(dead_code, reason = "that the field is there says it all")]
        attempt: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct EntryLine<'a> {
    table: Cow<'a, str>,
    topic: Cow<'a, str>,
    partition: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic_id: Option<Cow<'a, str>>,
    offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bounds: Option<BoundsLine>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    reached: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct BoundsLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    others: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<i64>,
}

impl LatenessFiles {
    /// Opens the log; see [`Segments::new`].
    pub fn new(checkpoints: &Path, job: JobId, last: u64) -> LatenessFiles {
        LatenessFiles { segments: Segments::new(checkpoints, job, "lateness", last) }
    }

    /// Returns the files of the log.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// Returns all entries that are kept, and begins a new attempt. `checkpoint` is the directory of the
    /// checkpoint from which the attempt restarts; if it belongs to another job, that job's entries are
    /// included.
    pub fn history(&self, checkpoint: Option<&Path>) -> io::Result<LatenessHistory> {
        let own = self.segments.directory();
        let other = checkpoint.and_then(Path::parent).filter(|of| *of != own);

        let mut history = LatenessHistory::default();
        for directory in other.into_iter().chain([own]) {
            self.segments.read(directory, |line| match serde_json::from_slice(line) {
                Ok(Line::Entry(entry)) => history.add(entry.into()),
                Ok(Line::Attempt { .. }) => history.begin_attempt(),
                // The line was cut short.
                Err(_) => {}
            })?;
        }
        if !history.is_empty() {
            history.begin_attempt();
            self.segments.append(b"{\"attempt\":true}\n")?;
        }
        Ok(history)
    }
}

impl LatenessLog for LatenessFiles {
    fn append(&self, entries: &[LatenessEntry]) -> bool {
        self.segments.append_entries(
            entries.iter().map(EntryLine::from),
            "records that are read a second time may be late that were on time, or on time that were late",
        )
    }
}

impl<'a> From<&'a LatenessEntry> for EntryLine<'a> {
    fn from(entry: &'a LatenessEntry) -> EntryLine<'a> {
        let bounds = match entry.what {
            Judged::From { clamp, clock } => Some(BoundsLine {
                current: Some(clamp.current).filter(|&current| current != NO_WATERMARK),
                others: Some(clamp.others).filter(|&others| others != i64::MAX),
                clock,
            }),
            Judged::Reached => None,
        };
        EntryLine {
            table: entry.table.as_str().into(),
            topic: entry.split.topic.as_str().into(),
            partition: entry.split.partition,
            topic_id: entry.topic_id.as_deref().map(Into::into),
            offset: entry.offset,
            reached: bounds.is_none(),
            bounds,
        }
    }
}

impl From<EntryLine<'_>> for LatenessEntry {
    fn from(line: EntryLine<'_>) -> LatenessEntry {
        let what = match line.bounds {
            Some(BoundsLine { current, others, clock }) => Judged::From {
                clamp: Clamp { current: current.unwrap_or(NO_WATERMARK), others: others.unwrap_or(i64::MAX) },
                clock,
            },
            None => Judged::Reached,
        };
        LatenessEntry {
            table: line.table.into_owned(),
            split: Split { topic: line.topic.into_owned(), partition: line.partition },
            topic_id: line.topic_id.map(Cow::into_owned),
            offset: line.offset,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(offset: u64, what: Judged) -> LatenessEntry {
        LatenessEntry {
            table: "events".to_owned(),
            split: Split { topic: "user-queries".to_owned(), partition: 3 },
            topic_id: Some("a".to_owned()),
            offset,
            what,
        }
    }

    fn from(current: i64, others: i64, clock: Option<i64>) -> Judged {
        Judged::From { clamp: Clamp { current, others }, clock }
    }

    fn log(directory: &Path) -> LatenessFiles {
        LatenessFiles::new(directory, JobId(7), 0)
    }

    #[test]
    fn what_is_written_is_read() {
        let all = [
            entry(0, from(NO_WATERMARK, i64::MAX, None)),
            entry(5, from(10, 20, Some(30))),
            entry(9, Judged::Reached),
        ];
        for entry in all {
            let line = serde_json::to_vec(&EntryLine::from(&entry)).unwrap();
            assert_eq!(LatenessEntry::from(serde_json::from_slice::<EntryLine<'_>>(&line).unwrap()), entry);
        }
    }

    #[test]
    fn what_another_job_recorded_after_its_checkpoint_counts_for_whoever_goes_on_from_it() {
        let directory = tempfile::tempdir().unwrap();
        let before = log(directory.path());
        before.append(&[entry(0, from(1, 2, None)), entry(4, Judged::Reached)]);
        let checkpoint = before.segments.directory().join("chk-1");
        let after = LatenessFiles::new(directory.path(), JobId(8), 0);
        assert!(after.history(None).unwrap().is_empty());
        assert!(!after.history(Some(&checkpoint)).unwrap().is_empty());
    }

    #[test]
    fn a_line_that_was_cut_short_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let files = log(directory.path());
        files.append(&[entry(0, from(1, 2, None))]);
        files.segments.append(b"{\"table\":\"ev").unwrap();
        let files = log(directory.path());
        files.append(&[entry(4, from(3, 4, None)), entry(8, Judged::Reached)]);
        let mut expected = LatenessHistory::default();
        for entry in [entry(0, from(1, 2, None)), entry(4, from(3, 4, None)), entry(8, Judged::Reached)] {
            expected.add(entry);
        }
        assert_eq!(format!("{:?}", files.history(None).unwrap()), format!("{expected:?}"));
    }
}
