//! `/weir/dead-letters`: events that no job could count, and giving them back.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jobs::dead_letters::{InvalidLetterId, Letter, LetterId, ShelfError, Written};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Parts, json, number, parameter};
use super::model::Refusal;
use super::submit::{bad, body};

/// Letters in one answer, unless told otherwise, and at most.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 10_000;

/// A letter, in our own words. Times are milliseconds since 1970.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LetterView {
    /// Its place in the dead-letter topic.
    id: String,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    written: Written,
    replayed: bool,
    /// The original bytes, as text as far as they are.
    body: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Letters {
    letters: Vec<LetterView>,
}

/// The body of a replay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayWanted {
    ids: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replay {
    replayed: Vec<String>,
    left: Vec<Left>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Left {
    id: String,
    reason: String,
}

/// `?reason=`, `?job=` (name or id), `?since=` and `?until=` (milliseconds since 1970, when they were written) and `?limit=`:
/// the newest of those that fit, oldest first.
pub(super) async fn list(parts: &Arc<Parts>, uri: &Uri) -> Result<Response, Refusal> {
    let (reason, job) = (parameter(uri, "reason"), parameter(uri, "job"));
    let (since, until) = (number::<i64>(uri, "since")?, number::<i64>(uri, "until")?);
    let limit = number::<usize>(uri, "limit")?.unwrap_or(LIMIT).min(LIMIT_MAX);
    let fits = move |letter: &Letter| {
        let of = &letter.written;
        reason.as_ref().is_none_or(|reason| of.reason.split(':').next() == Some(reason.as_str()))
            && job.as_ref().is_none_or(|job| of.job == *job || of.job_id == *job)
            && since.is_none_or(|since| of.time >= since)
            && until.is_none_or(|until| of.time < until)
    };
    let letters = ask(parts, move |parts| parts.services.dispatcher.dead_letters().letters(&fits, limit));
    let letters = letters.await?.iter().map(LetterView::of).collect();
    Ok(json(StatusCode::OK, &Letters { letters }))
}

pub(super) async fn show(parts: &Arc<Parts>, id: &str) -> Result<Response, Refusal> {
    let id: LetterId = id.parse().map_err(|error: InvalidLetterId| bad(error.to_string()))?;
    let letter = ask(parts, move |parts| parts.services.dispatcher.dead_letters().letter(id)).await?;
    let letter =
        letter.ok_or_else(|| Refusal::own(StatusCode::NOT_FOUND, format!("there is no letter {id}")))?;
    Ok(json(StatusCode::OK, &LetterView::of(&letter)))
}

pub(super) async fn replay(parts: &Arc<Parts>, request: Request) -> Result<Response, Refusal> {
    let body = body(parts, request).await?;
    let wanted: ReplayWanted = serde_json::from_slice(&body)
        .map_err(|error| bad(format!("the body is not {{\"ids\"}}: {error}")))?;
    let ids: Result<Vec<LetterId>, InvalidLetterId> = wanted.ids.iter().map(|id| id.parse()).collect();
    let ids = ids.map_err(|error| bad(error.to_string()))?;
    let outcome = ask(parts, move |parts| {
        // One at a time: each first settles what the one before left.
        let _one = parts.replaying.lock();
        parts.services.dispatcher.dead_letters().replay(&ids)
    });
    let outcome = outcome.await?;
    tracing::info!(
        replayed = outcome.replayed.len(),
        left = outcome.left.len(),
        "dead letters were replayed"
    );
    let left = outcome.left.into_iter().map(|(id, reason)| Left { id: id.to_string(), reason });
    let replayed = outcome.replayed.iter().map(LetterId::to_string).collect();
    Ok(json(StatusCode::OK, &Replay { replayed, left: left.collect() }))
}

/// Asks the log, which may wait for its disk.
async fn ask<T: Send + 'static>(
    parts: &Arc<Parts>,
    question: impl FnOnce(&Parts) -> Result<T, ShelfError> + Send + 'static,
) -> Result<T, Refusal> {
    let parts = Arc::clone(parts);
    let answer = tokio::task::spawn_blocking(move || question(&parts)).await;
    let answer = answer.map_err(|error| Refusal::Internal { message: error.to_string() })?;
    answer.map_err(|error| Refusal::own(StatusCode::SERVICE_UNAVAILABLE, jobs::with_causes(&error)))
}

impl LetterView {
    fn of(letter: &Letter) -> LetterView {
        LetterView {
            id: letter.id.to_string(),
            written: letter.written.clone(),
            replayed: letter.replayed,
            body: String::from_utf8_lossy(&letter.body).into_owned(),
        }
    }
}
