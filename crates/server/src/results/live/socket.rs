//! `GET /ws/results`: a WebSocket on which a client subscribes to tables.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request as HttpRequest, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::select_all;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::message::{self, Request};
use super::{Live, Subscription, Wanted};
use crate::error::{Detail, Failure};
use crate::feed::connection::{Connection, End, Said, ended};
use crate::feed::frame::{self, Close};
use crate::feed::handshake::{Session, upgrade};
use crate::guard::Lease;

/// Subscriptions of a connection.
const SUBSCRIPTIONS_MAX: usize = 64;
/// Length of a subscription's id in bytes.
const ID_BYTES_MAX: usize = 256;

/// Rows of result tables as they change, over a WebSocket.
///
/// The client sends `subscribe`, `unsubscribe` and `ping`; `/asyncapi.json` describes all messages.
#[utoipa::path(get, path = "/ws/results", tag = "results", responses(
    (status = 101, description = "the WebSocket is open; /asyncapi.json describes its messages"),
    (status = 403, description = "pages of this origin may not connect", body = Detail),
    (status = 426, description = "not a WebSocket handshake", body = Detail)))]
pub(crate) async fn connect_results(
    State(live): State<Arc<Live>>,
    request: HttpRequest,
) -> Result<Response, Failure> {
    let stall = live.stall;
    upgrade(request, stall, Client { live })
}

struct Client {
    live: Arc<Live>,
}

impl Session for Client {
    async fn serve<S>(self, stream: S, read: Bytes, lease: Option<Lease>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let live = self.live;
        let mut connection = Connection::new(stream, read, live.stall).await;
        live.metrics.feed_clients.inc();
        let end = tokio::select! {
            end = run(&mut connection, &live) => end,
            () = ended(lease) => End::Closed(Close::NoLonger),
        };
        connection.end(end, &live.metrics).await;
        live.metrics.feed_clients.dec();
    }
}

async fn run<S>(client: &mut Connection<S>, live: &Live) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut alive = live.alive.clone();
    let mut subscriptions: Vec<Subscription> = Vec::new();
    let mut heartbeat = pin!(sleep_until(client.heartbeat_at()));
    let mut not_before = Instant::now();

    loop {
        let sent = tokio::select! {
            () = alive.stopped() => return End::Closed(Close::Away),
            said = client.receive() => match said {
                Ok(Some(said)) => {
                    let answer = answer(said, live, &mut subscriptions).await;
                    client.send(vec![answer]).await
                }
                Ok(None) => Ok(()),
                Err(end) => Err(end),
            },
            () = any_ready(&mut subscriptions, not_before), if !subscriptions.is_empty() => {
                not_before = Instant::now() + live.interval.max(Duration::from_millis(1));
                let frames = messages(&mut subscriptions).await;
                client.send(frames).await
            }
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

async fn any_ready(subscriptions: &mut [Subscription], not_before: Instant) {
    // Sleep first: a subscription that has reported that it is ready must not be dropped before it is read.
    sleep_until(not_before).await;
    select_all(subscriptions.iter_mut().map(|subscription| Box::pin(subscription.ready()))).await;
}

/// Returns the next messages of all subscriptions. Ends those whose table is gone.
async fn messages(subscriptions: &mut Vec<Subscription>) -> Vec<Bytes> {
    let mut frames = Vec::new();
    let mut kept = Vec::with_capacity(subscriptions.len());
    for mut subscription in subscriptions.drain(..) {
        match subscription.next().await {
            Ok(message) => {
                frames.extend(message.map(|message| frame::text(&message.json)));
                kept.push(subscription);
            }
            Err(why) => frames.push(frame::text(&message::error(Some(subscription.id()), why.detail()))),
        }
    }
    *subscriptions = kept;
    frames
}

/// Does what a client says. Returns the answer.
async fn answer(said: Said, live: &Live, subscriptions: &mut Vec<Subscription>) -> Bytes {
    let request = match &said {
        Said::Text(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
        Said::Binary => Err("the message is not a text".to_owned()),
    };
    match request {
        Ok(Request::Ping) => frame::text(br#"{"type":"pong"}"#),
        Ok(Request::Unsubscribe { id }) => {
            let before = subscriptions.len();
            subscriptions.retain(|subscription| subscription.id() != id);
            match subscriptions.len() < before {
                true => frame::text(&message::unsubscribed(&id)),
                false => frame::text(&message::error(Some(&id), "there is no subscription with this id")),
            }
        }
        Ok(Request::Subscribe { table, id, r#where, limit, token }) => {
            let id = id.unwrap_or_else(|| table.clone());
            let wanted = Wanted { table, filter: r#where.unwrap_or_default(), limit, token, id };
            subscribe(live, wanted, subscriptions).await
        }
        Err(why) => {
            let why = format!("not understood: {why}; send subscribe, unsubscribe or ping");
            frame::text(&message::error(None, &why))
        }
    }
}

async fn subscribe(live: &Live, wanted: Wanted, subscriptions: &mut Vec<Subscription>) -> Bytes {
    let id = wanted.id.clone();
    let refused = |why: &str| frame::text(&message::error(Some(&id), why));
    if id.len() > ID_BYTES_MAX {
        return frame::text(&message::error(None, &format!("an id has {ID_BYTES_MAX} bytes at most")));
    }
    // The same id again replaces the subscription.
    subscriptions.retain(|subscription| subscription.id() != id);
    if subscriptions.len() >= SUBSCRIPTIONS_MAX {
        return refused(&format!("a connection has {SUBSCRIPTIONS_MAX} subscriptions at most"));
    }
    let slot = match super::super::routes::find(&live.results, &wanted.table).await {
        Ok(slot) => slot,
        Err(failure) if failure.is_temporary() => {
            return frame::text(&message::not_loaded(&id, failure.detail()));
        }
        Err(failure) => return refused(failure.detail()),
    };
    match Subscription::open(Arc::clone(&live.results), slot, wanted).await {
        Ok((subscription, message)) => {
            subscriptions.push(subscription);
            frame::text(&message.json)
        }
        Err(failure) => refused(failure.detail()),
    }
}
