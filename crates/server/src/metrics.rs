//! The server's own metrics, and the registry in which other crates register theirs.

mod text;

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::alerts::Outcome;
use crate::analytics::Kind;
use crate::feed::message::Standing;
use crate::flink::FLINK_VERSION;
use crate::process::ProcessMetrics;
use text::{Format, classic};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfKind {
    analytics: Kind,
}

/// Labels of a request. The route is a pattern, not a path, so that strangers cannot create labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfRequest {
    pub(crate) route: String,
    pub(crate) method: &'static str,
    pub(crate) status: u16,
}

/// A service on which the server depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Store,
    Log,
}

impl EncodeLabelValue for Service {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(match self {
            Service::Store => "store",
            Service::Log => "log",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfService {
    service: Service,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfAlert {
    alert: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfOutcome {
    outcome: &'static str,
}

/// Prefix of the names of all metrics but the process's own.
const PREFIX: &str = "weir";

/// The server's metrics.
pub(crate) struct Metrics {
    /// Holds metrics with any prefix.
    registry: Mutex<Registry>,
    pub(crate) events_accepted: Counter,
    pub(crate) events_rejected: Counter,
    pub(crate) requests: Family<OfRequest, Counter>,
    pub(crate) request_seconds: Family<OfRequest, Histogram>,
    pub(crate) connections: Gauge,
    pub(crate) feed_clients: Gauge,
    pub(crate) feed_updates: Counter,
    pub(crate) feed_seconds: Histogram,
    pub(crate) feed_dropped: Counter,
    pub(crate) rows_ignored: Counter,
    pub(crate) rows_left_out: Counter,
    pub(crate) notifications_ignored: Counter,
    pub(crate) index_bytes: Gauge,
    pub(crate) ingest_bytes: Gauge,
    rows: Family<OfKind, Gauge<i64>>,
    up: Family<OfService, Gauge<i64>>,
    down_seconds: Family<OfService, Gauge<f64, AtomicU64>>,
    impaired: Family<OfService, Gauge<i64>>,
    alerts_firing: Family<OfAlert, Gauge<i64>>,
    alert_notifications: Family<OfOutcome, Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Arc<Metrics> {
        let mut all = Registry::default();
        all.register_collector(Box::new(ProcessMetrics));
        let registry = all.sub_registry_with_prefix(PREFIX);

        let metrics = Metrics {
            events_accepted: Counter::default(),
            events_rejected: Counter::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| {
                Histogram::new([0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0])
            }),
            connections: Gauge::default(),
            feed_clients: Gauge::default(),
            feed_updates: Counter::default(),
            feed_seconds: Histogram::new([
                0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
            ]),
            feed_dropped: Counter::default(),
            rows_ignored: Counter::default(),
            rows_left_out: Counter::default(),
            notifications_ignored: Counter::default(),
            index_bytes: Gauge::default(),
            ingest_bytes: Gauge::default(),
            rows: Family::default(),
            up: Family::default(),
            down_seconds: Family::default(),
            impaired: Family::default(),
            alerts_firing: Family::default(),
            alert_notifications: Family::default(),
            registry: Mutex::new(Registry::default()),
        };

        let m = &metrics;
        let build = [("version", env!("CARGO_PKG_VERSION")), ("flink_version", FLINK_VERSION)];

        registry.register(
            "build",
            "Version of Weir, and the Flink version that it matches",
            Info::new(build.to_vec()),
        );

        registry.register("events_accepted", "Durable events received over HTTP", m.events_accepted.clone());

        registry.register("events_rejected", "Rejected events received over HTTP", m.events_rejected.clone());

        registry.register("http_requests", "Answered requests", m.requests.clone());
        registry.register(
            "http_request_seconds",
            "Time until the first byte of the answer",
            m.request_seconds.clone(),
        );
        registry.register("http_connections", "Open connections", m.connections.clone());
        registry.register("feed_clients", "Connected WebSocket clients", m.feed_clients.clone());

        registry.register(
            "feed_updates",
            "Updates of the feed, each counted once for all clients",
            m.feed_updates.clone(),
        );

        let help = "Time from the change of a result until it is sent to a WebSocket client";
        registry.register("feed_sent_seconds", help, m.feed_seconds.clone());
        registry.register(
            "feed_dropped",
            "Clients disconnected because they were too slow",
            m.feed_dropped.clone(),
        );
        registry.register("index_rows", "Result rows in memory", m.rows.clone());
        let help = "Memory of the result rows";
        registry.register_with_unit("index_memory", help, Unit::Bytes, m.index_bytes.clone());
        let help = "Memory of the bodies of events and of their answers";
        registry.register_with_unit("ingest_memory", help, Unit::Bytes, m.ingest_bytes.clone());
        registry.register(
            "index_rows_ignored",
            "Store entries that could not be parsed",
            m.rows_ignored.clone(),
        );
        let help =
            "Result rows that answers omit because http.results_memory or http.result_tables_memory is full";
        registry.register("index_rows_left_out", help, m.rows_left_out.clone());
        let help = "Notifications of the store that could not be parsed";
        registry.register("notifications_ignored", help, m.notifications_ignored.clone());
        registry.register("service_up", "Whether the service (store or log) works", m.up.clone());
        let help = "How long the service has not worked; 0 if it works";
        registry.register("service_down_seconds", help, m.down_seconds.clone());
        let help = "Whether the service has a reported problem: unreachable, slow, evicting";
        registry.register("service_impaired", help, m.impaired.clone());
        registry.register("alerts_firing", "Series of an alert that fire", m.alerts_firing.clone());
        let help = "Outcomes of sending notifications of alerts: delivered, retried, given_up";
        registry.register("alert_notifications", help, m.alert_notifications.clone());
        *metrics.registry.lock() = all;
        Arc::new(metrics)
    }

    pub(crate) fn set_rows(&self, kind: Kind, rows: usize) {
        self.rows.get_or_create(&OfKind { analytics: kind }).set(rows as i64);
    }

    pub(crate) fn set_standing(&self, service: Service, standing: &Standing, down: Duration) {
        let of = OfService { service };
        self.up.get_or_create(&of).set(i64::from(standing.ok));
        self.down_seconds.get_or_create(&of).set(down.as_secs_f64());
        self.impaired.get_or_create(&of).set(i64::from(standing.message.is_some()));
    }

    pub(crate) fn set_firing(&self, alert: &str, series: usize) {
        self.alerts_firing.get_or_create(&OfAlert { alert: alert.to_owned() }).set(series as i64);
    }

    /// Removes the figures of an alert that was deleted.
    pub(crate) fn forget_firing(&self, alert: &str) {
        self.alerts_firing.remove(&OfAlert { alert: alert.to_owned() });
    }

    pub(crate) fn count_notification(&self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Pending => return,
            Outcome::Delivered => "delivered",
            Outcome::Retrying => "retried",
            Outcome::GivenUp => "given_up",
        };
        self.alert_notifications.get_or_create(&OfOutcome { outcome }).inc();
    }

    pub(crate) fn register<T>(&self, with: impl FnOnce(&mut Registry) -> T) -> T {
        with(self.registry.lock().sub_registry_with_prefix(PREFIX))
    }
}

/// Metrics for Prometheus, in OpenMetrics or the classic text format, as `Accept` prefers.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, content(
        (String = "text/plain"),
        (String = "application/openmetrics-text"),
    ))))]
pub(crate) async fn metrics(State(metrics): State<Arc<Metrics>>, headers: HeaderMap) -> Response {
    let mut text = String::new();
    if encode(&mut text, &metrics.registry.lock()).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }

    let format = Format::of(&headers);
    let text = match format {
        Format::OpenMetrics => text,
        Format::Classic => classic(&text),
    };
    ([(header::CONTENT_TYPE, format.content_type()), (header::VARY, "Accept")], text).into_response()
}
