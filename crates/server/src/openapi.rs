//! `/openapi.json`: all routes, parameters and answers, with the feed's messages as components.

use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr};
use utoipa::{Modify, OpenApi};

use crate::{
    alerts, analytics, asyncapi, dashboards, feed, generated, ingest, metrics, operation, pulse, results,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Weir", description = "Real-time query analytics: send events, read results.", license(name = "Apache-2.0")),
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
        results::routes::tables,
        results::routes::rows,
        results::routes::row,
        results::live::events::events,
        results::live::socket::connect_results,
        dashboards::routes::list,
        dashboards::routes::get,
        dashboards::routes::put,
        dashboards::routes::delete,
        alerts::routes::list,
        alerts::routes::get,
        alerts::routes::put,
        alerts::routes::delete,
        alerts::routes::history,
        alerts::routes::test,
        generated::show,
        generated::start,
        generated::remove,
        feed::handshake::connect,
        operation::healthz,
        operation::readyz,
        operation::status,
        pulse::pulse,
        metrics::metrics,
        document,
        asyncapi::asyncapi_document,
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
        (name = "events", description = "Send events"),
        (name = "analytics", description = "Read results by analytic"),
        (name = "results", description = "Read the rows of any job's result tables"),
        (name = "dashboards", description = "Read and save dashboards"),
        (name = "alerts", description = "Read and save alerts, and see which fire"),
        (name = "generated", description = "Generated events, for a Weir that has none"),
        (name = "feed", description = "Follow results as they change"),
        (name = "operation", description = "Operate Weir"),
    )
)]
struct Api;

/// Adds the description of the token.
pub(crate) struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut Document) {
        let about = "Access token, if this Weir requires one; create it with `weir tokens create`. Without a token the answer is 401, \
                     with a token that lacks the role 403.";
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
        "400" => "The request cannot be parsed",
        "401" => "A token is required",
        "403" => "The sender lacks the permission",
        "404" => "The object does not exist",
        "408" => "The body took too long to arrive",
        "409" => "The request conflicts with an earlier one",
        "412" => "The object is not in the state that the request expects",
        "413" => "The body is too large",
        "415" => "The type of the body is not supported",
        "422" => "A value has the wrong type or is out of range",
        "428" => "A condition is missing: If-Match or If-None-Match",
        "429" => "Too many requests: retry later",
        "503" => "Temporarily unavailable: retry later",
        "507" => "The disk is full",
        _ => return None,
    })
}

/// Returns the description as JSON.
#[cfg(test)]
pub(crate) fn description() -> serde_json::Value {
    serde_json::to_value(Api::openapi()).expect("JSON")
}

/// The OpenAPI description.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn document() -> Json<Document> {
    Json(Api::openapi())
}
