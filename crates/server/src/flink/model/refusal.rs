//! Refused requests, with Flink's status and text: `{"errors": ["…"]}`.
//!
//! Flink's clients print the text and act on the status; the Java stack below the first line is left out.
//! Where Flink answers 500 to a client that asks for something missing, the answer here is 404 with the same
//! text, because the server works.

use axum::http::StatusCode;
use jobs::JobStatus;
use serde::Serialize;
use types::JobId;

const HANDLER_EXCEPTION: &str = "org.apache.flink.runtime.rest.handler.RestHandlerException";
const UNKNOWN_EXECUTOR: &str =
    "org.apache.flink.runtime.resourcemanager.exceptions.UnknownTaskExecutorException";
const NOT_FOUND_EXCEPTION: &str = "org.apache.flink.runtime.rest.NotFoundException";

#[derive(Debug)]
pub(in crate::flink) enum Refusal {
    /// No route takes this `GET`.
    NoFile {
        path: String,
    },
    /// No route takes this path with another method.
    NoRoute {
        path: String,
    },
    BadPathParameter {
        name: &'static str,
        value: String,
    },
    BadQueryParameter {
        name: &'static str,
        value: String,
    },
    NoJob(JobId),
    /// No object has this id, in Flink's words.
    NotFound(String),
    NoCheckpoint(i64),
    NoSuchTaskManager(String),
    /// No operation has this trigger id.
    NoOperation(String),
    /// The body does not match the route's type, whose name this is.
    BadBody(&'static str),
    /// Flink's text and status.
    Handler {
        status: StatusCode,
        message: String,
    },
    /// Only another scheduler of Flink supports this.
    Unsupported(&'static str),
    NoJobToCancel,
    /// The job ended before it could be cancelled.
    Over(JobStatus),
    /// A refusal of Weir's own routes, one text per error.
    Own {
        status: StatusCode,
        errors: Vec<String>,
    },
    /// Weir has a bug.
    Internal {
        message: String,
    },
}

/// Body of a refusal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::flink) struct Errors {
    errors: Vec<String>,
}

impl Refusal {
    pub(in crate::flink) fn own(status: StatusCode, error: impl Into<String>) -> Refusal {
        Refusal::Own { status, errors: vec![error.into()] }
    }

    pub(in crate::flink) fn status(&self) -> StatusCode {
        match self {
            Refusal::NoFile { .. }
            | Refusal::NoRoute { .. }
            | Refusal::NoJob(_)
            | Refusal::NoJobToCancel
            | Refusal::NotFound(_)
            | Refusal::NoCheckpoint(_)
            | Refusal::NoOperation(_)
            | Refusal::NoSuchTaskManager(_)
            | Refusal::Unsupported(_) => StatusCode::NOT_FOUND,
            Refusal::BadPathParameter { .. } | Refusal::BadQueryParameter { .. } | Refusal::BadBody(_) => {
                StatusCode::BAD_REQUEST
            }
            Refusal::Handler { status, .. } => *status,
            Refusal::Over(_) => StatusCode::CONFLICT,
            Refusal::Own { status, .. } => *status,
            Refusal::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(in crate::flink) fn body(self) -> Errors {
        let handler = |message: String| vec![format!("{HANDLER_EXCEPTION}: {message}")];
        let unresolved = |kind: &str, name: &str, value: &str| {
            handler(format!(
                "Bad request, could not parse parameters: Cannot resolve {kind} parameter ({name}) from value \"{value}\"."
            ))
        };

        let errors = match self {
            Refusal::NoFile { path } => vec![format!("Unable to load requested file {path}.")],
            Refusal::NoRoute { path } => vec![format!("Not found: {path}")],
            Refusal::BadPathParameter { name, value } => unresolved("path", name, &value),
            Refusal::BadQueryParameter { name, value } => unresolved("query", name, &value),
            Refusal::NoJob(id) => vec![format!("{NOT_FOUND_EXCEPTION}: Job {id} not found")],
            Refusal::NotFound(message) => vec![format!("{NOT_FOUND_EXCEPTION}: {message}")],
            Refusal::NoCheckpoint(id) => {
                handler(format!("Could not find checkpointing statistics for checkpoint {id}."))
            }
            Refusal::NoOperation(message) | Refusal::Handler { message, .. } => handler(message),
            Refusal::BadBody(name) => handler(format!("Request did not match expected format {name}.")),
            Refusal::NoSuchTaskManager(id) => {
                vec![format!("{UNKNOWN_EXECUTOR}: No TaskExecutor registered under {id}.")]
            }
            Refusal::Unsupported(message) => {
                vec![format!("java.lang.UnsupportedOperationException: {message}")]
            }
            Refusal::NoJobToCancel => handler("Job could not be found.".to_owned()),
            Refusal::Over(status) => handler(format!(
                "Job cancellation failed because the job has already reached another terminal state ({status})."
            )),
            Refusal::Own { errors, .. } => errors,
            Refusal::Internal { message } => internal(&message),
        };
        Errors { errors }
    }
}

fn internal(message: &str) -> Vec<String> {
    vec![
        "Internal server error.".to_owned(),
        format!("<Exception on server side:\n{message}\nEnd of exception on server side>"),
    ]
}
