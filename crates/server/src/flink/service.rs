//! The job manager: what it is given, how it starts, and how it ends.

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
use crate::guard::{Door, Guard, Place};
use crate::listen;
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::shutdown::lifeline;

/// What fills `${NAME}` in a script where the request does not say.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What the job manager works with.
#[derive(Clone)]
pub struct Services {
    pub clock: Arc<dyn Clock>,
    pub dispatcher: Arc<Dispatcher>,
    pub variables: Variables,
    /// The settings in force, by their names, without secrets.
    pub settings: Vec<Setting>,
    /// What was logged last.
    pub log: Arc<LogTail>,
    /// Who may do what.
    pub guard: Arc<Guard>,
}

/// A job manager that listens. Connections wait until [`JobManager::serve`] runs.
pub struct JobManager {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
    parts: Parts,
}

impl JobManager {
    /// Takes a listener. Fails if an origin of the options is none.
    pub fn bind(listener: TcpListener, options: Options, services: Services) -> Result<JobManager, Error> {
        let address = listener.local_addr().map_err(Error::Address)?;
        let origins = Arc::new(Origins::new(&options.cors_origins)?);
        Ok(JobManager {
            listener,
            address,
            door: services.guard.at(Place::Jobs, &origins),
            parts: Parts {
                options,
                services,
                address,
                operations: Default::default(),
                rates: Default::default(),
                profiler: Default::default(),
                replaying: Default::default(),
            },
        })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` completes. Then no connection is accepted any more, requests under way are answered, and
    /// what has not ended within the grace is cut off. The jobs go on.
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
        let parts = Arc::new(parts);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&parts));
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
