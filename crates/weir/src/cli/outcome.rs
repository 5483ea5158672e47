//! How a command ends: the exit codes of `weir --help`.

use std::fmt;
use std::io;
use std::process::ExitCode;

use types::ErrorDomain;

/// A command that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0
    Done,
    /// 1: the answer is no, and has been printed.
    No,
}

/// A command that could not.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: anyhow::Error,
    /// Nobody reads what is written any more, as behind `| head`: that is how a command ends, and nothing to tell of.
    is_quiet: bool,
}

impl Outcome {
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::No => ExitCode::from(1),
        }
    }
}

impl Failure {
    /// What was asked for failed: code 1.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Failure {
        Failure { code: 1, error: error.into(), is_quiet: false }
    }

    /// The command line or the configuration is wrong: code 2.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Failure {
        Failure { code: 2, error: error.into(), is_quiet: false }
    }

    /// Something outside cannot be reached: code 3.
    pub(crate) fn external(error: impl Into<anyhow::Error>) -> Failure {
        Failure { code: 3, error: error.into(), is_quiet: false }
    }

    /// Results could not be written: code 1, or 0 and silence where nobody reads them any more.
    pub(crate) fn writing(to: impl fmt::Display, error: io::Error) -> Failure {
        let is_quiet = error.kind() == io::ErrorKind::BrokenPipe;
        let error = anyhow::Error::new(error).context(format!("writing to {to}"));
        Failure { code: u8::from(!is_quiet), error, is_quiet }
    }

    /// Whether somebody should be told.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// An error that knows who has to act on it.
    pub(crate) fn of(domain: ErrorDomain, error: impl Into<anyhow::Error>) -> Failure {
        match domain {
            ErrorDomain::User | ErrorDomain::Internal => Failure::failed(error),
            ErrorDomain::External => Failure::external(error),
        }
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// The error and its causes, each once.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}
