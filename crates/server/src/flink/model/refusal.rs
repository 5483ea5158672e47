//! Requests that are refused: the status and the words of Flink, `{"errors": ["…"]}`.
//!
//! Flink's clients print the text and act on the status; the Java stack below the first line is left out.

use axum::http::StatusCode;
use jobs::JobStatus;
use serde::Serialize;
use types::JobId;

const HANDLER_EXCEPTION: &str = "org.apache.flink.runtime.rest.handler.RestHandlerException";
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
#[derive(Debug, Serialize)]
pub(in crate::flink) struct Errors {
    errors: Vec<String>,
}

impl Refusal {
    pub(in crate::flink) fn own(status: StatusCode, error: impl Into<String>) -> Refusal {
        Refusal::Own { status, errors: vec![error.into()] }
    }

    pub(in crate::flink) fn status(&self) -> StatusCode {
        match self {
            Refusal::NoFile { .. } | Refusal::NoRoute { .. } | Refusal::NoJob(_) | Refusal::NoJobToCancel => {
                StatusCode::NOT_FOUND
            }
            Refusal::BadPathParameter { .. } | Refusal::BadQueryParameter { .. } => StatusCode::BAD_REQUEST,
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
            Refusal::NoJobToCancel => handler("Job could not be found.".to_owned()),
            Refusal::Over(status) => handler(format!(
                "Job cancellation failed because the job has already reached another terminal state ({status})."
            )),
            Refusal::Own { errors, .. } => errors,
            Refusal::Internal { message } => vec![
                "Internal server error.".to_owned(),
                format!("<Exception on server side:\n{message}\nEnd of exception on server side>"),
            ],
        };
        Errors { errors }
    }
}
