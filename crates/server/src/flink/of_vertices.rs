//! Answers the routes of a job's vertices and their subtasks.

use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jobs::{JobView, TaskView};

use super::answer::{Parts, job_id, number, ok, parameter};
use super::describe::MAX_PARALLELISM;
use super::metrics::{self, Measures, Wanted};
use super::model::{Backpressure, Metric, Refusal, VertexAccumulators};
use super::profile::Share;
use super::route::OfVertex;
use super::vertices::Found;

/// Parses a vertex id: 32 hexadecimal digits, returned in lower case.
pub(super) fn vertex_id(id: &str) -> Result<String, Refusal> {
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bad = || Refusal::BadPathParameter { name: "vertexid", value: id.to_owned() };
    is_id.then(|| id.to_ascii_lowercase()).ok_or_else(bad)
}

pub(super) fn find<'a>(view: &'a JobView, id: &str) -> Option<Found<'a>> {
    Found::all(view).into_iter().find(|found| found.id == id)
}

/// Returns the empty metrics of a missing job or vertex. `None` where asking for it is a mistake of the
/// client.
fn of_nothing(of: OfVertex<'_>) -> Option<Result<Response, Refusal>> {
    match of {
        OfVertex::Metrics
        | OfVertex::OperatorMetrics
        | OfVertex::SubtasksMetrics
        | OfVertex::SubtaskMetrics(_) => Some(ok(&Vec::<Metric>::new())),
        OfVertex::Backpressure => Some(ok(&Backpressure::unknown())),
        _ => None,
    }
}

/// Returns the refusal of a missing vertex. Flink words it in two ways.
fn no_vertex(id: &str, of: OfVertex<'_>) -> Refusal {
    match of {
        OfVertex::Details | OfVertex::TaskManagers => Refusal::NotFound(format!("JobVertex {id} not found")),
        _ => not_there(format!("No vertex with ID '{id}' exists.")),
    }
}

fn not_there(message: String) -> Refusal {
    Refusal::Handler { status: StatusCode::NOT_FOUND, message }
}

pub(super) fn vertex(
    parts: &Parts,
    job: &str,
    vertex: &str,
    of: OfVertex<'_>,
    uri: &Uri,
) -> Result<Response, Refusal> {
    let job_id = job_id(job)?;
    let vertex = vertex_id(vertex)?;
    let Some(view) = parts.services.dispatcher.view(job_id) else {
        return of_nothing(of).unwrap_or(Err(Refusal::NoJob(job_id)));
    };
    let Some(found) = find(&view, &vertex) else {
        return of_nothing(of).unwrap_or_else(|| Err(no_vertex(&vertex, of)));
    };
    let now = parts.services.clock.now();
    let rates = parts.rates.of(view.id);
    let rates = rates.as_deref();

    match of {
        OfVertex::Details => ok(&found.details(MAX_PARALLELISM, now)),
        OfVertex::Accumulators => ok(&VertexAccumulators { id: found.id, user_accumulators: [] }),
        OfVertex::SubtaskAccumulators => ok(&found.subtask_accumulators()),
        OfVertex::Backpressure => ok(&metrics::backpressure(&found, rates, now)),
        OfVertex::Metrics => {
            let of = metrics::of_vertex(&found, rates, now);
            let words = found.tasks.iter().filter_map(|(place, task)| {
                let (name, value) = metrics::is_backpressured(rates?.get(*place)?);
                Some((format!("{}.{name}", task.subtask), value))
            });
            ok(&Wanted::of(uri).answer(metrics::by_subtask(&of).chain(words)))
        }
        OfVertex::OperatorMetrics => ok(&Vec::<Metric>::new()),
        OfVertex::Watermarks => ok(&watermarks(&found)),
        OfVertex::SubtaskTimes => ok(&found.subtask_times(now)),
        OfVertex::TaskManagers => ok(&found.task_managers(now)),
        OfVertex::FlameGraph => flame_graph(parts, &found, uri),
        OfVertex::SubtasksMetrics => {
            let wanted = Wanted::over_several(uri)?;
            let subtasks = metrics::list(uri, "subtasks");
            let is_wanted = |subtask: usize| {
                subtasks.as_ref().is_none_or(|ranges| ranges.iter().any(|range| holds(range, subtask)))
            };
            let all = metrics::of_vertex(&found, rates, now).into_iter();
            let of: Vec<Measures> =
                all.filter(|(subtask, _)| is_wanted(*subtask)).map(|(_, measures)| measures).collect();
            ok(&wanted.aggregate(&of))
        }
        OfVertex::Subtask(index) => ok(&found.subtask(subtask(&found, index)?.1, now)),
        OfVertex::SubtaskMetrics(index) => {
            let number = subtask_number(index)?;
            let Some((place, task)) = found.tasks.iter().find(|(_, task)| task.subtask == number) else {
                return ok(&Vec::<Metric>::new());
            };
            let rates = rates.and_then(|rates| rates.get(*place));
            let measures = metrics::texts(metrics::of_subtask(task, rates, now));
            ok(&Wanted::of(uri).answer(measures.chain(rates.map(metrics::is_backpressured))))
        }
        OfVertex::Attempt(index, number) => ok(&found.subtask(attempt(&found, index, number)?, now)),
        OfVertex::AttemptAccumulators(index, number) => {
            ok(&found.attempt_accumulators(attempt(&found, index, number)?))
        }
    }
}

/// Returns whether a subtask is in a range such as `1` or `0-3`; a malformed range contains none.
fn holds(range: &str, subtask: usize) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&subtask),
        _ => false,
    }
}

fn subtask_number(index: &str) -> Result<usize, Refusal> {
    index.parse().map_err(|_| Refusal::BadPathParameter { name: "subtaskindex", value: index.to_owned() })
}

fn subtask<'a>(found: &Found<'a>, index: &str) -> Result<(usize, &'a TaskView), Refusal> {
    let number = subtask_number(index)?;
    let task = found.tasks.iter().find(|(_, task)| task.subtask == number);
    task.copied().ok_or_else(|| no_subtask(found))
}

fn no_subtask(found: &Found<'_>) -> Refusal {
    not_there(format!("Invalid subtask index for vertex {}", found.id))
}

/// Returns the subtask's current attempt; earlier ones are not kept.
fn attempt<'a>(found: &Found<'a>, index: &str, attempt: &str) -> Result<&'a TaskView, Refusal> {
    subtask_number(index)?;
    let bad = || Refusal::BadPathParameter { name: "attempt", value: attempt.to_owned() };
    let number: u64 = attempt.parse().map_err(|_| bad())?;
    let (_, task) = subtask(found, index)?;
    if number != found.view.restarts {
        return Err(not_there(format!("Invalid attempt num {number}")));
    }
    Ok(task)
}

/// Returns the incoming watermarks. A source has none, unless all operators form one chain: then the
/// operators behind the source receive its watermarks.
fn watermarks(found: &Found<'_>) -> Vec<Metric> {
    let key = &found.vertex.key;
    let is_read = found.view.graph.iter().any(|vertex| vertex.inputs.iter().any(|edge| edge.from == *key));
    if found.vertex.is_source && is_read {
        return Vec::new();
    }

    let of = |(_, task): &(usize, &TaskView)| {
        let value = super::vertices::figure(task, "currentOutputWatermark")?;
        let id = format!("{}.currentInputWatermark", task.subtask);
        Some(Metric { id, value: Some(metrics::text(value)) })
    };
    found.tasks.iter().filter_map(of).collect()
}

fn flame_graph(parts: &Parts, found: &Found<'_>, uri: &Uri) -> Result<Response, Refusal> {
    let share = match parameter(uri, "type").unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "full" => Share::Full,
        "on_cpu" => Share::OnCpu,
        "off_cpu" => Share::OffCpu,
        other => return Err(Refusal::BadQueryParameter { name: "type", value: other.to_owned() }),
    };
    let subtask: Option<usize> = number(uri, "subtaskindex")?;
    if subtask.is_some_and(|subtask| subtask >= found.tasks.len()) {
        return Err(no_subtask(found));
    }
    let job = parts.services.dispatcher.job(found.view.id);
    let Some(job) = job.filter(|job| job.status() == jobs::JobStatus::Running) else {
        return ok(&super::model::FlameGraph { end_timestamp: -1, data: None });
    };
    ok(&parts.profiler.ask(&job, &found.vertex.key, (share, subtask), &parts.services.clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_ends_and_what_is_between() {
        let of = |range| (0..5).filter(|subtask| holds(range, *subtask)).collect::<Vec<_>>();
        assert_eq!(of("1"), [1]);
        assert_eq!(of("1-3"), [1, 2, 3]);
        for none in ["", "x", "3-1", "-1", "1-", "1-x", "99999999999999999999"] {
            assert!(of(none).is_empty(), "{none}");
        }
    }
}
