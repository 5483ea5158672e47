//! `weir tail`: prints the feed of a running Weir, one line per row.

use std::time::Duration;

use clap::Args;
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::ServerName;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message, protocol::WebSocketConfig};

use super::client::ClientArgs;
use super::https;
use super::terminal::{complain, on_one_line, print};
use super::{Failure, Outcome};
use crate::shutdown::Shutdown;

/// Maximum size of a frame. A complete snapshot can be large.
const FRAME_BYTES_MAX: usize = 256 << 20;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Silence after which the server counts as dead: three heartbeats of 30 s.
const SILENCE_MAX: Duration = Duration::from_secs(90);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Analytic to print: `faculty`, `overall`, … [default: all]
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
    /// URL of Weir
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    url: String,
    #[command(flatten)]
    client: ClientArgs,
    /// Print one JSON object per row instead of text
    #[arg(long)]
    json: bool,
    /// Begin with the current results
    #[arg(long)]
    initial: bool,
}

/// Why a connection ended.
enum End {
    Asked,
    Lost(String),
}

pub(super) fn run(arguments: &Arguments, shutdown: Shutdown) -> Result<Outcome, Failure> {
    let url = feed_url(&arguments.url).map_err(Failure::usage)?;
    if let Some(kind) = &arguments.kind {
        is_known(kind).map_err(Failure::usage)?;
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(follow(arguments, &url, shutdown))
}

/// Follows the feed until asked to end. Reconnects after a lost connection, but fails if there never was one.
async fn follow(arguments: &Arguments, url: &str, shutdown: Shutdown) -> Result<Outcome, Failure> {
    let mut pause = FIRST_PAUSE;
    let mut was_connected = false;

    loop {
        let config = WebSocketConfig::default()
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let connecting = connect(&arguments.client, url, config);
        let connected = tokio::select! {
            connected = connecting => connected,
            () = shutdown.clone().asked() => return Ok(Outcome::Done),
        };
        let reason = match connected {
            Ok(socket) => {
                complain(&format!("following {url}"));
                (was_connected, pause) = (true, FIRST_PAUSE);
                match read(arguments, socket, &shutdown).await? {
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

async fn read(arguments: &Arguments, mut socket: Socket, shutdown: &Shutdown) -> Result<End, Failure> {
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
            Ok(Some(Ok(Message::Text(text)))) => {
                complaints(&text).iter().for_each(|complaint| complain(complaint));
                for line in lines(arguments, &text) {
                    print(&line)?;
                }
            }
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

fn is_known(kind: &str) -> anyhow::Result<()> {
    let known = server::analytics_types();
    if known.contains(&kind) {
        return Ok(());
    }
    anyhow::bail!("there is no type `{kind}`; the types are {}", known.join(", "))
}

/// Returns the URL of the feed for `http://host:port`, with or without the feed's path.
fn feed_url(url: &str) -> anyhow::Result<String> {
    let rest = match url.split_once("://") {
        None => format!("ws://{url}"),
        Some(("http" | "ws", rest)) => format!("ws://{rest}"),
        Some(("https" | "wss", rest)) => format!("wss://{rest}"),
        Some((scheme, _)) => {
            anyhow::bail!("--url: {scheme}:// is not supported, only http:// and https://")
        }
    };
    let rest = rest.trim_end_matches('/');
    Ok(if rest.ends_with("/ws/analytics") { rest.to_owned() } else { format!("{rest}/ws/analytics") })
}

/// Returns what the server reports as wrong behind it.
fn complaints(frame: &str) -> Vec<String> {
    let Ok(frame) = serde_json::from_str::<Value>(frame) else { return Vec::new() };
    if frame["type"] != "status" {
        return Vec::new();
    }
    let parts = [("results", "store"), ("events", "log"), ("results", "results"), ("new figures", "jobs")];

    let told = parts.map(|(what, part)| {
        let of = &frame[part];
        let since = of["since"].as_str().map_or_else(String::new, |since| format!(" since {since}"));
        let message = of["message"].as_str()?;
        Some(match of["ok"].as_bool() {
            Some(false) => format!("no {what}{since}: {message}"),
            _ => format!("{what}: {message}{since}"),
        })
    });

    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() {
        vec!["the store accepts results, the log accepts events, and the jobs run".to_owned()]
    } else {
        told
    }
}

/// Returns the lines to print for a frame, one per row.
fn lines(arguments: &Arguments, frame: &str) -> Vec<String> {
    let Ok(frame) = serde_json::from_str::<Value>(frame) else { return Vec::new() };
    let time = frame["timestamp"].as_str().unwrap_or_default();

    let update = match frame["type"].as_str() {
        Some("update") => frame["analytics_type"].as_str(),
        Some("initial") if arguments.initial => None,
        _ => return Vec::new(),
    };

    if let (Some(wanted), Some(kind)) = (&arguments.kind, update)
        && wanted != kind
    {
        return Vec::new();
    }
    let Some(data) = frame["data"].as_object() else { return Vec::new() };
    let mut lines = Vec::new();

    for (name, data) in data {
        // The initial snapshot names its parts differently: `popularQuestions` for `popular_queries`.
        let kind = update.unwrap_or(name);
        if arguments.kind.as_deref().is_some_and(|wanted| update.is_none() && wanted != name) {
            continue;
        }
        for row in rows(data) {
            lines.push(match arguments.json {
                true => json_line(kind, time, &row),
                // A sender of events must not control the terminal.
                false => on_one_line(&format!("{time:<19}  {kind:<17}  {}", words(&row))).into_owned(),
            });
        }
    }

    lines
}

/// Returns the rows of one analytic: a list, a list per group (each row then has its group), or one object.
fn rows(data: &Value) -> Vec<Map<String, Value>> {
    let row = |value: &Value| match value {
        Value::Object(fields) => fields.clone(),
        other => Map::from_iter([("value".to_owned(), other.clone())]),
    };
    match data {
        Value::Array(list) => list.iter().map(row).collect(),
        Value::Object(groups) if !groups.is_empty() && groups.values().all(Value::is_array) => groups
            .iter()
            .flat_map(|(group, list)| list.as_array().into_iter().flatten().map(move |value| (group, value)))
            .map(|(group, value)| {
                let mut fields = Map::from_iter([("group".to_owned(), Value::String(group.clone()))]);
                fields.extend(row(value));
                fields
            })
            .collect(),
        other => vec![row(other)],
    }
}

fn json_line(kind: &str, time: &str, row: &Map<String, Value>) -> String {
    serde_json::json!({"type": kind, "timestamp": time, "row": row}).to_string()
}

/// Fields of an answer that are not its data.
const WRAPPING: [&str; 2] = ["status", "days"];

/// Formats a row as `faculty=Khách  query_count=12  avg_response_time=731.20`.
fn words(row: &Map<String, Value>) -> String {
    let word = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        Value::Number(number) if number.is_f64() => {
            format!("{name}={:.2}", number.as_f64().unwrap_or_default())
        }
        Value::Array(list) => format!("{name}=[{}]", list.len()),
        other => format!("{name}={other}"),
    };
    let fields = row.iter().filter(|(name, _)| !WRAPPING.contains(&name.as_str()));
    fields.map(word).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(kind: Option<&str>, json: bool, initial: bool) -> Arguments {
        let client = ClientArgs::default();
        Arguments { kind: kind.map(str::to_owned), url: String::new(), client, json, initial }
    }

    const FACULTY: &str = r#"{"type":"update","analytics_type":"faculty","timestamp":"2025-12-09T11:30:20",
        "data":{"faculty":[{"faculty":"Khách","query_count":2,"avg_response_time":731.196},{"faculty":"unknown","query_count":1}]}}"#;

    #[test]
    fn events_do_not_write_to_the_terminal() {
        let frame = r#"{"type":"update","analytics_type":"faculty","timestamp":"t",
            "data":{"faculty":[{"faculty":"red\u001b[31m\nforged","query_count":1}]}}"#;
        let lines = lines(&arguments(None, false, false), frame);
        assert!(lines.len() == 1 && !lines[0].contains(char::is_control), "{lines:?}");
    }

    #[test]
    fn an_update_is_a_line_a_row() {
        assert_eq!(
            lines(&arguments(None, false, false), FACULTY),
            [
                "2025-12-09T11:30:20  faculty            avg_response_time=731.20  faculty=Khách  query_count=2",
                "2025-12-09T11:30:20  faculty            faculty=unknown  query_count=1",
            ]
        );
        assert_eq!(
            lines(&arguments(Some("faculty"), true, false), FACULTY)[1],
            r#"{"row":{"faculty":"unknown","query_count":1},"timestamp":"2025-12-09T11:30:20","type":"faculty"}"#
        );
    }

    #[test]
    fn other_types_heartbeats_and_what_is_not_understood_are_passed_over() {
        assert!(lines(&arguments(Some("overall"), false, false), FACULTY).is_empty());
        for frame in
            [r#"{"type":"heartbeat"}"#, r#"{"type":"new"}"#, "nonsense", "[]", r#"{"type":"update"}"#]
        {
            assert!(lines(&arguments(None, false, false), frame).is_empty(), "{frame}");
        }
    }

    #[test]
    fn what_is_wrong_behind_the_server_is_said_and_that_it_is_no_longer() {
        let away = r#"{"type":"status","store":{"ok":false,"since":"2025-12-09T14:03:00Z","message":"away"},
            "log":{"ok":true,"message":"slow"}}"#;
        assert_eq!(complaints(away), ["no results since 2025-12-09T14:03:00Z: away", "events: slow"]);
        assert!(lines(&arguments(None, false, false), away).is_empty());
        assert_eq!(complaints(r#"{"type":"status","store":{"ok":true},"log":{"ok":true}}"#).len(), 1);
        assert!(complaints(FACULTY).is_empty() && complaints("nonsense").is_empty());
    }

    #[test]
    fn the_snapshot_is_printed_when_asked_for() {
        let initial = r#"{"type":"initial","data":{"overall":{"total_queries":3},"popularByYear":{"1":[{"query_text":"a"}],"2":[]}}}"#;
        assert!(lines(&arguments(None, false, false), initial).is_empty());
        let all = lines(&arguments(None, false, true), initial);
        assert_eq!(all.len(), 2);
        assert!(all[1].ends_with("group=1  query_text=a"), "{all:?}");
        assert_eq!(lines(&arguments(Some("overall"), false, true), initial).len(), 1);
    }

    #[test]
    fn the_url_may_be_given_in_any_form() {
        for url in ["http://a:1", "a:1", "ws://a:1/ws/analytics", "http://a:1/"] {
            assert_eq!(feed_url(url).unwrap(), "ws://a:1/ws/analytics");
        }
        assert_eq!(feed_url("https://a").unwrap(), "wss://a/ws/analytics");
        assert!(feed_url("ftp://a").is_err());
    }
}
