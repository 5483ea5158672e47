//! A connection to one broker: frames of requests and answers, the API versions of both sides, and the
//! login.
//!
//! ```text
//! request  length 4 | api key 2 | version 2 | correlation id 4 | client id | body
//! answer   length 4 | correlation id 4 | body
//! ```
//!
//! A broker answers requests in order. A connection has at most one request in flight.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiVersionsRequest, RequestHeader, ResponseHeader, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable as _, HeaderVersion as _, Request, StrBytes};
use kafka_protocol::{ResponseError, error::ParseResponseErrorCode as _};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use types::Timestamp;

use super::error::FetchError;
use super::options::FetchOptions;
use super::sasl::Login;

/// Limit of an answer's length. A longer frame does not come from a Kafka broker.
const FRAME_BYTES_MAX: usize = 256 << 20;
/// Capacity of the buffer that is kept between answers.
const BUFFER_BYTES_MAX: usize = 8 << 20;

/// A TCP or a TLS stream.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) struct Connection {
    /// `host:port`, for messages.
    pub broker: String,
    stream: Box<dyn Stream>,
    client_id: StrBytes,
    correlation: i32,
    /// First and last version of each API that the broker speaks.
    versions: BTreeMap<i16, (i16, i16)>,
    buffer: BytesMut,
    patience: Duration,
}

/// A request in flight.
#[must_use]
pub(super) struct Sent {
    correlation: i32,
    version: i16,
}

impl Connection {
    /// Connects, negotiates versions and logs in, within the connection timeout.
    pub async fn open(
        host: &str,
        port: u16,
        options: &FetchOptions,
        now: Timestamp,
    ) -> Result<Connection, FetchError> {
        let broker = format!("{host}:{port}");
        let opening = open(&broker, host, port, options, now);
        match timeout(options.connect_timeout, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(FetchError::Timeout { broker, after: options.connect_timeout }),
        }
    }

    /// Returns the newest version of a request that both sides speak, at most `newest`.
    pub fn version<R: Request>(&self, newest: i16) -> Result<i16, FetchError> {
        let (first, last) = self.versions.get(&R::KEY).copied().unwrap_or((0, -1));
        let version = last.min(R::VERSIONS.max).min(newest);
        if version < first.max(R::VERSIONS.min) {
            let detail = format!("it supports versions {first} to {last} of the API {}", R::KEY);
            return Err(self.protocol(detail));
        }
        Ok(version)
    }

    /// Sends a request and waits for its answer.
    pub async fn ask<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, FetchError> {
        let sent = self.send(request, version).await?;
        self.receive::<R>(sent, self.patience).await
    }

    pub async fn send<R: Request>(&mut self, request: &R, version: i16) -> Result<Sent, FetchError> {
        self.correlation = self.correlation.wrapping_add(1);
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(self.client_id.clone()));

        let mut frame = BytesMut::from(&[0; 4][..]);
        let encoded = header.encode(&mut frame, R::header_version(version));
        encoded.and_then(|()| request.encode(&mut frame, version)).map_err(|error| self.protocol(error))?;
        let length = i32::try_from(frame.len() - 4).map_err(|error| self.protocol(error))?;
        frame[..4].copy_from_slice(&length.to_be_bytes());

        match timeout(self.patience, self.stream.write_all(&frame)).await {
            Ok(Ok(())) => Ok(Sent { correlation: self.correlation, version }),
            Ok(Err(source)) => Err(self.broken(source)),
            Err(_) => Err(FetchError::Timeout { broker: self.broker.clone(), after: self.patience }),
        }
    }

    /// Waits for the answer to a request, which must be the oldest request in flight.
    pub async fn receive<R: Request>(
        &mut self,
        sent: Sent,
        patience: Duration,
    ) -> Result<R::Response, FetchError> {
        let frame = match timeout(patience, self.read_frame()).await {
            Ok(frame) => frame?,
            Err(_) => return Err(FetchError::Timeout { broker: self.broker.clone(), after: patience }),
        };
        self.decode::<R>(frame, &sent)
    }

    fn decode<R: Request>(&self, mut frame: Bytes, sent: &Sent) -> Result<R::Response, FetchError> {
        let header_version = R::Response::header_version(sent.version);
        let header =
            ResponseHeader::decode(&mut frame, header_version).map_err(|error| self.protocol(error))?;
        if header.correlation_id != sent.correlation {
            let detail =
                format!("it answered request {} instead of {}", header.correlation_id, sent.correlation);
            return Err(self.protocol(detail));
        }
        R::Response::decode(&mut frame, sent.version).map_err(|error| self.protocol(error))
    }

    async fn read_frame(&mut self) -> Result<Bytes, FetchError> {
        let read = read_frame(&mut self.stream, &mut self.buffer).await;
        match read.map_err(|source| self.broken(source))? {
            Ok(frame) => Ok(frame),
            Err(length) => Err(self.protocol(format!("its answer has {length} bytes"))),
        }
    }

    /// Asks for the API versions of the broker. All brokers understand version 0 of this request.
    async fn agree(&mut self) -> Result<(), FetchError> {
        let answer = self.ask(&ApiVersionsRequest::default(), 0).await?;
        if let Some(error) = answer.error_code.err() {
            return Err(FetchError::Answered(error));
        }
        self.versions =
            answer.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect();
        Ok(())
    }

    async fn log_in(&mut self, login: &Login, now: Timestamp) -> Result<(), FetchError> {
        let refused = |broker: &str, detail: String| FetchError::Login { broker: broker.to_owned(), detail };
        let request =
            SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(login.mechanism()));
        let version = self.version::<SaslHandshakeRequest>(1)?;
        let answer = self.ask(&request, version).await?;
        if let Some(error) = answer.error_code.err() {
            let mechanisms: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
            let detail = match error {
                ResponseError::UnsupportedSaslMechanism => {
                    format!("it does not support {}, only {}", login.mechanism(), mechanisms.join(", "))
                }
                error => error.to_string(),
            };
            return Err(refused(&self.broker, detail));
        }

        let version = self.version::<SaslAuthenticateRequest>(2)?;
        let (mut exchange, mut message) = login.begin(now).map_err(|detail| refused(&self.broker, detail))?;
        loop {
            let request = SaslAuthenticateRequest::default().with_auth_bytes(message.into());
            let answer = self.ask(&request, version).await?;
            if let Some(error) = answer.error_code.err() {
                let detail = answer.error_message.map_or_else(|| error.to_string(), |told| told.to_string());
                return Err(refused(&self.broker, detail));
            }
            match exchange.step(&answer.auth_bytes).map_err(|detail| refused(&self.broker, detail))? {
                Some(next) => (exchange, message) = next,
                None => return Ok(()),
            }
        }
    }

    fn protocol(&self, detail: impl ToString) -> FetchError {
        FetchError::Protocol { broker: self.broker.clone(), detail: detail.to_string() }
    }

    fn broken(&self, source: std::io::Error) -> FetchError {
        FetchError::Broken { broker: self.broker.clone(), source }
    }
}

async fn open(
    broker: &str,
    host: &str,
    port: u16,
    options: &FetchOptions,
    now: Timestamp,
) -> Result<Connection, FetchError> {
    let failed = |source| FetchError::Connect { broker: broker.to_owned(), source };
    let tcp = TcpStream::connect((host, port)).await.map_err(failed)?;
    // Each request is written in one piece, so delaying it gains nothing.
    tcp.set_nodelay(true).map_err(failed)?;

    let stream: Box<dyn Stream> = match &options.tls {
        None => Box::new(tcp),
        Some(tls) => {
            let name = ServerName::try_from(host.to_owned())
                .map_err(|error| failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, error)))?;
            Box::new(TlsConnector::from(tls.config.clone()).connect(name, tcp).await.map_err(failed)?)
        }
    };

    let mut connection = Connection {
        broker: broker.to_owned(),
        stream,
        client_id: StrBytes::from(options.client_id.clone()),
        correlation: 0,
        versions: BTreeMap::from([(ApiVersionsRequest::KEY, (0, 0))]),
        buffer: BytesMut::new(),
        patience: options.request_timeout,
    };
    connection.agree().await?;
    if let Some(login) = &options.login {
        connection.log_in(login, now).await?;
    }
    Ok(connection)
}

/// Reads one frame without its length. The inner error holds an invalid length.
async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> std::io::Result<Result<Bytes, i32>> {
    let length = stream.read_i32().await?;
    let Some(wanted) = usize::try_from(length).ok().filter(|&length| length <= FRAME_BYTES_MAX) else {
        return Ok(Err(length));
    };

    // The last answer's memory is reused once that answer is dropped.
    if buffer.capacity() > BUFFER_BYTES_MAX {
        *buffer = BytesMut::new();
    }
    buffer.clear();
    buffer.reserve(wanted);
    let mut limited = stream.take(wanted as u64);
    while buffer.len() < wanted {
        if limited.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Ok(buffer.split().freeze()))
}
