//! `/openapi.json` of the SQL gateway: every route with what it takes and answers, from one table.
//!
//! A test holds the table against the routes: what is described is there.

use axum::Json;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::Paths;

use super::{fault, model, operation};
use crate::flink::{Described, add_operation};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir's SQL gateway",
        description = "Flink's SQL gateway REST API, versions V1 to V4: each path with /v1 to /v4 before it, or without, \
                       which is V4.",
        license(name = "Apache-2.0")
    ),
    components(schemas(
        fault::Errors, model::ColumnInfo, model::Completion, model::CompletionWanted, model::Info, model::Nothing,
        model::OperationBegun, model::Properties, model::ResultPage, model::Results, model::RowData,
        model::SessionOpened, model::SessionWanted, model::StatementWanted, model::StatusOf, model::Versions,
        operation::Status,
    )),
    tags((name = "gateway", description = "As Flink's SQL client and JDBC driver ask"))
)]
struct Schemas;

const fn route(
    method: &'static str,
    path: &'static str,
    answer: &'static str,
    summary: &'static str,
) -> Described {
    Described { method, path, status: "200", answer, summary, takes: None, tag: "gateway" }
}

impl Described {
    const fn taking(self, schema: &'static str) -> Described {
        Described { takes: Some(schema), ..self }
    }
}

#[rustfmt::skip]
const ROUTES: &[Described] = &[
    route("GET", "/info", "Info", "What speaks"),
    route("GET", "/api_versions", "Versions", "The versions of this API"),
    route("POST", "/sessions", "SessionOpened", "Opens a session").taking("SessionWanted"),
    route("GET", "/sessions/{session}", "Properties", "What is set in a session"),
    route("DELETE", "/sessions/{session}", "StatusOf", "Closes a session; its queries end, jobs that write go on"),
    route("POST", "/sessions/{session}/heartbeat", "Nothing", "Keeps a session open"),
    route("POST", "/sessions/{session}/configure-session", "Nothing", "SET, RESET, CREATE, DROP or USE, answered when it is done; from V2 on").taking("StatementWanted"),
    route("POST", "/sessions/{session}/statements", "OperationBegun", "Begins a statement").taking("StatementWanted"),
    route("GET", "/sessions/{session}/complete-statement", "Completion", "What the word at the cursor may become; takes its body though it is a GET; from V2 on").taking("CompletionWanted"),
    route("GET", "/sessions/{session}/operations/{operation}/status", "StatusOf", "How a statement is"),
    route("POST", "/sessions/{session}/operations/{operation}/cancel", "StatusOf", "Ends a statement; a query's job is cancelled"),
    route("DELETE", "/sessions/{session}/operations/{operation}/close", "StatusOf", "Forgets a statement and its result; a query's job is cancelled"),
    route("GET", "/sessions/{session}/operations/{operation}/result/{token}", "ResultPage", "A page of the result: ?rowFormat=JSON|PLAIN_TEXT from V2 on; held for a while where there is none yet"),
    route("GET", "/openapi.json", "", "This description"),
];

pub(super) fn description() -> Response {
    Json(document()).into_response()
}

fn document() -> utoipa::openapi::OpenApi {
    let mut document = Schemas::openapi();
    let mut paths = Paths::new();
    ROUTES.iter().for_each(|route| add_operation(&mut paths, route));
    document.paths = paths;
    document
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::super::route::Route;
    use super::*;

    #[test]
    fn what_is_described_is_there_and_every_schema_too() {
        let document = serde_json::to_value(document()).expect("JSON");
        for route in ROUTES {
            let sample = route.path.replace(['{', '}'], "");
            let method: Method = route.method.parse().expect("a method");
            assert!(Route::of(&method, &sample).is_some(), "{method} {}", route.path);
            for schema in [route.answer].into_iter().chain(route.takes).filter(|name| !name.is_empty()) {
                let pointer = format!("/components/schemas/{schema}");
                assert!(document.pointer(&pointer).is_some(), "{schema} of {}", route.path);
            }
        }
        let paths: std::collections::BTreeSet<&str> = ROUTES.iter().map(|route| route.path).collect();
        assert_eq!(document["paths"].as_object().map(serde_json::Map::len), Some(paths.len()));
    }
}
