//! What a job is asked from outside, and what its thread answers.

use crossbeam_channel::Sender;

use super::SavepointError;

/// What a job is asked from outside.
pub(crate) enum Request {
    /// Somebody cancelled it.
    Cancel,
    /// To write its state somewhere.
    Savepoint { to: Destination, then: Sequel, done: Sender<Result<String, SavepointError>> },
    /// To write a checkpoint now.
    Checkpoint { done: Sender<Result<u64, SavepointError>> },
    /// To write a checkpoint if it writes any, and to end without being over: the process ends.
    Suspend,
}

/// Where a savepoint goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Where savepoints go, under a name of its own.
    Usual,
    /// Below this directory, under a name of its own.
    Below(String),
    /// Under this name in this directory.
    As { directory: String, name: String },
}

/// What a job does once its savepoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequel {
    GoOn,
    /// Ends as it is; who starts from the savepoint goes on with its open windows.
    Stop,
    /// Closes all windows, writes their results and ends.
    Drain,
    /// Ends as it is, and counts as cancelled.
    Cancel,
}

impl Request {
    /// Answers whoever waits that the job is not there for it.
    pub fn refuse(self) {
        match self {
            Request::Savepoint { done, .. } => drop(done.send(Err(SavepointError::Ended))),
            Request::Checkpoint { done } => drop(done.send(Err(SavepointError::Ended))),
            Request::Cancel | Request::Suspend => {}
        }
    }
}
