//! Metrics under Flink's names, of subtasks, jobs and the process: single or aggregated.

mod source;

use std::collections::BTreeMap;

use axum::http::Uri;
use jobs::checkpoint::CheckpointState;
use jobs::{JobStatus, JobView, TaskView};
use types::Timestamp;

use super::answer::parameter;
use super::describe::between;
use super::model::{Aggregated, Backpressure, Metric, Refusal, SubtaskBackpressure};
use super::rates::TaskRates;
use super::vertices::{Found, figure};

/// Values by name.
pub(super) type Measures = BTreeMap<String, f64>;

/// Shares of its waiting time above which a subtask's backpressure is low, and high.
const LOW: f64 = 0.1;
const HIGH: f64 = 0.5;

/// Aggregations of a metric over several subtasks or jobs.
const AGGREGATES: [&str; 5] = ["min", "max", "avg", "sum", "skew"];

/// Returns the comma-separated parts of a parameter.
pub(super) fn list(uri: &Uri, name: &str) -> Option<Vec<String>> {
    Some(parameter(uri, name)?.split(',').map(str::to_owned).collect())
}

/// The metrics that a client requests: the names in `get`, or all.
pub(super) struct Wanted {
    names: Option<Vec<String>>,
    aggregates: Option<Vec<String>>,
}

impl Wanted {
    pub(super) fn of(uri: &Uri) -> Wanted {
        Wanted { names: list(uri, "get"), aggregates: None }
    }

    /// Decodes the requested aggregations too, all if there are none.
    pub(super) fn over_several(uri: &Uri) -> Result<Wanted, Refusal> {
        let of = |given: String| {
            let name = given.to_ascii_lowercase();
            if AGGREGATES.contains(&name.as_str()) {
                return Ok(name);
            }
            Err(Refusal::BadQueryParameter { name: "agg", value: given })
        };
        let aggregates =
            list(uri, "agg").map(|given| given.into_iter().map(of).collect::<Result<Vec<_>, _>>());

        Ok(Wanted { names: list(uri, "get"), aggregates: aggregates.transpose()? })
    }

    /// Returns the names of all metrics, or the values of the requested ones.
    pub(super) fn answer(&self, measures: impl IntoIterator<Item = (String, String)>) -> Vec<Metric> {
        let measures = measures.into_iter();
        match &self.names {
            None => measures.map(|(id, _)| Metric { id, value: None }).collect(),
            Some(names) => measures
                .filter(|(id, _)| names.contains(id))
                .map(|(id, value)| Metric { id, value: Some(value) })
                .collect(),
        }
    }

    /// Returns the same, aggregated over all that have the metric.
    pub(super) fn aggregate(&self, of: &[Measures]) -> Vec<Aggregated> {
        let mut names: Vec<&String> = of.iter().flat_map(|measures| measures.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let Some(wanted) = &self.names else {
            return names
                .into_iter()
                .map(|id| Aggregated { id: id.clone(), ..Aggregated::default() })
                .collect();
        };
        let values = |id: &String| of.iter().filter_map(|measures| measures.get(id).copied()).collect();
        let known = wanted.iter().filter(|id| names.binary_search(id).is_ok());
        known.map(|id| self.aggregated(id, values(id))).collect()
    }

    fn aggregated(&self, id: &str, values: Vec<f64>) -> Aggregated {
        let is_wanted =
            |name: &str| self.aggregates.as_ref().is_none_or(|names| names.iter().any(|of| of == name));
        let sum: f64 = values.iter().sum();
        let avg = sum / values.len() as f64;
        let apart: f64 = values.iter().map(|value| (value - avg).abs()).sum::<f64>() / values.len() as f64;
        let skew = if avg == 0.0 { 0.0 } else { apart / avg * 100.0 };
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Aggregated {
            id: id.to_owned(),
            min: is_wanted("min").then_some(least),
            max: is_wanted("max").then_some(most),
            avg: is_wanted("avg").then_some(avg),
            sum: is_wanted("sum").then_some(sum),
            skew: is_wanted("skew").then_some(skew),
        }
    }
}

/// Formats a number as Flink does: whole numbers without a point.
pub(super) fn text(value: f64) -> String {
    if value.fract() == 0.0 { (value as i64).to_string() } else { value.to_string() }
}

pub(super) fn texts(measures: Measures) -> impl Iterator<Item = (String, String)> {
    measures.into_iter().map(|(name, value)| (name, text(value)))
}

/// Names the metrics of all subtasks with their numbers, such as `0.numRecordsIn`.
pub(super) fn by_subtask(of: &[(usize, Measures)]) -> impl Iterator<Item = (String, String)> {
    of.iter().flat_map(|(subtask, measures)| {
        measures.iter().map(move |(name, value)| (format!("{subtask}.{name}"), text(*value)))
    })
}

/// Returns the metrics of a subtask. Leaves out rates while they are unknown.
pub(super) fn of_subtask(task: &TaskView, rates: Option<&TaskRates>, now: Timestamp) -> Measures {
    let of = |name| figure(task, name).unwrap_or(0.0);
    let mut measures = vec![
        ("numRecordsIn", of("numRecordsIn")),
        ("numBytesIn", of("numBytesIn")),
        ("numRecordsOut", of("numRecordsOut") + of("numRecordsShipped")),
        ("numBytesOut", of("numBytesOut") + of("numBytesShipped")),
        ("numBatchesIn", of("numBatchesIn")),
        ("numLateRecordsDropped", of("numLateRecordsDropped")),
        ("accumulateBusyTimeMs", of("accumulatedBusyTimeMs").round()),
        ("accumulateIdleTimeMs", of("accumulatedIdleTimeMs").round()),
        ("accumulateBackPressuredTimeMs", of("accumulatedBackPressuredTimeMs").round()),
        ("currentInputWatermark", of("currentOutputWatermark")),
        ("currentOutputWatermark", of("currentOutputWatermark")),
        ("stateBytes", of("stateBytes")),
    ];

    if let Some(rates) = rates {
        measures.extend([
            ("numRecordsInPerSecond", rates.records_in),
            ("numBytesInPerSecond", rates.bytes_in),
            ("numRecordsOutPerSecond", rates.records_out),
            ("numBytesOutPerSecond", rates.bytes_out),
            ("busyTimeMsPerSecond", rates.busy_ms.round()),
            ("idleTimeMsPerSecond", rates.idle_ms.round()),
            ("backPressuredTimeMsPerSecond", rates.backpressured_ms.round()),
            ("softBackPressuredTimeMsPerSecond", 0.0),
            ("hardBackPressuredTimeMsPerSecond", rates.backpressured_ms.round()),
        ]);
    }

    let mut measures: Measures = measures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    measures.extend(source::measures(task, now));
    measures
}

/// Returns the metrics of each subtask of a vertex, with its number.
pub(super) fn of_vertex(
    found: &Found<'_>,
    rates: Option<&[TaskRates]>,
    now: Timestamp,
) -> Vec<(usize, Measures)> {
    let rates = |place: usize| rates.and_then(|rates| rates.get(place));
    found.tasks.iter().map(|(place, task)| (task.subtask, of_subtask(task, rates(*place), now))).collect()
}

/// Returns the only metric of a subtask that is no number, and is thus never aggregated.
pub(super) fn is_backpressured(rates: &TaskRates) -> (String, String) {
    let is_so = rates.backpressured_ms / 1_000.0 > LOW;
    ("isBackPressured".to_owned(), is_so.to_string())
}

/// Returns the metrics of a job that are numbers.
pub(super) fn of_job(view: &JobView, now: Timestamp) -> Measures {
    let checkpoints = &view.checkpoints;
    let entered = |status: JobStatus| view.history.entered(status);

    let time_in = |status: JobStatus| match entered(status) {
        Some(since) if view.status == status => between(since, now) as f64,
        _ => 0.0,
    };

    let up = if view.status == JobStatus::Running { time_in(JobStatus::Running) } else { -1.0 };
    let mut measures = vec![
        ("numRestarts", view.restarts as f64),
        ("fullRestarts", view.restarts as f64),
        ("uptime", up),
        ("downtime", if view.status == JobStatus::Restarting { time_in(JobStatus::Restarting) } else { 0.0 }),
        ("initializingTime", time_in(JobStatus::Initializing)),
        ("createdTime", time_in(JobStatus::Created)),
        ("runningTime", time_in(JobStatus::Running)),
        ("restartingTime", time_in(JobStatus::Restarting)),
        ("cancellingTime", time_in(JobStatus::Cancelling)),
        ("failingTime", time_in(JobStatus::Failing)),
        ("allSubTasksRunningOrFinishedTime", time_in(JobStatus::Running)),
        ("numberOfCompletedCheckpoints", checkpoints.completed as f64),
        ("numberOfFailedCheckpoints", checkpoints.failed as f64),
        ("numberOfInProgressCheckpoints", in_progress(view) as f64),
        ("totalNumberOfCheckpoints", total_checkpoints(view) as f64),
    ];

    if let Some(record) = &checkpoints.latest_completed
        && let CheckpointState::Completed { bytes, reused, .. } = record.state
    {
        let took = record.duration.as_millis() as f64;
        measures.extend([
            ("lastCompletedCheckpointId", record.id as f64),
            ("lastCheckpointDuration", took),
            ("lastCheckpointSize", (bytes - reused) as f64),
            ("lastCheckpointFullSize", bytes as f64),
            ("lastCheckpointCompletedTimestamp", record.triggered.0 as f64 + took),
            ("lastCheckpointProcessedData", 0.0),
            ("lastCheckpointPersistedData", 0.0),
        ]);
    }

    if let Some(from) = &checkpoints.latest_restored {
        measures.push(("lastCheckpointRestoreTimestamp", from.at.0 as f64));
    }
    measures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns the only metric of a job that is no number: the location of its last checkpoint.
pub(super) fn last_path(view: &JobView) -> Option<(String, String)> {
    let record = view.checkpoints.latest_completed.as_ref()?;
    let CheckpointState::Completed { location, .. } = &record.state else { return None };
    Some(("lastCheckpointExternalPath".to_owned(), super::places::url(location)))
}

pub(super) fn in_progress(view: &JobView) -> u64 {
    let recent = view.checkpoints.recent.iter();
    recent.filter(|record| record.state == CheckpointState::InProgress).count() as u64
}

pub(super) fn total_checkpoints(view: &JobView) -> u64 {
    view.checkpoints.completed + view.checkpoints.failed + in_progress(view)
}

/// Returns the share of their time that subtasks wait for their consumers.
pub(super) fn backpressure(found: &Found<'_>, rates: Option<&[TaskRates]>, now: Timestamp) -> Backpressure {
    let Some(rates) = rates.filter(|_| found.view.status == JobStatus::Running) else {
        return Backpressure::unknown();
    };
    let share = |ms: f64| (ms / 1_000.0).clamp(0.0, 1.0);

    let of = |place: usize, task: &TaskView| {
        let rates = rates.get(place)?;
        let ratio = share(rates.backpressured_ms);
        let (idle_ratio, busy_ratio) = (share(rates.idle_ms), share(rates.busy_ms));
        let level = level(ratio);
        Some(SubtaskBackpressure {
            subtask: task.subtask,
            level,
            backpressure_level: level,
            ratio,
            idle_ratio,
            busy_ratio,
        })
    };

    let subtasks: Vec<SubtaskBackpressure> =
        found.tasks.iter().filter_map(|(place, task)| of(*place, task)).collect();
    let level = level(subtasks.iter().map(|of| of.ratio).fold(0.0, f64::max));

    Backpressure {
        status: "ok",
        backpressure_level: Some(level),
        level: Some(level),
        end_timestamp: Some(now.0),
        subtasks: Some(subtasks),
    }
}

fn level(ratio: f64) -> &'static str {
    match ratio {
        ratio if ratio > HIGH => "high",
        ratio if ratio > LOW => "low",
        _ => "ok",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Wanted {
        Wanted::over_several(&format!("/x?{query}").parse().expect("a URI")).expect("known ways to sum up")
    }

    #[test]
    fn several_are_aggregated_as_flink_does() {
        let of = |value| Measures::from([("numRecordsOut".to_owned(), value)]);
        let both = [of(1625.0), of(1672.0)];
        let all = &wanted("get=numRecordsOut,nosuch").aggregate(&both)[0];
        assert_eq!(
            (all.min, all.max, all.avg, all.sum),
            (Some(1625.0), Some(1672.0), Some(1648.5), Some(3297.0))
        );
        assert_eq!(all.skew, Some(1.4255383682135276), "what Flink 2.2 said of these numbers");
        let some = &wanted("get=numRecordsOut&agg=MAX").aggregate(&both)[0];
        assert_eq!((some.min, some.max, some.skew), (None, Some(1672.0), None));
        assert!(Wanted::over_several(&"/x?agg=max,median".parse().expect("a URI")).is_err());
        let names = wanted("").aggregate(&both);
        assert_eq!((names.len(), names[0].sum), (1, None));
    }

    #[test]
    fn numbers_are_written_as_flink_does() {
        assert_eq!([text(0.0), text(22.5), text(i64::MIN as f64)], ["0", "22.5", "-9223372036854775808"]);
    }

    #[test]
    fn a_level_is_high_from_half_of_the_time() {
        assert_eq!([0.0, 0.1, 0.3, 0.5, 0.7].map(level), ["ok", "ok", "low", "low", "high"]);
    }
}
