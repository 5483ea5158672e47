//! `/openapi.json` of the SQL gateway: every route with its parameters, body and answers, from one table.
//!
//! A test compares the table with the routes, so that all described routes exist.

use axum::Json;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{
    Content, ContentBuilder, Paths, Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder,
};

use super::{fault, model, operation as operations};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir's SQL gateway",
        description = "Flink's SQL gateway REST API, versions V1 to V4: each path has a prefix /v1 to /v4, or none, \
                       which means V4.",
        license(name = "Apache-2.0")
    ),
    components(schemas(
        fault::Errors, model::ColumnInfo, model::Completion, model::CompletionWanted, model::Info, model::Nothing,
        model::OperationBegun, model::Properties, model::ResultPage, model::Results, model::RowData, model::ScriptWanted,
        model::SessionOpened, model::SessionWanted, model::StatementWanted, model::StatusOf, model::Versions,
        operations::Status,
    )),
    tags((name = "gateway", description = "Routes of Flink's SQL client and JDBC driver"))
)]
struct Schemas;

/// A route with its parameters, body and answer.
#[derive(Clone, Copy)]
struct Described {
    method: &'static str,
    path: &'static str,
    /// The schema of the answer; empty for any JSON.
    answer: &'static str,
    summary: &'static str,
    /// The schema of the body.
    takes: Option<&'static str>,
    /// A parameter of the query.
    query: Option<&'static str>,
}

const fn route(
    method: &'static str,
    path: &'static str,
    answer: &'static str,
    summary: &'static str,
) -> Described {
    Described { method, path, answer, summary, takes: None, query: None }
}

impl Described {
    const fn taking(self, schema: &'static str) -> Described {
        Described { takes: Some(schema), ..self }
    }

    const fn asking(self, name: &'static str) -> Described {
        Described { query: Some(name), ..self }
    }
}

#[rustfmt::skip]
const ROUTES: &[Described] = &[
    route("GET", "/info", "Info", "Name and version of the server"),
    route("GET", "/api_versions", "Versions", "The versions of this API"),
    route("POST", "/sessions", "SessionOpened", "Opens a session").taking("SessionWanted"),
    route("GET", "/sessions/{session}", "Properties", "The settings of a session"),
    route("DELETE", "/sessions/{session}", "StatusOf", "Closes a session; its queries end, other jobs continue"),
    route("POST", "/sessions/{session}/heartbeat", "Nothing", "Keeps a session open"),
    route("POST", "/sessions/{session}/configure-session", "Nothing", "Runs SET, RESET, CREATE, DROP or USE, and waits for it; from V2 on").taking("StatementWanted"),
    route("POST", "/sessions/{session}/statements", "OperationBegun", "Starts a statement").taking("StatementWanted"),
    route("POST", "/sessions/{session}/scripts", "OperationBegun", "Starts the query of a whole script, whose declarations are used instead of the session's; Weir's own").taking("ScriptWanted"),
    route("GET", "/sessions/{session}/complete-statement", "Completion", "Completions of the word at the cursor; takes a body although it is a GET; from V2 on").taking("CompletionWanted"),
    route("GET", "/sessions/{session}/operations/{operation}/status", "StatusOf", "The status of a statement"),
    route("POST", "/sessions/{session}/operations/{operation}/cancel", "StatusOf", "Cancels a statement and a query's job"),
    route("DELETE", "/sessions/{session}/operations/{operation}/close", "StatusOf", "Discards a statement and its result, and cancels a query's job"),
    route("GET", "/sessions/{session}/operations/{operation}/result/{token}", "ResultPage", "A page of the result, from V2 on as rowFormat JSON or PLAIN_TEXT; waits for a while if there is none yet").asking("rowFormat"),
    route("GET", "/openapi.json", "", "The OpenAPI description"),
];

pub(super) fn description() -> Response {
    Json(document()).into_response()
}

fn document() -> utoipa::openapi::OpenApi {
    let mut document = Schemas::openapi();
    let mut paths = Paths::new();
    for route in ROUTES {
        let method = match route.method {
            "POST" => HttpMethod::Post,
            "DELETE" => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        let item = PathItem::new(method, operation(route));
        match paths.paths.get_mut(route.path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(route.path.to_owned(), item)),
        }
    }
    document.paths = paths;
    document
}

fn operation(route: &Described) -> utoipa::openapi::path::Operation {
    let answer = |schema: &str, summary: &str| {
        ResponseBuilder::new().description(summary).content("application/json", content(schema)).build()
    };
    let mut responses = ResponsesBuilder::new().response("200", answer(route.answer, route.summary));

    for (status, why) in [
        ("400", "The request cannot be parsed"),
        ("403", "The request comes from a page of a foreign origin"),
        ("404", "The route does not exist in this version"),
        ("500", "Any other error, as in Flink: the causes, outermost first"),
    ] {
        responses = responses.response(status, answer("Errors", why));
    }

    let mut operation = OperationBuilder::new().tag("gateway").summary(Some(route.summary));
    operation = operation.responses(responses.build());
    for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        operation = operation.parameter(parameter(name, ParameterIn::Path, Required::True));
    }
    if let Some(name) = route.query {
        operation = operation.parameter(parameter(name, ParameterIn::Query, Required::False));
    }

    if let Some(schema) = route.takes {
        let body = RequestBodyBuilder::new().content("application/json", content(schema)).build();
        operation = operation.request_body(Some(body));
    }

    operation.build()
}

fn parameter(name: &str, place: ParameterIn, required: Required) -> utoipa::openapi::path::Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let schema = Some(RefOr::T(Schema::Object(text)));
    ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(schema).build()
}

fn content(schema: &str) -> Content {
    let schema: RefOr<Schema> = match schema {
        "" => RefOr::T(ObjectBuilder::new().build().into()),
        name => RefOr::Ref(Ref::from_schema_name(name)),
    };
    ContentBuilder::new().schema(Some(schema)).build()
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
