//! A connection whose peer must take the bytes that are written to it.
//!
//! A client that sends requests and never reads the answers fills the kernel's buffers. From then on each
//! write waits, and the answer stays in memory as long as the connection lives. So a write that waits too
//! long fails, which ends the connection and frees the answer:
//!
//! ```text
//! write   taken   taken   waits ............ limit: TimedOut
//!                         the timer starts   any byte that is taken stops it
//! ```
//!
//! The limit is on silence, not on the whole answer: a slow client may take an hour for a large answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream whose writes fail when the peer takes nothing for too long.
pub(crate) struct WriteTimeout<S> {
    stream: S,
    /// `None` when the writer limits the time itself.
    limit: Option<Duration>,
    /// The timer, which runs while a write waits.
    left: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    pub(crate) fn new(stream: S, limit: Duration) -> WriteTimeout<S> {
        WriteTimeout { stream, limit: Some(limit), left: None }
    }

    pub(crate) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Leaves the limit to the writer from now on.
    pub(crate) fn lift(&mut self) {
        (self.limit, self.left) = (None, None);
    }

    /// Starts the timer when a write waits, and stops it when the peer takes bytes.
    fn judge<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Some(limit) = self.limit.filter(|_| written.is_pending()) else {
            self.left = None;
            return written;
        };

        let left = self.left.get_or_insert_with(|| Box::pin(sleep(limit)));
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer");
        left.as_mut().poll(context).map(|()| Err(late()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // Flushing a socket always completes at once, which does not mean that the peer took bytes.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_ends_the_write() {
        let (ours, _theirs) = duplex(8);
        let mut ours = WriteTimeout::new(ours, LIMIT);
        let error = ours.write_all(&[7; 9]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_peer_may_take_as_long_as_it_likes() {
        let (ours, mut theirs) = duplex(8);
        let mut ours = WriteTimeout::new(ours, LIMIT);
        let reading = async {
            for _ in 0..10 {
                sleep(LIMIT - Duration::from_secs(1)).await;
                theirs.read_exact(&mut [0; 8]).await.expect("more");
            }
        };
        let (written, ()) = tokio::join!(ours.write_all(&[7; 80]), reading);
        written.expect("each wait was short");
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_was_lifted_holds_no_more() {
        let (ours, mut theirs) = duplex(8);
        let mut ours = WriteTimeout::new(ours, LIMIT);
        ours.lift();
        let reading = async {
            sleep(LIMIT * 3).await;
            theirs.read_exact(&mut [0; 9]).await.expect("all of it");
        };
        let (written, _) = tokio::join!(ours.write_all(&[7; 9]), reading);
        written.expect("nobody looked at the time");
    }
}
