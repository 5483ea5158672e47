//! `GET /dashboards`, and `GET`, `PUT` and `DELETE /dashboards/{name}`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::document::{BYTES_MAX, Dashboard};
use super::file::{Document, Source};
use super::store::{Dashboards, Put, Refusal, Shown};
use crate::documents::{Condition, Tags, broken, disk_status, name_in, on_disk, read_body};
use crate::error::{Detail, Failure};

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
    let text = read_body(body, BYTES_MAX).await?;

    let (put, shown, name) = on_disk(move || {
        let (put, shown) = dashboards.put(&name, &text, condition.as_ref())?;
        Ok::<_, Refusal>((put, shown, name))
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
                disk_status(error)
            }
        };
        Failure::new(status, refusal.to_string())
    }
}
