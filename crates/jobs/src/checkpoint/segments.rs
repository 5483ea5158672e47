//! Logs next to a job's checkpoints: `JOB/NAME-ID.jsonl` contains the entries since checkpoint ID was
//! triggered. A segment is removed with the last checkpoint that needs it.
//!
//! An entry is a line of JSON. Readers skip lines that were cut short by a full disk or a kill.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use serde::Serialize;
use types::JobId;

/// The segments of one log of a job.
#[derive(Debug)]
pub(crate) struct Segments {
    directory: PathBuf,
    job: JobId,
    name: &'static str,
    open: Mutex<Open>,
    /// Whether the last entries could not be written.
    is_failing: AtomicBool,
}

#[derive(Debug)]
struct Open {
    /// The checkpoint that was triggered last.
    segment: u64,
    /// The segment's file, opened for the first entry.
    file: Option<File>,
}

impl Segments {
    /// Opens the log of a job below a directory of checkpoints. Entries are appended to the segment of
    /// `last`, the newest existing checkpoint, or of a later checkpoint that failed, because segments are
    /// read in the order of their numbers.
    pub fn new(checkpoints: &Path, job: JobId, name: &'static str, last: u64) -> Segments {
        let directory = checkpoints.join(job.to_string());
        let newest = segments(&directory, name).ok().and_then(|segments| Some(segments.last()?.0));
        let open = Open { segment: last.max(newest.unwrap_or(0)), file: None };
        Segments { directory, job, name, open: Mutex::new(open), is_failing: AtomicBool::new(false) }
    }

    /// Returns the name of the log.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the directory of the job with its checkpoints.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the segment to which entries are appended.
    pub fn segment(&self) -> u64 {
        self.open.lock().segment
    }

    /// Calls `each` with every line of the same log of a job, in the order in which the lines were written.
    pub fn read(&self, directory: &Path, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        for (_, path) in segments(directory, self.name)? {
            for line in BufReader::new(File::open(&path)?).split(b'\n') {
                each(&line?);
            }
        }
        Ok(())
    }

    /// Starts the segment of a checkpoint for all further entries.
    pub fn rotate(&self, checkpoint: u64) {
        let mut open = self.open.lock();
        open.segment = checkpoint;
        open.file = None;
    }

    /// Removes the segments that only checkpoints before `oldest_kept` need.
    pub fn prune(&self, oldest_kept: u64) -> io::Result<()> {
        for (segment, path) in segments(&self.directory, self.name)? {
            if segment < oldest_kept {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Appends entries as lines of JSON. Returns whether they are written. `loss` says what a crash can cause
    /// without them; it is logged with the first failure.
    pub fn append_entries<T: Serialize>(&self, entries: impl Iterator<Item = T>, loss: &str) -> bool {
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, &entry).expect("an entry is JSON");
            lines.push(b'\n');
        }

        let (job_id, name) = (self.job, self.name);
        match self.append(&lines) {
            Ok(()) => {
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(%job_id, "the {name} log is written again");
                }
                true
            }
            Err(error) => {
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    let directory = self.directory.display();
                    tracing::warn!(
                        %job_id, %error, %directory, "the {name} log cannot be written: after a crash, {loss}"
                    );
                }
                false
            }
        }
    }

    /// Appends complete lines. After a failure the file is opened again, because the directory may have been
    /// removed.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        let open = &mut *self.open.lock();
        let written = self.file(open).and_then(|file| file.write_all(lines));
        if written.is_err() {
            open.file = None;
        }
        written
    }

    fn file<'a>(&self, open: &'a mut Open) -> io::Result<&'a mut File> {
        match &mut open.file {
            Some(file) => Ok(file),
            unopened => {
                fs::create_dir_all(&self.directory)?;
                let path = self.directory.join(format!("{}-{}.jsonl", self.name, open.segment));
                let mut file = OpenOptions::new().create(true).append(true).open(path)?;
                if file.metadata()?.len() > 0 {
                    // The line break ends a line that was cut short before, so that it does not swallow the
                    // next one.
                    file.write_all(b"\n")?;
                }
                Ok(unopened.insert(file))
            }
        }
    }
}

/// Returns numbers and paths of the segments in a job's directory, oldest first.
pub(super) fn segments(directory: &Path, name: &str) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let number = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        let number = number.and_then(|number| number.strip_suffix(".jsonl"));
        if let Some(Ok(number)) = number.map(str::parse) {
            segments.push((number, path));
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(directory: &Path, last: u64) -> Segments {
        Segments::new(directory, JobId(7), "notes", last)
    }

    fn lines(of: &Segments) -> Vec<String> {
        let mut lines = Vec::new();
        of.read(of.directory(), |line| lines.push(String::from_utf8(line.to_vec()).unwrap())).unwrap();
        lines.retain(|line| !line.is_empty());
        lines
    }

    #[test]
    fn a_segment_of_a_checkpoint_that_came_to_nothing_is_gone_on_with() {
        let directory = tempfile::tempdir().unwrap();
        let files = log(directory.path(), 0);
        files.rotate(5);
        files.append(b"a\n").unwrap();
        assert_eq!(log(directory.path(), 4).segment(), 5);
        assert_eq!(log(directory.path(), 6).segment(), 6);
    }

    #[test]
    fn segments_that_no_checkpoint_needs_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let files = log(directory.path(), 0);
        for checkpoint in 1..=4 {
            files.append(format!("{checkpoint}\n").as_bytes()).unwrap();
            files.rotate(checkpoint);
        }
        assert_eq!(lines(&files), ["1", "2", "3", "4"]);
        files.prune(2).unwrap();
        assert_eq!(lines(&files), ["3", "4"]);
    }

    #[test]
    fn a_line_that_was_cut_short_does_not_swallow_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        log(directory.path(), 0).append(b"a\nhal").unwrap();
        let files = log(directory.path(), 0);
        files.append(b"b\n").unwrap();
        assert_eq!(lines(&files), ["a", "hal", "b"]);
    }
}
