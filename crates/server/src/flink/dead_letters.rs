//! `/weir/dead-letters`: lists events that no job could count, and replays them.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jobs::dead_letters::{
    DeadLetterError, DeadLetterId, DeadLetterInfo, InvalidDeadLetterId, Replayed, StoredDeadLetter,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Parts, json, number, parameter};
use super::model::Refusal;
use super::submit::{bad, body};

/// Default and maximum number of dead letters in a list.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 10_000;

/// A dead letter. Times are milliseconds since 1970.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LetterView {
    /// Position in the dead-letter topic.
    id: String,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    info: DeadLetterInfo,
    replayed: bool,
    /// Original key, as text.
    key: Option<String>,
    /// Original headers, in order.
    headers: Vec<HeaderView>,
    /// Original bytes, as text; invalid UTF-8 is replaced.
    body: String,
}

/// A header of a record, as text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeaderView {
    name: String,
    value: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Letters {
    letters: Vec<LetterView>,
}

/// Body of a replay: `ids`, or a filter.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReplayWanted {
    ids: Option<Vec<String>>,
    /// Dead letters with this reason, without its detail: `malformed`, `late`, …
    reason: Option<String>,
    /// Dead letters of this job, by name or id.
    job: Option<String>,
    /// Dead letters written at this time or later, in milliseconds since 1970.
    since: Option<i64>,
    /// Dead letters written before this time, in milliseconds since 1970.
    until: Option<i64>,
    /// Maximum number of dead letters, oldest first.
    limit: Option<usize>,
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

/// Conditions on dead letters; an absent condition holds.
#[derive(Debug, Default)]
struct Filter {
    reason: Option<String>,
    job: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
}

impl Filter {
    fn fits(&self, letter: &StoredDeadLetter) -> bool {
        let of = &letter.info;
        self.reason.as_ref().is_none_or(|reason| of.reason.split(':').next() == Some(reason.as_str()))
            && self.job.as_ref().is_none_or(|job| of.job == *job || of.job_id == *job)
            && self.since.is_none_or(|since| of.time >= since)
            && self.until.is_none_or(|until| of.time < until)
    }

    fn is_empty(&self) -> bool {
        self.reason.is_none() && self.job.is_none() && self.since.is_none() && self.until.is_none()
    }
}

/// Lists the newest matching dead letters, oldest first. Parameters: `?reason=`, `?job=` (name or id),
/// `?since=` and `?until=` (milliseconds since 1970, the time of writing) and `?limit=`.
pub(super) async fn list(parts: &Arc<Parts>, uri: &Uri) -> Result<Response, Refusal> {
    let filter = Filter {
        reason: parameter(uri, "reason"),
        job: parameter(uri, "job"),
        since: number(uri, "since")?,
        until: number(uri, "until")?,
    };
    let limit = number::<usize>(uri, "limit")?.unwrap_or(LIMIT).min(LIMIT_MAX);
    let letters = ask(parts, move |parts| {
        parts.services.dispatcher.dead_letters().newest(&|letter| filter.fits(letter), limit)
    });
    let letters = letters.await?.iter().map(LetterView::of).collect();
    Ok(json(StatusCode::OK, &Letters { letters }))
}

pub(super) async fn show(parts: &Arc<Parts>, id: &str) -> Result<Response, Refusal> {
    let id: DeadLetterId = id.parse().map_err(|error: InvalidDeadLetterId| bad(error.to_string()))?;
    let letter = ask(parts, move |parts| parts.services.dispatcher.dead_letters().dead_letter(id)).await?;
    let letter =
        letter.ok_or_else(|| Refusal::own(StatusCode::NOT_FOUND, format!("there is no dead letter {id}")))?;
    Ok(json(StatusCode::OK, &LetterView::of(&letter)))
}

pub(super) async fn replay(parts: &Arc<Parts>, request: Request) -> Result<Response, Refusal> {
    let body = body(parts, request).await?;
    let ReplayWanted { ids, reason, job, since, until, limit } = crate::jackson::object(&body)
        .map_err(|error| bad(format!("the body is not {{\"ids\"}}, or a filter: {error}")))?;
    let filter = Filter { reason, job, since, until };
    if ids.is_none() && filter.is_empty() {
        return Err(bad("the body names neither `ids` nor a filter (`reason`, `job`, `since`, `until`)"));
    }
    let ids = ids.unwrap_or_default();
    let ids: Result<Vec<DeadLetterId>, InvalidDeadLetterId> = ids.iter().map(|id| id.parse()).collect();
    let ids = ids.map_err(|error| bad(error.to_string()))?;

    let outcome = ask(parts, move |parts| {
        // One replay at a time: each first settles what the one before left.
        let _one = parts.replaying.lock();
        let queue = parts.services.dispatcher.dead_letters();
        let ids = match filter.is_empty() {
            true => ids,
            false => queue.open(&|letter| filter.fits(letter), limit.unwrap_or(usize::MAX))?,
        };
        queue.replay(&ids)
    });
    let Replayed { replayed, left } = outcome.await?;

    tracing::info!(replayed = replayed.len(), left = left.len(), "dead letters were replayed");
    let left = left.into_iter().map(|(id, reason)| Left { id: id.to_string(), reason });
    let replayed = replayed.iter().map(DeadLetterId::to_string).collect();
    Ok(json(StatusCode::OK, &Replay { replayed, left: left.collect() }))
}

/// Runs a question to the log, which may wait for its disk, on a blocking thread.
async fn ask<T: Send + 'static>(
    parts: &Arc<Parts>,
    question: impl FnOnce(&Parts) -> Result<T, DeadLetterError> + Send + 'static,
) -> Result<T, Refusal> {
    let parts = Arc::clone(parts);
    let answer = tokio::task::spawn_blocking(move || question(&parts)).await;
    let answer = answer.map_err(|error| Refusal::Internal { message: error.to_string() })?;
    answer.map_err(|error| Refusal::own(StatusCode::SERVICE_UNAVAILABLE, types::with_causes(&error)))
}

impl LetterView {
    fn of(letter: &StoredDeadLetter) -> LetterView {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = letter.carried.headers.iter();
        LetterView {
            id: letter.id.to_string(),
            info: letter.info.clone(),
            replayed: letter.replayed,
            key: letter.carried.key.as_deref().map(text),
            headers: headers
                .map(|(name, value)| HeaderView { name: name.clone(), value: value.as_deref().map(text) })
                .collect(),
            body: text(&letter.body),
        }
    }
}
