//! `GET /dashboards`, and `GET`, `PUT` and `DELETE /dashboards/{name}`.

use std::io::ErrorKind;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::condition::{Condition, Tags};
use super::document::{BYTES_MAX, Dashboard};
use super::file::{Document, Source};
use super::store::{Dashboards, Put, Refusal, Shown};
use crate::error::{Detail, Failure};
use crate::guard::is_late;

type Service = State<Arc<Dashboards>>;

/// All dashboards, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DashboardList {
    dashboards: Vec<DashboardInfo>,
}

/// A dashboard without its panels.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DashboardInfo {
    /// Name in the paths below `/dashboards`.
    #[schema(example = "analytics")]
    name: String,
    title: String,
    title_vi: Option<String>,
    source: Source,
    /// Source of the dashboard of the same name that this one hides.
    replaces: Option<Source>,
    /// Number of panels.
    panels: usize,
    /// When the document was last written, in UTC; null for a built-in dashboard.
    #[schema(example = "2025-12-09T11:30:00.125Z")]
    updated: Option<String>,
}

/// Dashboards that are built in, lie beside scripts, or were saved.
#[utoipa::path(get, path = "/dashboards", operation_id = "list_dashboards", tag = "dashboards",
    responses((status = 200, body = DashboardList)))]
pub(crate) async fn list(State(dashboards): Service) -> Json<DashboardList> {
    let dashboards = dashboards.all().into_iter().map(|(name, shown)| describe(name, &shown));
    Json(DashboardList { dashboards: dashboards.collect() })
}

/// The document of a dashboard.
#[utoipa::path(get, path = "/dashboards/{name}", operation_id = "get_dashboard", tag = "dashboards",
    params(("name" = String, Path, description = "name of the dashboard"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of a known document")),
    responses((status = 200, body = Dashboard, headers(("ETag" = String, description = "tag of the document, for a change"))),
        (status = 304, description = "The document has this ETag still"), (status = 404, body = Detail)))]
pub(crate) async fn get(
    State(dashboards): Service,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let name = name_in(path);
    let Some(Shown { document, .. }) = dashboards.get(&name) else {
        return Err(Refusal::Unknown { name }.into());
    };
    let known = Tags::of(&headers, header::IF_NONE_MATCH);
    // A browser asks each time whether its copy is still right.
    let caching = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let headers = [(header::ETAG, tag(&document)?), caching];
    if known.is_some_and(|tags| tags.have(&document.tag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((headers, kind, document.text.clone()).into_response())
}

/// Saves a dashboard: a new one, or in place of the document with the ETag.
#[utoipa::path(put, path = "/dashboards/{name}", operation_id = "put_dashboard", tag = "dashboards",
    params(("name" = String, Path, description = "name: 1 to 64 of the characters a-z, 0-9 and -"),
        ("If-Match" = Option<String>, Header, description = "ETag of the document to replace, also of a built-in one or a file; `*` for any"),
        ("If-None-Match" = Option<String>, Header, description = "`*` for a new dashboard")),
    request_body = Dashboard,
    responses((status = 200, description = "The dashboard was replaced", body = DashboardInfo, headers(("ETag" = String, description = "tag of the new document"))),
        (status = 201, description = "The dashboard was created", body = DashboardInfo, headers(("ETag" = String, description = "tag of the new document"))),
        (status = 400, body = Detail), (status = 408, body = Detail),
        (status = 409, description = "There are as many saved dashboards as there may be", body = Detail),
        (status = 412, body = Detail), (status = 413, body = Detail), (status = 428, body = Detail), (status = 503, body = Detail),
        (status = 507, body = Detail)))]
pub(crate) async fn put(
    State(dashboards): Service,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let (name, condition) = (name_in(path), Condition::of(&headers));
    let text = read(body).await?;

    let (put, shown, name) = on_disk(move || {
        let (put, shown) = dashboards.put(&name, &text, condition.as_ref())?;
        Ok((put, shown, name))
    })
    .await?;

    let status = match put {
        Put::Created => StatusCode::CREATED,
        Put::Replaced => StatusCode::OK,
    };
    let headers = [(header::ETAG, tag(&shown.document)?)];
    Ok((status, headers, Json(describe(name, &shown))).into_response())
}

/// Deletes a saved dashboard. The built-in one or the file of the same name is then shown again.
#[utoipa::path(delete, path = "/dashboards/{name}", operation_id = "delete_dashboard", tag = "dashboards",
    params(("name" = String, Path, description = "name of the dashboard"),
        ("If-Match" = Option<String>, Header, description = "ETag of the document to delete; `*` for any")),
    responses((status = 204, description = "The dashboard was deleted"), (status = 404, body = Detail),
        (status = 409, description = "The dashboard is built in or a file, and cannot be deleted", body = Detail),
        (status = 412, body = Detail), (status = 428, body = Detail), (status = 503, body = Detail)))]
pub(crate) async fn delete(
    State(dashboards): Service,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let (name, condition) = (name_in(path), Condition::of(&headers));
    on_disk(move || dashboards.delete(&name, condition.as_ref())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the name in a path. Bytes that are not UTF-8 name no dashboard.
fn name_in(path: Result<Path<String>, PathRejection>) -> String {
    path.map_or_else(|_| char::REPLACEMENT_CHARACTER.to_string(), |Path(name)| name)
}

fn describe(name: String, shown: &Shown) -> DashboardInfo {
    let Shown { document, replaces } = shown;
    let updated = document.updated.and_then(|at| {
        // Milliseconds, as in the other routes.
        Some(jiff::Timestamp::from_millisecond(at.as_millisecond()).ok()?.to_string())
    });
    DashboardInfo {
        name,
        title: document.title.clone(),
        title_vi: document.title_vi.clone(),
        source: document.source,
        replaces: *replaces,
        panels: document.panels,
        updated,
    }
}

fn tag(document: &Document) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(&document.tag).map_err(|_| broken())
}

async fn read(body: Body) -> Result<Bytes, Failure> {
    to_bytes(body, BYTES_MAX).await.map_err(|error| match is_late(&error) {
        true => Failure::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive"),
        false => Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body broke off, or is larger than {BYTES_MAX} bytes"),
        ),
    })
}

/// Runs a change, which waits for the disk, without keeping other requests waiting.
async fn on_disk<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Failure> {
    let changed = tokio::task::spawn_blocking(change).await.map_err(|_| broken())?;
    Ok(changed?)
}

fn broken() -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed; Weir's log has the reason")
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let status = match &refusal {
            Refusal::Name { .. } | Refusal::Document(_) => StatusCode::BAD_REQUEST,
            Refusal::Unknown { .. } => StatusCode::NOT_FOUND,
            Refusal::NoCondition { .. } => StatusCode::PRECONDITION_REQUIRED,
            Refusal::Changed { .. } | Refusal::Gone { .. } | Refusal::Exists { .. } => {
                StatusCode::PRECONDITION_FAILED
            }
            Refusal::ReadOnly { .. } | Refusal::Full => StatusCode::CONFLICT,
            Refusal::Disk { name, error } => {
                tracing::error!(name, %error, "a dashboard could not be written");
                match error.kind() {
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StatusCode::INSUFFICIENT_STORAGE,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                }
            }
        };
        Failure::new(status, refusal.to_string())
    }
}
