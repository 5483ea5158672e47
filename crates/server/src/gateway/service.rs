//! The SQL gateway's service: what it needs, how it starts, and how it ends.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use jobs::Dispatcher;
use tokio::net::TcpListener;
use types::Clock;

use super::answer::{Parts, answer};
use super::options::Options;
use super::sessions::Sessions;
use crate::error::Error;
use crate::flink::Variables;
use crate::guard::{Door, Guard, Place};
use crate::listen;
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::shutdown::lifeline;

/// Maximum interval of the search for idle sessions.
const LOOK: Duration = Duration::from_secs(60);

/// The dependencies of the gateway.
#[derive(Clone)]
pub struct Services {
    pub clock: Arc<dyn Clock>,
    pub dispatcher: Arc<Dispatcher>,
    /// Values of `${NAME}` in statements.
    pub variables: Variables,
    /// Decides who may do what.
    pub guard: Arc<Guard>,
}

/// A SQL gateway that listens. Connections wait until [`Gateway::serve`] runs.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
    parts: Arc<Parts>,
}

/// The sessions of a gateway, for another listener that passes requests on. They have the gateway's limits, and end when
/// the gateway stops.
#[derive(Clone)]
pub struct SqlSessions(Arc<Parts>);

impl SqlSessions {
    /// Answers a request whose path is one of the gateway's.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        answer(State(Arc::clone(&self.0)), request).await
    }
}

impl Gateway {
    /// Takes over a listener. Fails if an origin in the options is invalid.
    pub fn bind(listener: TcpListener, options: Options, services: Services) -> Result<Gateway, Error> {
        let address = listener.local_addr().map_err(Error::Address)?;
        let origins = Arc::new(Origins::new(&options.cors_origins)?);
        let door = services.guard.at(Place::Gateway, &origins);
        let sessions = Arc::new(Sessions::new(options.sessions_max));
        let parts = Arc::new(Parts { options, services, origins, sessions });
        Ok(Gateway { listener, address, door, parts })
    }

    /// Returns the sessions, for a listener that shares them.
    pub fn sessions(&self) -> SqlSessions {
        SqlSessions(Arc::clone(&self.parts))
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` completes. Then accepts no more connections, answers requests in flight, and
    /// cuts off connections that are still open after the grace period. Sessions and their queries end;
    /// writing jobs go on.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Gateway { listener, address, door, parts } = self;
        let (mut lifeline, alive) = lifeline();
        let options = &parts.options;
        let (grace, idle) = (options.shutdown_grace, options.idle_timeout);

        let connections = crate::Options {
            connections_max: options.connections_max,
            headers_max: options.headers_max,
            header_timeout: options.header_timeout,
            body_timeout: options.body_timeout,
            ..crate::Options::default()
        };

        let router = Router::new().fallback(answer).with_state(Arc::clone(&parts));
        tracing::info!(%address, "serving the SQL gateway");
        let accepting =
            tokio::spawn(listen::serve(listener, router, door, Arc::new(connections), Metrics::new(), alive));

        let expiring = async {
            loop {
                tokio::time::sleep((idle / 10).clamp(Duration::from_millis(20), LOOK)).await;
                parts.sessions.expire(parts.services.clock.elapsed(), idle);
            }
        };

        tokio::select! {
            () = shutdown => {}
            () = expiring => {}
        }

        // Waiting fetches end with their sessions.
        parts.sessions.close_all();
        lifeline.stop();
        if tokio::time::timeout(grace, lifeline.ended()).await.is_err() {
            tracing::warn!(%address, "connections were still open when the SQL gateway stopped");
        }
        accepting.abort();
    }
}
