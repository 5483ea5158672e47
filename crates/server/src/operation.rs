//! The routes for operators: liveness, readiness, and running jobs.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use types::Clock;
use utoipa::ToSchema;

use crate::metrics::Metrics;
use crate::pulse::Totals;
use crate::watchman::Backing;

/// The jobs as the server sees them.
///
/// An implementation must answer at once, from memory: the methods are called for each request, and once a
/// second.
pub trait Operations: Send + Sync {
    /// Fails with the reason when something that should run does not.
    fn ready(&self) -> Result<(), String>;

    /// Returns the jobs, newest first.
    fn jobs(&self) -> Vec<JobSummary>;

    /// Returns why the dashboard's figures stand still or are incomplete, as far as the jobs that write them
    /// are the cause.
    fn trouble(&self) -> Option<String>;

    /// Returns what the running jobs have done.
    fn totals(&self) -> Totals;
}

/// Summary of a job for the dashboard.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobSummary {
    /// Id of the job, 32 hexadecimal digits.
    pub id: String,
    pub name: String,
    /// Flink's name of the state: `RUNNING`, `RESTARTING`, `FAILED`…
    #[schema(example = "RUNNING")]
    pub state: String,
    /// Start time in milliseconds since 1970.
    pub start_time_ms: i64,
    /// Problem of the job, if it has one.
    pub message: Option<String>,
}

/// Serves the routes for operators.
pub(crate) struct Operation {
    clock: Arc<dyn Clock>,
    started: Duration,
    backing: Arc<Backing>,
    pub(crate) operations: Arc<dyn Operations>,
    metrics: Arc<Metrics>,
}

/// The process is alive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether Weir can receive and process events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    pub(crate) ready: bool,
    pub(crate) checks: Vec<Check>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Check {
    /// `log`, `store`, `results` (loaded) or `jobs`.
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    pub(crate) message: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    version: &'static str,
    uptime_seconds: u64,
    /// Durable events received over HTTP.
    events_accepted: u64,
    events_rejected: u64,
    result_rows: usize,
    feed_clients: i64,
    /// Checks of `/readyz`.
    checks: Vec<Check>,
    jobs: Vec<JobSummary>,
}

impl Operation {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        backing: Arc<Backing>,
        operations: Arc<dyn Operations>,
        metrics: Arc<Metrics>,
    ) -> Operation {
        let started = clock.elapsed();
        Operation { clock, started, backing, operations, metrics }
    }

    /// Checks everything that has to work.
    async fn checks(&self) -> Vec<Check> {
        let backing = &self.backing;
        let (log, store) = tokio::join!(backing.ask_log(), backing.ask_store());
        let results = if backing.analytics.loaded() { Ok(()) } else { Err("still being loaded".to_owned()) };

        let found = [("log", log), ("store", store), ("results", results), ("jobs", self.operations.ready())];
        let check =
            |(name, found): (_, Result<(), String>)| Check { name, ok: found.is_ok(), message: found.err() };
        found.into_iter().map(check).collect()
    }
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Alive)))]
pub(crate) async fn healthz() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// Whether the log answers, the store accepts results, the results are loaded, and the jobs run.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn readyz(State(operation): State<Arc<Operation>>) -> Response {
    let checks = operation.checks().await;
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks })).into_response()
}

/// Overview of the server: jobs, checks and counters.
#[utoipa::path(get, path = "/status", tag = "operation", responses((status = 200, body = Overview)))]
pub(crate) async fn status(State(operation): State<Arc<Operation>>) -> Json<Overview> {
    let checks = operation.checks().await;
    let metrics = &operation.metrics;
    Json(Overview {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: operation.clock.elapsed().saturating_sub(operation.started).as_secs(),
        events_accepted: metrics.events_accepted.get(),
        events_rejected: metrics.events_rejected.get(),
        result_rows: operation.backing.analytics.rows(),
        feed_clients: metrics.feed_clients.get(),
        checks,
        jobs: operation.operations.jobs(),
    })
}
