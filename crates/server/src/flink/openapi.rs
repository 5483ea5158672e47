//! `/openapi.json` of the job manager: every route with its parameters, body and answers, from one table.
//!
//! A test compares the table with the routes, so that all described routes exist.

use axum::Json;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{
    ContentBuilder, ObjectBuilder, Paths, Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder, Schema,
};

use super::endpoints::ENDPOINTS;
use super::model;
use crate::openapi::Tokens;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir's job manager",
        description = "Flink's REST API, with and without the prefix /v1, and Weir's own routes.",
        license(name = "Apache-2.0")
    ),
    components(schemas(
        model::Aggregated, model::ApplicationDetails, model::Applications, model::Backpressure,
        model::CheckpointConfig, model::CheckpointEntry, model::CheckpointWanted, model::Checkpoints,
        model::Config, model::Datasets, model::DisposalWanted, model::Environment, model::Errors,
        model::Exceptions, model::FlameGraph, model::Jars, model::JobAccumulators, model::JobConfig,
        model::JobDetails, model::JobList, model::JobStatusInfo, model::JobsOverview, model::LogFiles,
        model::LogUrl, model::Metric, model::Nothing, model::Overview, model::PlanOfJob, model::Progress,
        model::ResultOfJob, model::SavepointWanted, model::Setting, model::StopWanted, model::Subtask,
        model::SubtaskAccumulators, model::SubtaskTimes, model::SubtasksAccumulators, model::TaskManagerDetails,
        model::TaskManagers, model::ThreadDump, model::Triggered, model::VertexAccumulators,
        model::VertexCheckpoint, model::VertexDetails, model::VertexTaskManagers,
        super::restored::DryRun, super::restored::StateView, super::restored::StartView, super::submit::Replaced, super::submit::Submitted, super::submit::Submission, super::figures::Figures, super::queries::QueryFigures, super::queries::BehindFigures,
        super::savepoint::Written, super::savepoint::Wanted, super::dead_letters::Letters,
        super::dead_letters::LetterView, super::dead_letters::HeaderView,
        super::dead_letters::Replay, super::dead_letters::ReplayWanted, super::dead_letters::Left,
        super::dead_letters::Counts, super::dead_letters::ReasonCount, super::dead_letters::JobCount,
        super::dead_letters::Bucket, super::sql::ScriptWanted, super::sql::ScriptChecked, super::sql::Finding,
        super::sql::ObjectView, super::sql::ColumnOfObject, super::sql::Explained, super::sql::NodeView,
        super::sql::EdgeView, super::sql::FunctionView,
    )),
    modifiers(&Tokens),
    security((), ("token" = [])),
    tags(
        (name = "flink", description = "Routes of Flink's command line and web UI"),
        (name = "weir", description = "Weir's own routes"),
    )
)]
struct Schemas;

pub(super) fn description() -> Response {
    Json(document()).into_response()
}

/// Returns the description as JSON.
#[cfg(test)]
pub(crate) fn described() -> serde_json::Value {
    serde_json::to_value(document()).expect("JSON")
}

fn document() -> utoipa::openapi::OpenApi {
    let mut document = Schemas::openapi();
    let mut paths = Paths::new();
    for &(method, path, status, schema, summary) in ENDPOINTS {
        let method = match method {
            "POST" => HttpMethod::Post,
            "PATCH" => HttpMethod::Patch,
            "DELETE" => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        let item = PathItem::new(method.clone(), operation(path, status, schema, summary, &method));
        match paths.paths.get_mut(path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(path.to_owned(), item)),
        }
    }
    document.paths = paths;
    document
}

fn operation(
    path: &str,
    status: &str,
    schema: &str,
    summary: &str,
    method: &HttpMethod,
) -> utoipa::openapi::path::Operation {
    let answer = |schema: &str, why: &str| {
        ResponseBuilder::new().description(why).content(media(schema), content(schema)).build()
    };

    let mut responses = ResponsesBuilder::new().response(status, answer(schema, summary));
    if (method, path) == (&HttpMethod::Post, "/weir/jobs") {
        responses = responses.response("200", answer("DryRun", "What would happen to a savepoint's state"));
    }
    for (refused, why) in refusals(path, method).into_iter().filter(|(refused, _)| *refused != status) {
        responses = responses.response(refused, answer("Errors", why));
    }

    let tag = if path.starts_with("/weir/") || path == "/openapi.json" { "weir" } else { "flink" };
    let mut operation = OperationBuilder::new().tag(tag).summary(Some(summary)).responses(responses.build());
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        operation = operation.parameter(parameter(name, ParameterIn::Path, Type::String));
    }
    for (name, kind) in queries(path, method) {
        operation = operation.parameter(parameter(name, ParameterIn::Query, kind));
    }

    let takes = if *method == HttpMethod::Post { taken(path) } else { None };
    if let Some(schema) = takes {
        let body = RequestBodyBuilder::new().content("application/json", content(schema)).build();
        operation = operation.request_body(Some(body));
    }
    operation.build()
}

fn parameter(name: &str, place: ParameterIn, kind: Type) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    let schema = Schema::Object(ObjectBuilder::new().schema_type(kind).build());
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .schema(Some(RefOr::T(schema)))
        .build()
}

/// The query parameters that are conditions on dead letters.
const DEAD_LETTER_CONDITIONS: [(&str, Type); 5] = [
    ("reason", Type::String),
    ("job", Type::String),
    ("since", Type::Integer),
    ("until", Type::Integer),
    ("replayed", Type::Boolean),
];

/// Returns the query parameters of a route.
fn queries(path: &str, method: &HttpMethod) -> Vec<(&'static str, Type)> {
    let get = ("get", Type::String);
    let agg = ("agg", Type::String);
    match path {
        "/jobs/metrics" => vec![get, agg, ("jobs", Type::String)],
        "/taskmanagers/metrics" => vec![get, agg, ("taskmanagers", Type::String)],
        _ if path.ends_with("/subtasks/metrics") => vec![get, agg, ("subtasks", Type::String)],
        _ if path.ends_with("/metrics") => vec![get],
        _ if path.ends_with("/exceptions") => vec![("maxExceptions", Type::Integer)],
        _ if path.ends_with("/flamegraph") => vec![("type", Type::String), ("subtaskindex", Type::Integer)],
        "/jobs/{job}" if *method == HttpMethod::Patch => vec![("mode", Type::String)],
        "/weir/jobs" => vec![("name", Type::String)],
        "/weir/dead-letters" => {
            let pages = [("limit", Type::Integer), ("before", Type::String), ("body_bytes", Type::Integer)];
            [&DEAD_LETTER_CONDITIONS[..], &pages].concat()
        }
        "/weir/dead-letters/counts" => DEAD_LETTER_CONDITIONS.to_vec(),
        _ => Vec::new(),
    }
}

/// Returns the statuses of a route's refusals, and their meanings.
fn refusals(path: &str, method: &HttpMethod) -> Vec<(&'static str, &'static str)> {
    let cancels = *method == HttpMethod::Patch || path.ends_with("/yarn-cancel") || path.ends_with("/cancel");
    let takes = *method == HttpMethod::Post && !cancels;
    let is_own = path.starts_with("/weir/");
    let refused_at_all = path.starts_with("/jars") || (path == "/jobs" && takes);
    let mut refusals = Vec::new();

    let mut may = |applies: bool, status, why| {
        if applies {
            refusals.push((status, why));
        }
    };

    let reads = path.contains('{') || path.ends_with("/metrics");
    may(reads || takes || is_own, "400", "An id, a parameter or the body is invalid");
    may((cancels || takes) && !refused_at_all, "403", "The request comes from a page of a foreign origin");
    let replaces = takes && path == "/weir/jobs";
    may((path.contains('{') && !refused_at_all) || replaces, "404", "The object does not exist");
    may(takes && !refused_at_all, "408", "The body took too long to arrive");
    may(cancels || (takes && is_own), "409", "The job has ended, or the operation is in progress");
    may(takes && !refused_at_all, "413", "The body is too large");
    may(takes && is_own, "415", "The type of the body is not supported");
    may((takes && !refused_at_all) || is_own, "503", "Temporarily unavailable");
    refusals
}

/// Returns the schema of a route's body.
fn taken(path: &str) -> Option<&'static str> {
    match path {
        "/jobs/{job}/savepoints" => Some("SavepointWanted"),
        "/jobs/{job}/stop" => Some("StopWanted"),
        "/jobs/{job}/checkpoints" => Some("CheckpointWanted"),
        "/savepoint-disposal" => Some("DisposalWanted"),
        "/weir/jobs" => Some("Submission"),
        "/weir/jobs/{job}/savepoint" => Some("Wanted"),
        "/weir/dead-letters/replay" => Some("ReplayWanted"),
        "/weir/sql/check" | "/weir/sql/explain" => Some("ScriptWanted"),
        _ => None,
    }
}

fn media(schema: &str) -> &'static str {
    if schema.is_empty() { "text/plain" } else { "application/json" }
}

/// Returns the content of a schema; `[Name]` stands for an array.
fn content(schema: &str) -> utoipa::openapi::Content {
    let schema: RefOr<Schema> = match schema.strip_prefix('[') {
        _ if schema == "{}" => RefOr::T(ObjectBuilder::new().schema_type(Type::Object).build().into()),
        _ if schema.is_empty() => RefOr::T(ObjectBuilder::new().schema_type(Type::String).build().into()),
        Some(name) => {
            let items = Ref::from_schema_name(name.trim_end_matches(']'));
            RefOr::T(utoipa::openapi::ArrayBuilder::new().items(items).build().into())
        }
        None => RefOr::Ref(Ref::from_schema_name(schema)),
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
        for &(method, path, _, schema, _) in ENDPOINTS {
            let sample = path.replace(['{', '}'], "");
            let method: Method = method.parse().expect("a method");
            assert!(Route::of(&method, &sample).is_some(), "{method} {path}");
            let name = schema.trim_matches(['[', ']']);
            let pointer = format!("/components/schemas/{name}");
            assert!(
                name.is_empty() || name == "{}" || document.pointer(&pointer).is_some(),
                "{name} of {path}"
            );
        }
        let paths: std::collections::BTreeSet<&str> = ENDPOINTS.iter().map(|(_, path, ..)| *path).collect();
        assert_eq!(document["paths"].as_object().map(serde_json::Map::len), Some(paths.len()));
    }
}
