//! Records of jobs, and which of the recorded jobs run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use connectors::dead_letter::{Ancestor, LogPosition};
use parking_lot::Mutex;
use types::{JobId, Timestamp, with_causes};

use super::submission::SubmitError;
use super::variables::without_secrets;
use crate::checkpoint::{self, Restored, read_savepoint};
use crate::master::JobView;
use crate::registry::{Fate, JobOrigin, JobRecord, Registry, RegistryError, Replacement, Unreadable};
use crate::status::JobStatus;

pub(super) struct JobRecords {
    pub registry: Option<Arc<Registry>>,
    /// Records of jobs that run or are about to start.
    taken: Mutex<BTreeMap<JobId, JobRecord>>,
}

/// A recorded job.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub id: JobId,
    pub started_from: Option<String>,
    pub ancestors: Vec<Ancestor>,
    pub is_new: bool,
    /// Whether it has completed a checkpoint before.
    pub has_checkpoints: bool,
}

/// The record found for a job that starts with Weir.
pub(super) enum Claimed {
    /// The job ran before.
    Known(Known),
    /// Another job has replaced it, and is to be continued instead.
    Replaced(JobRecord),
}

impl Known {
    pub fn of(id: JobId, record: &JobRecord) -> Known {
        Known {
            id,
            started_from: record.started_from.clone(),
            ancestors: record.ancestors.clone(),
            is_new: false,
            has_checkpoints: record.has_checkpoints,
        }
    }

    pub fn new(id: JobId) -> Known {
        Known { id, started_from: None, ancestors: Vec::new(), is_new: true, has_checkpoints: false }
    }

    /// Records that the job restarts from another job's state.
    pub fn follow(&mut self, restored: &Restored, its_ancestors: Vec<Ancestor>) {
        if restored.manifest.job_id == self.id.to_string() {
            return;
        }
        let splits = restored.snapshot.pipelines.iter().flat_map(|pipeline| pipeline.splits());
        let reached = splits.map(|of| LogPosition {
            topic: of.split.topic.clone(),
            partition: of.split.partition,
            offset: of.offset,
        });
        self.ancestors = its_ancestors;
        self.ancestors
            .push(Ancestor { job_id: restored.manifest.job_id.clone(), reached: reached.collect() });
    }
}

impl JobRecords {
    pub fn new(registry: Option<Arc<Registry>>) -> JobRecords {
        JobRecords { registry, taken: Mutex::default() }
    }

    fn all(&self) -> Result<Vec<JobRecord>, RegistryError> {
        self.registry.as_ref().map_or(Ok(Vec::new()), |registry| registry.records())
    }

    /// Returns the record of a running job.
    pub fn running(&self, id: JobId) -> Option<JobRecord> {
        self.taken.lock().get(&id).cloned()
    }

    /// Returns job record files that cannot be read.
    pub fn unreadable(&self) -> Result<Vec<Unreadable>, RegistryError> {
        self.registry.as_ref().map_or(Ok(Vec::new()), |registry| registry.unreadable())
    }

    /// Fails if a job record file cannot be read.
    pub fn refuse_unreadable(&self) -> Result<(), SubmitError> {
        match self.unreadable()?.into_iter().next() {
            None => Ok(()),
            Some(Unreadable { path, reason, .. }) => Err(SubmitError::Unreadable { path, reason }),
        }
    }

    /// Records that a running job has completed a checkpoint.
    pub fn checkpointed(&self, id: JobId) {
        let mut taken = self.taken.lock();
        let Some(record) = taken.get_mut(&id).filter(|record| !record.has_checkpoints) else { return };
        record.has_checkpoints = true;
        let kept = self.registry.as_ref().map_or(Ok(()), |registry| registry.keep(record));
        if let Err(error) = kept {
            // The next checkpoint tries again.
            record.has_checkpoints = false;
            let error = with_causes(&error);
            tracing::warn!(job_id = %id, error, "cannot record yet that the job has checkpoints");
        }
    }

    /// Returns the record for a job that starts with Weir under this name and does not run now.
    pub fn claim(&self, name: &str) -> Result<Option<Claimed>, RegistryError> {
        let records = self.all()?;
        let taken = self.taken.lock();
        let newest = records.into_iter().rev().find_map(|record| {
            let id = record.job_id()?;
            let fits =
                record.origin == JobOrigin::Start && record.place() == name && !taken.contains_key(&id);
            fits.then_some((id, record))
        });
        Ok(newest.map(|(id, record)| match record {
            record if record.stands_for.is_some() && record.fate == Fate::Running => {
                Claimed::Replaced(record)
            }
            record => Claimed::Known(Known::of(id, &record)),
        }))
    }

    /// Returns the jobs whose state a job continued from.
    pub fn ancestors(&self, id: &str) -> Result<Vec<Ancestor>, RegistryError> {
        let record = self.all()?.into_iter().find(|record| record.id == id);
        Ok(record.map(|record| record.ancestors).unwrap_or_default())
    }

    /// Returns submitted jobs of earlier processes that are to be continued.
    pub fn to_resume(&self) -> Result<Vec<JobRecord>, RegistryError> {
        let records = self.all()?.into_iter();
        Ok(records
            .filter(|record| record.origin == JobOrigin::Submitted && record.fate == Fate::Running)
            .collect())
    }

    /// Returns views of the jobs that ended before this process: all recorded jobs, with statistics if they
    /// exist.
    pub fn past(&self) -> Result<Vec<JobView>, RegistryError> {
        let Some(registry) = &self.registry else { return Ok(Vec::new()) };
        let mut known: BTreeMap<JobId, JobView> =
            registry.past()?.into_iter().map(|view| (view.id, view)).collect();
        let mut past = Vec::new();

        for record in registry.records()? {
            let Some(id) = record.job_id() else { continue };
            let submitted = Timestamp(record.submitted);
            let bare = |status| JobView::bare(id, &record.name, (submitted, submitted), status);
            let over = match record.fate {
                Fate::Running => None,
                Fate::Finished => Some(JobStatus::Finished),
                Fate::Canceled => Some(JobStatus::Canceled),
                Fate::Failed => Some(JobStatus::Failed),
            };
            let view = known.remove(&id);
            past.extend(over.map(|status| view.unwrap_or_else(|| bare(status))));
        }

        past.extend(known.into_values());
        Ok(past)
    }

    /// Marks a recorded job as about to run.
    pub fn take(&self, record: &JobRecord) {
        if let Some(id) = record.job_id() {
            self.taken.lock().insert(id, record.clone());
        }
    }

    /// Writes the record of a job that is about to run.
    pub fn keep(&self, record: &JobRecord) -> Result<(), RegistryError> {
        self.take(record);
        self.registry.as_ref().map_or(Ok(()), |registry| registry.keep(record))
    }

    /// Writes the record of a job that does not run yet.
    pub fn keep_for_later(&self, record: &JobRecord) -> Result<(), RegistryError> {
        self.registry.as_ref().map_or(Ok(()), |registry| registry.keep(record))
    }

    /// Marks a job as not running, because it was not started.
    pub fn release(&self, id: JobId) {
        self.taken.lock().remove(&id);
    }

    /// Removes the record of a new job that was not started, so that it is never started.
    pub fn withdraw(&self, id: JobId) {
        self.release(id);
        self.remove(id, |_| true);
    }

    /// Removes an ended job with its checkpoints; savepoints belong to the users who requested them.
    pub fn forget(&self, id: JobId) {
        // A job that could not be started again is listed as failed, but is still to be continued.
        self.remove(id, |record| record.fate != Fate::Running);
    }

    fn remove(&self, id: JobId, may_go: impl Fn(&JobRecord) -> bool) {
        let Some(registry) = self.registry.as_ref().filter(|_| !self.taken.lock().contains_key(&id)) else {
            return;
        };
        let records = match registry.records() {
            Ok(records) => records,
            Err(error) => {
                return tracing::warn!(job_id = %id, %error, "the record of an old job was not removed");
            }
        };

        let name = id.to_string();
        let record = records.iter().find(|record| record.id == name);
        if record.is_some_and(|record| !may_go(record)) {
            return;
        }
        let checkpoints = record.and_then(|record| record.checkpoints.clone());
        if let Err(error) = registry.forget_past(id).and_then(|()| registry.forget(id)) {
            return tracing::warn!(job_id = %id, %error, "the record of an old job was not removed");
        }
        let Some(directory) = checkpoints else { return };

        // A job that was started from one of these checkpoints may not have its own yet.
        let is_needed = |record: &JobRecord| {
            let from = record.started_from.as_deref().map(Path::new);
            from.is_some_and(|from| from.components().any(|part| part.as_os_str() == name.as_str()))
        };

        if records.iter().any(is_needed) {
            return;
        }
        if let Err(error) = checkpoint::forget(&directory, id) {
            let error = with_causes(&error);
            tracing::warn!(job_id = %id, error, "the checkpoints of an old job were not removed");
        }
    }

    /// Records how a job ended.
    pub fn end(&self, view: &JobView) {
        let fate = match view.status {
            JobStatus::Finished => Fate::Finished,
            JobStatus::Canceled => Fate::Canceled,
            JobStatus::Failed => Fate::Failed,
            _ => Fate::Running,
        };
        if let Some(record) = self.running(view.id) {
            self.write_end(record, fate, view);
        }
        self.release(view.id);
    }

    /// Records that a user has cancelled a running job, so that it is not continued whatever happens next.
    pub fn cancelled(&self, id: JobId) {
        let (Some(registry), Some(record)) = (&self.registry, self.running(id)) else { return };
        if let Err(error) = registry.keep(&JobRecord { fate: Fate::Canceled, ..record }) {
            let error = with_causes(&error);
            tracing::error!(job_id = %id, error, "cannot record that the job is cancelled before it ends");
        }
    }

    /// Records that a job that does not run is not to be continued.
    pub fn give_up(&self, record: JobRecord, view: &JobView) {
        self.write_end(record, Fate::Canceled, view);
    }

    fn write_end(&self, record: JobRecord, fate: Fate, view: &JobView) {
        if let Some(registry) = &self.registry {
            // Statistics are written first: without the updated record the job runs again, and they mean
            // nothing.
            let figures = if fate == Fate::Running { Ok(()) } else { registry.keep_past(view) };
            if let Err(error) = figures {
                let error = with_causes(&error);
                tracing::error!(job_id = %view.id, error, "the statistics of an ended job were not recorded");
            }
            if let Err(error) = registry.keep(&JobRecord { fate, ..record }) {
                let error = with_causes(&error);
                tracing::error!(job_id = %view.id, error, "the end of the job was not recorded");
            }
        }
    }

    /// Removes secret values from records; earlier versions wrote them.
    pub fn clear_secrets(&self) {
        let Some(registry) = &self.registry else { return };
        let failed = |error: RegistryError| {
            let error = with_causes(&error);
            tracing::error!(error, "records of jobs may still hold values of secrets");
        };
        let records = registry.records().map_err(failed).unwrap_or_default();

        for mut record in records {
            let (variables, secrets) = without_secrets(&record.script, std::mem::take(&mut record.variables));
            if secrets.is_empty() {
                continue;
            }
            let names = secrets.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let id = record.id.clone();
            record.variables = variables;
            record.secrets.extend(secrets);
            match registry.keep(&record) {
                Ok(()) => tracing::warn!(
                    job_id = id,
                    variables = names,
                    "the job's record contained values of secrets: it now contains only their names, and each start \
                     reads the values again"
                ),
                Err(error) => failed(error),
            }
        }
    }

    /// Undoes replacements that the end of the previous process interrupted.
    pub fn recover(&self) -> Result<(), RegistryError> {
        let Some(registry) = &self.registry else { return Ok(()) };
        for replacement in registry.replacements()? {
            self.remove(replacement.new, |_| true);
            if let Some(back) = self.back(&replacement)? {
                let (old, id) = (replacement.old, &back.id);
                tracing::warn!(%old, job_id = id, name = back.name, "a replacement was interrupted: the old job continues");
                registry.keep(&back)?;
            }
            registry.settle(replacement.old)?;
        }
        Ok(())
    }

    /// Returns the record with which the old job of a replacement continues, if it was stopped for the
    /// replacement.
    fn back(&self, replacement: &Replacement) -> Result<Option<JobRecord>, RegistryError> {
        let old = replacement.old.to_string();
        let old = self.all()?.into_iter().find(|record| record.id == old);
        // Otherwise the job never stopped and continues unchanged, or a user has ended it meanwhile.
        let Some(old) = old.filter(|record| record.fate == Fate::Finished) else { return Ok(None) };
        Ok(read_savepoint(&replacement.savepoint)
            .ok()
            .map(|restored| old.continued_from_savepoint(replacement, &restored)))
    }
}

impl JobRecord {
    /// Returns the record with which a job continues that was stopped for another.
    pub(super) fn continued_from_savepoint(
        self,
        replacement: &Replacement,
        restored: &Restored,
    ) -> JobRecord {
        let mut known = Known::new(replacement.back);
        known.follow(restored, self.ancestors);
        JobRecord {
            id: replacement.back.to_string(),
            fate: Fate::Running,
            // This must be later than the job that was to replace it.
            submitted: self.submitted.max(restored.manifest.taken) + 1,
            started_from: Some(replacement.savepoint.clone()),
            ancestors: known.ancestors,
            has_checkpoints: false,
            ..self
        }
    }
}
