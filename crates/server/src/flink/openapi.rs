//! `/openapi.json` of the job manager: every route with what it takes and answers, from one table.
//!
//! A test holds the table against the routes: what is described is there.

use axum::Json;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, Paths, Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder};

use super::endpoints::ENDPOINTS;
use super::model;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir's job manager",
        description = "Flink's REST API, with and without /v1 before each path, and Weir's own routes.",
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
        model::SubtaskAccumulators, model::SubtaskTimes, model::SubtasksAccumulators, model::TaskManager,
        model::TaskManagers, model::ThreadDump, model::Triggered, model::VertexAccumulators,
        model::VertexCheckpoint, model::VertexDetails, model::VertexTaskManagers,
        super::submit::Submitted, super::submit::Submission, super::figures::Figures,
        super::savepoint::Written, super::savepoint::Wanted, super::dead_letters::Letters,
        super::dead_letters::LetterView,
        super::dead_letters::Replay,
    )),
    tags(
        (name = "flink", description = "As Flink's own command line and pages ask"),
        (name = "weir", description = "Weir's own"),
    )
)]
struct Schemas;

pub(super) fn description() -> Response {
    Json(document()).into_response()
}

fn document() -> utoipa::openapi::OpenApi {
    let mut document = Schemas::openapi();
    let mut paths = Paths::new();
    for &(method, path, status, answer, summary) in ENDPOINTS {
        let tag = if path.starts_with("/weir/") { "weir" } else { "flink" };
        let takes = if method == "POST" { taken(path) } else { None };
        add_operation(&mut paths, &Described { method, path, status, answer, summary, takes, tag });
    }
    document.paths = paths;
    document
}

/// A route with what it takes and answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Described {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Where all goes well.
    pub(crate) status: &'static str,
    /// The schema of the answer; in brackets: an array of it; empty: text.
    pub(crate) answer: &'static str,
    pub(crate) summary: &'static str,
    /// The schema of the body.
    pub(crate) takes: Option<&'static str>,
    pub(crate) tag: &'static str,
}

pub(crate) fn add_operation(paths: &mut Paths, route: &Described) {
    let method = match route.method {
        "POST" => HttpMethod::Post,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    };
    let item = PathItem::new(method, operation(route));
    match paths.paths.get_mut(route.path) {
        Some(known) => known.merge_operations(item),
        None => drop(paths.paths.insert(route.path.to_owned(), item)),
    }
}

fn operation(route: &Described) -> utoipa::openapi::path::Operation {
    let Described { path, status, answer: schema, summary, takes, tag, .. } = *route;
    let errors = content("Errors");
    let answer = ResponseBuilder::new().description(summary).content(media(schema), content(schema)).build();
    let refusal = ResponseBuilder::new().description("Why not").content(media("Errors"), errors).build();
    let responses = ResponsesBuilder::new().response(status, answer).response("default", refusal).build();
    let mut operation = OperationBuilder::new().tag(tag).summary(Some(summary)).responses(responses);
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let text =
            utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String).build();
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(RefOr::T(utoipa::openapi::Schema::Object(text))));
        operation = operation.parameter(parameter.build());
    }
    if let Some(schema) = takes {
        let body = RequestBodyBuilder::new().content("application/json", content(schema)).build();
        operation = operation.request_body(Some(body));
    }
    operation.build()
}

/// What a route takes.
fn taken(path: &str) -> Option<&'static str> {
    match path {
        "/jobs/{job}/savepoints" => Some("SavepointWanted"),
        "/jobs/{job}/stop" => Some("StopWanted"),
        "/jobs/{job}/checkpoints" => Some("CheckpointWanted"),
        "/savepoint-disposal" => Some("DisposalWanted"),
        "/weir/jobs" => Some("Submission"),
        "/weir/jobs/{job}/savepoint" => Some("Wanted"),
        _ => None,
    }
}

fn media(schema: &str) -> &'static str {
    if schema.is_empty() { "text/plain" } else { "application/json" }
}

/// `[Name]`: an array of them.
fn content(schema: &str) -> utoipa::openapi::Content {
    let schema: RefOr<utoipa::openapi::Schema> = match schema.strip_prefix('[') {
        _ if schema.is_empty() => {
            let text = utoipa::openapi::schema::Type::String;
            RefOr::T(utoipa::openapi::ObjectBuilder::new().schema_type(text).build().into())
        }
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
            assert!(name.is_empty() || document.pointer(&pointer).is_some(), "{name} of {path}");
        }
        let paths: std::collections::BTreeSet<&str> = ENDPOINTS.iter().map(|(_, path, ..)| *path).collect();
        assert_eq!(document["paths"].as_object().map(serde_json::Map::len), Some(paths.len()));
    }
}
