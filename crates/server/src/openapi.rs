//! `/openapi.json`: every route, every parameter, every answer, and the messages of the feed as components.

use axum::Json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::{analytics, feed, ingest, metrics, operation};

#[derive(OpenApi)]
#[openapi(
    info(title = "Weir", description = "Real-time query analytics: events in, answers out.", license(name = "Apache-2.0")),
    paths(
        ingest::post_events,
        ingest::post_events_to,
        analytics::routes::health,
        analytics::routes::latest,
        analytics::routes::faculty,
        analytics::routes::year,
        analytics::routes::heatmap,
        analytics::routes::student_year,
        analytics::routes::response_time,
        analytics::routes::hourly_heatmap,
        analytics::routes::popular_questions,
        analytics::routes::department,
        analytics::routes::popular_by_year,
        analytics::routes::user_type,
        analytics::routes::success_rate,
        analytics::routes::overall_summary,
        analytics::routes::timeseries,
        feed::handshake::connect,
        operation::healthz,
        operation::readyz,
        operation::status,
        metrics::metrics,
        document,
    ),
    components(schemas(
        feed::message::Initial,
        feed::message::Update,
        feed::message::FeedStatus,
        feed::message::Pong,
        feed::message::Heartbeat,
        feed::message::FeedError,
        feed::message::Ping,
    )),
    modifiers(&Tokens),
    security((), ("token" = [])),
    tags(
        (name = "events", description = "Events in"),
        (name = "analytics", description = "Results, by analytic"),
        (name = "feed", description = "Results as they change"),
        (name = "operation", description = "For whoever runs it"),
    )
)]
struct Api;

/// Says how a token is sent.
pub(crate) struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut Document) {
        let about = "Where this Weir asks for tokens: `weir tokens create` makes one. Without it the answer is 401, and 403 with one \
                     that lacks the role.";
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// The description as JSON.
#[cfg(test)]
pub(crate) fn description() -> serde_json::Value {
    serde_json::to_value(Api::openapi()).expect("JSON")
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn document() -> Json<Document> {
    Json(Api::openapi())
}
