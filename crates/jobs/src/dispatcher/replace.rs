//! Replacing a running job by another job that continues from its state.
//!
//! The intended replacement is recorded before it is carried out. The old job counts until the new one has
//! shown that it runs: if the new job does not start, or if the process ends in between, the old job
//! continues from the savepoint that stopped it, with its name and a new id.

use std::sync::Arc;
use std::time::Duration;

use engine::execution::ExecutionError;
use engine::snapshot::RestoreReport;
use types::{ErrorDomain, JobId, with_causes};

use super::records::Known;
use super::submission::{tell_failed, tell_submitted};
use super::variables::Used;
use super::{Compiled, Dispatcher, Submission, SubmitError};
use crate::checkpoint::{CheckpointDirectory, Restored, read_savepoint};
use crate::id::new_job_id;
use crate::master::{Destination, JobMaster, SavepointError, Sequel, savepoint_name};
use crate::registry::{JobOrigin, JobRecord, RegistryError, Replacement};
use crate::status::JobStatus;

/// Time that a job has to end after its state was written.
const ENDING: Duration = Duration::from_secs(60);
/// Time for which the new job is watched. It has shown that it runs when it has written a checkpoint. A job
/// that runs but has not written one in this time, because what it writes to does not answer, is accepted.
const WATCHED: Duration = Duration::from_secs(10);

/// A completed replacement.
pub struct Replaced {
    pub old: Arc<JobMaster>,
    pub new: Arc<JobMaster>,
    /// The savepoint that the old job ended with and the new job started from.
    pub savepoint: String,
    /// What the new job kept of this state.
    pub report: RestoreReport,
}

/// A name or id does not identify one running job.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("no running job has the name or id `{wanted}`; {}", running(.names))]
    Nobody { wanted: String, names: Vec<String> },
    #[error("{} running jobs have the name `{wanted}`: give the id of one of them, {}", .ids.len(), join(.ids))]
    Several { wanted: String, ids: Vec<JobId> },
}

/// The reason for which a job was not replaced. Unless the message says otherwise, the job runs on as before.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error("job {0} is being replaced already")]
    UnderWay(JobId),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error("job {job} was not replaced and keeps running, because its savepoint failed: {}", with_causes(&**.source))]
    Savepoint { job: JobId, source: Box<SavepointError> },
    #[error("job {job} was not replaced and is {status}; its state is in {savepoint}")]
    Ended { job: JobId, status: JobStatus, savepoint: String },
    #[error("{why}; the old job continues as {back} from {savepoint}")]
    Undone { why: String, back: JobId, savepoint: String },
}

impl ReplaceError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            ReplaceError::Submit(error) => error.domain(),
            ReplaceError::Find(_) | ReplaceError::UnderWay(_) | ReplaceError::Undone { .. } => {
                ErrorDomain::User
            }
            ReplaceError::Savepoint { .. } | ReplaceError::Ended { .. } => ErrorDomain::External,
        }
    }
}

impl From<RegistryError> for ReplaceError {
    fn from(error: RegistryError) -> ReplaceError {
        ReplaceError::Submit(SubmitError::Record(error))
    }
}

/// Marks a job as being replaced until this is dropped.
struct Claim<'a> {
    dispatcher: &'a Dispatcher,
    id: JobId,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.dispatcher.replacing.lock().remove(&self.id);
    }
}

impl Dispatcher {
    /// Returns the running job with this name or id.
    pub fn find(&self, wanted: &str) -> Result<Arc<JobMaster>, FindError> {
        let is_there =
            |job: &Arc<JobMaster>| !job.status().is_terminal() && job.status() != JobStatus::Suspended;
        let jobs: Vec<Arc<JobMaster>> = self.jobs().into_iter().filter(is_there).collect();
        let id: Option<JobId> = wanted.parse().ok();
        if let Some(job) = jobs.iter().find(|job| Some(job.id()) == id) {
            return Ok(job.clone());
        }
        let named: Vec<&Arc<JobMaster>> = jobs.iter().filter(|job| job.name() == wanted).collect();

        match named.as_slice() {
            [job] => Ok((*job).clone()),
            [] => {
                let names = jobs.iter().map(|job| job.name().to_owned()).collect();
                Err(FindError::Nobody { wanted: wanted.to_owned(), names })
            }
            several => {
                let ids = several.iter().map(|job| job.id()).collect();
                Err(FindError::Several { wanted: wanted.to_owned(), ids })
            }
        }
    }

    /// Reports what a script would keep of the state of a running job. Takes a checkpoint of the job for
    /// this.
    pub fn compare(&self, submission: Submission<'_>, wanted: &str) -> Result<RestoreReport, ReplaceError> {
        let old = self.find(wanted)?;
        let compiled = self.compile_with_tables(submission.script, submission.name, submission.variables)?;
        let no_savepoint = |source| ReplaceError::Savepoint { job: old.id(), source: Box::new(source) };
        old.checkpoint().map_err(no_savepoint)?;
        let options = old.checkpoint_options().ok_or_else(|| no_savepoint(SavepointError::NoCheckpoints))?;
        let newest =
            crate::checkpoint::newest(&options.directory, old.id()).map_err(SubmitError::Checkpoints)?;
        let newest = newest.ok_or_else(|| no_savepoint(SavepointError::NoCheckpoints))?;
        Ok(self.report(&compiled, &newest)?)
    }

    /// Replaces the running job with this name or id by one that continues from its state. A submission
    /// without a name takes the name of the old job. Returns when the new job runs; this takes at least as
    /// long as a savepoint.
    pub fn replace(&self, submission: Submission<'_>, wanted: &str) -> Result<Replaced, ReplaceError> {
        let old = self.find(wanted)?;
        let claim = self.claim(old.id())?;
        let record = self.shared.records.running(old.id());

        let Some(record) = record else {
            // The job has ended in the meantime.
            return Err(FindError::Nobody { wanted: wanted.to_owned(), names: Vec::new() }.into());
        };

        let used = Used::new(submission.variables);
        let name = if submission.name.is_empty() { old.name() } else { submission.name };
        let compiled = self.compile_with_tables(submission.script, name, &|name| used.get(name));
        let compiled = compiled.inspect_err(|error| tell_failed(name, error))?;
        let no_savepoint = |source| ReplaceError::Savepoint { job: old.id(), source: Box::new(source) };
        let directory = old.checkpoint_options().map(|options| options.savepoints.as_str());
        let directory = directory.filter(|directory| !directory.is_empty());
        let directory = directory.ok_or_else(|| no_savepoint(SavepointError::Nowhere))?;
        let directory = CheckpointDirectory::open(directory).map_err(|error| no_savepoint(error.into()))?;
        let (directory, file) = (directory.location().to_owned(), savepoint_name(old.id()));
        let savepoint = format!("{directory}/{file}");
        let replacement = Replacement::new(old.id(), new_job_id(), new_job_id(), savepoint.clone());
        self.intend(&replacement)?;
        let stopped = old.savepoint_to(Destination::As { directory, name: file }, Sequel::Stop);

        if let Err(source) = stopped {
            self.settle(old.id());
            return Err(no_savepoint(source));
        }

        old.wait(ENDING);
        if old.status() != JobStatus::Finished {
            self.settle(old.id());
            return Err(ReplaceError::Ended { job: old.id(), status: old.status(), savepoint });
        }

        let restored = read_savepoint(&savepoint).map_err(SubmitError::Checkpoints);
        let new = restored.and_then(|restored| {
            let known = self.successor(&replacement, &record, &restored);
            let mut new = self.record(&compiled, &known, &submission, used, Some(savepoint.clone()));
            (new.origin, new.stands_for) = (record.origin, stands_for(&record));
            self.try_out(compiled, &known, restored, new)
        });

        let (job, report) = match new {
            Ok(new) => new,
            Err(error) => {
                tell_failed(name, &error);
                let why = error.in_a_line();
                self.go_back(&replacement, record);
                return Err(ReplaceError::Undone { why, back: replacement.back, savepoint });
            }
        };

        self.settle(old.id());
        drop(claim);
        tell_submitted(&job);
        tracing::info!(old = %old.id(), job_id = %job.id(), job = job.name(), savepoint, "job replaced");
        Ok(Replaced { old, new: job, savepoint, report })
    }

    /// Compiles a script and also checks the options of its tables, which are otherwise only checked at the
    /// start.
    fn compile_with_tables(
        &self,
        script: &str,
        name: &str,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Compiled, SubmitError> {
        let compiled = self.compile(script, name, variables)?;
        let wrong = connectors::check(&compiled.plan);
        if wrong.is_empty() { Ok(compiled) } else { Err(SubmitError::Script(wrong)) }
    }

    fn claim(&self, id: JobId) -> Result<Claim<'_>, ReplaceError> {
        let is_first = self.replacing.lock().insert(id);
        if is_first { Ok(Claim { dispatcher: self, id }) } else { Err(ReplaceError::UnderWay(id)) }
    }

    fn intend(&self, replacement: &Replacement) -> Result<(), RegistryError> {
        let registry = &self.shared.records.registry;
        registry.as_ref().map_or(Ok(()), |registry| registry.intend(replacement))
    }

    fn settle(&self, old: JobId) {
        let registry = &self.shared.records.registry;
        let settled = registry.as_ref().map_or(Ok(()), |registry| registry.settle(old));
        if let Err(error) = settled {
            let error = with_causes(&error);
            tracing::error!(%old, error, "cannot record that a replacement is complete: the next start of Weir undoes it");
        }
    }

    fn successor(&self, replacement: &Replacement, old: &JobRecord, restored: &Restored) -> Known {
        let mut known = Known::new(replacement.new);
        known.follow(restored, old.ancestors.clone());
        known
    }

    fn report(&self, compiled: &Compiled, restored: &Restored) -> Result<RestoreReport, SubmitError> {
        let reads = self.environment.reads(&compiled.plan).map_err(SubmitError::Script)?;
        RestoreReport::of(&compiled.plan, &restored.snapshot, &reads)
            .map_err(|error| SubmitError::Start(ExecutionError::from(error)))
    }

    /// Starts the new job and watches it for some time.
    fn try_out(
        &self,
        compiled: Compiled,
        known: &Known,
        restored: Restored,
        record: JobRecord,
    ) -> Result<(Arc<JobMaster>, RestoreReport), SubmitError> {
        let report = self.report(&compiled, &restored)?;
        let job = self.start(compiled, known, Some(restored), record)?;
        if let Err(why) = job.shows_that_it_runs(WATCHED) {
            job.cancel();
            if !job.wait(ENDING) {
                tracing::warn!(job_id = %job.id(), "the new job of a failed replacement does not end");
            }
            return Err(SubmitError::Start(ExecutionError::Plan(why)));
        }
        Ok((job, report))
    }

    /// Continues the old job.
    fn go_back(&self, replacement: &Replacement, old: JobRecord) {
        let failed = |why: String| {
            tracing::error!(
                old = %replacement.old, savepoint = replacement.savepoint, why,
                "the old job of a failed replacement could not be started again; the next start of Weir tries again"
            );
        };

        let restored = match read_savepoint(&replacement.savepoint) {
            Ok(restored) => restored,
            Err(error) => return failed(with_causes(&error)),
        };

        let mut back = old.continued_from_savepoint(replacement, &restored);
        // Later than the job that could not replace it.
        back.submitted = back.submitted.max(self.environment.clock.now().0 + 1);

        if let Err(error) = self.shared.records.keep_for_later(&back) {
            // The record of the replacement remains, so the next process tries this again.
            failed(with_causes(&error));
        } else {
            self.settle(replacement.old);
        }

        if let Err(error) = self.resume_one(back) {
            failed(error.in_a_line());
        }
    }
}

/// Returns the place of the old job for the job that replaces it, if the old job was started with Weir.
fn stands_for(old: &JobRecord) -> Option<String> {
    (old.origin == JobOrigin::Start).then(|| old.place().to_owned())
}

fn running(names: &[String]) -> String {
    match names {
        [] => "no job is running".to_owned(),
        names => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("there are {}", names.join(", "))
        }
    }
}

fn join(ids: &[JobId]) -> String {
    ids.iter().map(JobId::to_string).collect::<Vec<String>>().join(" or ")
}
