//! Long operations. A trigger id, which a client may choose itself, identifies each.
//!
//! A repeated request with the same id starts nothing. Outcomes are kept for as long as Flink keeps them.

use std::collections::BTreeMap;
use std::time::Duration;

use jobs::SavepointError;
use parking_lot::Mutex;
use types::{JobId, with_causes};

/// Time for which an outcome is kept.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// Maximum of known operations.
const KNOWN: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Savepoint of a job, which also ends the job if so requested.
    Savepoint,
    Checkpoint,
    Disposal,
}

/// Identifies an operation. A disposal has no job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: Kind,
    pub(super) job: Option<JobId>,
    pub(super) trigger: JobId,
}

/// Outcome of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    /// Location of the savepoint.
    Savepoint(String),
    Checkpoint(u64),
    Disposed,
    /// A Java exception that Flink would have thrown, and its message.
    Failed {
        class: &'static str,
        message: String,
    },
}

#[derive(Debug)]
enum TriggerState {
    Running,
    Over { at: Duration, done: Done },
}

#[derive(Debug, Default)]
pub(super) struct Operations(Mutex<BTreeMap<Key, TriggerState>>);

/// Outcome of beginning an operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begun {
    Now,
    Before,
    /// Too many operations are known.
    TooMany,
}

impl Operations {
    pub(super) fn begin(&self, key: Key, now: Duration) -> Begun {
        let mut known = self.0.lock();
        known.retain(|_, state| match state {
            TriggerState::Running => true,
            TriggerState::Over { at, .. } => now.saturating_sub(*at) < KEPT,
        });
        if known.contains_key(&key) {
            return Begun::Before;
        }
        if known.len() >= KNOWN {
            return Begun::TooMany;
        }
        known.insert(key, TriggerState::Running);
        Begun::Now
    }

    pub(super) fn end(&self, key: Key, now: Duration, done: Done) {
        self.0.lock().insert(key, TriggerState::Over { at: now, done });
    }

    /// Returns `None` for an unknown operation, and `Some(None)` while it runs.
    pub(super) fn progress(&self, key: Key) -> Option<Option<Done>> {
        match self.0.lock().get(&key)? {
            TriggerState::Running => Some(None),
            TriggerState::Over { done, .. } => Some(Some(done.clone())),
        }
    }
}

/// Returns the outcome for a job that does not exist, or no longer.
pub(super) fn no_job(job: JobId) -> Done {
    Done::Failed {
        class: "org.apache.flink.runtime.messages.FlinkJobNotFoundException",
        message: format!("Could not find Flink job ({job})"),
    }
}

pub(super) fn no_directory(location: &str, why: &str) -> Done {
    checkpoint_failure(format!("{IO_PROBLEM} Failed to create savepoint directory at {location}: {why}"))
}

const IO_PROBLEM: &str = "An Exception occurred while triggering the checkpoint. IO-problem detected.";

fn checkpoint_failure(message: String) -> Done {
    Done::Failed { class: "org.apache.flink.runtime.checkpoint.CheckpointException", message }
}

/// Returns the outcome of a failed savepoint or checkpoint, in Flink's words where it has some.
pub(super) fn failure(error: &SavepointError) -> Done {
    let text = with_causes(error);
    let message = match error {
        SavepointError::Ended => "Not all required tasks are currently running.".to_owned(),
        SavepointError::Busy => format!("The maximum number of queued checkpoint requests exceeded: {text}"),
        SavepointError::Snapshot(engine::execution::CheckpointError::TimedOut) => {
            "Checkpoint expired before completing.".to_owned()
        }
        SavepointError::Files(_) => format!("{IO_PROBLEM} Failed to write the savepoint: {text}"),
        SavepointError::Nowhere | SavepointError::NoCheckpoints | SavepointError::Snapshot(_) => text,
    };
    checkpoint_failure(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(trigger: u128) -> Key {
        Key { kind: Kind::Savepoint, job: Some(JobId(1)), trigger: JobId(trigger) }
    }

    #[test]
    fn what_was_begun_is_not_begun_again_until_it_is_forgotten() {
        let operations = Operations::default();
        let second = Duration::from_secs(1);
        assert_eq!(operations.begin(key(7), second), Begun::Now);
        assert_eq!(operations.begin(key(7), second), Begun::Before);
        assert_eq!(operations.progress(key(7)), Some(None));
        operations.end(key(7), second, Done::Checkpoint(3));
        assert_eq!(operations.begin(key(7), KEPT), Begun::Before);
        assert_eq!(operations.progress(key(7)), Some(Some(Done::Checkpoint(3))));
        assert_eq!(operations.progress(Key { kind: Kind::Checkpoint, ..key(7) }), None);
        assert_eq!(operations.begin(key(7), KEPT + second), Begun::Now, "it was forgotten");
    }

    #[test]
    fn there_is_an_end_to_what_is_known() {
        let operations = Operations::default();
        for trigger in 0..KNOWN as u128 {
            assert_eq!(operations.begin(key(trigger), Duration::ZERO), Begun::Now);
        }
        assert_eq!(operations.begin(key(KNOWN as u128), Duration::ZERO), Begun::TooMany);
        operations.end(key(0), Duration::ZERO, Done::Disposed);
        assert_eq!(operations.begin(key(KNOWN as u128), KEPT), Begun::Now);
    }
}
