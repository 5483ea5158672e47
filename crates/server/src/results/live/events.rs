//! `GET /results/{table}/events`: the changes of a table as Server-Sent Events, for clients without WebSocket.
//!
//! The id of an event is its token. A browser sends the last one by itself when it connects again
//! (`Last-Event-ID`), and so gets what it has missed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::HeaderValue;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use tokio::time::{Instant, sleep_until};

use super::super::request::Parameters;
use super::super::routes::{find, pairs, wrong};
use super::{Live, Message, Subscription, Wanted};
use crate::error::{Detail, Failure};
use crate::feed::connection::ended;
use crate::guard::Lease;

/// Silence after which a comment is sent, so that proxies keep the connection.
const COMMENT_AFTER: Duration = Duration::from_secs(15);
const PARAMETERS: [&str; 3] = ["where", "limit", "token"];

/// Rows of a table as they change, as Server-Sent Events.
///
/// Events are messages with the data of `snapshot`, `changes` and `error` of `/ws/results` that
/// `/asyncapi.json` describes. The id of an event is the token with which `Last-Event-ID` resumes.
#[utoipa::path(get, path = "/results/{table}/events", tag = "results",
    params(("table" = String, Path, description = "name of the table"),
        ("where" = Option<String>, Query, description = "conditions on columns, combined with AND"),
        ("limit" = Option<u32>, Query, maximum = 10_000, description = "maximum number of rows of a snapshot (default 1,000)"),
        ("token" = Option<String>, Query, description = "as `Last-Event-ID`, for clients that cannot send it"),
        ("Last-Event-ID" = Option<String>, Header, description = "id of the last event that the client has received")),
    responses((status = 200, description = "the stream of events", content_type = "text/event-stream", body = String),
        (status = 400, body = Detail), (status = 404, body = Detail), (status = 503, body = Detail)))]
pub(crate) async fn events(
    State(live): State<Arc<Live>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let slot = find(&live.results, &name).await?;
    let pairs = pairs(request.uri())?;
    let parameters = Parameters(&pairs);
    parameters.check(&PARAMETERS).map_err(wrong)?;
    let limit = parameters
        .get("limit")
        .map(|text| text.parse().map_err(|_| wrong(format!("limit must be a whole number, not `{text}`"))));
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let wanted = Wanted {
        id: name.clone(),
        table: name,
        filter: parameters.get("where").unwrap_or("").to_owned(),
        limit: limit.transpose()?,
        token: last.or(parameters.get("token")).map(str::to_owned),
    };

    let lease = request.extensions().get::<Lease>().cloned();
    let opened = Subscription::open(Arc::clone(&live.results), slot, wanted).await;
    let (subscription, first) = opened?;
    let stream = stream(live, subscription, first, lease);
    let mut response = Sse::new(stream).keep_alive(KeepAlive::new().interval(COMMENT_AFTER)).into_response();
    // Proxies must not collect events.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// The state of a stream of events.
struct Following {
    live: Arc<Live>,
    /// `None` once the stream has ended.
    subscription: Option<Subscription>,
    first: Option<Message>,
    not_before: Instant,
    lease: Option<Lease>,
}

/// A client that reads slowly asks for the next event later, and then gets all changes of the meantime.
fn stream(
    live: Arc<Live>,
    subscription: Subscription,
    first: Message,
    lease: Option<Lease>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let state = Following {
        live,
        subscription: Some(subscription),
        first: Some(first),
        not_before: Instant::now(),
        lease,
    };
    unfold(state, |mut state| async move {
        if let Some(first) = state.first.take() {
            return Some((Ok(event(&first)), state));
        }
        let mut subscription = state.subscription.take()?;
        let mut alive = state.live.alive.clone();
        let next = async {
            loop {
                subscription.ready().await;
                sleep_until(state.not_before).await;
                match subscription.next().await {
                    Ok(Some(message)) => return (Some(subscription), event(&message)),
                    Ok(None) => {}
                    Err(why) => {
                        let json = super::message::error(None, why.detail());
                        let event = Event::default().data(String::from_utf8_lossy(&json));
                        return (None, event);
                    }
                }
            }
        };
        let (subscription, event) = tokio::select! {
            next = next => next,
            () = alive.stopped() => return None,
            () = ended(state.lease.clone()) => return None,
        };
        state.subscription = subscription;
        state.not_before = Instant::now() + state.live.interval;
        Some((Ok(event), state))
    })
}

/// The type of a message is in its data, so that one listener gets all of them.
fn event(message: &Message) -> Event {
    let data = String::from_utf8_lossy(&message.json);
    Event::default().id(&message.token).data(data)
}
