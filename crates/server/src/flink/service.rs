//! The job manager's service: what it needs, how it starts, and how it ends.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use jobs::Dispatcher;
use tokio::net::TcpListener;
use types::Clock;

use super::answer::{Parts, answer};
use super::log_tail::LogTail;
use super::model::Setting;
use super::options::Options;
use crate::error::Error;
use crate::gateway::SqlSessions;
use crate::guard::{Door, Guard, Mount, Place};
use crate::listen;
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::shutdown::lifeline;

/// Values of `${NAME}` in scripts, where the request has none.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The dependencies of the job manager.
#[derive(Clone)]
pub struct Services {
    pub clock: Arc<dyn Clock>,
    pub dispatcher: Arc<Dispatcher>,
    pub variables: Variables,
    /// The effective settings by name, without secrets.
    pub settings: Vec<Setting>,
    /// The newest log lines.
    pub log: Arc<LogTail>,
    /// The sessions in which queries run.
    pub sql: SqlSessions,
    /// Decides who may do what.
    pub guard: Arc<Guard>,
}

/// A job manager that listens. Connections wait until [`JobManager::serve`] runs.
pub struct JobManager {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
    parts: Arc<Parts>,
}

impl JobManager {
    /// Takes over a listener. Fails if an origin in the options is invalid.
    pub fn bind(listener: TcpListener, options: Options, services: Services) -> Result<JobManager, Error> {
        let address = listener.local_addr().map_err(Error::Address)?;
        let origins = Arc::new(Origins::new(&options.cors_origins)?);
        Ok(JobManager {
            listener,
            address,
            door: services.guard.at(Place::Jobs, &origins),
            parts: Arc::new(Parts {
                options,
                services,
                address,
                operations: Default::default(),
                rates: Default::default(),
                profiler: Default::default(),
                replaying: Default::default(),
            }),
        })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns this job manager for another listener, which has it below `/jobs/` while tokens are required. Only
    /// pages of that listener itself may call it there.
    pub fn mount(&self) -> Mount {
        let guard = &self.parts.services.guard;
        Mount::new(guard.at(Place::Jobs, &Arc::default()), router(&self.parts))
    }

    /// Serves until `shutdown` completes. Then accepts no more connections, answers requests in flight, and
    /// cuts off connections that are still open after the grace period. The jobs go on.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let JobManager { listener, address, door, parts } = self;
        let (mut lifeline, alive) = lifeline();
        let grace = parts.options.shutdown_grace;

        let connections = crate::Options {
            connections_max: parts.options.connections_max,
            headers_max: parts.options.headers_max,
            header_timeout: parts.options.header_timeout,
            body_timeout: parts.options.body_timeout,
            ..crate::Options::default()
        };

        let router = router(&parts);
        tracing::info!(%address, "serving the job manager");

        let accepting =
            tokio::spawn(listen::serve(listener, router, door, Arc::new(connections), Metrics::new(), alive));
        let counting = parts.rates.keep(&parts.services.dispatcher, &parts.services.clock);

        tokio::select! {
            () = shutdown => {}
            () = counting => {}
        }

        lifeline.stop();
        if tokio::time::timeout(grace, lifeline.ended()).await.is_err() {
            tracing::warn!(%address, "connections were still open when the job manager stopped");
        }
        accepting.abort();
    }
}

fn router(parts: &Arc<Parts>) -> Router {
    Router::new().fallback(answer).with_state(Arc::clone(parts))
}
