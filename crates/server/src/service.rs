//! The server's service: what it needs, how it starts, and how it ends.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use jobs::ResultTables;
use prometheus_client::registry::Registry;
use storage::log::EventLog;
use storage::store::ResultStore;
use tokio::net::TcpListener;
use types::Clock;

use crate::alerts::{Alerts, Watcher};
use crate::analytics::{Analytics, Follower};
use crate::dashboards::Dashboards;
use crate::error::Error;
use crate::feed::Feed;
use crate::generated::{Generated, GeneratedEvents};
use crate::guard::{Door, Guard, Mount, Place};
use crate::ingest::Ingest;
use crate::listen;
use crate::metrics::Metrics;
use crate::operation::{Operation, Operations};
use crate::options::Options;
use crate::origin::Origins;
use crate::pulse::Pulse;
use crate::results::live::Live;
use crate::results::{self, Results};
use crate::router;
use crate::shutdown::{Lifeline, lifeline};
use crate::watchman::{self, Backing};

/// The dependencies of the server.
#[derive(Clone)]
pub struct Services {
    pub clock: Arc<dyn Clock>,
    pub log: Arc<dyn EventLog>,
    pub store: Arc<dyn ResultStore>,
    pub operations: Arc<dyn Operations>,
    /// The tables that jobs declare for their results.
    pub result_tables: Arc<ResultTables>,
    /// Generates events for a Weir that has none.
    pub generator: Arc<dyn GeneratedEvents>,
    /// Decides who may do what.
    pub guard: Arc<Guard>,
}

/// A server that listens. Connections wait until [`Server::serve`] runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: Arc<Options>,
    door: Door,
    parts: router::Parts,
    feed: Arc<Feed>,
    backing: Arc<Backing>,
    lifeline: Lifeline,
    followers: (Follower, results::Follower),
    watcher: Watcher,
    handle: Handle,
}

/// Access to a server from outside, also while it runs.
#[derive(Clone)]
pub struct Handle {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    analytics: Arc<Analytics>,
    results: Arc<Results>,
}

impl Server {
    /// Takes over a listener, and begins to load the rows of the result store.
    pub fn bind(listener: TcpListener, options: Options, services: Services) -> Result<Server, Error> {
        let address = listener.local_addr().map_err(Error::Address)?;
        let origins = Arc::new(Origins::new(&options.cors_origins)?);
        let options = Arc::new(options);
        let metrics = Metrics::new();
        let (lifeline, alive) = lifeline();
        let Services { clock, log, store, operations, result_tables, generator, guard } = services;
        let door = guard.at(Place::Http, &origins);

        let analytics = Arc::new(Analytics::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            options.time_zone.clone(),
            options.index_bytes_max,
            Arc::clone(&metrics),
        ));

        let results = Arc::new(Results::new(
            result_tables,
            Arc::clone(&store),
            Arc::clone(&clock),
            options.time_zone.clone(),
            options.result_tables_bytes_max,
            Arc::clone(&metrics),
        ));

        let feed = Feed::new(Arc::clone(&analytics), Arc::clone(&metrics), options.feed_stall, alive);
        let live = Live {
            results: Arc::clone(&results),
            metrics: Arc::clone(&metrics),
            alive: feed.alive(),
            interval: options.feed_interval,
            stall: options.feed_stall,
        };
        let ingest = Ingest::new(Arc::clone(&log), Arc::clone(&options), Arc::clone(&metrics));
        let backing = Backing::new(log, &options.topic, Arc::clone(&analytics));
        let operation =
            Operation::new(Arc::clone(&clock), Arc::clone(&backing), operations, Arc::clone(&metrics));
        let followers =
            (Follower::start(Arc::clone(&analytics))?, results::Follower::start(Arc::clone(&results))?);
        let alerts =
            Alerts::open(&options.alerts, Arc::clone(&results), Arc::clone(&metrics), Arc::clone(&clock));
        let watcher = Watcher::start(Arc::clone(&alerts))?;
        let handle = Handle {
            address,
            metrics: Arc::clone(&metrics),
            analytics: Arc::clone(&analytics),
            results: Arc::clone(&results),
        };

        let parts = router::Parts {
            pulse: Arc::new(Pulse::new(options.job_manager_port, Arc::clone(&guard))),
            generated: Arc::new(Generated { generator, guard, address }),
            ingest: Arc::new(ingest),
            analytics,
            results,
            dashboards: Arc::new(Dashboards::open(&options.dashboards)),
            alerts,
            live: Arc::new(live),
            feed: Arc::clone(&feed),
            operation: Arc::new(operation),
            origins,
            metrics,
            clock,
        };

        Ok(Server {
            listener,
            address,
            options,
            door,
            parts,
            feed,
            backing,
            lifeline,
            followers,
            watcher,
            handle,
        })
    }

    /// Serves the job manager below `/jobs/` too, while tokens are required.
    pub fn with_job_manager(self, manager: Mount) -> Server {
        Server { door: self.door.with(manager), ..self }
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until `shutdown` completes. Then accepts no more connections, answers requests in flight,
    /// closes WebSockets with 1001, and cuts off connections that are still open after the grace period.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Server {
            listener,
            address,
            options,
            door,
            parts,
            feed,
            backing,
            mut lifeline,
            followers,
            watcher,
            handle,
        } = self;
        let alive = feed.alive();
        tracing::info!(%address, "serving HTTP");
        let publishing = tokio::spawn(Arc::clone(&feed).publish(options.feed_interval));
        let (metrics, clock) = (Arc::clone(&handle.metrics), Arc::clone(&parts.clock));
        let operations = Arc::clone(&parts.operation.operations);
        let pulse = Arc::clone(&parts.pulse);
        let watching = watchman::watch(backing, Arc::clone(&feed), operations, metrics, pulse, clock);
        let watching = tokio::spawn(watching);
        let router = router::build(parts);

        let grace = options.shutdown_grace;
        let accepting =
            tokio::spawn(listen::serve(listener, router, door, options, Arc::clone(&handle.metrics), alive));
        drop(feed);
        shutdown.await;
        lifeline.stop();
        if tokio::time::timeout(grace, lifeline.ended()).await.is_err() {
            tracing::warn!(%address, "connections were still open when the server stopped");
        }
        publishing.abort();
        watching.abort();
        accepting.abort();
        drop(watcher);
        drop(followers);
    }
}

impl Handle {
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Registers metrics of other crates beside the server's, under the prefix `weir`.
    pub fn register<T>(&self, with: impl FnOnce(&mut Registry) -> T) -> T {
        self.metrics.register(with)
    }

    /// Returns the bytes of the result rows from which answers are made.
    pub fn results_memory_bytes(&self) -> usize {
        self.analytics.memory_bytes() + self.results.memory_bytes()
    }

    /// Returns the bytes of event bodies and of their answers.
    pub fn events_memory_bytes(&self) -> usize {
        usize::try_from(self.metrics.ingest_bytes.get()).unwrap_or(0)
    }

    /// Returns whether all rows that the store held at the start are served.
    pub fn loaded(&self) -> bool {
        self.analytics.loaded()
    }
}
