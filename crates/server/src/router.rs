//! The paths of the server, and the layers that every request passes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use types::Clock;

use crate::alerts::{Alerts, routes as rules};
use crate::analytics::{Analytics, routes};
use crate::dashboards::{Dashboards, routes as boards};
use crate::error::Failure;
use crate::feed::{Feed, connect};
use crate::generated::{self, Generated};
use crate::ingest::{Ingest, post_events, post_events_to};
use crate::metrics::{Metrics, OfRequest, metrics};
use crate::operation::{Operation, healthz, readyz, status};
use crate::origin::Origins;
use crate::pulse::{Pulse, pulse as current_pulse};
use crate::results::live::{Live, events as row_events, socket};
use crate::results::{Results, routes as tables};
use crate::{assets, asyncapi, docs, first, openapi};

/// The dependencies of the handlers.
pub(crate) struct Parts {
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) analytics: Arc<Analytics>,
    pub(crate) results: Arc<Results>,
    pub(crate) dashboards: Arc<Dashboards>,
    pub(crate) alerts: Arc<Alerts>,
    pub(crate) live: Arc<Live>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) operation: Arc<Operation>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) generated: Arc<Generated>,
    pub(crate) origins: Arc<Origins>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Paths to which the same path with a trailing slash redirects.
const WITHOUT_SLASH: [&str; 30] = [
    "/events",
    "/analytics/health",
    "/analytics/redis/latest",
    "/analytics/redis/faculty",
    "/analytics/redis/year",
    "/analytics/redis/heatmap",
    "/analytics/redis/student-year",
    "/analytics/redis/response-time",
    "/analytics/redis/hourly-heatmap",
    "/analytics/redis/popular-questions",
    "/analytics/redis/department",
    "/analytics/redis/popular-by-year",
    "/analytics/redis/user-type",
    "/analytics/redis/success-rate",
    "/analytics/redis/overall-summary",
    "/analytics/redis/timeseries",
    "/results",
    "/dashboards",
    "/alerts",
    "/metrics",
    "/healthz",
    "/readyz",
    "/status",
    "/pulse",
    "/generated",
    "/openapi.json",
    "/asyncapi.json",
    "/docs",
    "/docs/docs.js",
    "/docs/docs.css",
];

pub(crate) fn build(parts: Parts) -> Router {
    let Parts {
        ingest,
        analytics,
        results,
        dashboards,
        alerts,
        live,
        feed,
        operation,
        pulse,
        generated,
        origins,
        metrics: counted,
        clock,
    } = parts;

    let events = Router::new()
        .route("/events", post(post_events))
        .route("/events/{topic}", post(post_events_to))
        .with_state(ingest);

    let analytics_data = Router::new()
        .route("/analytics/redis/latest", get(routes::latest))
        .route("/analytics/redis/faculty", get(routes::faculty))
        .route("/analytics/redis/year", get(routes::year))
        .route("/analytics/redis/heatmap", get(routes::heatmap))
        .route("/analytics/redis/student-year", get(routes::student_year))
        .route("/analytics/redis/response-time", get(routes::response_time))
        .route("/analytics/redis/hourly-heatmap", get(routes::hourly_heatmap))
        .route("/analytics/redis/popular-questions", get(routes::popular_questions))
        .route("/analytics/redis/department", get(routes::department))
        .route("/analytics/redis/popular-by-year", get(routes::popular_by_year))
        .route("/analytics/redis/user-type", get(routes::user_type))
        .route("/analytics/redis/success-rate", get(routes::success_rate))
        .route("/analytics/redis/overall-summary", get(routes::overall_summary))
        .route("/analytics/redis/timeseries", get(routes::timeseries))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&analytics), routes::when_loaded));

    let analytics = Router::new()
        .route("/analytics/health", get(routes::health))
        .merge(analytics_data)
        .with_state(analytics);

    let results = Router::new()
        .route("/results", get(tables::tables))
        .route("/results/{table}", get(tables::rows))
        .route("/results/{table}/{*key}", get(tables::row))
        .with_state(results)
        .route("/results/{table}/events", get(row_events::events).with_state(Arc::clone(&live)))
        .route("/ws/results", get(socket::connect_results).with_state(live));

    let dashboards = Router::new()
        .route("/dashboards", get(boards::list))
        .route("/dashboards/{name}", get(boards::get).put(boards::put).delete(boards::delete))
        .with_state(dashboards);

    let alerts = Router::new()
        .route("/alerts", get(list_or_page))
        .route("/alerts/{name}", get(rules::get).put(rules::put).delete(rules::delete))
        .route("/alerts/{name}/history", get(rules::history))
        .route("/alerts/{name}/test", post(rules::test))
        .with_state(alerts);

    let generated = Router::new()
        .route("/generated", get(generated::show).post(generated::start).delete(generated::remove))
        .with_state(generated);

    let live = Router::new().route("/ws/analytics", get(connect)).with_state(feed);

    let operation = Router::new()
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .with_state(operation)
        .route("/pulse", get(current_pulse).with_state(Arc::clone(&pulse)))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics).with_state(Arc::clone(&counted)));

    let pages = Router::new()
        .route("/openapi.json", get(openapi::document))
        .route("/asyncapi.json", get(asyncapi::asyncapi_document))
        .route("/docs", get(docs::page))
        .route("/docs/docs.js", get(docs::script))
        .route("/docs/docs.css", get(docs::style));

    // The guard's mount answers these paths while tokens are required.
    let jobs = Router::new()
        .route("/jobs", get(jobs_elsewhere))
        .route("/jobs/", get(jobs_elsewhere))
        .with_state(pulse);

    // The first page has answers of these routes in itself.
    let answers = Router::new()
        .merge(results.clone())
        .merge(dashboards.clone())
        .merge(generated.clone())
        .merge(operation.clone());
    let first = Router::new().route("/", get(first::page)).with_state(answers);

    Router::new()
        .merge(first)
        .merge(events)
        .merge(analytics)
        .merge(results)
        .merge(dashboards)
        .merge(alerts)
        .merge(generated)
        .merge(live)
        .merge(operation)
        .merge(pages)
        .merge(jobs)
        .fallback(unknown)
        .method_not_allowed_fallback(|| async {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(cors(origins))
        .layer(middleware::from_fn_with_state((counted, clock), measure))
}

/// Answers `GET /alerts`: a browser that opens the address gets the page of alerts, and all others the list.
async fn list_or_page(alerts: State<Arc<Alerts>>, headers: HeaderMap) -> Response {
    let vary = (header::VARY, HeaderValue::from_static("accept"));
    let accepted =
        headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    if accepted.contains("text/html") {
        return ([vary], assets::serve("/", &headers)).into_response();
    }
    ([vary], rules::list(alerts).await).into_response()
}

/// Redirects to the pages of the job manager at its own port.
async fn jobs_elsewhere(State(pulse): State<Arc<Pulse>>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    match host.and_then(|host| pulse.job_manager_address(host.host())) {
        Some(address) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, address)]).into_response(),
        None => Failure::not_found().into_response(),
    }
}

fn cors(origins: Arc<Origins>) -> CorsLayer {
    let allows =
        move |origin: &HeaderValue, _: &_| origin.to_str().is_ok_and(|origin| origins.allows(origin));
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allows))
        .allow_credentials(true)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::ETAG, crate::results::COMPLETE])
}

async fn measure(
    State((metrics, clock)): State<(Arc<Metrics>, Arc<dyn Clock>)>,
    request: Request,
    next: Next,
) -> Response {
    let began = clock.elapsed();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = known(request.method());
    let response = next.run(request).await;
    let took = clock.elapsed().saturating_sub(began);

    let label = OfRequest { route, method, status: response.status().as_u16() };
    metrics.requests.get_or_create(&label).inc();
    metrics.request_seconds.get_or_create(&label).observe(took.as_secs_f64());
    response
}

/// Returns the label of a method. Clients can invent methods, but no labels.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Answers other paths: the dashboard's files, a redirect without a trailing slash, or 404.
async fn unknown(request: Request) -> Response {
    let path = request.uri().path();
    let bare = path.trim_end_matches('/');
    if bare.len() < path.len() && WITHOUT_SLASH.contains(&bare) {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        return match HeaderValue::from_str(&format!("{bare}{query}")) {
            Ok(location) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response(),
            Err(_) => Failure::not_found().into_response(),
        };
    }
    match *request.method() {
        Method::GET | Method::HEAD => assets::serve(path, request.headers()),
        _ if path == "/" => {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").into_response()
        }
        _ => Failure::not_found().into_response(),
    }
}
