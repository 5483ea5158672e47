//! `POST /weir/jobs/:id/savepoint`: writes a job's state, and ends the job if so requested.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::{SavepointError, Sequel};
use serde::{Deserialize, Serialize};
use types::{ErrorDomain, with_causes};
use utoipa::ToSchema;

use super::answer::{Parts, json};
use super::model::Refusal;
use super::places::is_local;
use super::submit::{bad, body};
use crate::jackson;

/// Body of a savepoint request; may be empty.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Directory; by default the configured savepoint directory.
    target: Option<String>,
    /// Whether to stop the job after the savepoint.
    #[serde(default)]
    stop: bool,
}

/// Answer to a savepoint request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Written {
    location: String,
}

/// Answers once the savepoint is written and, if requested, the job has ended.
pub(super) async fn savepoint(parts: &Arc<Parts>, job: &str, request: Request) -> Result<Response, Refusal> {
    let job = parts.job(job)?;
    let is_local = is_local(&request);
    let body = body(parts, request).await?;

    let wanted: Wanted = if body.is_empty() {
        Wanted::default()
    } else {
        jackson::object(&body)
            .map_err(|error| bad(format!("the body is not {{\"target\", \"stop\"}}: {error}")))?
    };

    if let Some(target) = &wanted.target
        && !is_local
        && !parts.places(Some(&job)).admit(target)
    {
        return Err(elsewhere(target));
    }
    let then = if wanted.stop { Sequel::Stop } else { Sequel::GoOn };

    let written = tokio::task::spawn_blocking(move || {
        job.savepoint(wanted.target, then).map_err(|error| match error {
            // A job that has ended answers no requests.
            SavepointError::Busy if job.status().is_terminal() => SavepointError::Ended,
            error => error,
        })
    });

    let written = written.await;
    match written.map_err(|error| Refusal::Internal { message: error.to_string() })? {
        Ok(location) => Ok(json(StatusCode::OK, &Written { location })),
        Err(error) => Err(refusal(&error, with_causes(&error))),
    }
}

/// Returns the refusal of a location that only clients on Weir's own machine may name.
pub(super) fn elsewhere(location: &str) -> Refusal {
    bad(format!(
        "`{location}` can only be named from Weir's own machine: it is neither in the savepoint directory nor in one of `jobs_http.savepoint_directories`"
    ))
}

pub(super) fn refusal(error: &SavepointError, text: String) -> Refusal {
    let status = match error {
        SavepointError::Ended => StatusCode::CONFLICT,
        SavepointError::Busy | SavepointError::Snapshot(_) => StatusCode::SERVICE_UNAVAILABLE,
        SavepointError::Nowhere | SavepointError::NoCheckpoints => StatusCode::BAD_REQUEST,
        SavepointError::Files(error) if error.domain() == ErrorDomain::User => StatusCode::BAD_REQUEST,
        SavepointError::Files(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::own(status, text)
}
