//! Requests to a running job.

use crossbeam_channel::Sender;

use super::SavepointError;

/// A request to a running job.
pub(crate) enum Request {
    /// Cancels the job.
    Cancel,
    /// Writes the state of the job to some place.
    Savepoint { to: Destination, then: Sequel, done: Sender<Result<String, SavepointError>> },
    /// Writes a checkpoint now.
    Checkpoint { done: Sender<Result<u64, SavepointError>> },
    /// Writes a checkpoint, if the job takes any, and stops without being finished, because the process ends.
    Suspend,
}

/// The destination of a savepoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The default directory, with a new name.
    Usual,
    /// Below this directory, with a new name.
    Below(String),
    /// In this directory, with this name.
    As { directory: String, name: String },
}

/// The action of a job after its savepoint was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequel {
    GoOn,
    /// Stops as it is; a job that starts from the savepoint continues with the open windows.
    Stop,
    /// Closes all windows, writes their results and ends.
    Drain,
    /// Ends as it is, as cancelled.
    Cancel,
}

impl Request {
    /// Tells the waiting caller that the job has ended.
    pub fn refuse(self) {
        match self {
            Request::Savepoint { done, .. } => drop(done.send(Err(SavepointError::Ended))),
            Request::Checkpoint { done } => drop(done.send(Err(SavepointError::Ended))),
            Request::Cancel | Request::Suspend => {}
        }
    }
}
