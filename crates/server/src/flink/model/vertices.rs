//! A vertex and its subtasks: `/jobs/:id/vertices/:id` and the routes below it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{CountsByState, Nothing, VertexMetrics};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct VertexDetails {
    pub(in crate::flink) id: String,
    pub(in crate::flink) name: String,
    pub(in crate::flink) parallelism: usize,
    pub(in crate::flink) max_parallelism: i32,
    pub(in crate::flink) now: i64,
    pub(in crate::flink) subtasks: Vec<Subtask>,
    pub(in crate::flink) aggregated: AggregatedSubtasks,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct Subtask {
    pub(in crate::flink) subtask: usize,
    pub(in crate::flink) status: &'static str,
    /// Number of restarts of the job.
    pub(in crate::flink) attempt: u64,
    pub(in crate::flink) endpoint: &'static str,
    pub(in crate::flink) start_time: i64,
    pub(in crate::flink) end_time: i64,
    pub(in crate::flink) duration: i64,
    pub(in crate::flink) metrics: VertexMetrics,
    pub(in crate::flink) taskmanager_id: &'static str,
    /// Milliseconds spent in each state.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub(in crate::flink) status_duration: BTreeMap<&'static str, i64>,
    /// Repeated for older clients.
    #[serde(rename = "start_time")]
    pub(in crate::flink) start_time_too: i64,
}

/// Values aggregated over all subtasks, by name.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct AggregatedSubtasks {
    #[schema(value_type = BTreeMap<String, Spread>)]
    pub(in crate::flink) metrics: BTreeMap<&'static str, Spread>,
    #[schema(value_type = BTreeMap<String, Spread>)]
    pub(in crate::flink) status_duration: BTreeMap<&'static str, Spread>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::flink) struct Spread {
    pub(in crate::flink) min: i64,
    pub(in crate::flink) max: i64,
    pub(in crate::flink) avg: i64,
    pub(in crate::flink) sum: i64,
    pub(in crate::flink) median: i64,
    pub(in crate::flink) p25: i64,
    pub(in crate::flink) p75: i64,
    pub(in crate::flink) p95: i64,
}

impl Spread {
    pub(in crate::flink) fn of(numbers: impl IntoIterator<Item = i64>) -> Spread {
        let mut numbers: Vec<i64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        let (Some(&min), Some(&max)) = (numbers.first(), numbers.last()) else { return Spread::default() };
        let sum: i64 = numbers.iter().sum();
        let at = |percent: usize| numbers[(numbers.len() * percent / 100).min(numbers.len() - 1)];
        let (low, high) = (numbers[(numbers.len() - 1) / 2], numbers[numbers.len() / 2]);
        let median = low + (high - low) / 2;
        let avg = sum / numbers.len() as i64;
        Spread { min, max, avg, sum, median, p25: at(25), p75: at(75), p95: at(95) }
    }
}

/// `…/subtasktimes`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct SubtaskTimes {
    pub(in crate::flink) id: String,
    pub(in crate::flink) name: String,
    pub(in crate::flink) now: i64,
    pub(in crate::flink) subtasks: Vec<TimesOfSubtask>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct TimesOfSubtask {
    pub(in crate::flink) subtask: usize,
    pub(in crate::flink) endpoint: &'static str,
    pub(in crate::flink) duration: i64,
    /// Time when the subtask entered each state; 0 if it never did.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub(in crate::flink) timestamps: BTreeMap<&'static str, i64>,
}

/// `…/taskmanagers`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct VertexTaskManagers {
    pub(in crate::flink) id: String,
    pub(in crate::flink) name: String,
    pub(in crate::flink) now: i64,
    pub(in crate::flink) taskmanagers: Vec<VertexOnTaskManager>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct VertexOnTaskManager {
    pub(in crate::flink) endpoint: &'static str,
    pub(in crate::flink) status: &'static str,
    pub(in crate::flink) start_time: i64,
    pub(in crate::flink) end_time: i64,
    pub(in crate::flink) duration: i64,
    pub(in crate::flink) metrics: VertexMetrics,
    #[schema(value_type = BTreeMap<String, u64>)]
    pub(in crate::flink) status_counts: CountsByState,
    pub(in crate::flink) taskmanager_id: &'static str,
    pub(in crate::flink) aggregated: AggregatedSubtasks,
}

/// Accumulators; always empty, because only Java programs have them.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct JobAccumulators {
    job_accumulators: [Nothing; 0],
    user_task_accumulators: [Nothing; 0],
    serialized_user_task_accumulators: Nothing,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct VertexAccumulators {
    pub(in crate::flink) id: String,
    pub(in crate::flink) user_accumulators: [Nothing; 0],
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct SubtasksAccumulators {
    pub(in crate::flink) id: String,
    pub(in crate::flink) parallelism: usize,
    pub(in crate::flink) subtasks: Vec<SubtaskAccumulators>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct SubtaskAccumulators {
    pub(in crate::flink) subtask: usize,
    pub(in crate::flink) attempt: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) endpoint: Option<&'static str>,
    /// Id of the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) id: Option<String>,
    pub(in crate::flink) user_accumulators: [Nothing; 0],
}

/// `…/flamegraph`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct FlameGraph {
    /// -1 while there is no flame graph.
    #[serde(rename = "endTimestamp")]
    pub(in crate::flink) end_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) data: Option<Flame>,
}

/// A call and its callees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(no_recursion)]
pub(in crate::flink) struct Flame {
    pub(in crate::flink) name: String,
    /// Number of samples.
    pub(in crate::flink) value: u64,
    pub(in crate::flink) children: Vec<Flame>,
}
