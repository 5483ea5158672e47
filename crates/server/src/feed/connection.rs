//! A WebSocket connection: reads messages, writes whole frames, and ends such that the client learns why.
//!
//! Tungstenite reads, unmasks and handles control frames. The server's own frames are written past it,
//! directly to the connection, since it would copy every frame into a buffer per client.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::frame::{self, Close};
use crate::guard::Lease;
use crate::metrics::Metrics;

/// Maximum size of a client's message.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Silence after which a client gets a heartbeat.
const HEARTBEAT_AFTER: Duration = Duration::from_secs(30);
/// Time and bytes for which a closed client is still read, so that it receives the reason.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 4 << 20;

/// How a connection ends.
pub(crate) enum End {
    /// The client left, or the connection broke.
    Gone,
    Closed(Close),
    /// The client does not take `rest`, nor later frames.
    Stalled(Bytes),
}

/// Message of a client.
pub(crate) enum Said {
    Text(String),
    /// Bytes, which no client has a reason to send.
    Binary,
}

pub(crate) struct Connection<S> {
    socket: WebSocketStream<S>,
    stall: Duration,
    last_sent: Instant,
}

/// Waits until the client's permission ends.
pub(crate) async fn ended(lease: Option<Lease>) {
    match lease {
        Some(mut lease) => lease.ended().await,
        None => std::future::pending().await,
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes over a stream after the handshake. `read` holds the bytes already read from it; a client that
    /// takes nothing for `stall` is closed.
    pub(crate) async fn new(stream: S, read: Bytes, stall: Duration) -> Connection<S> {
        let config = WebSocketConfig::default()
            // There is such a buffer per client.
            .read_buffer_size(4 << 10)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let socket =
            WebSocketStream::from_partially_read(stream, read.into(), Role::Server, Some(config)).await;
        Connection { socket, stall, last_sent: Instant::now() }
    }

    /// Returns when a heartbeat is due, if nothing is sent until then.
    pub(crate) fn heartbeat_at(&self) -> Instant {
        self.last_sent + HEARTBEAT_AFTER
    }

    /// Sends a heartbeat if one is due.
    pub(crate) async fn beat(&mut self) -> Result<(), End> {
        if self.heartbeat_at() > Instant::now() {
            return Ok(());
        }
        self.send(vec![frame::text(br#"{"type":"heartbeat"}"#)]).await
    }

    /// Waits for the next message; `None` for a control frame, which is already answered.
    pub(crate) async fn receive(&mut self) -> Result<Option<Said>, End> {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Ok(Some(Said::Text(text.as_str().to_owned()))),
            Some(Ok(Message::Binary(_))) => Ok(Some(Said::Binary)),
            // Tungstenite answers these itself; after a close it ends the stream.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_))) => Ok(None),
            Some(Err(Error::Capacity(_))) => Err(End::Closed(Close::TooBig)),
            Some(Err(Error::Utf8(_))) => Err(End::Closed(Close::NoText)),
            Some(Err(Error::Protocol(_))) => Err(End::Closed(Close::Protocol)),
            Some(Err(_)) | None => Err(End::Gone),
        }
    }

    /// Sends whole frames, within the time that a client may take for them.
    pub(crate) async fn send(&mut self, frames: Vec<Bytes>) -> Result<(), End> {
        if frames.is_empty() {
            return Ok(());
        }
        let mut rest = Bytes::new();
        let (socket, stall) = (&mut self.socket, self.stall);

        let writing = async {
            // A frame that tungstenite is sending must not end up inside ours.
            socket.flush().await.map_err(|_| ())?;
            for frame in frames {
                rest = frame;
                write(socket.get_mut(), &mut rest).await.map_err(|_| ())?;
            }
            Ok(())
        };

        match timeout(stall, writing).await {
            Ok(Ok(())) => {
                self.last_sent = Instant::now();
                Ok(())
            }
            Ok(Err(())) => Err(End::Gone),
            Err(_) => Err(End::Stalled(rest)),
        }
    }

    /// Closes the connection such that the client receives the reason.
    pub(crate) async fn end(&mut self, end: End, metrics: &Metrics) {
        let (mut rest, why) = match end {
            End::Gone => return,
            End::Closed(why) => (Bytes::new(), why),
            End::Stalled(rest) => {
                metrics.feed_dropped.inc();
                (rest, Close::TooSlow)
            }
        };

        let stream = self.socket.get_mut();
        let closing = async {
            // The close frame cannot stand in the middle of another frame.
            write(stream, &mut rest).await?;
            write(stream, &mut frame::close(why)).await?;
            stream.shutdown().await
        };

        if !matches!(timeout(self.stall, closing).await, Ok(Ok(()))) {
            return;
        }
        // Dropping a connection with unread bytes resets it, and the client would never see the reason.
        let stream = self.socket.get_mut();

        let lingering = async {
            let (mut buffer, mut read) = ([0; 4 << 10], 0);
            while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                read += length;
                if read > LINGER_BYTES_MAX {
                    return;
                }
            }
        };

        if timeout(LINGER, lingering).await.is_err() {
            tracing::debug!("a WebSocket client did not answer its close");
        }
    }
}

/// Writes until `rest` is empty; `rest` holds the unwritten bytes when the caller gives up.
async fn write(stream: &mut (impl AsyncWrite + Unpin), rest: &mut Bytes) -> std::io::Result<()> {
    while !rest.is_empty() {
        let written = stream.write(rest).await?;
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        bytes::Buf::advance(rest, written);
    }
    stream.flush().await
}
