//! A script that comes in to run as a job, and why it does not.

use std::sync::Arc;

use engine::execution::ExecutionError;
use sql::error::{Diagnostic, Severity};
use types::ErrorDomain;

use super::Dispatcher;
use crate::checkpoint::DirectoryError;
use crate::master::{JobMaster, StartError, with_causes};
use crate::registry::{Origin, RegistryError};

/// Gives the value of a variable that a job's record only names.
pub type Secrets = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

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
    #[error("the job cannot be put on record: {}", with_causes(.0))]
    Record(RegistryError),
    #[error(
        "the job's record may be {}, which cannot be read ({reason}): put it back from a copy, or begin without what is \
         known (`weir up --afresh`)", path.display()
    )]
    Unreadable { path: std::path::PathBuf, reason: String },
    /// A job more could keep those that run from opening their files.
    #[error(
        "{running} jobs run, and this process may open the files of {most}: cancel one, or raise the limit of open files \
         (`ulimit -n`, LimitNOFILE=) and start Weir again"
    )]
    TooMany { running: usize, most: usize },
    /// What came in the place of a job that is started with Weir is not started.
    #[error(
        "the job `{name}`, which came in the place of this one, cannot start: {why}; `weir up --afresh` leaves it aside"
    )]
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
    /// What is wrong, in one line.
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
    /// Fails where a submitted job would be one too many for the file handles of this process. Scripts that are started with
    /// Weir and jobs that go on are not refused: the need of a job is an upper bound, and they may have run like this for
    /// long.
    pub(super) fn refuse_too_many(&self, submission: &Submission<'_>) -> Result<(), SubmitError> {
        let Some(most) = self.environment.defaults.jobs_max else { return Ok(()) };
        let runs = |job: &Arc<JobMaster>| !job.is_query() && !job.status().is_terminal();
        let running = self.jobs().iter().filter(|job| runs(job)).count();
        match submission.origin == Origin::Submitted && running >= most {
            true => Err(SubmitError::TooMany { running, most }),
            false => Ok(()),
        }
    }
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
