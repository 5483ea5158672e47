//! Errors of the server, and the answers to requests that fail.
//!
//! Only this file derives an answer's status from an error's domain.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use storage::log::LogError;
use storage::store::StoreError;
use types::ErrorDomain;
use utoipa::ToSchema;

/// Causes for which the server cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the address of the listener is unknown")]
    Address(#[source] std::io::Error),
    #[error("a thread for {name} could not be started")]
    Thread {
        name: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("`{origin}` is not an origin: scheme://host[:port], or *")]
    Origin { origin: String },
    #[error("`{host}` is not the name of a host: weir.example, without a port, or *")]
    Host { host: String },
}

impl Error {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            Error::Origin { .. } | Error::Host { .. } => ErrorDomain::User,
            Error::Address(_) | Error::Thread { .. } => ErrorDomain::External,
        }
    }
}

/// Body of every error except 422.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    /// Description of the error.
    #[schema(example = "Not Found")]
    pub(crate) detail: String,
}

/// The answer to a request that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    detail: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Failure {
        Failure { status, detail: detail.into(), header: None }
    }

    /// Returns whether the same request may succeed in a moment.
    pub(crate) fn is_temporary(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn not_found() -> Failure {
        Failure::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// Returns a failure after which the caller should soon try again.
    pub(crate) fn overloaded(detail: impl Into<String>) -> Failure {
        Failure::new(StatusCode::TOO_MANY_REQUESTS, detail)
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Failure {
        self.header = Some((name, value));
        self
    }

    fn of(domain: ErrorDomain, detail: String) -> Failure {
        let status = match domain {
            ErrorDomain::User => StatusCode::BAD_REQUEST,
            ErrorDomain::External => StatusCode::SERVICE_UNAVAILABLE,
            ErrorDomain::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Failure::new(status, detail)
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Failure {
        let detail = error.to_string();
        match error {
            LogError::UnknownTopic { .. } => Failure::new(StatusCode::NOT_FOUND, detail),
            LogError::TooLarge { .. } | LogError::TooLargeThere { .. } => {
                Failure::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
            }
            LogError::Shared(shared) if shared.is_too_large() => {
                Failure::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
            }
            LogError::Overloaded { .. } => Failure::overloaded(detail),
            LogError::DiskFull(_) => Failure::new(StatusCode::INSUFFICIENT_STORAGE, detail),
            other => {
                if other.domain() != ErrorDomain::User {
                    tracing::error!(
                        error = &other as &dyn std::error::Error,
                        "the event log refused an append"
                    );
                }
                Failure::of(other.domain(), detail)
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match &error {
            StoreError::DiskFull(_) => Failure::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()),
            other => Failure::of(other.domain(), error.to_string()),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let headers = HeaderMap::from_iter(self.header);
        (self.status, headers, Json(Detail { detail: self.detail })).into_response()
    }
}
