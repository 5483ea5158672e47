//! A request's body that must have come in within some time, whoever reads it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// The body took too long to arrive.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long to arrive")]
struct Late;

/// Whether reading a body failed since it took too long.
pub(crate) fn is_late(error: &axum::Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source()).any(|error| error.is::<Late>())
}

struct Timed {
    body: Incoming,
    limit: Duration,
    /// Runs from the first look at it: most bodies are there by then, and need no timer.
    left: Option<Pin<Box<Sleep>>>,
}

/// The body, and an error in its place once the limit is over.
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
            // A body in drops would else never be late.
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
