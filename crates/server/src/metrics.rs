//! The server's own metrics, and the registry into which others put theirs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::analytics::Kind;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfKind {
    analytics: Kind,
}

/// A route is its pattern, not its path, so that strangers cannot make labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfRequest {
    pub(crate) route: String,
    pub(crate) method: &'static str,
    pub(crate) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfRoute {
    pub(crate) route: String,
}

/// What the server counts.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    pub(crate) events_accepted: Counter,
    pub(crate) events_rejected: Counter,
    pub(crate) requests: Family<OfRequest, Counter>,
    pub(crate) request_seconds: Family<OfRoute, Histogram>,
    pub(crate) connections: Gauge,
    pub(crate) feed_clients: Gauge,
    pub(crate) feed_updates: Counter,
    pub(crate) feed_dropped: Counter,
    pub(crate) rows_ignored: Counter,
    pub(crate) notifications_ignored: Counter,
    pub(crate) index_bytes: Gauge,
    rows: Family<OfKind, Gauge<i64>>,
}

impl Metrics {
    pub(crate) fn new() -> Arc<Metrics> {
        let mut registry = Registry::with_prefix("weir");
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
            feed_dropped: Counter::default(),
            rows_ignored: Counter::default(),
            notifications_ignored: Counter::default(),
            index_bytes: Gauge::default(),
            rows: Family::default(),
            registry: Mutex::new(Registry::default()),
        };
        let m = &metrics;
        registry.register(
            "events_accepted",
            "Events taken in over HTTP and durable",
            m.events_accepted.clone(),
        );
        registry.register(
            "events_rejected",
            "Events sent over HTTP and not taken",
            m.events_rejected.clone(),
        );
        registry.register("http_requests", "Requests answered", m.requests.clone());
        registry.register("http_request_seconds", "Time until an answer began", m.request_seconds.clone());
        registry.register("http_connections", "Connections open", m.connections.clone());
        registry.register("feed_clients", "WebSocket clients connected", m.feed_clients.clone());
        registry.register(
            "feed_updates",
            "Updates made for the feed, each once for all",
            m.feed_updates.clone(),
        );
        registry.register("feed_dropped", "Clients closed for being too slow", m.feed_dropped.clone());
        registry.register("index_rows", "Result rows in memory", m.rows.clone());
        let help = "Memory that the result rows take";
        registry.register_with_unit("index_memory", help, Unit::Bytes, m.index_bytes.clone());
        registry.register("index_rows_ignored", "Store entries not understood", m.rows_ignored.clone());
        let help = "Notifications of the store that were not understood";
        registry.register("notifications_ignored", help, m.notifications_ignored.clone());
        *metrics.registry.lock() = registry;
        Arc::new(metrics)
    }

    pub(crate) fn set_rows(&self, kind: Kind, rows: usize) {
        self.rows.get_or_create(&OfKind { analytics: kind }).set(rows as i64);
    }

    pub(crate) fn register<T>(&self, with: impl FnOnce(&mut Registry) -> T) -> T {
        with(&mut self.registry.lock())
    }
}

/// Metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &metrics.registry.lock()) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
