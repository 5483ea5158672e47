//! Files of the lateness log, beside a job's checkpoints: `JOB/lateness-ID.jsonl` holds what was recorded since the
//! checkpoint ID was triggered ([`engine::lateness`]).
//!
//! An entry is a line of JSON:
//!
//! ```json
//! {"table":"events","topic":"user-queries","partition":1,"offset":4200,"bounds":{"current":1765290000000}}
//! {"table":"events","topic":"user-queries","partition":1,"offset":4711,"reached":true}
//! ```
//!
//! Each attempt of the job begins with a line `{"attempt":true}`. A bound that is absent bounds nothing. A line that a full disk cut short is passed over.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use engine::connector::Split;
use engine::lateness::{Judged, LatenessEntry, LatenessHistory, LatenessLog};
use engine::watermark::{Clamp, NO_WATERMARK};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use types::JobId;

/// The lateness log of a job.
#[derive(Debug)]
pub(crate) struct LatenessFiles {
    directory: PathBuf,
    job: JobId,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    /// The checkpoint that was triggered last.
    segment: u64,
    /// Opened with the first entry.
    file: Option<File>,
    /// The last entries could not be written.
    is_failing: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line<'a> {
    Entry(#[serde(borrow)] EntryLine<'a>),
    /// An attempt began.
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
    /// The log of a job below a directory of checkpoints. Entries go to the segment of `last`, the newest checkpoint that is
    /// there, or to that of a later one that came to nothing: segments are read in the order of their numbers.
    pub fn new(checkpoints: &Path, job: JobId, last: u64) -> LatenessFiles {
        let open = Open { segment: last, file: None, is_failing: false };
        let files =
            LatenessFiles { directory: checkpoints.join(job.to_string()), job, open: Mutex::new(open) };
        let newest = segments(&files.directory).ok().and_then(|segments| Some(segments.last()?.0));
        files.open.lock().segment = last.max(newest.unwrap_or(0));
        files
    }

    /// The segment that entries go to.
    pub fn segment(&self) -> u64 {
        self.open.lock().segment
    }

    /// Everything that was recorded and is kept. Another attempt begins. `checkpoint`: where the checkpoint lies that the
    /// attempt goes on from; where it is another job's, what that job recorded counts too.
    pub fn history(&self, checkpoint: Option<&Path>) -> io::Result<LatenessHistory> {
        let other = checkpoint.and_then(Path::parent).filter(|of| *of != self.directory);
        let mut paths = Vec::new();
        for directory in other.into_iter().chain([&*self.directory]) {
            paths.extend(segments(directory)?);
        }

        let mut history = LatenessHistory::default();
        for (_, path) in paths {
            let file = BufReader::new(File::open(&path)?);
            for line in file.split(b'\n') {
                match serde_json::from_slice(&line?) {
                    Ok(Line::Entry(entry)) => history.add(entry.into()),
                    Ok(Line::Attempt { .. }) => history.begin_attempt(),
                    // Cut short, by a full disk or a kill.
                    Err(_) => {}
                }
            }
        }
        if !history.is_empty() {
            history.begin_attempt();
            let mut open = self.open.lock();
            open.file = None;
            self.write(&mut open, b"{\"attempt\":true}\n")?;
        }
        Ok(history)
    }

    /// A checkpoint is triggered: what is recorded from here on goes to its segment.
    pub fn rotate(&self, checkpoint: u64) {
        let mut open = self.open.lock();
        open.segment = checkpoint;
        open.file = None;
    }

    /// Removes the segments that only checkpoints before this one need.
    pub fn prune(&self, oldest_kept: u64) -> io::Result<()> {
        for (segment, path) in segments(&self.directory)? {
            if segment < oldest_kept {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn write(&self, open: &mut Open, lines: &[u8]) -> io::Result<()> {
        let file = match &mut open.file {
            Some(file) => file,
            None => {
                fs::create_dir_all(&self.directory)?;
                let path = self.directory.join(format!("lateness-{}.jsonl", open.segment));
                let mut file = OpenOptions::new().create(true).append(true).open(path)?;
                if file.metadata()?.len() > 0 {
                    // What was cut short before does not swallow the first line.
                    file.write_all(b"\n")?;
                }
                open.file.insert(file)
            }
        };
        file.write_all(lines)
    }
}

/// Numbers and paths of the segments in a job's directory, oldest first.
fn segments(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("lateness-").and_then(|name| name.strip_suffix(".jsonl"));
        if let Some(Ok(number)) = number.map(str::parse) {
            segments.push((number, path));
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

impl LatenessLog for LatenessFiles {
    fn append(&self, entries: &[LatenessEntry]) -> bool {
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, &EntryLine::from(entry)).expect("an entry is JSON");
            lines.push(b'\n');
        }

        let mut open = self.open.lock();
        match self.write(&mut open, &lines) {
            Ok(()) => {
                if std::mem::replace(&mut open.is_failing, false) {
                    tracing::info!(job_id = %self.job, "the lateness log is written again");
                }
                true
            }
            Err(error) => {
                // Another try may have to make the directory anew, and begins with a line of its own.
                open.file = None;
                if !std::mem::replace(&mut open.is_failing, true) {
                    tracing::warn!(
                        job_id = %self.job, error = %error, directory = %self.directory.display(),
                        "the lateness log cannot be written: after a crash, records that are read a second time may be \
                         late that were on time, or the other way round"
                    );
                }
                false
            }
        }
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
        let checkpoint = before.directory.join("chk-1");
        let after = LatenessFiles::new(directory.path(), JobId(8), 0);
        assert!(after.history(None).unwrap().is_empty());
        assert!(!after.history(Some(&checkpoint)).unwrap().is_empty());
    }

    #[test]
    fn a_segment_of_a_checkpoint_that_came_to_nothing_is_gone_on_with() {
        let directory = tempfile::tempdir().unwrap();
        let files = log(directory.path());
        files.rotate(5);
        files.append(&[entry(1, Judged::Reached)]);
        assert_eq!(LatenessFiles::new(directory.path(), JobId(7), 4).segment(), 5);
    }

    #[test]
    fn segments_that_no_checkpoint_needs_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let files = log(directory.path());
        for checkpoint in 1..=4 {
            files.append(&[entry(checkpoint, Judged::Reached)]);
            files.rotate(checkpoint);
        }
        let numbers =
            || segments(&files.directory).unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(numbers(), [0, 1, 2, 3]);
        files.prune(2).unwrap();
        assert_eq!(numbers(), [2, 3]);
    }

    #[test]
    fn a_line_that_was_cut_short_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let files = log(directory.path());
        files.append(&[entry(0, from(1, 2, None))]);
        let (_, path) = segments(&files.directory).unwrap().remove(0);
        OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"table\":\"ev").unwrap();
        let files = log(directory.path());
        files.append(&[entry(4, from(3, 4, None)), entry(8, Judged::Reached)]);
        let mut expected = LatenessHistory::default();
        for entry in [entry(0, from(1, 2, None)), entry(4, from(3, 4, None)), entry(8, Judged::Reached)] {
            expected.add(entry);
        }
        assert_eq!(format!("{:?}", files.history(None).unwrap()), format!("{expected:?}"));
    }
}
