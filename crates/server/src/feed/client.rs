//! One connected client of the feed.
//!
//! Tungstenite reads, unmasks and handles control frames. The server's own frames are written past it,
//! directly to the connection, since it would copy every frame into a buffer per client.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Feed;
use super::frame::{self, Close};
use crate::guard::Lease;
use crate::shutdown::Alive;

/// Maximum size of a client's message.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Silence after which a client gets a heartbeat.
const HEARTBEAT_AFTER: Duration = Duration::from_secs(30);
/// Time and bytes for which a closed client is still read, so that it receives the reason.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 4 << 20;

/// How a connection ends.
enum End {
    /// The client left, or the connection broke.
    Gone,
    Closed(Close),
    /// The client does not take `rest`, nor later frames.
    Stalled(Bytes),
}

/// Serves a client until it leaves. `read` holds the bytes already read from it.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    read: Bytes,
    feed: Arc<Feed>,
    alive: Alive,
    lease: Option<Lease>,
) {
    let config = WebSocketConfig::default()
        // There is such a buffer per client.
        .read_buffer_size(4 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));

    let socket = WebSocketStream::from_partially_read(stream, read.into(), Role::Server, Some(config)).await;
    feed.metrics.feed_clients.inc();
    let mut client = Client { socket, stall: feed.stall, last_sent: Instant::now() };

    let end = tokio::select! {
        end = client.run(&feed, alive) => end,
        () = ended(lease) => End::Closed(Close::NoLonger),
    };

    client.end(end, &feed).await;
    feed.metrics.feed_clients.dec();
}

/// Waits until the client's permission ends.
async fn ended(lease: Option<Lease>) {
    match lease {
        Some(mut lease) => lease.ended().await,
        None => std::future::pending().await,
    }
}

struct Client<S> {
    socket: WebSocketStream<S>,
    stall: Duration,
    last_sent: Instant,
}

/// Returns whether a text is the only message that a client may send: `{"type": "ping"}`.
fn is_ping(text: &str) -> bool {
    let said: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(text);
    said.is_ok_and(|said| said.get("type").is_some_and(|kind| kind == "ping"))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn run(&mut self, feed: &Feed, mut alive: Alive) -> End {
        // Subscribe before reading the state: a change in between is sent twice rather than lost.
        let mut published = feed.published.subscribe();
        let mut seen = *published.borrow_and_update();
        let mut is_welcomed = feed.analytics.loaded();
        if let Err(end) = self.send(feed.greeting()).await {
            return end;
        }
        let mut heartbeat = pin!(sleep_until(self.last_sent + HEARTBEAT_AFTER));
        loop {
            let sent = tokio::select! {
                () = alive.stopped() => return End::Closed(Close::Away),
                () = feed.analytics.wait_until_loaded(), if !is_welcomed => {
                    is_welcomed = true;
                    self.send(feed.welcome()).await
                }
                said = self.socket.next() => match self.answer(said) {
                    Ok(Some(answer)) => self.send(vec![answer]).await,
                    Ok(None) => Ok(()),
                    Err(end) => Err(end),
                },
                changed = published.changed() => match changed {
                    Ok(()) => {
                        let missed = feed.since(seen);
                        seen = missed.round;

                        // Loaded rows are published at once, so both branches may be ready. The snapshot must
                        // come first, because a client starts from it.
                        let mut frames = Vec::new();
                        if !is_welcomed && feed.analytics.loaded() {
                            is_welcomed = true;
                            frames = feed.welcome();
                        }
                        frames.extend(missed.frames);

                        let sent = self.send(frames).await;
                        if let (Ok(()), Some(changed)) = (&sent, missed.changed) {
                            feed.metrics.feed_seconds.observe(changed.elapsed().as_secs_f64());
                        }
                        sent
                    }
                    Err(_) => return End::Closed(Close::Away),
                },
                () = &mut heartbeat => {
                    if self.last_sent + HEARTBEAT_AFTER <= Instant::now() {
                        self.send(vec![frame::text(br#"{"type":"heartbeat"}"#)]).await
                    } else {
                        Ok(())
                    }
                }
            };
            if let Err(end) = sent {
                return end;
            }
            // Moved only when it fires, since otherwise every frame would touch the timers.
            if heartbeat.is_elapsed() {
                heartbeat.as_mut().reset(self.last_sent + HEARTBEAT_AFTER);
            }
        }
    }

    fn answer(&mut self, said: Option<Result<Message, Error>>) -> Result<Option<Bytes>, End> {
        match said {
            Some(Ok(Message::Text(text))) => {
                Ok(Some(if is_ping(&text) { frame::text(br#"{"type":"pong"}"#) } else { not_understood() }))
            }
            Some(Ok(Message::Binary(_))) => Ok(Some(not_understood())),
            // Tungstenite answers these itself; after a close it ends the stream.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_))) => Ok(None),
            Some(Err(Error::Capacity(_))) => Err(End::Closed(Close::TooBig)),
            Some(Err(Error::Utf8(_))) => Err(End::Closed(Close::NoText)),
            Some(Err(Error::Protocol(_))) => Err(End::Closed(Close::Protocol)),
            Some(Err(_)) | None => Err(End::Gone),
        }
    }

    /// Sends whole frames, within the time that a client may take for them.
    async fn send(&mut self, frames: Vec<Bytes>) -> Result<(), End> {
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
    async fn end(&mut self, end: End, feed: &Feed) {
        let (mut rest, why) = match end {
            End::Gone => return,
            End::Closed(why) => (Bytes::new(), why),
            End::Stalled(rest) => {
                feed.metrics.feed_dropped.inc();
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

fn not_understood() -> Bytes {
    frame::text(br#"{"type":"error","message":"not understood: send {\"type\": \"ping\"}"}"#)
}
