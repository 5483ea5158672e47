//! Converts views of vertices and their subtasks to Flink's model, as pure functions.

use std::collections::BTreeMap;

use jobs::{JobStatus, JobView, TaskView, VertexView};
use types::Timestamp;

use super::describe::{NOT_YET, between, hash, state_with, task_state};
use super::model::{
    AggregatedSubtasks, CountsByState, Spread, Subtask, SubtaskAccumulators, SubtaskTimes,
    SubtasksAccumulators, TaskState, TimesOfSubtask, VertexDetails, VertexMetrics, VertexOnTaskManager,
    VertexTaskManagers,
};
use super::process::{ENDPOINT, TASK_MANAGER};

/// A vertex with its subtasks, each with its index among the job's subtasks.
pub(super) struct Found<'a> {
    pub(super) view: &'a JobView,
    pub(super) vertex: &'a VertexView,
    pub(super) id: String,
    pub(super) tasks: Vec<(usize, &'a TaskView)>,
}

impl<'a> Found<'a> {
    /// Returns all vertices of a job, in the direction of the data flow.
    pub(super) fn all(view: &'a JobView) -> Vec<Found<'a>> {
        let found = |vertex: &'a VertexView| Found {
            view,
            vertex,
            id: hash(view.id, &vertex.key),
            tasks: view.tasks.iter().enumerate().filter(|(_, task)| task.vertex == vertex.key).collect(),
        };
        view.graph.iter().map(found).collect()
    }

    pub(super) fn metrics(&self) -> VertexMetrics {
        metrics(self.tasks.iter().map(|(_, task)| *task))
    }

    /// Returns when the vertex began to run, when the last of its subtasks ended, and how long it has run.
    pub(super) fn times(&self, now: Timestamp) -> (i64, i64, i64) {
        let ends = self.tasks.iter().map(|(_, task)| self.end(task));
        let end = ends.collect::<Option<Vec<Timestamp>>>().and_then(|ends| ends.into_iter().max());
        self.until(end.or(self.view.ended), now)
    }

    /// Returns the same times for a vertex or subtask with this end.
    fn until(&self, end: Option<Timestamp>, now: Timestamp) -> (i64, i64, i64) {
        let began = self.view.history.entered(JobStatus::Running);
        (
            began.map_or(NOT_YET, |began| began.0),
            end.map_or(NOT_YET, |ended| ended.0),
            began.map_or(NOT_YET, |began| between(began, end.unwrap_or(now))),
        )
    }

    /// Returns when a subtask ended: at the end of its input, or with its job.
    fn end(&self, task: &TaskView) -> Option<Timestamp> {
        let is_finished = task_state(self.view, task) == TaskState::Finished;
        task.finished.filter(|_| is_finished).or(self.view.ended)
    }

    fn states(&self) -> Vec<TaskState> {
        self.tasks.iter().map(|(_, task)| task_state(self.view, task)).collect()
    }

    pub(super) fn state(&self) -> TaskState {
        match &self.states()[..] {
            [] => state_with(self.view.status),
            states => TaskState::of_vertex(states),
        }
    }

    pub(super) fn counts(&self) -> CountsByState {
        CountsByState::of(self.states())
    }

    pub(super) fn details(&self, max_parallelism: i32, now: Timestamp) -> VertexDetails {
        VertexDetails {
            id: self.id.clone(),
            name: self.vertex.name.clone(),
            parallelism: self.tasks.len(),
            max_parallelism,
            now: now.0,
            subtasks: self.tasks.iter().map(|(_, task)| self.subtask(task, now)).collect(),
            aggregated: self.aggregated(now),
        }
    }

    pub(super) fn subtask(&self, task: &TaskView, now: Timestamp) -> Subtask {
        let (start_time, end_time, duration) = self.until(self.end(task), now);
        Subtask {
            subtask: task.subtask,
            status: task_state(self.view, task).name(),
            attempt: self.view.restarts,
            endpoint: ENDPOINT,
            start_time,
            end_time,
            duration,
            metrics: metrics(std::iter::once(task)),
            taskmanager_id: TASK_MANAGER,
            status_duration: self.status_durations(task, now),
            start_time_too: start_time,
        }
    }

    /// Returns the milliseconds that a subtask was in each of Flink's states.
    fn status_durations(&self, task: &TaskView, now: Timestamp) -> BTreeMap<&'static str, i64> {
        let entered = |status| self.view.history.entered(status);
        let until = |from: JobStatus, to: JobStatus| {
            entered(from).map_or(0, |from| between(from, entered(to).unwrap_or(now)))
        };
        let (_, _, running) = self.until(self.end(task), now);
        BTreeMap::from([
            ("CREATED", until(JobStatus::Created, JobStatus::Running)),
            ("SCHEDULED", 0),
            ("DEPLOYING", 0),
            ("INITIALIZING", until(JobStatus::Initializing, JobStatus::Created)),
            ("RUNNING", running.max(0)),
        ])
    }

    pub(super) fn aggregated(&self, now: Timestamp) -> AggregatedSubtasks {
        let each: Vec<VertexMetrics> =
            self.tasks.iter().map(|(_, task)| metrics(std::iter::once(*task))).collect();
        let spread = |of: fn(&VertexMetrics) -> i64| Spread::of(each.iter().map(of));

        let metrics = BTreeMap::from([
            ("read-bytes", spread(|of| of.read_bytes as i64)),
            ("write-bytes", spread(|of| of.write_bytes as i64)),
            ("read-records", spread(|of| of.read_records as i64)),
            ("write-records", spread(|of| of.write_records as i64)),
            ("accumulated-backpressured-time", spread(|of| of.accumulated_backpressured_time as i64)),
            ("accumulated-idle-time", spread(|of| of.accumulated_idle_time as i64)),
            ("accumulated-busy-time", spread(|of| of.accumulated_busy_time as i64)),
        ]);

        let mut durations: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
        for (_, task) in &self.tasks {
            for (name, ms) in self.status_durations(task, now) {
                durations.entry(name).or_default().push(ms);
            }
        }

        let status_duration = durations.into_iter().map(|(name, all)| (name, Spread::of(all))).collect();
        AggregatedSubtasks { metrics, status_duration }
    }

    pub(super) fn subtask_times(&self, now: Timestamp) -> SubtaskTimes {
        let entered = |status| self.view.history.entered(status).map_or(0, |at| at.0);
        let timestamps = BTreeMap::from([
            ("CREATED", entered(JobStatus::Created)),
            ("SCHEDULED", entered(JobStatus::Created)),
            ("DEPLOYING", entered(JobStatus::Created)),
            ("INITIALIZING", entered(JobStatus::Created)),
            ("RUNNING", entered(JobStatus::Running)),
            ("CANCELING", entered(JobStatus::Cancelling)),
            ("CANCELED", entered(JobStatus::Canceled)),
            ("FINISHED", entered(JobStatus::Finished)),
            ("FAILED", entered(JobStatus::Failed)),
            ("RECONCILING", 0),
        ]);

        let times = |task: &TaskView| {
            let mut timestamps = timestamps.clone();
            if task_state(self.view, task) == TaskState::Finished
                && let Some(end) = self.end(task)
            {
                timestamps.insert("FINISHED", end.0);
            }
            TimesOfSubtask {
                subtask: task.subtask,
                endpoint: ENDPOINT,
                duration: between(self.view.started, self.end(task).unwrap_or(now)),
                timestamps,
            }
        };

        SubtaskTimes {
            id: self.id.clone(),
            name: self.vertex.name.clone(),
            now: now.0,
            subtasks: self.tasks.iter().map(|(_, task)| times(task)).collect(),
        }
    }

    pub(super) fn task_managers(&self, now: Timestamp) -> VertexTaskManagers {
        let (start_time, end_time, duration) = self.times(now);
        let here = VertexOnTaskManager {
            endpoint: ENDPOINT,
            status: self.state().name(),
            start_time,
            end_time,
            duration,
            metrics: self.metrics(),
            status_counts: self.counts(),
            taskmanager_id: TASK_MANAGER,
            aggregated: self.aggregated(now),
        };
        VertexTaskManagers {
            id: self.id.clone(),
            name: self.vertex.name.clone(),
            now: now.0,
            taskmanagers: vec![here],
        }
    }

    pub(super) fn subtask_accumulators(&self) -> SubtasksAccumulators {
        let of = |task: &TaskView| SubtaskAccumulators {
            subtask: task.subtask,
            attempt: self.view.restarts,
            endpoint: Some(ENDPOINT),
            id: None,
            user_accumulators: [],
        };
        SubtasksAccumulators {
            id: self.id.clone(),
            parallelism: self.tasks.len(),
            subtasks: self.tasks.iter().map(|(_, task)| of(task)).collect(),
        }
    }

    pub(super) fn attempt_accumulators(&self, task: &TaskView) -> SubtaskAccumulators {
        let attempt = self.view.restarts;
        SubtaskAccumulators {
            subtask: task.subtask,
            attempt,
            endpoint: None,
            id: Some(format!("{}_{}_{}_{attempt}", self.view.id, self.id, task.subtask)),
            user_accumulators: [],
        }
    }
}

fn metrics<'a>(tasks: impl Iterator<Item = &'a TaskView>) -> VertexMetrics {
    let tasks: Vec<&TaskView> = tasks.collect();
    let sum = |name: &str| -> f64 { tasks.iter().filter_map(|task| figure(task, name)).sum() };
    VertexMetrics {
        read_bytes: sum("numBytesIn") as u64,
        read_bytes_complete: true,
        write_bytes: (sum("numBytesOut") + sum("numBytesShipped")) as u64,
        write_bytes_complete: true,
        read_records: sum("numRecordsIn") as u64,
        read_records_complete: true,
        write_records: (sum("numRecordsOut") + sum("numRecordsShipped")) as u64,
        write_records_complete: true,
        accumulated_backpressured_time: sum("accumulatedBackPressuredTimeMs") as u64,
        accumulated_idle_time: sum("accumulatedIdleTimeMs") as u64,
        accumulated_busy_time: sum("accumulatedBusyTimeMs").round(),
    }
}

/// Returns a metric of a subtask by the engine's name.
pub(super) fn figure(task: &TaskView, name: &str) -> Option<f64> {
    task.metrics.iter().find(|(metric, _)| *metric == name).map(|(_, value)| *value)
}
