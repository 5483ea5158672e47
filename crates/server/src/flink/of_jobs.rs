//! What there is to know of a job and of its vertices.

use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use jobs::{JobView, TaskView};

use super::answer::{Parts, job_id, nowhere, number, ok, parameter};
use super::describe::{self, MAX_PARALLELISM};
use super::metrics::{self, Measures, Wanted};
use super::model::{JobAccumulators, JobStatusInfo, LogUrl, Metric, PlanOfJob, Refusal, VertexAccumulators};
use super::profile::Share;
use super::route::{OfJob, OfVertex};
use super::vertices::Found;
use super::{checkpoints, process};

pub(super) fn job(parts: &Parts, id: &str, of: OfJob<'_>, uri: &Uri) -> Result<Response, Refusal> {
    if of == OfJob::Metrics {
        // A job that is not there has none.
        let job = parts.services.dispatcher.view(job_id(id)?);
        return ok(&job.map_or(Vec::new(), |view| metrics_of(parts, &view, uri)));
    }
    let view = parts.view(id)?;
    let now = parts.services.clock.now();
    match of {
        OfJob::Details => ok(&describe::details(&view, now)),
        OfJob::Status => ok(&JobStatusInfo { status: view.status.name() }),
        OfJob::Config => ok(&describe::job_config(&view)),
        OfJob::Plan => ok(&PlanOfJob { plan: describe::plan(&view) }),
        OfJob::Exceptions => exceptions(&view, uri),
        OfJob::Accumulators => ok(&JobAccumulators::default()),
        OfJob::Result => ok(&describe::result(&view, now)),
        OfJob::Checkpoints => ok(&checkpoints::checkpoints(&view, retained(&view)?)),
        OfJob::CheckpointConfig => {
            let options = view.checkpoint_options.as_ref().ok_or_else(no_checkpoints)?;
            ok(&checkpoints::config(options))
        }
        OfJob::Checkpoint(number) => checkpoint(&view, number, None),
        OfJob::CheckpointVertex(number, vertex) => checkpoint(&view, number, Some(vertex)),
        OfJob::ManagerConfig => ok(&parts.services.settings),
        OfJob::ManagerEnvironment => ok(&process::environment()),
        OfJob::LogUrl => ok(&LogUrl { url: format!("http://{}/jobmanager/log", parts.address) }),
        OfJob::ResourceRequirements => Err(Refusal::Unsupported(
            "The DefaultScheduler does not support changing the parallelism without a job restart. This feature is currently only expected to work with the AdaptiveScheduler.",
        )),
        OfJob::Rescales(_) => Err(Refusal::Handler {
            status: StatusCode::NOT_FOUND,
            message: format!("AdaptiveScheduler is not enabled for this job ({}).", view.id),
        }),
        // They act, or are asked of others, and are answered elsewhere.
        OfJob::Metrics
        | OfJob::Cancel
        | OfJob::CancelByGet
        | OfJob::TakeSavepoint
        | OfJob::Stop
        | OfJob::Savepoint(_)
        | OfJob::TakeCheckpoint
        | OfJob::TakenCheckpoint(_) => Err(nowhere(&Method::GET, uri.path())),
    }
}

pub(super) fn exceptions(view: &JobView, uri: &Uri) -> Result<Response, Refusal> {
    ok(&describe::exceptions(view, number(uri, "maxExceptions")?))
}

/// `/jobs/metrics`
pub(super) fn metrics_of_all(parts: &Parts, uri: &Uri) -> Result<Response, Refusal> {
    let now = parts.services.clock.now();
    let all: Vec<Measures> = parts.views().iter().map(|view| metrics::of_job(view, now)).collect();
    ok(&Wanted::of(uri).aggregate(&all))
}

fn metrics_of(parts: &Parts, view: &JobView, uri: &Uri) -> Vec<Metric> {
    let measures = metrics::texts(metrics::of_job(view, parts.services.clock.now()));
    Wanted::of(uri).answer(measures.chain(metrics::last_path(view)))
}

fn no_checkpoints() -> Refusal {
    let message = "Checkpointing has not been enabled.".to_owned();
    Refusal::Handler { status: StatusCode::NOT_FOUND, message }
}

fn retained(view: &JobView) -> Result<usize, Refusal> {
    view.checkpoint_options.as_ref().map(|options| options.retained).ok_or_else(no_checkpoints)
}

fn checkpoint(view: &JobView, id: &str, vertex: Option<&str>) -> Result<Response, Refusal> {
    let bad = || Refusal::BadPathParameter { name: "checkpointid", value: id.to_owned() };
    let id: u64 = id.parse().map_err(|_| bad())?;
    let retained = retained(view)?;
    let vertex = vertex.map(|vertex| found(view, vertex)).transpose()?;
    let known = view.checkpoints.known();
    let record = known.into_iter().find(|record| record.id == id).ok_or(Refusal::NoCheckpoint(id))?;
    match vertex {
        None => ok(&checkpoints::details(view, record, retained)),
        Some(found) => ok(&checkpoints::of_vertex(&found, record)),
    }
}

fn found<'a>(view: &'a JobView, id: &str) -> Result<Found<'a>, Refusal> {
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id {
        return Err(Refusal::BadPathParameter { name: "vertexid", value: id.to_owned() });
    }
    let id = id.to_ascii_lowercase();
    Found::all(view).into_iter().find(|found| found.id == id).ok_or(Refusal::NoVertex(id))
}

pub(super) fn vertex(
    parts: &Parts,
    job: &str,
    vertex: &str,
    of: OfVertex<'_>,
    uri: &Uri,
) -> Result<Response, Refusal> {
    let view = parts.view(job)?;
    let found = found(&view, vertex)?;
    let now = parts.services.clock.now();
    let rates = parts.rates.of(view.id);
    let rates = rates.as_deref();
    match of {
        OfVertex::Details => ok(&found.details(MAX_PARALLELISM, now)),
        OfVertex::Accumulators => ok(&VertexAccumulators { id: found.id, user_accumulators: [] }),
        OfVertex::SubtaskAccumulators => ok(&found.subtask_accumulators()),
        OfVertex::Backpressure => ok(&metrics::backpressure(&found, rates, now)),
        OfVertex::Metrics => {
            let of = metrics::of_vertex(&found, rates);
            ok(&Wanted::of(uri).answer(metrics::by_subtask(&of)))
        }
        OfVertex::OperatorMetrics => ok(&Vec::<Metric>::new()),
        OfVertex::Watermarks => ok(&watermarks(&found)),
        OfVertex::SubtaskTimes => ok(&found.subtask_times(now)),
        OfVertex::TaskManagers => ok(&found.task_managers(now)),
        OfVertex::FlameGraph => flame_graph(parts, &found, uri),
        OfVertex::SubtasksMetrics => {
            let of: Vec<Measures> =
                metrics::of_vertex(&found, rates).into_iter().map(|(_, measures)| measures).collect();
            ok(&Wanted::of(uri).aggregate(&of))
        }
        OfVertex::Subtask(index) => ok(&found.subtask(subtask(&found, index)?.1, now)),
        OfVertex::SubtaskMetrics(index) => {
            let (place, task) = subtask(&found, index)?;
            let measures = metrics::of_subtask(task, rates.and_then(|rates| rates.get(place)));
            ok(&Wanted::of(uri).answer(metrics::texts(measures)))
        }
        OfVertex::AttemptAccumulators(index) => ok(&found.attempt_accumulators(subtask(&found, index)?.1)),
    }
}

fn subtask<'a>(found: &Found<'a>, index: &str) -> Result<(usize, &'a TaskView), Refusal> {
    let bad = || Refusal::BadPathParameter { name: "subtaskindex", value: index.to_owned() };
    let number: usize = index.parse().map_err(|_| bad())?;
    let task = found.tasks.iter().find(|(_, task)| task.subtask == number);
    task.copied().ok_or_else(|| Refusal::Handler {
        status: StatusCode::NOT_FOUND,
        message: format!("Invalid subtask index for vertex {}: {number}", found.id),
    })
}

/// Of what comes in: sources make their own.
fn watermarks(found: &Found<'_>) -> Vec<Metric> {
    if found.vertex.is_source {
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
    let subtask = number(uri, "subtaskindex")?;
    let job = parts.services.dispatcher.job(found.view.id);
    let Some(job) = job.filter(|job| job.status() == jobs::JobStatus::Running) else {
        return ok(&super::model::FlameGraph { end_timestamp: -1, data: None });
    };
    ok(&parts.profiler.ask(&job, &found.vertex.key, (share, subtask), &parts.services.clock))
}
