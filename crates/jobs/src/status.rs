//! The states of a job and the ways between them, as Flink's `JobStatus`: a pure table.

use std::fmt;

use types::Timestamp;

/// A job's state, by Flink's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// A way that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot become {to}")]
pub struct InvalidTransition {
    pub from: JobStatus,
    pub to: JobStatus,
}

/// A job's state now, and when it entered each.
#[derive(Debug, Clone)]
pub struct StatusHistory {
    current: JobStatus,
    entered: [Option<Timestamp>; JobStatus::ALL.len()],
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

    /// Flink's spelling.
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

    /// Whether a job in this state is over.
    pub fn is_terminal(self) -> bool {
        matches!(self, JobStatus::Failed | JobStatus::Canceled | JobStatus::Finished)
    }

    fn may_become(self, to: JobStatus) -> bool {
        use JobStatus::{
            Canceled, Cancelling, Created, Failed, Failing, Finished, Initializing, Reconciling, Restarting,
            Running, Suspended,
        };
        match self {
            Initializing => matches!(to, Created | Failed | Cancelling | Suspended | Reconciling),
            Created => matches!(to, Running | Failing | Cancelling | Suspended),
            Running => matches!(to, Failing | Cancelling | Finished | Suspended | Restarting),
            Failing => matches!(to, Failed | Restarting | Cancelling | Suspended),
            Cancelling => matches!(to, Canceled | Failing),
            Restarting => matches!(to, Running | Failing | Cancelling | Suspended),
            Suspended | Reconciling => matches!(to, Created | Running | Restarting | Failing | Cancelling),
            Failed | Canceled | Finished => false,
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

    /// When the job entered a state for the last time.
    pub fn entered(&self, status: JobStatus) -> Option<Timestamp> {
        self.entered[status as usize]
    }

    /// When it entered the state it is in.
    pub fn since(&self) -> Timestamp {
        self.entered(self.current).unwrap_or(Timestamp(0))
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

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_over_stays_as_it_is() {
        for from in JobStatus::ALL.into_iter().filter(|status| status.is_terminal()) {
            assert!(JobStatus::ALL.into_iter().all(|to| !from.may_become(to)), "{from}");
        }
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
