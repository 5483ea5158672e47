//! `/asyncapi.json`: the messages of the WebSockets.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

const DOCUMENT: &str = include_str!("../asyncapi.json");

/// The messages of the WebSockets and of the events of tables, in AsyncAPI 3.0.
#[utoipa::path(get, path = "/asyncapi.json", tag = "operation",
    responses((status = 200, body = serde_json::Value, content_type = "application/json")))]
pub(crate) async fn asyncapi_document() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT).into_response()
}
