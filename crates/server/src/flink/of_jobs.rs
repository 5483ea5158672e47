//! Answers the routes of a job.

use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use jobs::JobView;
use types::JobId;

use super::answer::{Parts, job_id, nowhere, number, ok};
use super::describe;
use super::metrics::{self, Measures, Wanted};
use super::model::{JobAccumulators, JobStatusInfo, LogUrl, Metric, PlanOfJob, Refusal};
use super::route::OfJob;
use super::{checkpoints, of_vertices, process};

pub(super) fn job(parts: &Parts, id: &str, of: OfJob<'_>, uri: &Uri) -> Result<Response, Refusal> {
    // These answers do not depend on the job.
    match of {
        OfJob::Metrics => {
            let view = parts.services.dispatcher.view(job_id(id)?);
            return ok(&view.map_or(Vec::new(), |view| metrics_of(parts, &view, uri)));
        }
        OfJob::ManagerConfig => return job_id(id).and_then(|_| ok(&parts.services.settings)),
        OfJob::ManagerEnvironment => return job_id(id).and_then(|_| ok(&process::environment())),
        OfJob::LogUrl => return ok(&LogUrl { url: format!("http://{}/jobmanager/log", parts.address) }),
        _ => {}
    }

    let view = parts.view(id).map_err(|refusal| match (of, refusal) {
        (OfJob::Result, Refusal::NoJob(id)) => Refusal::Handler {
            status: StatusCode::NOT_FOUND,
            message: format!(
                "org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job ({id})"
            ),
        },
        (_, refusal) => refusal,
    })?;

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
        OfJob::ResourceRequirements => Err(Refusal::Unsupported(
            "The DefaultScheduler does not support changing the parallelism without a job restart. This feature is currently only expected to work with the AdaptiveScheduler.",
        )),
        OfJob::Rescales(what) => Err(not_rescaled(&view, what)),
        OfJob::Rescale(id) => {
            job_id(id)
                .map_err(|_| Refusal::BadPathParameter { name: "rescaleuuid", value: id.to_owned() })?;
            let message = format!("AdaptiveScheduler rescales was not enabled for job {}.", view.id);
            Err(Refusal::Handler { status: StatusCode::NOT_FOUND, message })
        }
        // These routes act, or concern others, and are answered elsewhere.
        OfJob::Metrics
        | OfJob::ManagerConfig
        | OfJob::ManagerEnvironment
        | OfJob::LogUrl
        | OfJob::Cancel
        | OfJob::CancelByGet
        | OfJob::TakeSavepoint
        | OfJob::Stop
        | OfJob::Savepoint(_)
        | OfJob::TakeCheckpoint
        | OfJob::TakenCheckpoint(_) => Err(nowhere(&Method::GET, uri.path())),
    }
}

/// Refuses to rescale: a job keeps its parallelism while it runs.
fn not_rescaled(view: &JobView, what: &str) -> Refusal {
    let id = view.id;
    if what == "config" {
        let message = format!("AdaptiveScheduler is not enabled for this job ({id}).");
        return Refusal::Handler { status: StatusCode::NOT_FOUND, message };
    }
    let message = format!(
        "org.apache.flink.runtime.rest.handler.job.rescales.RescalesUnavailableException: The job `{id}` has not enabled the `Adaptive` scheduler, or it has been enabled but the value of configuration option `web.adaptive-scheduler.rescale-history.size` has not been set to greater than `0`."
    );
    Refusal::own(StatusCode::NOT_FOUND, message)
}

pub(super) fn exceptions(view: &JobView, uri: &Uri) -> Result<Response, Refusal> {
    // A Java int, and not negative.
    let at_most: Option<i32> = number(uri, "maxExceptions")?;
    let at_most = at_most.map(|most| {
        usize::try_from(most)
            .map_err(|_| Refusal::BadQueryParameter { name: "maxExceptions", value: most.to_string() })
    });
    ok(&describe::exceptions(view, at_most.transpose()?))
}

/// Answers `/jobs/metrics`.
pub(super) fn metrics_of_all(parts: &Parts, uri: &Uri) -> Result<Response, Refusal> {
    let now = parts.services.clock.now();
    let bad = |value: &str| Refusal::BadQueryParameter { name: "jobs", value: value.to_owned() };
    let ids = metrics::list(uri, "jobs").map(|ids| {
        ids.iter().map(|id| id.parse().map_err(|_| bad(id))).collect::<Result<Vec<JobId>, Refusal>>()
    });
    let ids = ids.transpose()?;
    let views = parts.views();
    let wanted = views.iter().filter(|view| ids.as_ref().is_none_or(|ids| ids.contains(&view.id)));
    let all: Vec<Measures> = wanted.map(|view| metrics::of_job(view, now)).collect();
    ok(&Wanted::over_several(uri)?.aggregate(&all))
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
    let id: i64 = id.parse().map_err(|_| bad())?;
    let retained = retained(view)?;
    let vertex = vertex.map(of_vertices::vertex_id).transpose()?;
    let mut known = view.checkpoints.known().into_iter();
    let record = known.find(|record| i64::try_from(record.id) == Ok(id)).ok_or(Refusal::NoCheckpoint(id))?;
    let vertex = vertex.map(|id| {
        let none = || Refusal::NotFound(format!("There is no checkpoint statistics for task {id}."));
        of_vertices::find(view, &id).ok_or_else(none)
    });
    let vertex = vertex.transpose()?;
    match vertex {
        None => ok(&checkpoints::details(view, record, retained)),
        Some(found) => ok(&checkpoints::of_vertex(&found, record)),
    }
}
