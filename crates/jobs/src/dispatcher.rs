//! The dispatcher: accepts scripts, starts jobs, and knows all jobs.

mod health;
mod known;
mod outline;
mod query;
mod records;
mod replace;
mod shared;
mod submission;
mod variables;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use engine::execution::ExecutionError;
use engine::snapshot::RestoreReport;
use parking_lot::Mutex;
use sql::plan::Plan;
use types::{JobId, Offset, PartitionId, with_causes};

use crate::checkpoint::{CheckpointOptions, DirectoryError, Restored, read_savepoint};
use crate::environment::Environment;
use crate::id::new_job_id;
use crate::master::{First, JobMaster, JobView, NewJob, StartError};
use crate::registry::{Fate, JobOrigin, JobRecord, RegistryError, Unreadable};
use crate::restart::RestartStrategy;
use crate::result_tables::{ResultTables, of_plan};

use known::Jobs;
use records::{Claimed, JobRecords, Known};
use shared::Shared;

pub use outline::Outline;
pub use query::QueryJob;
pub use replace::{FindError, ReplaceError, Replaced};
pub use submission::{Secrets, Submission, SubmitError};

/// Time that a job gets to end after it was told to stop waiting.
const LAST_GRACE: Duration = Duration::from_secs(2);

pub struct Dispatcher {
    environment: Environment,
    shared: Arc<Shared>,
    /// Jobs that are being replaced.
    replacing: Mutex<BTreeSet<JobId>>,
    secrets: Secrets,
    result_tables: Arc<ResultTables>,
}

/// A plan, and the options of its script for running it.
struct Compiled {
    plan: Arc<Plan>,
    name: String,
    checkpoints: Option<CheckpointOptions>,
    restart: RestartStrategy,
}

impl Dispatcher {
    /// Loads past jobs, and undoes replacements that the previous process did not finish.
    pub fn new(environment: Environment) -> Dispatcher {
        let records = JobRecords::new(environment.registry.clone());
        records.clear_secrets();
        if let Err(error) = records.recover() {
            let error = with_causes(&error);
            tracing::error!(error, "replacements that were interrupted may not have been undone");
        }
        let past = records.past().unwrap_or_else(|error| {
            tracing::error!(error = %with_causes(&error), "jobs that ended earlier cannot be listed");
            Vec::new()
        });
        let shared = Arc::new(Shared { records, jobs: Mutex::new(Jobs::new(past)) });
        shared.forget();
        let secrets: Secrets = Arc::new(|_| None);
        let result_tables = Arc::new(ResultTables::load(environment.registry.clone()));
        Dispatcher { environment, shared, replacing: Mutex::default(), secrets, result_tables }
    }

    /// Sets the source of secret values for jobs that are started again from their records.
    pub fn with_secrets(self, secrets: Secrets) -> Dispatcher {
        Dispatcher { secrets, ..self }
    }

    /// Starts a script as a job, as [`Dispatcher::submit`] describes.
    fn try_submit(&self, submission: Submission<'_>) -> Result<Arc<JobMaster>, SubmitError> {
        let used = variables::Used::new(submission.variables);
        let compiled = self.compile(submission.script, submission.name, &|name| used.get(name))?;
        self.refuse_too_many(&submission)?;
        let claimed = match submission.origin {
            JobOrigin::Start if !submission.afresh => self.shared.records.claim(&compiled.name)?,
            _ => None,
        };
        // Without its record, it is unknown whether this job ran before.
        if submission.origin == JobOrigin::Start && !submission.afresh && claimed.is_none() {
            self.shared.records.refuse_unreadable()?;
        }

        let mut known = match claimed {
            None => Known::new(new_job_id()),
            Some(Claimed::Known(known)) => known,
            Some(Claimed::Replaced(record)) => {
                tracing::warn!(
                    job = compiled.name,
                    job_id = record.id,
                    by = record.name,
                    "this job was replaced: its replacement is started instead of the script given here; end it with \
                     `weir jobs cancel`, or ignore it with `weir up --afresh`"
                );
                let name = record.name.clone();
                return self.resume_one(record).map_err(|error| {
                    let why = error.in_a_line();
                    SubmitError::InPlace { name, why }
                });
            }
        };
        let started_from = submission.from.map(str::to_owned).or_else(|| known.started_from.clone());
        let restored = match submission.from {
            Some(location) => Some(read_savepoint(location).map_err(SubmitError::Checkpoints)?),
            None if known.is_new => None,
            None => self.newest(&compiled, &known)?,
        };
        if let Some(restored) = restored.as_ref().filter(|_| submission.from.is_some()) {
            known.follow(restored, self.shared.records.ancestors(&restored.manifest.job_id)?);
        }
        let record = self.record(&compiled, &known, &submission, used, started_from);
        self.start(compiled, &known, restored, record)
    }

    /// Starts submitted jobs again that had not ended with the last process, independently of each other.
    /// Jobs that cannot be started are listed as failed; the next process tries again.
    pub fn resume(&self) -> Result<(), RegistryError> {
        for record in self.shared.records.to_resume()? {
            let Some(id) = record.job_id() else { continue };
            let (name, submitted) = (record.name.clone(), types::Timestamp(record.submitted));
            if let Err(error) = self.resume_one(record) {
                submission::tell_failed(&name, &error);
                let why = error.in_a_line();
                tracing::error!(job_id = %id, error = why, "a job could not be started again");
                let times = (submitted, self.environment.clock.now());
                let view = JobView::bare(id, &name, times, crate::JobStatus::Failed).failed(&why);
                self.shared.jobs.lock().add_not_started(view);
            }
        }

        for Unreadable { path, job_id, reason } in self.shared.records.unreadable()? {
            tracing::error!(path = %path.display(), reason, "a job is not started because its record cannot be read");
            let Some(id) = job_id else { continue };
            let now = self.environment.clock.now();
            let why = format!("its record {} cannot be read: {reason}", path.display());
            let view = JobView::bare(id, "(unknown)", (now, now), crate::JobStatus::Failed).failed(&why);
            self.shared.jobs.lock().add_not_started(view);
        }
        Ok(())
    }

    /// Abandons a job that could not be started again, for good. Returns false if it is unknown.
    pub fn abandon(&self, id: JobId) -> bool {
        let record = self.shared.records.to_resume().into_iter().flatten().find(|of| of.job_id() == Some(id));
        let view = self.shared.jobs.lock().get_past(id);
        let (Some(record), Some(view)) = (record, view) else { return false };
        let times = (view.started, self.environment.clock.now());
        let view = JobView::bare(id, &record.name, times, crate::JobStatus::Canceled);
        self.shared.records.give_up(record, &view);
        self.shared.jobs.lock().add_past(view);
        true
    }

    fn resume_one(&self, record: JobRecord) -> Result<Arc<JobMaster>, SubmitError> {
        let id = record.job_id().expect("a record that was chosen has an id");
        let variables = |name: &str| record.variable(name, &*self.secrets);
        let compiled = self.compile(&record.script, &record.name, &variables)?;
        let known = Known::of(id, &record);
        let restored = self.newest(&compiled, &known)?;
        self.shared.records.take(&record);
        self.begin(compiled, &known, restored, record, First::Retried)
    }

    fn record(
        &self,
        compiled: &Compiled,
        known: &Known,
        submission: &Submission<'_>,
        used: variables::Used<'_>,
        started_from: Option<String>,
    ) -> JobRecord {
        let (variables, secrets) = used.sorted_for(submission.script);
        JobRecord {
            format: 0,
            id: known.id.to_string(),
            name: compiled.name.clone(),
            origin: submission.origin,
            fate: Fate::Running,
            script: submission.script.to_owned(),
            variables,
            secrets,
            submitted: self.environment.clock.now().0,
            checkpoints: compiled.checkpoints.as_ref().map(|options| options.directory.clone()),
            started_from,
            ancestors: known.ancestors.clone(),
            stands_for: None,
            has_checkpoints: known.has_checkpoints,
        }
    }

    /// Reports how a script would restore the state of a savepoint.
    pub fn dry_run(&self, submission: Submission<'_>, from: &str) -> Result<RestoreReport, SubmitError> {
        let compiled = self.compile(submission.script, submission.name, submission.variables)?;
        let restored = read_savepoint(from).map_err(SubmitError::Checkpoints)?;
        let reads = self.environment.reads(&compiled.plan).map_err(SubmitError::Script)?;
        RestoreReport::of(&compiled.plan, &restored.snapshot, &reads)
            .map_err(|error| SubmitError::Start(ExecutionError::from(error)))
    }

    fn compile(
        &self,
        script: &str,
        name: &str,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Compiled, SubmitError> {
        let plan = Arc::new(sql::compile(script, variables).map_err(SubmitError::Script)?);
        let name = plan.settings.name.clone().unwrap_or_else(|| name.to_owned());
        let defaults = self.environment.checkpoints.as_ref();
        let checkpoints = defaults.map(|defaults| CheckpointOptions::read(&plan.settings, defaults));
        let checkpoints = checkpoints.transpose().map_err(SubmitError::Script)?;
        let restart = RestartStrategy::read(&plan.settings).map_err(SubmitError::Script)?;
        Ok(Compiled { plan, name, checkpoints, restart })
    }

    /// Returns the checkpoint from which a recorded job restarts.
    fn newest(&self, compiled: &Compiled, known: &Known) -> Result<Option<Restored>, SubmitError> {
        let Some(options) = &compiled.checkpoints else { return Ok(None) };
        let newest =
            crate::checkpoint::newest(&options.directory, known.id).map_err(SubmitError::Checkpoints)?;
        match (newest, &known.started_from) {
            (None, _) if known.has_checkpoints => {
                Err(SubmitError::Checkpoints(DirectoryError::Gone { location: options.directory.clone() }))
            }
            (None, Some(location)) => read_savepoint(location).map(Some).map_err(SubmitError::Checkpoints),
            (newest, _) => Ok(newest),
        }
    }

    /// Starts a job and waits for its first attempt. A job that cannot be started is dropped with its record.
    fn start(
        &self,
        compiled: Compiled,
        known: &Known,
        restored: Option<Restored>,
        record: JobRecord,
    ) -> Result<Arc<JobMaster>, SubmitError> {
        if let Err(error) = self.shared.records.keep(&record) {
            self.give_back(known);
            return Err(SubmitError::Record(error));
        }
        let (reported, outcome) = bounded(1);
        let location = restored.as_ref().map(|restored| restored.location.clone());
        let master = self.begin(compiled, known, restored, record, First::Reported(reported))?;
        let (id, job) = (master.id(), master.name());
        let gone = || {
            let message = "it ended before the first attempt".to_owned();
            Err(StartError::Execution(ExecutionError::Panic {
                task: "the job's own thread".to_owned(),
                message,
            }))
        };

        if let Err(error) = outcome.recv().unwrap_or_else(|_| gone()) {
            self.shared.jobs.lock().remove(&master);
            self.give_back(known);
            return Err(SubmitError::from(error));
        }
        match location {
            Some(location) => tracing::info!(job_id = %id, job, location, "job running again from its state"),
            None => tracing::info!(job_id = %id, job, "job running"),
        }
        Ok(master)
    }

    /// Starts the thread of a job that has a record.
    fn begin(
        &self,
        compiled: Compiled,
        known: &Known,
        restored: Option<Restored>,
        record: JobRecord,
        first: First,
    ) -> Result<Arc<JobMaster>, SubmitError> {
        let Compiled { plan, name, checkpoints, restart } = compiled;
        // Readers must know the tables before the first row comes.
        let now = self.environment.clock.now();
        let declared = self.result_tables.declare(of_plan(&plan, (&name, known.id), now));
        self.shared.revive(known.id);
        let (shared, id) = (self.shared.clone(), known.id);
        let on_cancel = {
            let shared = shared.clone();
            Box::new(move || shared.records.cancelled(id))
        };
        let log = self.environment.logs.own().clone();
        if let Some(restored) = &restored {
            // This precedes the first attempt, which may have to wait for the job's sinks.
            let splits = restored.snapshot.pipelines.iter().flat_map(|pipeline| pipeline.splits());
            let needed: Vec<(&str, PartitionId, Offset)> = splits
                .map(|of| (of.split.topic.as_str(), PartitionId(of.split.partition), Offset(of.offset)))
                .collect();
            log.retain(&id.to_string(), &needed);
        }
        let on_checkpoint = {
            let shared = shared.clone();
            Box::new(move || shared.records.checkpointed(id))
        };

        let new = NewJob {
            id: known.id,
            name,
            script: record.script,
            plan,
            environment: self.environment.clone(),
            checkpoints,
            restart,
            restored,
            ran_before: !known.is_new,
            ancestors: known.ancestors.clone(),
            collector: None,
            first,
            on_cancel,
            on_checkpoint,
            on_end: Box::new(move |view| {
                if view.status.is_terminal() {
                    log.release(&id.to_string());
                }
                shared.ended(view);
            }),
        };
        let begun = JobMaster::begin(new).map_err(|error| {
            self.give_back(known);
            if known.is_new {
                self.result_tables.withdraw(declared);
            }
            SubmitError::from(error)
        });
        let master = begun?;
        self.shared.jobs.lock().add(master.clone());
        self.shared.forget();
        self.forget_result_tables();
        Ok(master)
    }

    /// Undoes the preparation of a job that was not started.
    fn give_back(&self, known: &Known) {
        if known.is_new {
            self.shared.records.withdraw(known.id);
        } else {
            self.shared.records.release(known.id);
        }
    }

    /// Returns the jobs of this process in the order of submission; of ended jobs only the newest.
    pub fn jobs(&self) -> Vec<Arc<JobMaster>> {
        self.shared.jobs.lock().all()
    }

    /// Returns a job of this process.
    pub fn job(&self, id: JobId) -> Option<Arc<JobMaster>> {
        self.shared.jobs.lock().get(id)
    }

    /// Returns views of all known jobs; jobs that ended before this process come first.
    pub fn views(&self) -> Vec<JobView> {
        let (past, jobs) = self.shared.jobs.lock().with_past();
        past.iter().map(|view| (**view).clone()).chain(jobs.iter().map(|job| job.view())).collect()
    }

    /// Returns a view of a job, which may have ended before this process.
    pub fn view(&self, id: JobId) -> Option<JobView> {
        let (job, past) = {
            let jobs = self.shared.jobs.lock();
            (jobs.get(id), jobs.get_past(id))
        };
        job.map(|job| job.view()).or_else(|| past.map(|view| (*view).clone()))
    }

    /// Suspends all jobs, which have `at_most` to save their state and results. Returns whether all ended.
    pub fn shut_down(&self, at_most: Duration) -> bool {
        let jobs = self.jobs();
        jobs.iter().for_each(|job| job.suspend());
        let clock = &self.environment.clock;
        let wait = |job: &Arc<JobMaster>, until: Duration| job.wait(until.saturating_sub(clock.elapsed()));
        let until = clock.elapsed() + at_most;
        let late: Vec<Arc<JobMaster>> = jobs.into_iter().filter(|job| !wait(job, until)).collect();
        // Several hanging jobs together get no more time than one.
        late.iter().for_each(|job| job.give_up());
        let until = clock.elapsed() + LAST_GRACE;
        let ended = late.iter().filter(|job| wait(job, until)).count();
        ended == late.len()
    }
}
