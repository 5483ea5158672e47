//! Requests that are refused: the status and the words of Flink, `{"errors": ["…"]}`.
//!
//! Flink's clients print the text and act on the status; the Java stack below the first line is left out. Where Flink
//! answers 500 to a client that asks for what is not there, the answer here is 404 in the same words: nothing is wrong
//! with the server.

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
    /// A `GET` that no route takes.
    NoFile {
        path: String,
    },
    /// Another method that no route takes.
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
    /// Something that goes by an id is not there, in Flink's words.
    NotFound(String),
    NoCheckpoint(i64),
    NoSuchTaskManager(String),
    /// Nothing goes by this trigger id.
    NoOperation(String),
    /// A body that is not what the route takes, by the name of what it takes.
    BadBody(&'static str),
    /// In Flink's words, with its status.
    Handler {
        status: StatusCode,
        message: String,
    },
    /// Something that only another scheduler of Flink can do.
    Unsupported(&'static str),
    NoJobToCancel,
    /// The job was over before it could be cancelled.
    Over(JobStatus),
    /// Something of our own, each error a text.
    Own {
        status: StatusCode,
        errors: Vec<String>,
    },
    /// Weir itself is wrong.
    Internal {
        message: String,
    },
}

/// The body.
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
