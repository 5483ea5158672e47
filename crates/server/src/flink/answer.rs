//! Answers requests: asks the dispatcher, and turns what it says into Flink's words.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jobs::{JobMaster, JobStatus};
use serde::Serialize;
use types::JobId;

use super::describe;
use super::figures::Figures;
use super::model::{JobStatusInfo, Nothing, Refusal};
use super::options::Options;
use super::route::Route;
use super::service::Services;
use super::{dead_letters, page, savepoint, submit};
use crate::origin::Origins;

/// What the handlers work with.
pub(super) struct Parts {
    pub(super) options: Options,
    pub(super) services: Services,
    pub(super) origins: Origins,
    /// Held by a replay of dead letters.
    pub(super) replaying: parking_lot::Mutex<()>,
}

/// Answers any request.
pub(super) async fn answer(State(parts): State<Arc<Parts>>, request: Request) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let answered = match Route::of(&method, uri.path()) {
        Some(route) if route.acts() && !parts.admits(request.headers()) => {
            Err(Refusal::own(StatusCode::FORBIDDEN, "pages of this origin may not do anything here"))
        }
        Some(Route::Submit) => submit::submit(&parts, request).await,
        Some(Route::Savepoint(job)) => savepoint::savepoint(&parts, job, request).await,
        Some(Route::DeadLetters) => dead_letters::list(&parts, &uri).await,
        Some(Route::DeadLetter(id)) => dead_letters::show(&parts, id).await,
        Some(Route::Replay) => dead_letters::replay(&parts, request).await,
        Some(route) => parts.answer(route, &uri),
        None => Err(nowhere(&method, uri.path())),
    };
    answered.unwrap_or_else(|refusal| json(refusal.status(), &refusal.body()))
}

fn nowhere(method: &Method, path: &str) -> Refusal {
    let path = path.to_owned();
    if *method == Method::GET { Refusal::NoFile { path } } else { Refusal::NoRoute { path } }
}

impl Parts {
    fn answer(&self, route: Route<'_>, uri: &Uri) -> Result<Response, Refusal> {
        let now = self.services.clock.now();
        let views = || self.services.dispatcher.jobs().into_iter().map(|job| job.view());
        match route {
            Route::Page => Ok(page::page()),
            Route::Config => ok(&describe::config()),
            Route::Overview => {
                let views: Vec<_> = views().collect();
                ok(&describe::cluster(&views, self.options.slots))
            }
            Route::Jobs => ok(&describe::list(views())),
            Route::JobsOverview => ok(&describe::overview(views(), now)),
            Route::Job(id) => ok(&describe::details(&self.job(id)?.view(), now)),
            Route::JobStatus(id) => ok(&JobStatusInfo { status: self.job(id)?.status().name() }),
            Route::JobConfig(id) => ok(&describe::job_config(&self.job(id)?.view())),
            Route::JobExceptions(id) => {
                let view = self.job(id)?.view();
                ok(&describe::exceptions(&view, number(uri, "maxExceptions")?))
            }
            Route::Cancel(id) => {
                let mode = parameter(uri, "mode").unwrap_or_else(|| "cancel".to_owned());
                let id = job_id(id)?;
                if !mode.eq_ignore_ascii_case("cancel") {
                    return Err(Refusal::BadQueryParameter { name: "mode", value: mode });
                }
                self.cancel(id)
            }
            Route::CancelByGet(id) => self.cancel(job_id(id)?),
            Route::Figures(id) => ok(&Figures::of(&self.job(id)?.view())),
            // They wait for bodies or disks, and are answered elsewhere.
            Route::Submit
            | Route::Savepoint(_)
            | Route::DeadLetters
            | Route::DeadLetter(_)
            | Route::Replay => Err(nowhere(&Method::POST, uri.path())),
        }
    }

    pub(super) fn job(&self, id: &str) -> Result<Arc<JobMaster>, Refusal> {
        let id = job_id(id)?;
        self.services.dispatcher.job(id).ok_or(Refusal::NoJob(id))
    }

    fn cancel(&self, id: JobId) -> Result<Response, Refusal> {
        let job = self.services.dispatcher.job(id).ok_or(Refusal::NoJobToCancel)?;
        if job.cancel() {
            tracing::info!(job_id = %id, "job is being cancelled");
        } else {
            too_late(job.status())?;
        }
        Ok(json(StatusCode::ACCEPTED, &Nothing {}))
    }

    /// Whether whoever sends this may change something: not a page of a stranger. Browsers name the page's origin with
    /// every request but a plain `GET`, of which they only tell that it comes from another site.
    fn admits(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::ORIGIN) {
            return self.origins.admits(headers);
        }
        headers.get("sec-fetch-site").is_none_or(|site| site != "cross-site")
    }
}

/// What cancelling a job that is over means.
fn too_late(status: JobStatus) -> Result<(), Refusal> {
    match status {
        JobStatus::Canceled => Ok(()),
        other => Err(Refusal::Over(other)),
    }
}

fn job_id(text: &str) -> Result<JobId, Refusal> {
    text.parse().map_err(|_| Refusal::BadPathParameter { name: "jobid", value: text.to_owned() })
}

/// A parameter of the query; of several with this name, the first. A query that cannot be read has none.
pub(super) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    pairs.into_iter().find_map(|(key, value)| (key == name).then_some(value))
}

pub(super) fn number<T: std::str::FromStr>(uri: &Uri, name: &'static str) -> Result<Option<T>, Refusal> {
    let Some(value) = parameter(uri, name) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| Refusal::BadQueryParameter { name, value })
}

fn ok(body: &impl Serialize) -> Result<Response, Refusal> {
    Ok(json(StatusCode::OK, body))
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = match serde_json::to_vec(body) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, Body::from(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_job_that_was_cancelled_can_be_cancelled_again() {
        assert!(too_late(JobStatus::Canceled).is_ok());
        for over in [JobStatus::Finished, JobStatus::Failed] {
            let refusal = too_late(over).expect_err("a refusal");
            assert_eq!(refusal.status(), StatusCode::CONFLICT, "{over}");
        }
    }
}
