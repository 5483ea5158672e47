//! The dispatcher: takes scripts, starts jobs, and knows them all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::execution::ExecutionError;
use parking_lot::Mutex;
use sql::error::{Diagnostic, Severity};
use types::{ErrorDomain, JobId};

use crate::environment::{Environment, WiringError};
use crate::id::new_job_id;
use crate::master::{JobMaster, with_causes};
use crate::status::JobStatus;

/// Jobs that are over are remembered, this many at most.
const REMEMBERED: usize = 50;

pub struct Dispatcher {
    environment: Environment,
    /// In the order of submission.
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    next: u64,
    by_number: BTreeMap<u64, Arc<JobMaster>>,
}

/// Why a script was not started.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// With every finding; their places are in the script as it was given.
    #[error("the script has {} error(s)", .0.iter().filter(|d| d.severity == Severity::Error).count())]
    Script(Vec<Diagnostic>),
    #[error("the job cannot start: {}", with_causes(.0))]
    Start(#[source] ExecutionError),
    #[error("the job cannot start: a thread could not be started")]
    Thread(#[source] std::io::Error),
}

impl SubmitError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            SubmitError::Script(_) => ErrorDomain::User,
            SubmitError::Start(error) => error.domain(),
            SubmitError::Thread(_) => ErrorDomain::External,
        }
    }
}

impl Dispatcher {
    pub fn new(environment: Environment) -> Dispatcher {
        Dispatcher { environment, jobs: Mutex::default() }
    }

    /// Compiles a script and starts it as one job. `name`: the job's, where the script does not set `pipeline.name`.
    /// `variables` fills `${NAME}`.
    pub fn submit(
        &self,
        script: &str,
        name: &str,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<JobMaster>, SubmitError> {
        let plan = Arc::new(sql::compile(script, variables).map_err(SubmitError::Script)?);
        let name = plan.settings.name.clone().unwrap_or_else(|| name.to_owned());
        let spec = self.environment.wire(plan, &name).map_err(|error| match error {
            WiringError::Options(diagnostics) => SubmitError::Script(diagnostics),
            WiringError::Thread(error) => SubmitError::Thread(error),
        })?;
        let id = new_job_id();
        let master =
            JobMaster::start(id, name.clone(), script.to_owned(), spec).map_err(SubmitError::Start)?;
        tracing::info!(job_id = %id, job = %name, "job running");
        let mut jobs = self.jobs.lock();
        let number = jobs.next;
        jobs.next += 1;
        jobs.by_number.insert(number, master.clone());
        jobs.forget();
        Ok(master)
    }

    /// All jobs known, in the order of submission.
    pub fn jobs(&self) -> Vec<Arc<JobMaster>> {
        self.jobs.lock().by_number.values().cloned().collect()
    }

    pub fn job(&self, id: JobId) -> Option<Arc<JobMaster>> {
        self.jobs.lock().by_number.values().find(|job| job.id() == id).cloned()
    }

    /// Whether no job has failed.
    pub fn is_healthy(&self) -> bool {
        self.jobs.lock().by_number.values().all(|job| job.status() != JobStatus::Failed)
    }

    /// Ends all jobs and waits for them, each at most this long; tells whether all ended.
    pub fn shut_down(&self, at_most: Duration) -> bool {
        let jobs = self.jobs();
        jobs.iter().for_each(|job| {
            job.cancel();
        });
        jobs.iter().all(|job| job.wait(at_most))
    }
}

impl Jobs {
    /// Drops the oldest jobs that are over.
    fn forget(&mut self) {
        let over: Vec<u64> = self
            .by_number
            .iter()
            .filter(|(_, job)| job.status().is_terminal())
            .map(|(&number, _)| number)
            .collect();
        for number in over.iter().take(over.len().saturating_sub(REMEMBERED)) {
            self.by_number.remove(number);
        }
    }
}
