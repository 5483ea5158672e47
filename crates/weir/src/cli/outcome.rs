//! The outcomes of a command: the exit codes of `weir --help`.

use std::fmt;
use std::io;
use std::process::ExitCode;

use types::ErrorDomain;

/// The outcome of a command that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0
    Done,
    /// 1: the answer is no, and has been printed.
    No,
}

/// The error of a command that could not run.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: anyhow::Error,
    /// The reader of the output is gone, as behind `| head`. The command then ends silently.
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
    /// The operation failed: code 1.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Failure {
        Failure { code: 1, error: error.into(), is_quiet: false }
    }

    /// The command line or the configuration is wrong: code 2.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Failure {
        Failure { code: 2, error: error.into(), is_quiet: false }
    }

    /// An external system is unreachable: code 3.
    pub(crate) fn external(error: impl Into<anyhow::Error>) -> Failure {
        Failure { code: 3, error: error.into(), is_quiet: false }
    }

    /// Results could not be written: code 1, or 0 and silence where the reader is gone.
    pub(crate) fn writing(to: impl fmt::Display, error: io::Error) -> Failure {
        let is_quiet = error.kind() == io::ErrorKind::BrokenPipe;
        let error = anyhow::Error::new(error).context(format!("writing to {to}"));
        Failure { code: u8::from(!is_quiet), error, is_quiet }
    }

    /// Returns whether the error needs no message.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Returns the failure of an error with this domain.
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

/// Formats the error and its causes, each once.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}
