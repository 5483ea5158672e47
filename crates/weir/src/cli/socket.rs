//! A WebSocket to a running Weir that comes back when it is lost.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message, protocol::WebSocketConfig};

use super::client::ClientArgs;
use super::https;
use super::terminal::complain;
use super::{Failure, Outcome};
use crate::shutdown::Shutdown;

/// Maximum size of a frame. A complete snapshot can be large.
const FRAME_BYTES_MAX: usize = 256 << 20;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Silence after which the server counts as dead: three heartbeats of 30 s.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// What a command does with the messages of a server.
pub(super) trait Listener {
    /// Returns a message to send on each new connection.
    fn greeting(&self) -> Option<String>;

    /// Takes a message of the server. A failure ends the command.
    fn take(&mut self, text: &str) -> Result<Next, Failure>;
}

/// What follows a message of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next message.
    Message,
    /// Another connection, for a reason: the server cannot answer yet.
    Connection(String),
}

/// Why a connection ended.
enum End {
    Asked,
    Lost(String),
}

/// Follows a server until asked to end. Reconnects after a lost connection, but fails if there never was one.
pub(super) fn follow(
    client: &ClientArgs,
    url: &str,
    mut shutdown: Shutdown,
    listener: &mut dyn Listener,
) -> Result<Outcome, Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(reconnect(client, url, &mut shutdown, listener))
}

async fn reconnect(
    client: &ClientArgs,
    url: &str,
    shutdown: &mut Shutdown,
    listener: &mut dyn Listener,
) -> Result<Outcome, Failure> {
    let mut pause = FIRST_PAUSE;
    let mut was_connected = false;

    loop {
        let config = WebSocketConfig::default()
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let connecting = connect(client, url, config);
        let connected = tokio::select! {
            connected = connecting => connected,
            () = shutdown.clone().asked() => return Ok(Outcome::Done),
        };
        let reason = match connected {
            Ok(socket) => {
                complain(&format!("following {url}"));
                (was_connected, pause) = (true, FIRST_PAUSE);
                match read(socket, shutdown, listener).await? {
                    End::Asked => return Ok(Outcome::Done),
                    End::Lost(reason) => reason,
                }
            }
            Err(Lack::Refused(failure)) => return Err(failure),
            Err(Lack::Unreachable(reason)) if was_connected => reason,
            Err(Lack::Unreachable(reason)) => {
                let reason = anyhow::anyhow!("cannot reach {url}: {reason} (is `weir up` running there?)");
                return Err(Failure::external(reason));
            }
        };
        complain(&format!("lost the feed, coming back: {reason}"));
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = shutdown.clone().asked() => return Ok(Outcome::Done),
        }
    }
}

/// A connection with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

type Socket = tokio_tungstenite::WebSocketStream<Box<dyn Stream>>;

/// Why there is no connection.
enum Lack {
    /// The server may be reachable later.
    Unreachable(String),
    /// The server refuses.
    Refused(Failure),
}

async fn connect(client: &ClientArgs, url: &str, config: WebSocketConfig) -> Result<Socket, Lack> {
    let away = |error: &dyn std::fmt::Display| Lack::Unreachable(error.to_string());
    let wrong = |error: &dyn std::fmt::Display| {
        Lack::Refused(Failure::usage(anyhow::anyhow!("--url: {url}: {error}")))
    };
    let mut request = url.into_client_request().map_err(|error| wrong(&error))?;

    if let Some(authorization) = client.authorization() {
        let value = authorization.parse().map_err(|_| wrong(&"the token is not valid"))?;
        request.headers_mut().insert("authorization", value);
    }

    let is_tls = request.uri().scheme_str() == Some("wss");
    let host =
        request.uri().host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = request.uri().port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| away(&error))?;
    stream.set_nodelay(true).map_err(|error| away(&error))?;

    let stream: Box<dyn Stream> = if is_tls {
        let connector = tokio_rustls::TlsConnector::from(client.tls().map_err(Lack::Refused)?);
        let name = ServerName::try_from(host).map_err(|error| wrong(&error))?;
        let encrypted = connector.connect(name, stream).await.map_err(|error| match https::of_tls(error) {
            error @ ureq::Error::Rustls(_) => {
                Lack::Refused(Failure::external(ClientArgs::unreachable(url, &error)))
            }
            error => away(&error),
        });
        Box::new(encrypted?)
    } else {
        Box::new(stream)
    };

    match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) if matches!(answer.status().as_u16(), 401 | 403) => {
            let body = answer.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let reason =
                anyhow::anyhow!("{url} refuses ({}): {body} (--token or WEIR_TOKEN)", answer.status());
            Err(Lack::Refused(Failure::failed(reason)))
        }
        Err(error) => Err(away(&error)),
    }
}

async fn read(mut socket: Socket, shutdown: &Shutdown, listener: &mut dyn Listener) -> Result<End, Failure> {
    if let Some(greeting) = listener.greeting()
        && let Err(error) = socket.send(Message::text(greeting)).await
    {
        return Ok(lost(&error));
    }
    loop {
        let message = tokio::select! {
            message = tokio::time::timeout(SILENCE_MAX, socket.next()) => message,
            () = shutdown.clone().asked() => {
                // The closing frame is optional; the server copes without.
                let _ = socket.close(None).await;
                return Ok(End::Asked);
            }
        };

        match message {
            Err(_) => return Ok(End::Lost(format!("nothing for {} s", SILENCE_MAX.as_secs()))),
            Ok(None) => return Ok(End::Lost("closed by the server".to_owned())),
            Ok(Some(Err(error))) => return Ok(End::Lost(error.to_string())),
            Ok(Some(Ok(Message::Close(frame)))) => {
                let reason = frame.map(|frame| frame.reason.to_string()).filter(|reason| !reason.is_empty());
                return Ok(End::Lost(reason.unwrap_or_else(|| "closed by the server".to_owned())));
            }
            Ok(Some(Ok(Message::Text(text)))) => match listener.take(&text)? {
                Next::Message => {}
                Next::Connection(reason) => return Ok(End::Lost(reason)),
            },
            Ok(Some(Ok(Message::Ping(payload)))) => {
                if let Err(error) = socket.send(Message::Pong(payload)).await {
                    return Ok(lost(&error));
                }
            }
            Ok(Some(Ok(Message::Binary(_) | Message::Pong(_) | Message::Frame(_)))) => {}
        }
    }
}

fn lost(error: &tungstenite::Error) -> End {
    End::Lost(error.to_string())
}

/// Returns the URL of a WebSocket for `http://host:port`, with or without the path.
pub(super) fn socket_url(url: &str, path: &str) -> anyhow::Result<String> {
    let rest = match url.split_once("://") {
        None => format!("ws://{url}"),
        Some(("http" | "ws", rest)) => format!("ws://{rest}"),
        Some(("https" | "wss", rest)) => format!("wss://{rest}"),
        Some((scheme, _)) => {
            anyhow::bail!("--url: {scheme}:// is not supported, only http:// and https://")
        }
    };
    let rest = rest.trim_end_matches('/');
    Ok(if rest.ends_with(path) { rest.to_owned() } else { format!("{rest}{path}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_may_be_given_in_any_form() {
        for url in ["http://a:1", "a:1", "ws://a:1/ws/analytics", "http://a:1/"] {
            assert_eq!(socket_url(url, "/ws/analytics").unwrap(), "ws://a:1/ws/analytics");
        }
        assert_eq!(socket_url("https://a", "/ws/results").unwrap(), "wss://a/ws/results");
        assert!(socket_url("ftp://a", "/ws/results").is_err());
    }
}
