//! `GET /ws/analytics`: from an HTTP request to a WebSocket (RFC 6455, 4.2).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::client::Client;
use super::{Feed, socket};
use crate::error::{Detail, Failure};
use crate::guard::Lease;
use crate::listen::Slot;
use crate::write_timeout::WriteTimeout;

/// Live feed over a WebSocket.
///
/// The server sends `Initial`, then `Update`, `FeedStatus`, `Pong`, `Heartbeat` and `FeedError` messages; the
/// client may send `Ping`.
#[utoipa::path(get, path = "/ws/analytics", tag = "feed", responses(
    (status = 101, description = "the WebSocket is open; components describe its messages"),
    (status = 403, description = "pages of this origin may not connect", body = Detail),
    (status = 426, description = "not a WebSocket handshake", body = Detail)))]
pub(crate) async fn connect(State(feed): State<Arc<Feed>>, request: Request) -> Result<Response, Failure> {
    let (alive, stall) = (feed.alive.clone(), feed.stall);
    upgrade(request, stall, Client { feed, alive })
}

/// What a server does with the connection of a client.
pub(crate) trait Session: Send + 'static {
    /// Serves the client until it leaves. `read` holds the bytes already read from it.
    fn serve<S>(self, stream: S, read: Bytes, lease: Option<Lease>) -> impl Future<Output = ()> + Send
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static;
}

/// Answers a handshake, and serves the client once the connection is a WebSocket. A client that takes nothing
/// for `stall` is gone.
pub(crate) fn upgrade(
    mut request: Request,
    stall: Duration,
    session: impl Session,
) -> Result<Response, Failure> {
    let headers = request.headers();
    let asks = request.method() == Method::GET
        && has(headers, &header::CONNECTION, "upgrade")
        && has(headers, &header::UPGRADE, "websocket");
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    let key = headers.get(header::SEC_WEBSOCKET_KEY);

    let (true, Some(b"13"), Some(key)) = (asks, version, key) else {
        return Err(Failure::new(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket, version 13")
            .with(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
    };

    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is not valid"))?;
    let upgrade = hyper::upgrade::on(&mut request);
    let slot = request.extensions().get::<Slot>().cloned();
    let lease = request.extensions().get::<Lease>().cloned();

    tokio::spawn(async move {
        // The slot counts the connection for as long as the socket is open.
        let _slot = slot;
        match upgrade.await {
            Ok(upgraded) => serve(upgraded, stall, session, lease).await,
            Err(error) => tracing::debug!(%error, "a WebSocket was not opened"),
        }
    });

    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];

    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// Serves a client on the raw connection, without the HTTP layers around it.
async fn serve(upgraded: Upgraded, stall: Duration, session: impl Session, lease: Option<Lease>) {
    // The session itself closes clients that stall, with a reason.
    let upgraded = match upgraded.downcast::<TokioIo<WriteTimeout<TcpStream>>>() {
        Ok(parts) => {
            let mut stream = parts.io.into_inner();
            stream.lift();
            socket::limit(stream.get_ref(), stall);
            return session.serve(stream, parts.read_buf, lease).await;
        }
        Err(upgraded) => upgraded,
    };

    match upgraded.downcast::<TokioIo<TlsStream<WriteTimeout<TcpStream>>>>() {
        Ok(parts) => {
            let mut stream = parts.io.into_inner();
            stream.get_mut().0.lift();
            socket::limit(stream.get_ref().0.get_ref(), stall);
            session.serve(stream, parts.read_buf, lease).await;
        }
        Err(upgraded) => session.serve(TokioIo::new(upgraded), Bytes::new(), lease).await,
    }
}

/// Returns whether a header's list holds a token.
fn has(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}
