//! Limits the time in which a request's body must arrive.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// Error of a body that took too long to arrive.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long to arrive")]
struct Late;

/// Returns whether reading a body failed because it took too long.
pub(crate) fn is_late(error: &axum::Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source()).any(|error| error.is::<Late>())
}

struct Timed {
    body: Incoming,
    limit: Duration,
    /// Starts with the first poll: most bodies are complete by then, and need no timer.
    left: Option<Pin<Box<Sleep>>>,
}

/// Returns the body; reading it fails once the limit has passed.
pub(crate) fn timed(body: Incoming, limit: Duration) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(Timed { body, limit, left: None })
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            // Without this check, a body that trickles in would never be late.
            let is_over = self.left.as_ref().is_some_and(|left| left.is_elapsed());
            return Poll::Ready(if is_over {
                Some(Err(Late.into()))
            } else {
                frame.map(|frame| frame.map_err(Into::into))
            });
        }
        let limit = self.limit;
        let left = self.left.get_or_insert_with(|| Box::pin(sleep(limit)));
        left.as_mut().poll(context).map(|()| Some(Err(Late.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
