//! The states of a subtask, and how many subtasks are in each.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flink) enum TaskState {
    Created,
    Scheduled,
    Deploying,
    Initializing,
    Running,
    Canceling,
    Canceled,
    Finished,
    Failed,
    Reconciling,
}

impl TaskState {
    const ALL: [TaskState; 10] = [
        TaskState::Created,
        TaskState::Scheduled,
        TaskState::Deploying,
        TaskState::Initializing,
        TaskState::Running,
        TaskState::Canceling,
        TaskState::Canceled,
        TaskState::Finished,
        TaskState::Failed,
        TaskState::Reconciling,
    ];

    pub(in crate::flink) fn name(self) -> &'static str {
        match self {
            TaskState::Created => "CREATED",
            TaskState::Scheduled => "SCHEDULED",
            TaskState::Deploying => "DEPLOYING",
            TaskState::Initializing => "INITIALIZING",
            TaskState::Running => "RUNNING",
            TaskState::Canceling => "CANCELING",
            TaskState::Canceled => "CANCELED",
            TaskState::Finished => "FINISHED",
            TaskState::Failed => "FAILED",
            TaskState::Reconciling => "RECONCILING",
        }
    }
}

/// Every state has its number, 0 included. By upper-case names, unless a field asks for lower case.
#[derive(Debug, Clone, Default)]
pub(in crate::flink) struct CountsByState([u64; TaskState::ALL.len()]);

impl CountsByState {
    pub(in crate::flink) fn all_in(state: TaskState, count: usize) -> CountsByState {
        let mut counts = CountsByState::default();
        counts.0[state as usize] = count as u64;
        counts
    }

    pub(in crate::flink) fn in_lower_case<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len() + 1))?;
        map.serialize_entry("total", &self.0.iter().sum::<u64>())?;
        for state in TaskState::ALL {
            map.serialize_entry(&state.name().to_ascii_lowercase(), &self.0[state as usize])?;
        }
        map.end()
    }
}

impl Serialize for CountsByState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(TaskState::ALL.map(|state| (state.name(), self.0[state as usize])))
    }
}
