//! `/openapi.json`: all routes, parameters and answers, with the feed's messages as components.

use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr};
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
    modifiers(&Tokens, &Answers),
    security((), ("token" = [])),
    tags(
        (name = "events", description = "Events in"),
        (name = "analytics", description = "Results, by analytic"),
        (name = "feed", description = "Results as they change"),
        (name = "operation", description = "For whoever runs it"),
    )
)]
struct Api;

/// Adds the description of how a token is sent.
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

/// Adds missing descriptions of answers, which OpenAPI requires and generators of clients need. An answer
/// without one gets its operation's summary, or the general meaning of its status.
struct Answers;

impl Modify for Answers {
    fn modify(&self, document: &mut Document) {
        for path in document.paths.paths.values_mut() {
            let operations =
                [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch];
            for operation in operations.into_iter().flatten() {
                let summary = operation.summary.clone().unwrap_or_default();
                for (status, answer) in &mut operation.responses.responses {
                    if let RefOr::T(answer) = answer
                        && answer.description.is_empty()
                    {
                        answer.description = meaning(status).map_or_else(|| summary.clone(), str::to_owned);
                    }
                }
            }
        }
    }
}

/// Returns the general meaning of a refusal's status.
fn meaning(status: &str) -> Option<&'static str> {
    Some(match status {
        "400" => "The request cannot be read",
        "401" => "A token is needed",
        "403" => "The sender may not do this",
        "404" => "It is not there",
        "408" => "The body took too long to arrive",
        "409" => "It contradicts what was sent before",
        "413" => "The body is too large",
        "415" => "The body is of another type",
        "422" => "A value is not of its type, or out of range",
        "429" => "Too much at a time: ask again later",
        "503" => "Not now: ask again later",
        "507" => "There is no room left",
        _ => return None,
    })
}

/// Returns the description as JSON.
#[cfg(test)]
pub(crate) fn description() -> serde_json::Value {
    serde_json::to_value(Api::openapi()).expect("JSON")
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn document() -> Json<Document> {
    Json(Api::openapi())
}
