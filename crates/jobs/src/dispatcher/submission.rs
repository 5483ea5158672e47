//! A script that is submitted as a job, and the reasons for which it cannot start.

use std::sync::Arc;

use engine::execution::ExecutionError;
use sql::error::{Diagnostic, Severity};
use types::{ErrorDomain, with_causes};

use super::Dispatcher;
use crate::checkpoint::DirectoryError;
use crate::master::{JobMaster, StartError};
use crate::registry::{JobOrigin, RegistryError};

/// Returns the value of a variable of which the job's record contains only the name.
pub type Secrets = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A script to run as a job.
#[derive(Clone, Copy)]
pub struct Submission<'a> {
    pub script: &'a str,
    /// The name of the job if the script does not set `pipeline.name`.
    pub name: &'a str,
    /// Returns the values for `${NAME}`.
    pub variables: &'a dyn Fn(&str) -> Option<String>,
    pub origin: JobOrigin,
    /// The savepoint or checkpoint to start from.
    pub from: Option<&'a str>,
    /// Ignores the records of an earlier job with this name.
    pub afresh: bool,
}

/// The reason for which a script was not started.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Contains all findings; their positions refer to the original script.
    #[error("the script has {} error(s)", .0.iter().filter(|d| d.severity == Severity::Error).count())]
    Script(Vec<Diagnostic>),
    #[error("the job cannot start: {}", with_causes(.0))]
    Start(ExecutionError),
    #[error("the job cannot start: a thread could not be started")]
    Thread(#[source] std::io::Error),
    #[error("the job cannot start: {}", with_causes(.0))]
    Checkpoints(DirectoryError),
    #[error("the job cannot be recorded: {}", with_causes(.0))]
    Record(RegistryError),
    #[error(
        "the file {} may be the job's record, but it cannot be read ({reason}): restore it from a copy, or begin \
         without state (`weir up --afresh`)", path.display()
    )]
    Unreadable { path: std::path::PathBuf, reason: String },
    /// One more job could leave the running jobs without file handles.
    #[error(
        "{running} jobs run, and the limit of open files allows {most}: cancel one, or raise the limit \
         (`ulimit -n`, LimitNOFILE=) and start Weir again"
    )]
    TooMany { running: usize, most: usize },
    /// The replacement of a job that starts with Weir cannot be started.
    #[error("the job `{name}`, which replaced this one, cannot start: {why}; `weir up --afresh` ignores it")]
    InPlace { name: String, why: String },
}

impl SubmitError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            SubmitError::Script(_) | SubmitError::InPlace { .. } => ErrorDomain::User,
            SubmitError::Start(error) => error.domain(),
            SubmitError::Thread(_)
            | SubmitError::Record(_)
            | SubmitError::Unreadable { .. }
            | SubmitError::TooMany { .. } => ErrorDomain::External,
            SubmitError::Checkpoints(error) => error.domain(),
        }
    }
}

impl SubmitError {
    /// Returns what the operator can do.
    fn remedy(&self) -> &'static str {
        match (self, self.domain()) {
            (SubmitError::Script(_), _) => "correct the script: `weir check` marks each error at its place",
            (SubmitError::Checkpoints(_), _) => {
                "restore the files from a copy, or start from a savepoint (`weir run --from`)"
            }
            (SubmitError::Record(_), _) => "the data directory must be writable and have free space",
            (_, ErrorDomain::User) => "correct what the message names, then submit the job again",
            (_, ErrorDomain::External) => {
                "when the system that the message names works, submit the job again"
            }
            (_, ErrorDomain::Internal) => "this is a defect of Weir: report it with this log",
        }
    }

    /// Describes the error in one line.
    pub(super) fn in_a_line(&self) -> String {
        let mut text = self.to_string();
        if let SubmitError::Script(findings) = self {
            let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
            errors.for_each(|finding| text.push_str(&format!("; {}", finding.message)));
        }
        text
    }
}

impl Dispatcher {
    /// Compiles a script and starts it as one job; returns after the first attempt to start it. Logs the outcome.
    ///
    /// A job that starts with Weir and has a record with this name continues under its id from its newest
    /// checkpoint, however it ended. If it was replaced meanwhile, its replacement is started instead.
    pub fn submit(&self, submission: Submission<'_>) -> Result<Arc<JobMaster>, SubmitError> {
        let submitted = self.try_submit(submission);
        match &submitted {
            Ok(job) => tell_submitted(job),
            Err(error) => tell_failed(submission.name, error),
        }
        submitted
    }

    /// Fails if this process has too few file handles for another submitted job. Scripts that start with Weir
    /// and jobs that continue are never refused: the calculated need is an upper bound, and they may have run
    /// like this for long.
    pub(super) fn refuse_too_many(&self, submission: &Submission<'_>) -> Result<(), SubmitError> {
        let Some(most) = self.environment.defaults.jobs_max else { return Ok(()) };
        let runs = |job: &Arc<JobMaster>| !job.is_query() && !job.status().is_terminal();
        let running = self.jobs().iter().filter(|job| runs(job)).count();
        match submission.origin == JobOrigin::Submitted && running >= most {
            true => Err(SubmitError::TooMany { running, most }),
            false => Ok(()),
        }
    }
}

/// Logs that a job was submitted. Scripts search logs for the first three words, a line of the programs that Weir
/// replaces.
pub(super) fn tell_submitted(job: &JobMaster) {
    let (id, name) = (job.id(), job.name());
    tracing::info!(job_id = %id, job = name, "Job submitted successfully: `{name}` with the id {id}");
}

/// Logs that a job was not submitted, with the same purpose.
pub(super) fn tell_failed(job: &str, error: &SubmitError) {
    let (why, remedy) = (error.in_a_line(), error.remedy());
    tracing::error!(job, "Failed to submit job `{job}`: {why}; {remedy}");
}

impl From<RegistryError> for SubmitError {
    fn from(error: RegistryError) -> SubmitError {
        SubmitError::Record(error)
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
