//! Accepts connections and speaks HTTP/1.1 on them, within limits, until told to stop.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use crate::flink::Peer;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::shutdown::Alive;

/// How long to wait when the machine has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What one connection may have read and not handled, or written and not sent.
const BUFFER_BYTES_MAX: usize = 128 << 10;

/// A connection's place among those served at one time; a WebSocket keeps it.
#[derive(Clone)]
pub(crate) struct Slot {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Serves connections until the server stops; those that are open then end by themselves.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    options: Arc<Options>,
    metrics: Arc<Metrics>,
    mut alive: Alive,
) {
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
        let from = (peer, slot);
        tokio::spawn(connection(stream, http.clone(), router.clone(), Arc::clone(&metrics), stopping, from));
    }
}

/// The next connection and its slot; `None` only when the slots are closed, which they never are.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<(TcpStream, Peer, Slot)> {
    let permit = Arc::clone(slots).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Some((stream, Peer(peer), Slot { _permit: Arc::new(permit) })),
            Err(error) => {
                // One client that gave up is no reason to stop, and too many open files pass.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    http: http1::Builder,
    router: Router,
    metrics: Arc<Metrics>,
    mut alive: Alive,
    (peer, slot): (Peer, Slot),
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection without TCP_NODELAY");
    }
    metrics.connections.inc();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(slot.clone());
        request.extensions_mut().insert(peer);
        // A router is always ready.
        router.clone().call(request.map(Body::new))
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
    metrics.connections.dec();
}
