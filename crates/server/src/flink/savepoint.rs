//! `POST /weir/jobs/:id/savepoint`: a job's state is written, and the job ended if so asked.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::SavepointError;
use serde::{Deserialize, Serialize};
use types::ErrorDomain;

use super::answer::{Parts, json};
use super::model::Refusal;
use super::submit::{bad, body};

/// The body, which may be empty.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A directory; where savepoints go unless told otherwise.
    target: Option<String>,
    /// Whether the job is to end then.
    #[serde(default)]
    stop: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Written {
    location: String,
}

/// Answers when the savepoint is written.
pub(super) async fn savepoint(parts: &Arc<Parts>, job: &str, request: Request) -> Result<Response, Refusal> {
    let job = parts.job(job)?;
    let body = body(parts, request).await?;
    let wanted: Wanted = if body.is_empty() {
        Wanted::default()
    } else {
        serde_json::from_slice(&body)
            .map_err(|error| bad(format!("the body is not {{\"target\", \"stop\"}}: {error}")))?
    };
    let written = tokio::task::spawn_blocking(move || job.savepoint(wanted.target, wanted.stop)).await;
    match written.map_err(|error| Refusal::Internal { message: error.to_string() })? {
        Ok(location) => Ok(json(StatusCode::OK, &Written { location })),
        Err(error) => Err(refusal(&error)),
    }
}

fn refusal(error: &SavepointError) -> Refusal {
    let status = match error {
        SavepointError::Ended => StatusCode::CONFLICT,
        SavepointError::Busy | SavepointError::Snapshot(_) => StatusCode::SERVICE_UNAVAILABLE,
        SavepointError::Nowhere => StatusCode::BAD_REQUEST,
        SavepointError::Files(error) if error.domain() == ErrorDomain::User => StatusCode::BAD_REQUEST,
        SavepointError::Files(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::own(status, jobs::with_causes(error))
}
