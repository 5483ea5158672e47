//! HTTP: events in, analytics out, the live feed, dashboards, alerts, and the routes for operating.
//!
//! The only crate that knows HTTP. With a listener, a clock, a log and a store, it serves until it is told to
//! stop:
//!
//! ```no_run
//! # async fn run(services: server::Services, stop: impl Future<Output = ()>) -> Result<(), Box<dyn std::error::Error>> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//! let server = server::Server::bind(listener, server::Options::default(), services)?;
//! server.serve(stop).await;
//! # Ok(())
//! # }
//! ```

mod options;
mod service;

mod ingest;

mod analytics;

mod results;

mod dashboards;

mod alerts;

mod documents;

pub mod compare;

mod first;
mod generated;

mod feed;

pub mod flink;

pub mod gateway;

pub mod guard;

mod assets;
mod asyncapi;
mod docs;
mod openapi;

mod metrics;
mod operation;
mod probe;
mod process;
mod pulse;
mod watchman;

mod error;
mod jackson;
mod listen;
mod origin;
mod router;
mod shutdown;
mod starting;
mod write_timeout;

pub use error::Error;
pub use generated::{GenerateError, GeneratedEvents, GeneratedState, GeneratedView, NoGenerator};
pub use operation::{JobSummary, Operations};
pub use options::{DocumentPlaces, Options, UnknownTopics};
pub use pulse::{JobTotals, Totals};
pub use service::{Handle, Server, Services};
pub use starting::Starting;

/// Returns the types of analytics, as the feed's messages and the result store's notifications name them.
pub fn analytics_types() -> Vec<&'static str> {
    analytics::Kind::ALL.iter().map(|kind| kind.name()).collect()
}
