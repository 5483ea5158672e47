//! Programs in Java: Weir runs none, and says what it takes instead.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::StreamExt as _;

use super::answer::Parts;
use super::model::Refusal;

/// So much of a program is let in, and thrown away: a client that is cut off while it sends hears no reason.
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
    // What matters is the answer.
    let _ = tokio::time::timeout(parts.options.body_timeout, reading).await;
    let message = format!(
        "Weir runs Flink SQL and no programs in Java: send a script with `weir run JOB.sql`, or POST it to http://{}/weir/jobs as application/sql.",
        parts.address
    );
    Err(Refusal::Handler { status: StatusCode::BAD_REQUEST, message })
}
