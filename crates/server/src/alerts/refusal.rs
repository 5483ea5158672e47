//! Why a change of a rule is refused, and the answers.

use std::io;

use axum::http::StatusCode;

use super::document::Source;
use super::store::RULES_MAX;
use crate::documents::{Mistake, disk_status};
use crate::error::Failure;

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("`{name}` cannot be the name of an alert: use 1 to 64 of the characters a-z, 0-9 and -")]
    Name { name: String },
    #[error("{0}")]
    Document(Mistake),
    #[error("there is no alert `{name}`; GET /alerts lists the alerts")]
    Unknown { name: String },
    #[error(
        "say which version of `{name}` to {action}: send its ETag, which GET /alerts/{name} gives, in If-Match{create}"
    )]
    NoCondition { name: String, action: &'static str, create: &'static str },
    #[error(
        "the alert `{name}` has changed since you read it: read it again, repeat your change on it, and send its new \
         ETag in If-Match"
    )]
    Changed { name: String },
    #[error("there is no alert `{name}` any more: send `If-None-Match: *` to create it")]
    Gone { name: String },
    #[error(
        "there is an alert `{name}` already: choose another name, or send its ETag in If-Match to save yours in its place"
    )]
    Exists { name: String },
    #[error(
        "the alert `{name}` cannot be deleted: it is a file beside a script; remove the file and restart Weir"
    )]
    ReadOnly { name: String },
    #[error("there are {RULES_MAX} alerts, which is the maximum: delete one first")]
    Full,
    #[error("the alert `{name}` has no webhook to test")]
    NoWebhook { name: String },
    #[error("the alert `{name}` could not be written: {error}")]
    Disk { name: String, error: io::Error },
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let status = match &refusal {
            Refusal::Name { .. } | Refusal::Document(_) => StatusCode::BAD_REQUEST,
            Refusal::Unknown { .. } => StatusCode::NOT_FOUND,
            Refusal::NoCondition { .. } => StatusCode::PRECONDITION_REQUIRED,
            Refusal::Changed { .. } | Refusal::Gone { .. } | Refusal::Exists { .. } => {
                StatusCode::PRECONDITION_FAILED
            }
            Refusal::ReadOnly { .. } | Refusal::Full | Refusal::NoWebhook { .. } => StatusCode::CONFLICT,
            Refusal::Disk { name, error } => {
                tracing::error!(name, %error, "an alert could not be written");
                disk_status(error)
            }
        };
        Failure::new(status, refusal.to_string())
    }
}

impl Source {
    /// Refuses to delete a file.
    pub(super) fn check_deletable(self, name: &str) -> Result<(), Refusal> {
        match self {
            Source::File => Err(Refusal::ReadOnly { name: name.to_owned() }),
            Source::Saved => Ok(()),
        }
    }
}
