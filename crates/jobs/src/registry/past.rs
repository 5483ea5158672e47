//! The history of ended jobs: one file per job, written once.
//!
//! ```text
//! {"format":1,"bytes":2841,"crc32":"1f0c3a77"}
//! {"id":"…","name":"…","status":"FINISHED",…}
//! ```
//!
//! The first line contains the size and checksum of the rest, which is a [`JobView`]. A damaged file is
//! renamed: its job has ended, so nothing depends on it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::{JobId, with_causes};

use super::{Registry, RegistryError};
use crate::master::JobView;

/// The version of written files. Earlier versions can be read too.
const FORMAT: u32 = 1;
const DIRECTORY: &str = "history";
const EXTENSION: &str = "job";
/// The extension that a damaged file gets; there is one such file per job.
const BROKEN: &str = "broken";

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    /// The size of the rest.
    #[serde(default)]
    bytes: usize,
    /// The checksum of the rest, in hexadecimal digits.
    #[serde(default)]
    crc32: String,
}

/// The reason for which a file is invalid.
#[derive(Debug, thiserror::Error)]
enum NotWhole {
    #[error("it does not begin with a line that says what it is")]
    Head,
    #[error("its format is {0}; this version of Weir reads up to {FORMAT}")]
    Format(u32),
    #[error("it has {there} bytes with checksum {found}, expected {wanted} with {said}")]
    Damaged { there: usize, found: String, wanted: usize, said: String },
    #[error("it is not about a job")]
    View(#[from] serde_json::Error),
    #[error("it cannot be read")]
    Read(#[from] std::io::Error),
}

impl Registry {
    pub(super) fn past_directory(&self) -> PathBuf {
        self.directory.join(DIRECTORY)
    }

    /// Stores the view of an ended job. Returns when it would survive a power failure.
    pub fn keep_past(&self, view: &JobView) -> Result<(), RegistryError> {
        self.put(&self.path_of_past(view.id), &encode(view))
    }

    pub fn forget_past(&self, id: JobId) -> Result<(), RegistryError> {
        self.remove(&self.path_of_past(id))
    }

    /// Returns the views of ended jobs, ordered by start time. Damaged files are logged and renamed; files of
    /// a newer version are left in place.
    pub fn past(&self) -> Result<Vec<JobView>, RegistryError> {
        let mut views = Vec::new();
        for path in self.files(&self.past_directory(), EXTENSION)? {
            match read(&path) {
                Ok(view) => views.push(view),
                Err(error) => {
                    let why = with_causes(&error);
                    tracing::error!(path = %path.display(), why, "the statistics of an ended job cannot be read");
                    if !matches!(error, NotWhole::Format(_)) {
                        set_aside(&path);
                    }
                }
            }
        }
        views.sort_by_key(|view| (view.started, view.id));
        Ok(views)
    }

    fn path_of_past(&self, id: JobId) -> PathBuf {
        self.past_directory().join(format!("{id}.{EXTENSION}"))
    }
}

fn set_aside(path: &Path) {
    if let Err(error) = fs::rename(path, path.with_extension(BROKEN)) {
        tracing::warn!(path = %path.display(), %error, "it could not be set aside either");
    }
}

fn encode(view: &JobView) -> Vec<u8> {
    let body = serde_json::to_vec(view).expect("a picture of a job is JSON");
    let head = Head { format: FORMAT, bytes: body.len(), crc32: checksum(&body) };
    let mut text = serde_json::to_vec(&head).expect("a head is JSON");
    text.push(b'\n');
    text.extend_from_slice(&body);
    text
}

fn read(path: &Path) -> Result<JobView, NotWhole> {
    decode(&fs::read(path)?)
}

fn decode(text: &[u8]) -> Result<JobView, NotWhole> {
    let end = text.iter().position(|byte| *byte == b'\n').ok_or(NotWhole::Head)?;
    let head: Head = serde_json::from_slice(&text[..end]).map_err(|_| NotWhole::Head)?;
    if head.format > FORMAT {
        return Err(NotWhole::Format(head.format));
    }
    let body = &text[end + 1..];
    let found = checksum(body);
    if (body.len(), &found) != (head.bytes, &head.crc32) {
        return Err(NotWhole::Damaged { there: body.len(), found, wanted: head.bytes, said: head.crc32 });
    }
    Ok(serde_json::from_slice(body)?)
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}

#[cfg(test)]
mod tests {
    use types::Timestamp;

    use super::*;
    use crate::JobStatus;

    fn view(id: u128, started: i64) -> JobView {
        let times = (Timestamp(started), Timestamp(started + 5));
        JobView::bare(JobId(id), "a job", times, JobStatus::Failed).failed("out of luck")
    }

    fn registry() -> (tempfile::TempDir, Registry) {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path()).unwrap();
        (directory, registry)
    }

    #[test]
    fn jobs_that_are_over_are_read_in_the_order_of_their_beginnings() {
        let (_directory, registry) = registry();
        for view in [view(1, 20), view(2, 10), view(3, 30)] {
            registry.keep_past(&view).unwrap();
        }
        registry.forget_past(JobId(3)).unwrap();
        registry.forget_past(JobId(4)).unwrap();
        assert_eq!(registry.past().unwrap(), [view(2, 10), view(1, 20)]);
        assert_eq!(registry.records().unwrap(), [], "they are no records");
    }

    #[test]
    fn what_is_not_whole_is_set_aside_and_hides_no_other() {
        let whole = encode(&view(7, 1));
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let other = br#"{"format":1,"bytes":2,"crc32":"0d4cbb29"}"#;
        let harmed: [(&str, Vec<u8>); 6] = [
            ("empty", Vec::new()),
            ("without a head", b"FINISHED\n{}".to_vec()),
            ("cut short", whole[..whole.len() - 1].to_vec()),
            ("longer", [whole.as_slice(), b" "].concat()),
            ("flipped", flipped),
            ("about something else", [other.as_slice(), b"\n[]"].concat()),
        ];

        for (what, text) in harmed {
            let (directory, registry) = registry();
            registry.keep_past(&view(1, 1)).unwrap();
            registry.keep_past(&view(7, 1)).unwrap();
            let path = registry.path_of_past(JobId(7));
            fs::write(&path, &text).unwrap();
            assert_eq!(registry.past().unwrap(), [view(1, 1)], "{what}");
            assert!(!path.exists() && path.with_extension(BROKEN).exists(), "{what}");
            // The next file with this name can be written.
            registry.keep_past(&view(7, 1)).unwrap();
            let again = Registry::open(directory.path()).unwrap();
            assert_eq!(again.past().unwrap().len(), 2, "{what}");
        }
    }

    /// Returns whether a newer form contains everything that an older form contains; it may contain more.
    fn keeps(now: &serde_json::Value, before: &serde_json::Value) -> bool {
        use serde_json::Value::{Array, Object};

        match (now, before) {
            (Object(now), Object(before)) => {
                before.iter().all(|(name, value)| now.get(name).is_some_and(|now| keeps(now, value)))
            }
            // The members of a pair have names in the newer form.
            (Object(now), Array(pair)) => pair.iter().all(|value| now.values().any(|now| keeps(now, value))),
            (Array(now), Array(before)) => {
                now.len() == before.len() && now.iter().zip(before).all(|(now, before)| keeps(now, before))
            }
            (now, before) => now == before,
        }
    }

    #[test]
    fn what_an_older_version_wrote_is_read() {
        // A file that was written by the first version with this format. It must not be changed.
        let text = include_bytes!("format-1.job");
        let view = decode(text).unwrap();
        assert_eq!((view.name.as_str(), view.status, view.parallelism), ("by id", JobStatus::Finished, 2));
        assert_eq!((view.ledger.accepted, view.tasks.len(), view.graph.len()), (2, 4, 2));
        assert_eq!(view.checkpoints.latest_savepoint.as_ref().map(|record| record.parts.len()), Some(4));
        assert_eq!(view.graph[1].inputs[0].ship, "HASH");
        // All values are kept, and newer fields have their defaults.
        let behind = |text: &[u8]| -> serde_json::Value {
            serde_json::from_slice(text.split(|byte| *byte == b'\n').nth(1).unwrap()).unwrap()
        };
        let (now, before) = (behind(&encode(&view)), behind(text));
        assert!(keeps(&now, &before), "{now:#} does not keep {before:#}");
    }

    #[test]
    fn what_a_newer_version_wrote_stays_where_it_is() {
        let (_directory, registry) = registry();
        let path = registry.path_of_past(JobId(7));
        fs::write(&path, "{\"format\":2,\"sealed\":true}\n?").unwrap();
        assert_eq!(registry.past().unwrap(), []);
        assert!(path.exists());
    }
}
