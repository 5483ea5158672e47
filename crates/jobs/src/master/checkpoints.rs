//! Takes the checkpoints of a running job, and finds the one from which to continue.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connectors::result_store::UndoEntry;
use engine::execution::{Afterwards, CheckpointError};
use engine::lateness::RecordedLateness;
use types::{JobId, Timestamp, with_causes};

use super::attempt::{Attempt, AttemptLogs};
use super::taking::{Taking, Written};
use super::{Destination, JobMaster};
use crate::checkpoint::{
    CheckpointDirectory, CheckpointKind, CheckpointOptions, DirectoryError, EarlierParts, LatenessFiles,
    Restored, RestoredFrom, UndoFiles,
};

/// The reason for which there is no savepoint.
#[derive(Debug, thiserror::Error)]
pub enum SavepointError {
    #[error("the job has ended or is being restarted")]
    Ended,
    #[error("too many requests wait for this job")]
    Busy,
    #[error("there is no directory for savepoints: name one, or set `execution.checkpointing.savepoint-dir`")]
    Nowhere,
    #[error("the job writes no checkpoints")]
    NoCheckpoints,
    #[error("the job's state could not be collected: {0}")]
    Snapshot(CheckpointError),
    #[error(transparent)]
    Files(#[from] DirectoryError),
}

/// Takes the checkpoints of a job.
pub(super) struct CheckpointCoordinator {
    job: JobId,
    pub options: CheckpointOptions,
    directory: CheckpointDirectory,
    lateness: Arc<LatenessFiles>,
    undo: Arc<UndoFiles>,
    last: u64,
    /// The part files of the newest checkpoint, which the next one may reference.
    earlier: EarlierParts,
    /// Whether a checkpoint was completed since the job's thread began.
    has_completed: bool,
    /// The number of consecutive failures.
    failures: u32,
    /// The time of the next checkpoint, by the clock's `elapsed`.
    due: Option<Duration>,
}

/// The maximum time of the checkpoint before the process ends.
const LAST_TIMEOUT: Duration = Duration::from_secs(10);

impl CheckpointCoordinator {
    pub fn open(job: JobId, options: CheckpointOptions) -> Result<CheckpointCoordinator, DirectoryError> {
        let directory = CheckpointDirectory::open(&options.directory)?;
        // Existing checkpoints are never overwritten.
        let last = directory.ids(job)?.last().copied().unwrap_or(0);
        let lateness = Arc::new(LatenessFiles::new(Path::new(directory.location()), job, last));
        let undo = Arc::new(UndoFiles::new(Path::new(directory.location()), job, last));
        let last = last.max(lateness.segments().segment()).max(undo.segments().segment());
        if let Err(error) = directory.remove_orphans(job) {
            tracing::warn!(job_id = %job, error = %with_causes(&error), "files of unfinished checkpoints were not removed");
        }

        Ok(CheckpointCoordinator {
            job,
            options,
            directory,
            lateness,
            undo,
            last,
            earlier: EarlierParts::default(),
            has_completed: false,
            failures: 0,
            due: None,
        })
    }

    /// Returns the records that earlier attempts wrote next to their checkpoints, and the logs of the next
    /// attempt.
    pub fn records(&mut self, from: Option<&Restored>) -> Result<AttemptLogs, DirectoryError> {
        let failed =
            |source| DirectoryError::Directory { location: self.directory.location().to_owned(), source };
        // There are no records next to a savepoint; it contains what was still to be read a second time.
        let checkpoint = checkpoint_of(from).map(|from| Path::new(&from.location));
        let history = self.lateness.history(checkpoint).map_err(failed)?;
        let lateness = RecordedLateness { log: self.lateness.clone(), history };

        // A savepoint shares no files.
        self.earlier = checkpoint_of(from).map(EarlierParts::of_restored).unwrap_or_default();
        // A savepoint may have a number that no checkpoint has.
        if let Some(from) = from.filter(|from| from.manifest.job_id == self.job.to_string()) {
            self.last = self.last.max(from.manifest.id);
        }
        self.undo.segments().rotate(self.last);
        let changed = self.changed_since(from)?;
        Ok(AttemptLogs { lateness, undo: self.undo.clone(), changed })
    }

    /// Returns the rows of the result store that changed since the restored checkpoint, as they were then.
    fn changed_since(&self, from: Option<&Restored>) -> Result<Vec<UndoEntry>, DirectoryError> {
        let own = self.undo.segments().directory();
        let changed = match from {
            Some(Restored { manifest, .. }) if manifest.job_id == self.job.to_string() => {
                self.undo.rows_at((own, manifest.id), None)
            }
            // The rows that this job wrote before its first checkpoint are newer than those of the other job.
            Some(Restored { location, manifest, .. }) => {
                let beside =
                    Path::new(location).parent().filter(|_| manifest.kind == CheckpointKind::Checkpoint);
                let usual = Path::new(self.directory.location()).join(&manifest.job_id);
                self.undo.rows_at((beside.unwrap_or(&usual), manifest.id), Some(own))
            }
            // No checkpoint was ever completed.
            None => self.undo.rows_at((own, 0), None),
        };
        changed.map_err(|source| DirectoryError::Directory {
            location: self.directory.location().to_owned(),
            source,
        })
    }

    fn prune_records(&self, oldest_kept: u64) {
        for segments in [self.lateness.segments(), self.undo.segments()] {
            if let Err(error) = segments.prune(oldest_kept) {
                let log = segments.name();
                tracing::warn!(job_id = %self.job, %error, "old files of the {log} log were not removed");
            }
        }
    }

    /// Returns whether a checkpoint was completed since the job's thread began.
    pub fn has_completed(&self) -> bool {
        self.has_completed
    }

    /// Called when an attempt begins. The first checkpoint is due after one interval.
    pub fn begin(&mut self, now: Duration) {
        self.failures = 0;
        self.due = self.options.interval.map(|interval| now + interval);
    }

    /// Returns the time until the next checkpoint is due.
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        self.due.map(|due| due.saturating_sub(now))
    }

    pub fn is_due(&self, now: Duration) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Returns the newest complete checkpoint.
    pub fn newest(&self) -> Result<Option<Restored>, DirectoryError> {
        crate::checkpoint::newest(&self.options.directory, self.job)
    }

    /// Takes a checkpoint that is due. Fails if the number of consecutive failures exceeds what the job
    /// tolerates.
    pub fn take_due(&mut self, master: &JobMaster, attempt: &Attempt) -> Result<(), String> {
        let began = master.clock.elapsed();
        let taken = self.take(master, attempt, self.options.timeout, Afterwards::ReadOn);
        let now = master.clock.elapsed();
        self.due = self.options.interval.map(|interval| (began + interval).max(now + self.options.min_pause));

        match taken {
            Ok(_) => {
                self.failures = 0;
                Ok(())
            }
            // The job is ending; this is not a failure of the checkpoint.
            Err(SavepointError::Snapshot(CheckpointError::Ended)) => Ok(()),
            Err(error) => {
                self.failures += 1;
                let text = with_causes(&error);
                tracing::warn!(job_id = %self.job, error = text, in_a_row = self.failures, "a checkpoint failed");
                match self.options.tolerable_failures {
                    Some(most) if self.failures > most => {
                        Err(format!("{} checkpoints in a row failed, the last with: {text}", self.failures))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Takes a checkpoint on request and returns its number.
    pub fn take_asked(&mut self, master: &JobMaster, attempt: &Attempt) -> Result<u64, SavepointError> {
        self.take(master, attempt, self.options.timeout, Afterwards::ReadOn)
    }

    /// Takes the checkpoint before the process ends; the sources read nothing after it.
    pub fn take_last(&mut self, master: &JobMaster, attempt: &Attempt) {
        let timeout = self.options.timeout.min(LAST_TIMEOUT);
        if let Err(error) = self.take(master, attempt, timeout, Afterwards::Hold) {
            tracing::warn!(
                job_id = %self.job, error = %with_causes(&error),
                "the last checkpoint failed: the job will restart from the previous one"
            );
        }
    }

    fn take(
        &mut self,
        master: &JobMaster,
        attempt: &Attempt,
        timeout: Duration,
        afterwards: Afterwards,
    ) -> Result<u64, SavepointError> {
        let id = self.last + 1;
        self.last = id;
        self.lateness.segments().rotate(id);
        self.undo.segments().rotate(id);

        let taking = Taking {
            directory: &self.directory,
            place: &CheckpointDirectory::checkpoint(self.job, id),
            of: (id, CheckpointKind::Checkpoint),
            earlier: &self.earlier,
            options: &self.options,
        };

        let written = taking.write(master, attempt, timeout, afterwards);
        master.note_checkpoint(&written);
        self.earlier = written?.parts;
        self.has_completed = true;

        if let Err(error) = self.directory.prune(self.job, self.options.retained) {
            tracing::warn!(job_id = %self.job, error = %with_causes(&error), "old checkpoints were not removed");
        }
        if let Some(&oldest) = self.directory.ids(self.job).unwrap_or_default().first() {
            self.prune_records(oldest);
        }
        Ok(id)
    }

    /// Writes a savepoint and returns its location.
    pub fn savepoint(
        &mut self,
        master: &JobMaster,
        attempt: &Attempt,
        to: Destination,
        afterwards: Afterwards,
    ) -> Result<String, SavepointError> {
        let (target, name) = match to {
            Destination::Usual => (self.options.savepoints.clone(), savepoint_name(self.job)),
            Destination::Below(directory) => (directory, savepoint_name(self.job)),
            Destination::As { directory, name } => (directory, name),
        };

        if target.is_empty() {
            return Err(SavepointError::Nowhere);
        }
        let id = self.last + 1;
        self.last = id;
        let directory = CheckpointDirectory::open(&target)?;
        self.undo.segments().rotate(id);
        let taking = Taking {
            directory: &directory,
            place: &name,
            of: (id, CheckpointKind::Savepoint),
            earlier: &EarlierParts::default(),
            options: &self.options,
        };
        Ok(taking.write(master, attempt, self.options.timeout, afterwards)?.location)
    }
}

impl JobMaster {
    /// Updates the number of consecutive failed checkpoints for the job's view.
    fn note_checkpoint(&self, written: &Result<Written, SavepointError>) {
        let life = &mut *self.life.lock();
        let failed = &mut life.failed_checkpoints;
        match written {
            Ok(_) => {
                failed.succeeded();
                life.stability.checkpointed();
            }
            // The job is ending; this is not a failure of the checkpoint.
            Err(SavepointError::Snapshot(CheckpointError::Ended)) => {}
            Err(error) => failed.failed(self.clock.now(), with_causes(error)),
        }
    }
}

/// Returns a name for a savepoint in Flink's form: the beginning of the job id and a random part.
pub(crate) fn savepoint_name(job: JobId) -> String {
    let job: String = job.to_string().chars().take(6).collect();
    format!("savepoint-{job}-{:012x}", crate::id::random() & 0xffff_ffff_ffff)
}

fn checkpoint_of(from: Option<&Restored>) -> Option<&Restored> {
    from.filter(|from| from.manifest.kind == CheckpointKind::Checkpoint)
}

pub(super) fn restored_from(restored: &Restored, at: Timestamp) -> RestoredFrom {
    RestoredFrom {
        id: restored.manifest.id,
        kind: restored.manifest.kind,
        location: restored.location.clone(),
        at,
    }
}
