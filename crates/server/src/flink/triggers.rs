//! Savepoints, stops, checkpoints and disposals as Flink's clients request them, and the polling of their
//! progress.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::{JobMaster, JobStatus, SavepointError, Sequel};
use serde::de::DeserializeOwned;
use types::{JobId, with_causes};

use super::answer::{Parts, job_id, json};
use super::model::{
    CheckpointWanted, DisposalWanted, Outcome, Progress, Refusal, SavepointWanted, StopWanted, Throwable,
    Triggered,
};
use super::operations::{Begun, Done, Key, Kind, failure, no_directory, no_job};
use super::places::url;
use super::submit::body;
use crate::jackson;

/// Poll interval while waiting for a job's end.
const LOOK: Duration = Duration::from_secs(1);

/// Answers `POST /jobs/:id/savepoints`.
pub(super) async fn savepoint(parts: &Arc<Parts>, job: &str, request: Request) -> Result<Response, Refusal> {
    let job = job_id(job)?;
    let wanted: SavepointWanted =
        read(&body(parts, request).await?, SavepointWanted::default, "SavepointTriggerRequestBody")?;
    let then = if wanted.cancel_job == Some(true) { Sequel::Cancel } else { Sequel::GoOn };
    let trigger = trigger(wanted.trigger.as_deref(), "SavepointTriggerRequestBody")?;
    write(parts, job, wanted.target_directory, then, trigger)
}

/// Answers `POST /jobs/:id/stop`.
pub(super) async fn stop(parts: &Arc<Parts>, job: &str, request: Request) -> Result<Response, Refusal> {
    let job = job_id(job)?;
    let name = "StopWithSavepointRequestBody";
    let wanted: StopWanted = read(&body(parts, request).await?, StopWanted::default, name)?;
    let then = if wanted.drain == Some(true) { Sequel::Drain } else { Sequel::Stop };
    write(parts, job, wanted.target_directory, then, trigger(wanted.trigger.as_deref(), name)?)
}

/// Answers `POST /jobs/:id/checkpoints`.
pub(super) async fn checkpoint(parts: &Arc<Parts>, job: &str, request: Request) -> Result<Response, Refusal> {
    let id = job_id(job)?;
    let name = "CheckpointTriggerRequestBody";
    let wanted: CheckpointWanted = read(&body(parts, request).await?, CheckpointWanted::default, name)?;
    let trigger = trigger(wanted.trigger.as_deref(), name)?;
    let key = Key { kind: Kind::Checkpoint, job: Some(id), trigger };
    let job = parts.services.dispatcher.job(id);
    begin(parts, key, StatusCode::ACCEPTED, move || match job {
        None => no_job(id),
        Some(job) => job.checkpoint().map_or_else(|error| why(&job, &error), Done::Checkpoint),
    })
}

/// Answers `POST /savepoint-disposal`.
pub(super) async fn dispose(parts: &Arc<Parts>, request: Request) -> Result<Response, Refusal> {
    let name = "SavepointDisposalRequest";
    let wanted: DisposalWanted = read(&body(parts, request).await?, DisposalWanted::default, name)?;

    let Some(path) = wanted.savepoint_path else {
        let message = "Field savepoint-path must not be omitted or be null.".to_owned();
        return Err(Refusal::Handler { status: StatusCode::BAD_REQUEST, message });
    };

    let key = Key { kind: Kind::Disposal, job: None, trigger: JobId(jobs::random_id()) };
    let is_admitted = parts.places(None).admit(&path);

    // Flink answers 200 here, and 202 to the other requests.
    begin(parts, key, StatusCode::OK, move || {
        let failed =
            |message: String| Done::Failed { class: "org.apache.flink.util.FlinkException", message };
        if !is_admitted {
            return failed(format!(
                "Disposing the savepoint {path} failed: it is not in a savepoint directory"
            ));
        }
        match jobs::checkpoint::dispose_savepoint(&path) {
            Ok(()) => Done::Disposed,
            Err(error) => failed(format!("Disposing the savepoint {path} failed: {}", with_causes(&error))),
        }
    })
}

/// Answers the progress of a job's operation, or of a disposal.
pub(super) fn progress(parts: &Parts, kind: Kind, job: Option<&str>, id: &str) -> Result<Response, Refusal> {
    let job = job.map(job_id).transpose()?;
    let trigger: JobId =
        id.parse().map_err(|_| Refusal::BadPathParameter { name: "triggerid", value: id.to_owned() })?;

    let unknown = || {
        let what = if kind == Kind::Savepoint { "savepoint" } else { "checkpoint" };
        match job {
            Some(job) => Refusal::NoOperation(format!(
                "There is no {what} operation with triggerId={trigger} for job {job}."
            )),
            None => Refusal::NotFound(format!("Operation not found under key: {trigger}")),
        }
    };

    let done = parts.operations.progress(Key { kind, job, trigger }).ok_or_else(unknown)?;
    let outcome = done.map(|done| match done {
        Done::Savepoint(location) => Outcome { location: Some(location), ..Outcome::default() },
        Done::Checkpoint(id) => Outcome { checkpoint: Some(id), ..Outcome::default() },
        Done::Disposed => Outcome::default(),
        Done::Failed { class, message } => {
            let cause = Some(Throwable::new(class, &message));
            match kind {
                Kind::Checkpoint => Outcome { cause_of_checkpoint: cause, ..Outcome::default() },
                Kind::Savepoint | Kind::Disposal => Outcome { cause, ..Outcome::default() },
            }
        }
    });

    Ok(json(StatusCode::OK, &Progress::of(outcome)))
}

fn write(
    parts: &Arc<Parts>,
    id: JobId,
    target: Option<String>,
    then: Sequel,
    trigger: JobId,
) -> Result<Response, Refusal> {
    let job = parts.services.dispatcher.job(id);
    let target = target.filter(|target| !target.is_empty());
    if let Some(job) = &job
        && target.is_none()
        && job.checkpoint_options().is_none_or(|options| options.savepoints.is_empty())
    {
        let message = "Config key [execution.checkpointing.savepoint-dir] is not set. Property [target-directory] must be provided.";
        return Err(Refusal::Handler { status: StatusCode::BAD_REQUEST, message: message.to_owned() });
    }

    let is_admitted = target.as_ref().is_none_or(|target| parts.places(job.as_deref()).admit(target));
    let key = Key { kind: Kind::Savepoint, job: Some(id), trigger };

    begin(parts, key, StatusCode::ACCEPTED, move || {
        let Some(job) = job else { return no_job(id) };
        if let Some(target) = target.as_ref().filter(|_| !is_admitted) {
            let why = "clients can only name directories below the savepoint directory or below those in `jobs_http.savepoint_directories`";
            return no_directory(target, why);
        }
        let attempt = job.restarts();
        match job.savepoint(target, then) {
            Ok(location) if then == Sequel::GoOn => Done::Savepoint(url(&location)),
            Ok(location) => stopped(&job, attempt, url(&location)),
            Err(error) => why(&job, &error),
        }
    })
}

/// Waits until a job with a written savepoint has stopped.
fn stopped(job: &JobMaster, attempt: u64, location: String) -> Done {
    while !job.wait(LOOK) && job.restarts() == attempt {}
    if job.status() != JobStatus::Failed && job.restarts() == attempt {
        return Done::Savepoint(location);
    }
    Done::Failed {
        class: "org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException",
        message: format!(
            "A savepoint has been created at: {location}, but the corresponding job {} failed during stopping.",
            job.id()
        ),
    }
}

fn why(job: &JobMaster, error: &SavepointError) -> Done {
    match error {
        SavepointError::Ended if job.status().is_terminal() => no_job(job.id()),
        SavepointError::Busy if job.status().is_terminal() => no_job(job.id()),
        error => failure(error),
    }
}

/// Begins an operation, unless one with this key exists, and answers its trigger id.
fn begin(
    parts: &Arc<Parts>,
    key: Key,
    status: StatusCode,
    work: impl FnOnce() -> Done + Send + 'static,
) -> Result<Response, Refusal> {
    match parts.operations.begin(key, parts.services.clock.elapsed()) {
        Begun::Now => {
            let parts = Arc::clone(parts);
            tokio::task::spawn_blocking(move || {
                let done = work();
                if let Done::Failed { message, .. } = &done {
                    let job_id = key.job.map(|job| job.to_string());
                    tracing::warn!(kind = ?key.kind, job_id, error = message, "an operation that a client requested failed");
                }
                parts.operations.end(key, parts.services.clock.elapsed(), done);
            });
        }
        Begun::Before => {}
        Begun::TooMany => {
            let message = "too many operations are in progress or were requested just now";
            return Err(Refusal::own(StatusCode::SERVICE_UNAVAILABLE, message));
        }
    }

    Ok(json(status, &Triggered { request_id: key.trigger.to_string() }))
}

/// Returns the client's id, or a new one.
fn trigger(chosen: Option<&str>, body: &'static str) -> Result<JobId, Refusal> {
    match chosen {
        None => Ok(JobId(jobs::random_id())),
        Some(id) => id.parse().map_err(|_| Refusal::BadBody(body)),
    }
}

fn read<T: DeserializeOwned>(
    body: &Bytes,
    none: impl FnOnce() -> T,
    name: &'static str,
) -> Result<T, Refusal> {
    if body.is_empty() {
        return Ok(none());
    }
    jackson::read(body).map_err(|_| Refusal::BadBody(name))
}
