//! Refusals of the guard, in the format of the listener.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::role::Role;

/// Format of a listener's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{"detail": "…"}`
    Detail,
    /// `{"errors": ["…"]}`, like Flink's.
    Errors,
}

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Refusal {
        Refusal { status, detail: detail.into(), retry_after: None }
    }

    pub(super) fn no_token() -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, "a token is required: Authorization: Bearer weir_…")
    }

    pub(super) fn wrong_token() -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, "the token is unknown or has expired")
    }

    pub(super) fn no_role(role: Role) -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, format!("the token lacks the role `{role}`"))
    }

    pub(super) fn stranger() -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, "pages of this origin have no access")
    }

    pub(super) fn too_many(what: &str, wait: Duration) -> Refusal {
        let detail = format!("too many {what} from this address");
        Refusal { retry_after: Some(wait), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    pub(super) fn into_response(self, shape: Shape) -> Response {
        let Refusal { status, detail, retry_after } = self;
        let body = match shape {
            Shape::Detail => serde_json::json!({"detail": detail}),
            Shape::Errors => serde_json::json!({"errors": [detail]}),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"weir\""));
        }
        if let Some(wait) = retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}
