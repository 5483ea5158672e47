//! Accepts connections and serves HTTP/1.1 on them within limits, over TLS where there is a certificate,
//! until told to stop. Every request passes the listener's door.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::compression::CompressionLayer;

use crate::flink::Peer;
use crate::guard::{Door, timed};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::shutdown::Alive;
use crate::write_timeout::WriteTimeout;

/// Wait when the machine has run out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Limit of bytes that one connection has read and not handled, or written and not sent.
const BUFFER_BYTES_MAX: usize = 128 << 10;

/// A connection's slot among those served at one time; a WebSocket keeps it.
#[derive(Clone)]
pub(crate) struct Slot {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Serves connections until the server stops. Connections open at that time end by themselves.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    door: Door,
    options: Arc<Options>,
    metrics: Arc<Metrics>,
    mut alive: Alive,
) {
    // Compress answers on request: the dashboard's code and a week of points are mostly repetition.
    let router = router.layer(CompressionLayer::new());
    let slots = Arc::new(Semaphore::new(options.connections_max.min(Semaphore::MAX_PERMITS)));
    let mut http = http1::Builder::new();

    http.timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_headers(options.headers_max)
        .max_buf_size(BUFFER_BYTES_MAX);

    loop {
        let stopping = alive.clone();
        let accepted = tokio::select! {
            () = alive.stopped() => return,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, peer, slot)) = accepted else { return };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection without TCP_NODELAY");
        }
        let way = Way {
            http: http.clone(),
            router: router.clone(),
            door: door.clone(),
            body_timeout: options.body_timeout,
        };
        // Below TLS, so that a client that does not read is noticed whatever protocol is above the socket.
        let stream = WriteTimeout::new(stream, options.answer_stall);
        let (metrics, patience) = (Arc::clone(&metrics), options.header_timeout);
        tokio::spawn(async move {
            metrics.connections.inc();
            match way.door.guard().tls().map(|tls| tls.acceptor()) {
                None => way.serve(stream, stopping, peer, slot).await,
                // A TLS handshake gets no more time than the header of a request.
                Some(acceptor) => match tokio::time::timeout(patience, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => way.serve(stream, stopping, peer, slot).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
                },
            }
            metrics.connections.dec();
        });
    }
}

/// Returns the next connection with its slot; `None` only if the slots are closed, which never happens.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<(TcpStream, Peer, Slot)> {
    let permit = Arc::clone(slots).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Some((stream, Peer(peer), Slot { _permit: Arc::new(permit) })),
            Err(error) => {
                // One client that gave up is no reason to stop, and a lack of file descriptors passes.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The route of a connection's requests.
struct Way {
    http: http1::Builder,
    router: Router,
    door: Door,
    body_timeout: Duration,
}

impl Way {
    async fn serve<S>(self, stream: S, mut alive: Alive, peer: Peer, slot: Slot)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Way { http, router, door, body_timeout } = self;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(slot.clone());
            request.extensions_mut().insert(peer);
            let (door, router) = (door.clone(), router.clone());
            async move {
                let request = request.map(|body| timed(body, body_timeout));
                Ok::<_, Infallible>(door.pass(request, router).await)
            }
        });

        let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = alive.stopped() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };

        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
    }
}
