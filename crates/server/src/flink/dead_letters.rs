//! `/weir/dead-letters`: lists and counts events that no job could count, and replays them.
//!
//! Every answer reads the whole dead-letter topic, because later records of the topic can void earlier dead letters.

mod tally;
mod view;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jobs::dead_letters::{
    DeadLetterError, DeadLetterId, InvalidDeadLetterId, Place, Replayed, StoredDeadLetter,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{Parts, json, number, parameter};
use super::model::Refusal;
use super::submit::{bad, body};
use crate::guard::OnlyAsked;
use tally::Tally;
pub(super) use tally::{Bucket, Counts, JobCount, ReasonCount};
pub(super) use view::{HeaderView, Left, LetterView, Letters, Replay};

/// Default and maximum number of dead letters in a list.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 10_000;

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
    /// Reports what would be replayed, and replays nothing.
    dry_run: bool,
}

/// Conditions on dead letters; an absent condition holds.
#[derive(Debug, Default)]
struct Filter {
    reason: Option<String>,
    job: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    replayed: Option<bool>,
}

impl Filter {
    /// Returns the conditions in the query of an address.
    fn of(uri: &Uri) -> Result<Filter, Refusal> {
        Ok(Filter {
            reason: parameter(uri, "reason"),
            job: parameter(uri, "job"),
            since: number(uri, "since")?,
            until: number(uri, "until")?,
            replayed: number(uri, "replayed")?,
        })
    }

    fn fits(&self, letter: &StoredDeadLetter) -> bool {
        let of = &letter.info;
        self.reason.as_ref().is_none_or(|reason| kind(&of.reason) == reason)
            && self.job.as_ref().is_none_or(|job| of.job == *job || of.job_id == *job)
            && self.since.is_none_or(|since| of.time >= since)
            && self.until.is_none_or(|until| of.time < until)
            && self.replayed.is_none_or(|replayed| letter.replayed == replayed)
    }

    fn is_empty(&self) -> bool {
        self.reason.is_none() && self.job.is_none() && self.since.is_none() && self.until.is_none()
    }
}

/// Returns a reason without its detail.
fn kind(reason: &str) -> &str {
    reason.split(':').next().unwrap_or_default()
}

/// Lists the newest matching dead letters, oldest first. Parameters: `?reason=`, `?job=` (name or id), `?since=` and
/// `?until=` (milliseconds since 1970, the time of writing), `?replayed=` (true or false), `?limit=`, `?before=` (the
/// `next` of an answer: the dead letters before those) and `?body_bytes=` (longest body in the answer).
pub(super) async fn list(parts: &Arc<Parts>, uri: &Uri) -> Result<Response, Refusal> {
    let filter = Filter::of(uri)?;
    let limit = number::<usize>(uri, "limit")?.unwrap_or(LIMIT).min(LIMIT_MAX);
    let body_bytes = number::<usize>(uri, "body_bytes")?.unwrap_or(usize::MAX);
    let before = parameter(uri, "before")
        .map(|text| place(&text).ok_or(Refusal::BadQueryParameter { name: "before", value: text }));
    let before = before.transpose()?;

    let letters = ask(parts, move |parts| {
        let wanted = |letter: &StoredDeadLetter| {
            before.is_none_or(|before| letter.place() < before) && filter.fits(letter)
        };
        // One more tells whether there are more.
        parts.services.dispatcher.dead_letters().newest(&wanted, limit.saturating_add(1))
    });

    let letters = letters.await?;
    let shown = &letters[letters.len().saturating_sub(limit)..];
    let next = shown.first().filter(|_| shown.len() < letters.len());
    let next = next.map(|oldest| format!("{}.{}", oldest.info.time, oldest.id));
    let letters = shown.iter().map(|letter| LetterView::of(letter, body_bytes)).collect();
    Ok(json(StatusCode::OK, &Letters { letters, next }))
}

/// Returns the place that a list's `next` names: `1765279800000.0-17`.
fn place(text: &str) -> Option<Place> {
    let (time, id) = text.split_once('.')?;
    Some((time.parse().ok()?, id.parse().ok()?))
}

/// Counts the matching dead letters by reason and time. Takes the parameters of a list that are conditions.
pub(super) async fn counts(parts: &Arc<Parts>, uri: &Uri) -> Result<Response, Refusal> {
    let filter = Filter::of(uri)?;
    let tally = ask(parts, move |parts| {
        let mut tally = Tally::default();
        parts.services.dispatcher.dead_letters().each(&mut |letter| {
            if filter.fits(&letter) {
                tally.add(&letter);
            }
        })?;
        Ok(tally)
    });
    Ok(json(StatusCode::OK, &tally.await?.counts()))
}

pub(super) async fn show(parts: &Arc<Parts>, id: &str) -> Result<Response, Refusal> {
    let id: DeadLetterId = id.parse().map_err(|error: InvalidDeadLetterId| bad(error.to_string()))?;
    let letter = ask(parts, move |parts| parts.services.dispatcher.dead_letters().dead_letter(id)).await?;
    let letter =
        letter.ok_or_else(|| Refusal::own(StatusCode::NOT_FOUND, format!("there is no dead letter {id}")))?;
    Ok(json(StatusCode::OK, &LetterView::of(&letter, usize::MAX)))
}

pub(super) async fn replay(parts: &Arc<Parts>, request: Request) -> Result<Response, Refusal> {
    let body = body(parts, request).await?;
    let ReplayWanted { ids, reason, job, since, until, limit, dry_run } = crate::jackson::object(&body)
        .map_err(|error| bad(format!("the body is not {{\"ids\"}}, or a filter: {error}")))?;
    let filter = Filter { reason, job, since, until, replayed: None };
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
        if dry_run { queue.preview(&ids) } else { queue.replay(&ids) }
    });
    let Replayed { replayed, left } = outcome.await?;

    if !dry_run {
        tracing::info!(replayed = replayed.len(), left = left.len(), "dead letters were replayed");
    }
    let left = left.into_iter().map(|(id, reason)| Left { id: id.to_string(), reason });
    let replayed = replayed.iter().map(DeadLetterId::to_string).collect();
    let mut response = json(StatusCode::OK, &Replay { replayed, left: left.collect() });
    if dry_run {
        response.extensions_mut().insert(OnlyAsked);
    }
    Ok(response)
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
