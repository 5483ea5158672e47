//! One connected client of the feed.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep_until;

use super::Feed;
use super::connection::{Connection, End, Said, ended};
use super::frame::{self, Close};
use super::handshake::Session;
use crate::guard::Lease;
use crate::shutdown::Alive;

/// A client that has asked for the feed.
pub(super) struct Client {
    pub(super) feed: Arc<Feed>,
    pub(super) alive: Alive,
}

impl Session for Client {
    async fn serve<S>(self, stream: S, read: Bytes, lease: Option<Lease>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Client { feed, alive } = self;
        let mut connection = Connection::new(stream, read, feed.stall).await;
        feed.metrics.feed_clients.inc();

        let end = tokio::select! {
            end = run(&mut connection, &feed, alive) => end,
            () = ended(lease) => End::Closed(Close::NoLonger),
        };

        connection.end(end, &feed.metrics).await;
        feed.metrics.feed_clients.dec();
    }
}

/// Returns whether a text is the only message that a client may send: `{"type": "ping"}`.
fn is_ping(text: &str) -> bool {
    let said: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(text);
    said.is_ok_and(|said| said.get("type").is_some_and(|kind| kind == "ping"))
}

async fn run<S>(client: &mut Connection<S>, feed: &Feed, mut alive: Alive) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Subscribe before reading the state: a change in between is sent twice rather than lost.
    let mut published = feed.published.subscribe();
    let mut seen = *published.borrow_and_update();
    let mut is_welcomed = feed.analytics.loaded();
    if let Err(end) = client.send(feed.greeting()).await {
        return end;
    }
    let mut heartbeat = pin!(sleep_until(client.heartbeat_at()));
    loop {
        let sent = tokio::select! {
            () = alive.stopped() => return End::Closed(Close::Away),
            () = feed.analytics.wait_until_loaded(), if !is_welcomed => {
                is_welcomed = true;
                client.send(feed.welcome()).await
            }
            said = client.receive() => match said {
                Ok(Some(Said::Text(text))) if is_ping(&text) => {
                    client.send(vec![frame::text(br#"{"type":"pong"}"#)]).await
                }
                Ok(Some(Said::Text(_) | Said::Binary)) => client.send(vec![not_understood()]).await,
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

                    let sent = client.send(frames).await;
                    if let (Ok(()), Some(changed)) = (&sent, missed.changed) {
                        feed.metrics.feed_seconds.observe(changed.elapsed().as_secs_f64());
                    }
                    sent
                }
                Err(_) => return End::Closed(Close::Away),
            },
            () = &mut heartbeat => client.beat().await,
        };
        if let Err(end) = sent {
            return end;
        }
        // Moved only when it fires, since otherwise every frame would touch the timers.
        if heartbeat.is_elapsed() {
            heartbeat.as_mut().reset(client.heartbeat_at());
        }
    }
}

fn not_understood() -> Bytes {
    frame::text(br#"{"type":"error","message":"not understood: send {\"type\": \"ping\"}"}"#)
}
