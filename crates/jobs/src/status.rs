//! The states of a job and the transitions between them, as in Flink's `JobStatus`: a pure table.
//!
//! The transitions are those of Flink 2: of its execution graph from `CREATED` on, of its scheduler's
//! restarts, and of its dispatcher before there is a graph. `RECONCILING` exists only as a name; no
//! transition leads to it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// The state of a job, with Flink's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobStatus {
    Initializing,
    Created,
    Running,
    Failing,
    Failed,
    Cancelling,
    Canceled,
    Finished,
    Restarting,
    Suspended,
    Reconciling,
}

/// A transition that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot become {to}")]
pub struct InvalidTransition {
    pub from: JobStatus,
    pub to: JobStatus,
}

/// The current state of a job, and the time at which it entered each state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Entered", into = "Entered")]
pub struct StatusHistory {
    current: JobStatus,
    entered: [Option<Timestamp>; JobStatus::ALL.len()],
}

/// The written form of a [`StatusHistory`]: by name, in milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct Entered {
    current: JobStatus,
    entered_ms: BTreeMap<JobStatus, i64>,
}

impl JobStatus {
    pub const ALL: [JobStatus; 11] = [
        JobStatus::Initializing,
        JobStatus::Created,
        JobStatus::Running,
        JobStatus::Failing,
        JobStatus::Failed,
        JobStatus::Cancelling,
        JobStatus::Canceled,
        JobStatus::Finished,
        JobStatus::Restarting,
        JobStatus::Suspended,
        JobStatus::Reconciling,
    ];

    /// Returns Flink's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            JobStatus::Initializing => "INITIALIZING",
            JobStatus::Created => "CREATED",
            JobStatus::Running => "RUNNING",
            JobStatus::Failing => "FAILING",
            JobStatus::Failed => "FAILED",
            JobStatus::Cancelling => "CANCELLING",
            JobStatus::Canceled => "CANCELED",
            JobStatus::Finished => "FINISHED",
            JobStatus::Restarting => "RESTARTING",
            JobStatus::Suspended => "SUSPENDED",
            JobStatus::Reconciling => "RECONCILING",
        }
    }

    /// Returns whether a job in this state has ended for good. A suspended job continues in another process.
    pub fn is_terminal(self) -> bool {
        matches!(self, JobStatus::Failed | JobStatus::Canceled | JobStatus::Finished)
    }

    /// Returns whether there is a transition from this state to another.
    pub fn may_become(self, to: JobStatus) -> bool {
        use JobStatus::{
            Canceled, Cancelling, Created, Failed, Failing, Finished, Initializing, Reconciling, Restarting,
            Running, Suspended,
        };
        match self {
            Initializing => matches!(to, Created | Failed | Cancelling | Suspended),
            Created => matches!(to, Running | Failing | Cancelling | Suspended),
            Running => matches!(to, Failing | Cancelling | Finished | Restarting | Suspended),
            Restarting => matches!(to, Running | Failing | Cancelling | Suspended),
            Failing => matches!(to, Failed | Cancelling | Suspended),
            Cancelling => matches!(to, Canceled | Failing | Failed | Suspended),
            // The last state that a process can observe.
            Suspended | Failed | Canceled | Finished | Reconciling => false,
        }
    }
}

impl StatusHistory {
    pub fn new(now: Timestamp) -> StatusHistory {
        let mut history = StatusHistory { current: JobStatus::Initializing, entered: Default::default() };
        history.entered[JobStatus::Initializing as usize] = Some(now);
        history
    }

    pub fn current(&self) -> JobStatus {
        self.current
    }

    /// Returns the last time at which the job entered a state.
    pub fn entered(&self, status: JobStatus) -> Option<Timestamp> {
        self.entered[status as usize]
    }

    /// Returns when the job entered its current state.
    pub fn since(&self) -> Timestamp {
        self.entered(self.current).unwrap_or(Timestamp(0))
    }

    /// Sets the status of a job of which only the end is known.
    pub(crate) fn force(&mut self, to: JobStatus, now: Timestamp) {
        self.current = to;
        self.entered[to as usize] = Some(now);
    }

    pub fn become_at(&mut self, to: JobStatus, now: Timestamp) -> Result<(), InvalidTransition> {
        if !self.current.may_become(to) {
            return Err(InvalidTransition { from: self.current, to });
        }
        self.current = to;
        self.entered[to as usize] = Some(now);
        Ok(())
    }
}

impl From<Entered> for StatusHistory {
    fn from(of: Entered) -> StatusHistory {
        let mut history = StatusHistory { current: of.current, entered: Default::default() };
        for (status, at) in of.entered_ms {
            history.entered[status as usize] = Some(Timestamp(at));
        }
        history
    }
}

impl From<StatusHistory> for Entered {
    fn from(of: StatusHistory) -> Entered {
        let entered = JobStatus::ALL.into_iter().filter_map(|status| Some((status, of.entered(status)?.0)));
        Entered { current: of.current, entered_ms: entered.collect() }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are the states before a transition, columns those after it, in the order of [`JobStatus::ALL`].
    const WAYS: [&str; 11] = [
        // initializing, created, running, failing, failed, cancelling, canceled, finished, restarting,
        // suspended, reconciling
        ". c . . F x . . . s .", // initializing
        ". . r f . x . . . s .", // created
        ". . . f . x . d a s .", // running
        ". . . . F x . . . s .", // failing
        ". . . . . . . . . . .", // failed
        ". . . f F . X . . s .", // cancelling
        ". . . . . . . . . . .", // canceled
        ". . . . . . . . . . .", // finished
        ". . r f . x . . . s .", // restarting
        ". . . . . . . . . . .", // suspended
        ". . . . . . . . . . .", // reconciling
    ];

    #[test]
    fn every_way_is_one_that_flink_goes_and_there_is_no_other() {
        for (from, row) in JobStatus::ALL.into_iter().zip(WAYS) {
            let row: Vec<bool> = row.split(' ').map(|cell| cell != ".").collect();
            assert_eq!(row.len(), JobStatus::ALL.len());
            for (to, is_legal) in JobStatus::ALL.into_iter().zip(row) {
                assert_eq!(from.may_become(to), is_legal, "{from} to {to}");
                let mut history = StatusHistory { current: from, ..StatusHistory::new(Timestamp(1)) };
                let told = history.become_at(to, Timestamp(2));
                assert_eq!(told.is_ok(), is_legal, "{from} to {to}");
                assert_eq!(history.current(), if is_legal { to } else { from });
                assert_eq!(history.entered(to) == Some(Timestamp(2)), is_legal, "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_job_that_is_over_stays_as_it_is_and_any_other_can_end() {
        for status in JobStatus::ALL {
            let leaves = JobStatus::ALL.into_iter().any(|to| status.may_become(to));
            let rests = matches!(status, JobStatus::Suspended | JobStatus::Reconciling);
            assert_eq!(leaves, !status.is_terminal() && !rests, "{status}");
            // Every other job can be cancelled and can fail.
            let can = |end: JobStatus| {
                let mut reached = vec![status];
                while let Some(next) = JobStatus::ALL
                    .into_iter()
                    .find(|to| !reached.contains(to) && reached.iter().any(|from| from.may_become(*to)))
                {
                    reached.push(next);
                }
                reached.contains(&end)
            };
            if leaves {
                assert!(can(JobStatus::Canceled) && can(JobStatus::Failed), "{status}");
            }
        }
    }

    #[test]
    fn a_history_is_written_by_names_and_read_again() {
        let mut history = StatusHistory::new(Timestamp(1));
        history.become_at(JobStatus::Created, Timestamp(2)).unwrap();
        let text = serde_json::to_string(&history).unwrap();
        assert_eq!(text, r#"{"current":"CREATED","entered_ms":{"INITIALIZING":1,"CREATED":2}}"#);
        assert_eq!(serde_json::from_str::<StatusHistory>(&text).unwrap(), history);
    }

    #[test]
    fn the_history_tells_when_each_state_was_entered() {
        let mut history = StatusHistory::new(Timestamp(1));
        history.become_at(JobStatus::Created, Timestamp(2)).unwrap();
        history.become_at(JobStatus::Running, Timestamp(3)).unwrap();
        assert_eq!(history.entered(JobStatus::Created), Some(Timestamp(2)));
        assert_eq!((history.current(), history.since()), (JobStatus::Running, Timestamp(3)));
        let refused = history.become_at(JobStatus::Created, Timestamp(4));
        assert_eq!(refused, Err(InvalidTransition { from: JobStatus::Running, to: JobStatus::Created }));
        assert_eq!(history.current(), JobStatus::Running);
    }
}
