//! `GET /alerts`, `GET`, `PUT` and `DELETE /alerts/{name}`, `GET /alerts/{name}/history` and `POST /alerts/{name}/test`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::book::Verdict;
use super::document::{BYTES_MAX, Document, Rule, Source};
use super::evaluate::Firing;
use super::refusal::Refusal;
use super::state::{Delivery, Past};
use super::store::Put;
use super::watch::Alerts;
use super::webhook::Attempt;
use crate::documents::{Condition, Tags, broken, name_in, on_disk, read_body};
use crate::error::{Detail, Failure};

type Service = State<Arc<Alerts>>;

/// Firing series that are listed of a rule.
const LISTED_MAX: usize = 1_000;

/// All alerts, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertList {
    alerts: Vec<AlertInfo>,
}

/// An alert with its state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertInfo {
    /// Name in the paths below `/alerts`.
    #[schema(example = "slow-answers")]
    name: String,
    title: String,
    title_vi: Option<String>,
    source: Source,
    /// Source of the alert of the same name that this one hides.
    replaces: Option<Source>,
    table: String,
    number: String,
    enabled: bool,
    state: AlertState,
    /// Why the rule cannot be evaluated.
    error: Option<String>,
    /// Series that fire, 1,000 at most.
    firing: Vec<Firing>,
    /// Number of all series that fire.
    firing_count: usize,
    /// Number of notifications that are not yet delivered.
    undelivered: usize,
    last_delivery: Option<Delivery>,
    /// When the document was last written, in UTC; null for an alert that is only in memory.
    #[schema(example = "2025-12-09T11:30:00.125Z")]
    updated: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertState {
    /// No series fires.
    Ok,
    Firing,
    /// There are no rows that count, they are not loaded yet, or the rule is disabled.
    NoData,
    /// The rule does not fit the table.
    Error,
}

/// The newest transitions of an alert.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertHistory {
    /// Newest first, 200 at most.
    transitions: Vec<Past>,
}

/// Outcome of a test notification.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertTest {
    is_delivered: bool,
    /// Status of the receiver's answer.
    status: Option<u16>,
    /// Why the notification was not delivered.
    error: Option<String>,
}

/// Alerts with their states.
#[utoipa::path(get, path = "/alerts", operation_id = "list_alerts", tag = "alerts",
    responses((status = 200, body = AlertList)))]
pub(crate) async fn list(State(alerts): Service) -> Json<AlertList> {
    let rules = alerts.rules.all().into_iter();
    Json(AlertList { alerts: rules.map(|(name, document)| describe(&alerts, name, &document)).collect() })
}

/// The document of an alert, with `***` in place of the secret.
#[utoipa::path(get, path = "/alerts/{name}", operation_id = "get_alert", tag = "alerts",
    params(("name" = String, Path, description = "name of the alert"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of a known document")),
    responses((status = 200, body = Rule, headers(("ETag" = String, description = "tag of the document, for a change"))),
        (status = 304, description = "The document has this ETag still"), (status = 404, body = Detail)))]
pub(crate) async fn get(
    State(alerts): Service,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let document = find(&alerts, &name_in(path))?;
    let known = Tags::of(&headers, header::IF_NONE_MATCH);
    // A browser asks each time whether its copy is still right.
    let caching = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let headers = [(header::ETAG, tag(&document)?), caching];
    if known.is_some_and(|tags| tags.have(&document.tag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((headers, kind, document.shown.clone()).into_response())
}

/// Saves an alert: a new one, or in place of the document with the ETag.
#[utoipa::path(put, path = "/alerts/{name}", operation_id = "put_alert", tag = "alerts",
    params(("name" = String, Path, description = "name: 1 to 64 of the characters a-z, 0-9 and -"),
        ("If-Match" = Option<String>, Header, description = "ETag of the document to replace, also of a file; `*` for any"),
        ("If-None-Match" = Option<String>, Header, description = "`*` for a new alert")),
    request_body = Rule,
    responses((status = 200, description = "The alert was replaced", body = AlertInfo, headers(("ETag" = String, description = "tag of the new document"))),
        (status = 201, description = "The alert was created", body = AlertInfo, headers(("ETag" = String, description = "tag of the new document"))),
        (status = 400, body = Detail), (status = 408, body = Detail),
        (status = 409, description = "There are as many alerts as there may be", body = Detail),
        (status = 412, body = Detail), (status = 413, body = Detail), (status = 428, body = Detail), (status = 503, body = Detail),
        (status = 507, body = Detail)))]
pub(crate) async fn put(
    State(alerts): Service,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let (name, condition) = (name_in(path), Condition::of(&headers));
    let text = read_body(body, BYTES_MAX).await?;

    let (put, document, info) = on_disk(move || {
        let (put, document) = alerts.put(&name, &text, condition.as_ref())?;
        let info = describe(&alerts, name, &document);
        Ok::<_, Refusal>((put, document, info))
    })
    .await?;

    let status = match put {
        Put::Created => StatusCode::CREATED,
        Put::Replaced => StatusCode::OK,
    };
    Ok((status, [(header::ETAG, tag(&document)?)], Json(info)).into_response())
}

/// Deletes a saved alert with its state. The file of the same name then counts again.
#[utoipa::path(delete, path = "/alerts/{name}", operation_id = "delete_alert", tag = "alerts",
    params(("name" = String, Path, description = "name of the alert"),
        ("If-Match" = Option<String>, Header, description = "ETag of the document to delete; `*` for any")),
    responses((status = 204, description = "The alert was deleted"), (status = 404, body = Detail),
        (status = 409, description = "The alert is a file, and cannot be deleted", body = Detail),
        (status = 412, body = Detail), (status = 428, body = Detail), (status = 503, body = Detail)))]
pub(crate) async fn delete(
    State(alerts): Service,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let (name, condition) = (name_in(path), Condition::of(&headers));
    on_disk(move || alerts.delete(&name, condition.as_ref())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The newest transitions of an alert, with what became of their notifications.
#[utoipa::path(get, path = "/alerts/{name}/history", operation_id = "get_alert_history", tag = "alerts",
    params(("name" = String, Path, description = "name of the alert")),
    responses((status = 200, body = AlertHistory), (status = 404, body = Detail)))]
pub(crate) async fn history(
    State(alerts): Service,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<AlertHistory>, Failure> {
    let name = name_in(path);
    find(&alerts, &name)?;
    let slot = alerts.book.slot(&name);
    let transitions = slot.held.lock().state.history.iter().rev().cloned().collect();
    Ok(Json(AlertHistory { transitions }))
}

/// Sends a test notification to the receiver of an alert, once, and waits for the outcome.
#[utoipa::path(post, path = "/alerts/{name}/test", operation_id = "test_alert", tag = "alerts",
    params(("name" = String, Path, description = "name of the alert")),
    responses((status = 200, description = "The outcome, also if the notification was not delivered", body = AlertTest),
        (status = 404, body = Detail), (status = 409, description = "The alert has no webhook", body = Detail)))]
pub(crate) async fn test(
    State(alerts): Service,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<AlertTest>, Failure> {
    let name = name_in(path);
    let attempt = on_disk(move || alerts.test(&name)).await?;
    Ok(Json(match attempt {
        Attempt::Delivered { status } => AlertTest { is_delivered: true, status: Some(status), error: None },
        Attempt::Failed { status, error, .. } | Attempt::Refused { status, error } => {
            AlertTest { is_delivered: false, status, error: Some(error) }
        }
    }))
}

fn find(alerts: &Alerts, name: &str) -> Result<Arc<Document>, Refusal> {
    alerts.rules.get(name).ok_or_else(|| Refusal::Unknown { name: name.to_owned() })
}

fn describe(alerts: &Alerts, name: String, document: &Document) -> AlertInfo {
    let replaces = alerts.rules.replaces(&name, document);
    let rule = &document.rule;
    let updated = document.updated.and_then(|at| {
        // Milliseconds, as in the other routes.
        Some(jiff::Timestamp::from_millisecond(at.as_millisecond()).ok()?.to_string())
    });

    let slot = alerts.book.slot(&name);
    let held = slot.held.lock();
    let state = match &held.verdict {
        Verdict::Mistake(_) => AlertState::Error,
        Verdict::NoData | Verdict::Data if !held.state.firing.is_empty() => AlertState::Firing,
        Verdict::Data => AlertState::Ok,
        Verdict::NoData => AlertState::NoData,
    };
    let error = match &held.verdict {
        Verdict::Mistake(mistake) => Some(mistake.clone()),
        Verdict::NoData | Verdict::Data => None,
    };
    AlertInfo {
        name,
        title: rule.title.clone(),
        title_vi: rule.title_vi.clone(),
        source: document.source,
        replaces,
        table: rule.table.clone(),
        number: rule.number.clone(),
        enabled: rule.enabled,
        state,
        error,
        firing: held.state.firing.values().take(LISTED_MAX).cloned().collect(),
        firing_count: held.state.firing.len(),
        undelivered: held.state.undelivered.len(),
        last_delivery: held.state.last_delivery.clone(),
        updated,
    }
}

fn tag(document: &Document) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(&document.tag).map_err(|_| broken())
}
