//! Answers requests: calls the dispatcher, and translates its views into Flink's terms.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jobs::{JobMaster, JobStatus, JobView};
use serde::Serialize;
use types::JobId;

use super::model::{Datasets, Jars, Nothing, Refusal};
use super::operations::{Kind, Operations};
use super::options::Options;
use super::own_route::Own;
use super::path::plain_path;
use super::places::Places;
use super::profile::Profiler;
use super::rates::Rates;
use super::route::{OfApplication, OfJob, Route};
use super::service::Services;
use super::{
    applications, dead_letters, describe, figures, machine, of_jobs, of_vertices, openapi, page, program,
    savepoint, sql, submit, triggers,
};

/// The state of the handlers.
pub(super) struct Parts {
    pub(super) options: Options,
    pub(super) services: Services,
    /// Listening address of this job manager.
    pub(super) address: SocketAddr,
    pub(super) operations: Operations,
    pub(super) rates: Rates,
    pub(super) profiler: Arc<Profiler>,
    /// Locked by a replay of dead letters.
    pub(super) replaying: parking_lot::Mutex<()>,
}

/// Answers any request.
pub(super) async fn answer(State(parts): State<Arc<Parts>>, request: Request) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let path = plain_path(uri.path());

    let answered = match Route::of(&method, &path) {
        Some(Route::Page) => page::page(request.headers()).ok_or_else(|| nowhere(&method, &path)),
        Some(Route::Asset(name)) => {
            page::asset(name, request.headers()).ok_or_else(|| nowhere(&method, uri.path()))
        }
        Some(Route::Own(own)) => parts.own(own, request).await,
        Some(Route::Program) => program::refuse(&parts, request).await,
        Some(Route::Dispose) => triggers::dispose(&parts, request).await,
        Some(Route::Job(job, OfJob::TakeSavepoint)) => triggers::savepoint(&parts, job, request).await,
        Some(Route::Job(job, OfJob::Stop)) => triggers::stop(&parts, job, request).await,
        Some(Route::Job(job, OfJob::TakeCheckpoint)) => triggers::checkpoint(&parts, job, request).await,
        Some(route) => parts.answer(route, &method, &uri),
        None => Err(nowhere(&method, uri.path())),
    };
    answered.unwrap_or_else(|refusal| json(refusal.status(), &refusal.body()))
}

pub(super) fn nowhere(method: &Method, path: &str) -> Refusal {
    let path = path.to_owned();
    if *method == Method::GET { Refusal::NoFile { path } } else { Refusal::NoRoute { path } }
}

impl Parts {
    /// Answers the routes that need no waiting.
    fn answer(&self, route: Route<'_>, method: &Method, uri: &Uri) -> Result<Response, Refusal> {
        let now = self.services.clock.now();
        match route {
            Route::Description => Ok(openapi::description()),
            Route::Config => ok(&describe::config()),
            Route::Overview => ok(&describe::cluster(&self.views(), self.options.slots)),
            Route::Datasets => ok(&Datasets::default()),
            Route::Jobs => ok(&describe::list(self.views().into_iter())),
            Route::JobsOverview => ok(&describe::overview(self.views().into_iter(), now)),
            Route::JobsMetrics => of_jobs::metrics_of_all(self, uri),
            Route::Job(job, OfJob::Savepoint(id)) => triggers::progress(self, Kind::Savepoint, Some(job), id),
            Route::Job(job, OfJob::TakenCheckpoint(id)) => {
                triggers::progress(self, Kind::Checkpoint, Some(job), id)
            }
            Route::Disposal(id) => triggers::progress(self, Kind::Disposal, None, id),
            Route::Job(job, OfJob::Cancel) => {
                let mode = parameter(uri, "mode").unwrap_or_else(|| "cancel".to_owned());
                let id = job_id(job)?;
                if !mode.eq_ignore_ascii_case("cancel") {
                    return Err(Refusal::BadQueryParameter { name: "mode", value: mode });
                }
                self.cancel(id)
            }
            Route::Job(job, OfJob::CancelByGet) => self.cancel(job_id(job)?),
            Route::Job(job, of) => of_jobs::job(self, job, of, uri),
            Route::Vertex(job, vertex, of) => of_vertices::vertex(self, job, vertex, of, uri),
            Route::Applications => ok(&applications::applications(self.views().into_iter(), now)),
            Route::Application(id, of) => self.application(id, of, uri),
            Route::TaskManagers => machine::all(self),
            Route::TaskManagersMetrics => machine::metrics_of_all(self, uri),
            Route::TaskManager(id, of) => machine::task_manager(self, id, of, uri),
            Route::JobManager(of) => machine::job_manager(self, of, uri),
            Route::Jars => ok(&Jars { address: format!("http://{}", self.address), files: [] }),
            // These routes need the request's headers or body, and are answered elsewhere.
            Route::Page | Route::Asset(_) | Route::Program | Route::Dispose | Route::Own(_) => {
                Err(nowhere(method, uri.path()))
            }
        }
    }

    async fn own(self: &Arc<Self>, own: Own<'_>, request: Request) -> Result<Response, Refusal> {
        match own {
            Own::Submit => submit::submit(self, request).await,
            Own::Figures(id) => {
                let view = self.view(id)?;
                let job = self.services.dispatcher.job(view.id).filter(|job| !job.status().is_terminal());
                ok(&figures::Figures::of(&view, job.as_ref().map(|job| job.plan())))
            }
            Own::Savepoint(job) => savepoint::savepoint(self, job, request).await,
            Own::DeadLetters => dead_letters::list(self, request.uri()).await,
            Own::DeadLetterCounts => dead_letters::counts(self, request.uri()).await,
            Own::DeadLetter(id) => dead_letters::show(self, id).await,
            Own::Replay => dead_letters::replay(self, request).await,
            Own::CheckScript => sql::check(self, request).await,
            Own::ExplainScript => sql::explain(self, request).await,
            Own::Functions => sql::functions(),
            Own::SqlSessions => sql::pass(self, request).await,
        }
    }

    /// Answers the routes of an application, whose id is that of its job.
    fn application(&self, id: &str, of: OfApplication, uri: &Uri) -> Result<Response, Refusal> {
        let bad = || Refusal::BadPathParameter { name: "applicationid", value: id.to_owned() };
        let id = id.parse::<JobId>().map_err(|_| bad())?;
        let job = self.services.dispatcher.view(id);
        let unknown = |message: String| Refusal::Handler { status: StatusCode::NOT_FOUND, message };

        match of {
            OfApplication::Cancel if job.is_none() => {
                Err(unknown("Application could not be found.".to_owned()))
            }
            OfApplication::Cancel => self.cancel(id),
            // The same for all applications.
            OfApplication::ManagerConfig => ok(&self.services.settings),
            OfApplication::Details | OfApplication::Exceptions => {
                let job = job.ok_or_else(|| unknown(format!("Application {id} not found")))?;
                if of == OfApplication::Exceptions {
                    return of_jobs::exceptions(&job, uri);
                }
                ok(&applications::application(job, self.services.clock.now()))
            }
        }
    }

    pub(super) fn views(&self) -> Vec<JobView> {
        self.services.dispatcher.views()
    }

    /// Returns a view of a job, which may have ended before the process began.
    pub(super) fn view(&self, id: &str) -> Result<JobView, Refusal> {
        let id = job_id(id)?;
        self.services.dispatcher.view(id).ok_or(Refusal::NoJob(id))
    }

    pub(super) fn job(&self, id: &str) -> Result<Arc<JobMaster>, Refusal> {
        let id = job_id(id)?;
        self.services.dispatcher.job(id).ok_or(Refusal::NoJob(id))
    }

    /// Returns the directories that clients may name; with `job`, its own directories too.
    pub(super) fn places(&self, job: Option<&JobMaster>) -> Places {
        let defaults = self.services.dispatcher.checkpoint_defaults();
        let options = defaults.into_iter().chain(job.and_then(JobMaster::checkpoint_options));
        let own = options.flat_map(|of| [of.savepoints.as_str(), of.directory.as_str()]);
        Places::new(own.chain(self.options.savepoint_directories.iter().map(String::as_str)))
    }

    fn cancel(&self, id: JobId) -> Result<Response, Refusal> {
        let dispatcher = &self.services.dispatcher;
        match dispatcher.job(id) {
            // The cancellation is recorded first.
            Some(job) if tokio::task::block_in_place(|| job.cancel()) => {
                tracing::info!(job_id = %id, "job is being cancelled")
            }
            Some(job) => too_late(job.status())?,
            None if tokio::task::block_in_place(|| dispatcher.abandon(id)) => {
                tracing::info!(job_id = %id, "job is not tried any more")
            }
            None => too_late(dispatcher.view(id).ok_or(Refusal::NoJobToCancel)?.status)?,
        }
        Ok(json(StatusCode::ACCEPTED, &Nothing {}))
    }
}

/// Returns the outcome of cancelling a job that has ended.
fn too_late(status: JobStatus) -> Result<(), Refusal> {
    match status {
        // Jobs in other states may be ending by themselves.
        JobStatus::Finished | JobStatus::Failed => Err(Refusal::Over(status)),
        _ => Ok(()),
    }
}

pub(super) fn job_id(text: &str) -> Result<JobId, Refusal> {
    text.parse().map_err(|_| Refusal::BadPathParameter { name: "jobid", value: text.to_owned() })
}

/// Returns a parameter of the query; the first of repeated ones. `None` where the query is malformed.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    pairs.into_iter().find_map(|(key, value)| (key == name).then_some(value))
}

pub(super) fn number<T: std::str::FromStr>(uri: &Uri, name: &'static str) -> Result<Option<T>, Refusal> {
    let Some(value) = parameter(uri, name) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| Refusal::BadQueryParameter { name, value })
}

pub(super) fn ok(body: &impl Serialize) -> Result<Response, Refusal> {
    Ok(json(StatusCode::OK, body))
}

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = match serde_json::to_vec(body) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    (status, headers("application/json; charset=UTF-8"), Body::from(body)).into_response()
}

pub(super) fn plain(text: Vec<u8>) -> Response {
    (headers("text/plain; charset=UTF-8"), Body::from(text)).into_response()
}

fn headers(kind: &'static str) -> [(header::HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_job_that_was_cancelled_can_be_cancelled_again() {
        assert!(too_late(JobStatus::Canceled).is_ok() && too_late(JobStatus::Running).is_ok());
        for over in [JobStatus::Finished, JobStatus::Failed] {
            let refusal = too_late(over).expect_err("a refusal");
            assert_eq!(refusal.status(), StatusCode::CONFLICT, "{over}");
        }
    }
}
