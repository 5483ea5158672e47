//! The states of a subtask, and the number of subtasks in each state.

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

    /// Returns the state of a vertex from its subtasks' states, by the rules of Flink's `ExecutionJobVertex`.
    pub(in crate::flink) fn of_vertex(subtasks: &[TaskState]) -> TaskState {
        const FIRST_OF: [TaskState; 5] = [
            TaskState::Failed,
            TaskState::Canceling,
            TaskState::Canceled,
            TaskState::Initializing,
            TaskState::Running,
        ];
        if let Some(state) = FIRST_OF.into_iter().find(|state| subtasks.contains(state)) {
            return state;
        }

        let is_finished = |state: &TaskState| *state == TaskState::Finished;
        match subtasks.first() {
            Some(_) if subtasks.iter().all(is_finished) => TaskState::Finished,
            Some(_) if subtasks.iter().any(is_finished) => TaskState::Running,
            Some(first) => *first,
            None => TaskState::Created,
        }
    }

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

/// The count of every state, 0 included. Serialized under upper-case names, unless a field asks for lower
/// case.
#[derive(Debug, Clone, Default)]
pub(in crate::flink) struct CountsByState([u64; TaskState::ALL.len()]);

impl CountsByState {
    pub(in crate::flink) fn of(states: impl IntoIterator<Item = TaskState>) -> CountsByState {
        let mut counts = CountsByState::default();
        states.into_iter().for_each(|state| counts.0[state as usize] += 1);
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

#[cfg(test)]
mod tests {
    use super::TaskState::{Canceled, Created, Failed, Finished, Running};
    use super::*;

    #[test]
    fn a_vertex_is_finished_when_all_of_its_subtasks_are() {
        assert_eq!(TaskState::of_vertex(&[Finished, Finished]), Finished);
        assert_eq!(TaskState::of_vertex(&[Finished, Running]), Running);
        assert_eq!(TaskState::of_vertex(&[Finished, Created]), Running);
        assert_eq!(TaskState::of_vertex(&[Finished, Canceled]), Canceled);
        assert_eq!(TaskState::of_vertex(&[Finished, Running, Failed]), Failed);
        assert_eq!(TaskState::of_vertex(&[Created, Created]), Created);
    }
}
