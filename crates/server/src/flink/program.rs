//! Refuses Java programs, which Weir does not run, and tells what it runs instead.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::StreamExt as _;

use super::answer::Parts;
use super::model::Refusal;

/// Bytes of a program that are read and dropped: a client that is cut off while it sends never sees the
/// answer.
const BYTES_MAX: usize = 256 << 20;

pub(super) async fn refuse(parts: &Arc<Parts>, request: Request) -> Result<Response, Refusal> {
    let mut body = request.into_body().into_data_stream();
    let reading = async {
        let mut left = BYTES_MAX;
        while let Some(Ok(piece)) = body.next().await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // The answer does not depend on how the reading ended.
    let _ = tokio::time::timeout(parts.options.body_timeout, reading).await;
    let message = format!(
        "Weir runs Flink SQL and no Java programs: send a script with `weir run JOB.sql`, or POST it to http://{}/weir/jobs as application/sql.",
        parts.address
    );
    Err(Refusal::Handler { status: StatusCode::BAD_REQUEST, message })
}
