//! `POST /weir/jobs`: submits a script as a job.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use engine::snapshot::RestoreReport;
use jobs::{Dispatcher, FindError, JobMaster, JobOrigin, Outline, ReplaceError, SubmitError};
use serde::{Deserialize, Serialize};
use sql::error::{Severity, render};
use types::ErrorDomain;
use utoipa::ToSchema;

use super::answer::{Parts, json, parameter};
use super::model::Refusal;
use super::places::is_local;
use super::restored::DryRun;
use super::savepoint::{self, elsewhere};
use crate::guard::{AboutJob, OnlyAsked, is_late};
use crate::jackson;

/// Name of a job where neither the script nor the request has one.
const NAMELESS: &str = "unnamed job";

/// Body of a submission as `application/json`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    script: String,
    name: Option<String>,
    /// Values of `${NAME}`; they take precedence over the process's own.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// Name of the script in findings; by default the name of the job.
    file: Option<String>,
    /// Savepoint or checkpoint to start from.
    from: Option<String>,
    /// Running job to replace, by name or id: it is stopped with a savepoint, from which the new job starts.
    /// If the new job does not start, the old job resumes, and the answer has the reason.
    replace: Option<String>,
    /// Reports what would happen to the state of `from` or `replace`, without starting or stopping a job.
    #[serde(default)]
    dry_run: bool,
}

/// Answer once the job runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Submitted {
    jobid: String,
    name: String,
    /// Flink's name of the state.
    state: &'static str,
    /// One line for each source table.
    sources: Vec<String>,
    /// One line for each query.
    queries: Vec<String>,
    replaced: Option<Replaced>,
}

/// The replaced job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replaced {
    jobid: String,
    name: String,
    /// Directory of the savepoint.
    savepoint: String,
    /// Outcome of the state, one line per source and query.
    report: String,
}

impl Submitted {
    fn of(dispatcher: &Dispatcher, job: &JobMaster, replaced: Option<Replaced>) -> Submitted {
        let Outline { sources, queries } = dispatcher.outline(job);
        let (jobid, name) = (job.id().to_string(), job.name().to_owned());
        Submitted { jobid, name, state: job.status().name(), sources, queries, replaced }
    }

    fn answer(self) -> Response {
        let mut response = json(StatusCode::CREATED, &self);
        response.extensions_mut().insert(AboutJob(self.jobid));
        response
    }
}

/// Format of the body.
enum Form {
    Script,
    Json,
}

/// Submits a script given as text (`text/plain`, `application/sql` or no type at all) with `?name=`, or a
/// [`Submission`] as JSON.
pub(super) async fn submit(parts: &Arc<Parts>, request: Request) -> Result<Response, Refusal> {
    let form = form(request.headers())?;
    let name = parameter(request.uri(), "name").filter(|name| !name.is_empty());
    let is_local = is_local(&request);
    let body = body(parts, request).await?;

    let mut submission = match form {
        Form::Json => jackson::object(&body).map_err(|error| {
            bad(format!("the body is not {{\"script\", \"name\", \"variables\"}}: {error}"))
        })?,
        Form::Script => {
            let script = String::from_utf8(body.into()).map_err(|_| bad("the script is not UTF-8"))?;
            Submission { script, ..Submission::default() }
        }
    };

    submission.name = submission.name.or(name);
    if let Some(from) = &submission.from
        && !is_local
        && !parts.places(None).admit(from)
    {
        return Err(elsewhere(from));
    }
    let parts = Arc::clone(parts);
    // Compiling takes long, and opening the topics may wait for a disk.
    let answered = tokio::task::spawn_blocking(move || start(&parts, &submission)).await;
    answered.map_err(|error| Refusal::Internal { message: error.to_string() })?
}

fn start(parts: &Parts, submission: &Submission) -> Result<Response, Refusal> {
    let services = &parts.services;
    let variables =
        |name: &str| submission.variables.get(name).cloned().or_else(|| (services.variables)(name));
    let name = submission.name.as_deref();

    let wanted = jobs::Submission {
        script: &submission.script,
        name: name.unwrap_or(NAMELESS),
        variables: &variables,
        origin: JobOrigin::Submitted,
        from: submission.from.as_deref(),
        afresh: false,
    };

    let file = submission.file.as_deref().or(name).unwrap_or("script");
    let refused = |error: SubmitError| refusal(&error, &submission.script, file);

    let not_replaced = |error: ReplaceError| match error {
        ReplaceError::Submit(error) => refused(error),
        error => replacement_refusal(&error),
    };

    let dispatcher = &services.dispatcher;
    // Without a name of its own, the successor takes the old job's.
    let successor = jobs::Submission { name: name.unwrap_or_default(), ..wanted };

    match (submission.from.as_deref(), submission.replace.as_deref()) {
        (Some(_), Some(_)) => {
            Err(bad("`replace` starts from the state of the replaced job: leave out `from`"))
        }
        (None, None) if submission.dry_run => {
            Err(bad("`dry_run` needs `from` (a savepoint) or `replace` (a job)"))
        }
        (Some(from), None) if submission.dry_run => {
            Ok(dry_run(&dispatcher.dry_run(wanted, from).map_err(refused)?))
        }
        (None, Some(job)) if submission.dry_run => {
            Ok(dry_run(&dispatcher.compare(successor, job).map_err(not_replaced)?))
        }
        (None, Some(job)) => {
            let made = dispatcher.replace(successor, job).map_err(not_replaced)?;
            let replaced = Replaced {
                jobid: made.old.id().to_string(),
                name: made.old.name().to_owned(),
                savepoint: made.savepoint,
                report: made.report.to_string(),
            };
            Ok(Submitted::of(dispatcher, &made.new, Some(replaced)).answer())
        }
        (_, None) => {
            let job = dispatcher.submit(wanted).map_err(refused)?;
            Ok(Submitted::of(dispatcher, &job, None).answer())
        }
    }
}

fn dry_run(report: &RestoreReport) -> Response {
    let mut response = json(StatusCode::OK, &DryRun::of(report));
    response.extensions_mut().insert(OnlyAsked);
    response
}

fn replacement_refusal(error: &ReplaceError) -> Refusal {
    let status = match error {
        ReplaceError::Find(FindError::Nobody { .. }) => StatusCode::NOT_FOUND,
        ReplaceError::Savepoint { source, .. } => return savepoint::refusal(source, error.to_string()),
        ReplaceError::Find(FindError::Several { .. })
        | ReplaceError::UnderWay(_)
        | ReplaceError::Ended { .. }
        | ReplaceError::Undone { .. }
        | ReplaceError::Submit(_) => StatusCode::CONFLICT,
    };
    tracing::warn!(error = error as &dyn std::error::Error, "a job was not replaced");
    Refusal::own(status, error.to_string())
}

/// Returns the refusal of a submission. The error's domain decides the status.
fn refusal(error: &SubmitError, script: &str, file_name: &str) -> Refusal {
    if let SubmitError::Script(findings) = error {
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let errors = errors.map(|finding| render(std::slice::from_ref(finding), script, file_name, false));
        return Refusal::Own { status: StatusCode::BAD_REQUEST, errors: errors.collect() };
    }
    tracing::warn!(error = error as &dyn std::error::Error, "a job could not be started");
    match error.domain() {
        ErrorDomain::User => bad(error.to_string()),
        ErrorDomain::External => Refusal::own(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        ErrorDomain::Internal => Refusal::Internal { message: error.to_string() },
    }
}

fn form(headers: &HeaderMap) -> Result<Form, Refusal> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(Form::Script) };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "text/plain" | "application/sql" => Ok(Form::Script),
        "application/json" => Ok(Form::Json),
        other => Err(Refusal::own(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "`{other}` is not a type of scripts: send the script as text/plain, application/sql or application/json"
            ),
        )),
    }
}

pub(super) async fn body(parts: &Parts, request: Request) -> Result<Bytes, Refusal> {
    let most = parts.options.script_bytes_max;
    to_bytes(request.into_body(), most).await.map_err(|error| match is_late(&error) {
        true => Refusal::own(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive"),
        false => Refusal::own(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body broke off, or is larger than {most} bytes"),
        ),
    })
}

pub(super) fn bad(error: impl Into<String>) -> Refusal {
    Refusal::own(StatusCode::BAD_REQUEST, error)
}
