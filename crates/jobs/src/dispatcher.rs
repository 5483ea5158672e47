//! The dispatcher: takes scripts, starts jobs, and knows them all.

mod query;
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connectors::dead_letter::{Reader, Shelf};
use engine::execution::ExecutionError;
use engine::snapshot::RestoreReport;
use parking_lot::Mutex;
use sql::error::{Diagnostic, Severity};
use sql::plan::Plan;
use types::{ErrorDomain, JobId};

use crate::checkpoint::{CheckpointOptions, DirectoryError, Restored, read_savepoint};
use crate::environment::Environment;
use crate::id::new_job_id;
use crate::master::{JobMaster, NewJob, StartError, with_causes};
use crate::registry::{Fate, JobRecord, Origin, RegistryError};
use crate::restart::RestartStrategy;
use crate::status::JobStatus;

pub use query::QueryJob;
use records::{Known, Records};

/// Jobs that are over are remembered, this many at most.
const REMEMBERED: usize = 50;
/// Of queries, fewer: there may be one for each look at a table, and they say little once they are over.
const QUERIES_REMEMBERED: usize = 10;
/// How long a job may go on that was told to give up waiting.
const LAST_GRACE: Duration = Duration::from_secs(2);

pub struct Dispatcher {
    environment: Environment,
    records: Records,
    /// In the order of submission.
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    next: u64,
    by_number: BTreeMap<u64, Arc<JobMaster>>,
}

/// A script that is to run as a job.
#[derive(Clone, Copy)]
pub struct Submission<'a> {
    pub script: &'a str,
    /// The job's, where the script does not set `pipeline.name`.
    pub name: &'a str,
    /// Fills `${NAME}`.
    pub variables: &'a dyn Fn(&str) -> Option<String>,
    pub origin: Origin,
    /// The savepoint or checkpoint to start from.
    pub from: Option<&'a str>,
    /// What is known of a job of this name from before is left aside.
    pub afresh: bool,
}

/// Why a script was not started.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// With every finding; their places are in the script as it was given.
    #[error("the script has {} error(s)", .0.iter().filter(|d| d.severity == Severity::Error).count())]
    Script(Vec<Diagnostic>),
    #[error("the job cannot start: {}", with_causes(.0))]
    Start(ExecutionError),
    #[error("the job cannot start: a thread could not be started")]
    Thread(#[source] std::io::Error),
    #[error("the job cannot start: {}", with_causes(.0))]
    Checkpoints(DirectoryError),
    #[error("the job cannot be put on record")]
    Record(#[from] RegistryError),
}

impl SubmitError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            SubmitError::Script(_) => ErrorDomain::User,
            SubmitError::Start(error) => error.domain(),
            SubmitError::Thread(_) | SubmitError::Record(_) => ErrorDomain::External,
            SubmitError::Checkpoints(error) => error.domain(),
        }
    }
}

impl From<StartError> for SubmitError {
    fn from(error: StartError) -> SubmitError {
        match error {
            StartError::Options(wrong) => SubmitError::Script(wrong),
            StartError::Execution(error) => SubmitError::Start(error),
            StartError::Checkpoints(error) => SubmitError::Checkpoints(error),
            StartError::Thread(error) => SubmitError::Thread(error),
        }
    }
}

/// A plan and what its script says of running it.
struct Compiled {
    plan: Arc<Plan>,
    name: String,
    checkpoints: Option<CheckpointOptions>,
    restart: RestartStrategy,
}

impl Dispatcher {
    pub fn new(environment: Environment) -> Dispatcher {
        let records = Records::new(environment.registry.clone());
        Dispatcher { environment, records, jobs: Mutex::default() }
    }

    /// Compiles a script and starts it as one job.
    ///
    /// A job that is started with Weir and was there before under this name goes on under its id, from its newest
    /// checkpoint, however it ended.
    pub fn submit(&self, submission: Submission<'_>) -> Result<Arc<JobMaster>, SubmitError> {
        let used = records::Used::new(submission.variables);
        let compiled = self.compile(submission.script, submission.name, &|name| used.get(name))?;
        let known = match submission.origin {
            Origin::Start if !submission.afresh => self.records.claim(&compiled.name)?,
            _ => None,
        };
        let new = || Known { id: new_job_id(), started_from: None, ancestors: Vec::new(), is_new: true };
        let mut known = known.unwrap_or_else(new);
        let started_from = submission.from.map(str::to_owned).or_else(|| known.started_from.clone());
        let restored = match submission.from {
            Some(location) => Some(read_savepoint(location).map_err(SubmitError::Checkpoints)?),
            None if known.is_new => None,
            None => self.newest(&compiled, &known)?,
        };
        if let Some(restored) = restored.as_ref().filter(|_| submission.from.is_some()) {
            known.follow(restored, self.records.ancestors(&restored.manifest.job_id)?);
        }
        let record = JobRecord {
            format: 0,
            id: known.id.to_string(),
            name: compiled.name.clone(),
            origin: submission.origin,
            fate: Fate::Running,
            script: submission.script.to_owned(),
            variables: used.into_all(),
            submitted: self.environment.clock.now().0,
            checkpoints: compiled.checkpoints.as_ref().map(|options| options.directory.clone()),
            started_from,
            ancestors: known.ancestors.clone(),
        };
        self.start(compiled, &known, submission.script, restored, record)
    }

    /// Starts the jobs again that came in while Weir was up before, and were not over when it ended. Those that cannot be
    /// started are named in the log, and stay on record.
    pub fn resume(&self) -> Result<(), RegistryError> {
        for record in self.records.to_resume()? {
            let id = record.id.clone();
            if let Err(error) = self.resume_one(record) {
                tracing::error!(job_id = id, error = %with_causes(&error), "a job could not be started again");
            }
        }
        Ok(())
    }

    fn resume_one(&self, record: JobRecord) -> Result<(), SubmitError> {
        let Ok(id) = record.id.parse::<JobId>() else { return Ok(()) };
        let variables = |name: &str| record.variables.get(name).cloned();
        let compiled = self.compile(&record.script, &record.name, &variables)?;
        let known = Known::of(id, &record);
        let restored = self.newest(&compiled, &known)?;
        let script = record.script.clone();
        self.start(compiled, &known, &script, restored, record).map(|_| ())
    }

    /// What would become of a savepoint's state in a script.
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

    /// What a job of before goes on from.
    fn newest(&self, compiled: &Compiled, known: &Known) -> Result<Option<Restored>, SubmitError> {
        let Some(options) = &compiled.checkpoints else { return Ok(None) };
        let newest =
            crate::checkpoint::newest(&options.directory, known.id).map_err(SubmitError::Checkpoints)?;
        match (newest, &known.started_from) {
            (None, Some(location)) => read_savepoint(location).map(Some).map_err(SubmitError::Checkpoints),
            (newest, _) => Ok(newest),
        }
    }

    fn start(
        &self,
        compiled: Compiled,
        known: &Known,
        script: &str,
        restored: Option<Restored>,
        record: JobRecord,
    ) -> Result<Arc<JobMaster>, SubmitError> {
        let Compiled { plan, name, checkpoints, restart } = compiled;
        let id = known.id;
        let location = restored.as_ref().map(|restored| restored.location.clone());
        self.records.keep(&record)?;
        let new = NewJob {
            id,
            name: name.clone(),
            script: script.to_owned(),
            plan,
            environment: self.environment.clone(),
            checkpoints,
            restart,
            restored,
            ran_before: !known.is_new,
            ancestors: known.ancestors.clone(),
            collector: None,
            on_end: self.records.on_end(record),
        };
        let master = JobMaster::start(new).map_err(|error| {
            self.records.release(id);
            SubmitError::from(error)
        })?;
        match location {
            Some(location) => {
                tracing::info!(job_id = %id, job = %name, location, "job running, from where it stood")
            }
            None => tracing::info!(job_id = %id, job = %name, "job running"),
        }
        self.enlist(&master);
        Ok(master)
    }

    /// From now on the job is known.
    fn enlist(&self, master: &Arc<JobMaster>) {
        let mut jobs = self.jobs.lock();
        let number = jobs.next;
        jobs.next += 1;
        jobs.by_number.insert(number, master.clone());
        let forgotten = jobs.forget();
        drop(jobs);
        self.records.forget(&forgotten);
    }

    /// What holds where a script says nothing of checkpoints.
    pub fn checkpoint_defaults(&self) -> Option<&CheckpointOptions> {
        self.environment.checkpoints.as_ref()
    }

    /// All jobs known, in the order of submission.
    pub fn jobs(&self) -> Vec<Arc<JobMaster>> {
        self.jobs.lock().by_number.values().cloned().collect()
    }

    pub fn job(&self, id: JobId) -> Option<Arc<JobMaster>> {
        // One that was started again under its id comes later.
        self.jobs.lock().by_number.values().rev().find(|job| job.id() == id).cloned()
    }

    /// The letters of records that no job could count.
    pub fn dead_letters(&self) -> Shelf {
        let jobs = self.jobs().into_iter().filter(|job| !job.status().is_terminal());
        let readers = jobs.map(|job| Reader {
            id: job.id().to_string(),
            name: job.name().to_owned(),
            ancestors: job.ancestors().to_vec(),
            reads: self.reads_any(job.plan()),
        });
        Shelf::new(self.environment.logs.own().clone(), readers.collect())
    }

    /// Whether a plan reads a topic.
    fn reads_any(&self, plan: &Plan) -> Arc<dyn Fn(&str) -> bool + Send + Sync> {
        let reads = self.environment.reads(plan).unwrap_or_default();
        Arc::new(move |topic| reads.iter().any(|of| (of.includes)(topic)))
    }

    /// Whether no job has failed.
    pub fn is_healthy(&self) -> bool {
        self.jobs.lock().by_number.values().all(|job| job.is_query() || job.status() != JobStatus::Failed)
    }

    /// Ends all jobs: each keeps its state first, and what it writes to is given this long to take what it has. Tells
    /// whether all ended.
    pub fn shut_down(&self, at_most: Duration) -> bool {
        let jobs = self.jobs();
        jobs.iter().for_each(|job| job.suspend());
        let until = self.environment.clock.elapsed() + at_most;
        let mut all = true;
        for job in jobs {
            let left = until.saturating_sub(self.environment.clock.elapsed());
            if !job.wait(left) {
                job.give_up();
                all &= job.wait(LAST_GRACE);
            }
        }
        all
    }
}

impl Jobs {
    /// Drops the oldest jobs that are over.
    fn forget(&mut self) -> Vec<JobId> {
        let over = self.by_number.iter().filter(|(_, job)| job.status().is_terminal());
        let over = over.map(|(&number, job)| (number, job.id(), job.is_query()));
        let (queries, others): (Vec<_>, Vec<_>) = over.partition(|(_, _, is_query)| *is_query);
        let oldest = |of: &[(u64, JobId, bool)], kept: usize| of[..of.len().saturating_sub(kept)].to_vec();
        let forgotten = [oldest(&queries, QUERIES_REMEMBERED), oldest(&others, REMEMBERED)].concat();
        for (number, ..) in &forgotten {
            self.by_number.remove(number);
        }
        forgotten.iter().map(|(_, id, _)| *id).collect()
    }
}
