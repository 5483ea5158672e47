//! What the routes of documents share.

use std::io;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;

use crate::error::Failure;
use crate::guard::is_late;

/// Returns the name in a path. Bytes that are not UTF-8 name no document.
pub(crate) fn name_in(path: Result<Path<String>, PathRejection>) -> String {
    path.map_or_else(|_| char::REPLACEMENT_CHARACTER.to_string(), |Path(name)| name)
}

/// Reads the body of a request.
pub(crate) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, Failure> {
    to_bytes(body, bytes_max).await.map_err(|error| match is_late(&error) {
        true => Failure::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive"),
        false => Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body broke off, or is larger than {bytes_max} bytes"),
        ),
    })
}

/// Runs a change, which waits for the disk, without keeping other requests waiting.
pub(crate) async fn on_disk<T: Send + 'static, R: Into<Failure> + Send + 'static>(
    change: impl FnOnce() -> Result<T, R> + Send + 'static,
) -> Result<T, Failure> {
    let changed = tokio::task::spawn_blocking(change).await.map_err(|_| broken())?;
    changed.map_err(Into::into)
}

pub(crate) fn broken() -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed; Weir's log has the reason")
}

/// Returns the status of a change whose file could not be written.
pub(crate) fn disk_status(error: &io::Error) -> StatusCode {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
