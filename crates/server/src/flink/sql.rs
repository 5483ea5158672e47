//! `/weir/sql`: checks and explains scripts while they are written, lists what SQL can call, and passes
//! `/weir/sql/sessions` on to the SQL gateway, so that a page of this listener needs no other one.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sql::check::{Checked, Declared};
use sql::error::{Diagnostic, Places, Severity};
use sql::explain;
use sql::plan::Plan;
use utoipa::ToSchema;

use super::answer::{Parts, json, ok};
use super::model::Refusal;
use super::path::plain_path;
use super::submit::{bad, body};

/// Body of a check and of an explanation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptWanted {
    script: String,
    /// Values of `${NAME}`; they take precedence over the process's own.
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

/// The outcome of a check.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScriptChecked {
    /// Whether there is no error and something to run.
    ok: bool,
    /// Whether the script has an INSERT, so that it can be a job.
    has_insert: bool,
    /// Whether the script has a SELECT whose rows can be fetched.
    has_query: bool,
    findings: Vec<Finding>,
    /// Declared tables and views, by name.
    objects: Vec<ObjectView>,
}

/// A finding about a script with its place: `start` and `end` are bytes from the script's beginning; lines and columns
/// are counted from 1, columns in characters.
#[derive(Debug, Serialize, ToSchema)]
pub struct Finding {
    /// `error` or `notice`.
    severity: &'static str,
    /// One sentence, lower case, no full stop.
    message: String,
    /// The exact problem, if the message does not give it.
    detail: Option<String>,
    /// What to do, or what was probably meant.
    hint: Option<String>,
    start: usize,
    end: usize,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

/// A table or view.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObjectView {
    name: String,
    is_view: bool,
    columns: Vec<ColumnOfObject>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ColumnOfObject {
    name: String,
    /// The type in SQL.
    data_type: String,
}

/// The plan of a script.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explained {
    /// The plan as `weir explain` prints it.
    text: String,
    nodes: Vec<NodeView>,
    edges: Vec<EdgeView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeView {
    id: String,
    /// `Source: clicks`, `WindowAggregate: counts`, …
    name: String,
    lines: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EdgeView {
    from: String,
    to: String,
    /// The kinds of changes on it: `+I, -U, +U, -D`.
    changes: &'static str,
}

/// A function, an aggregate, or a form with a grammar of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FunctionView {
    /// The name, followed by aliases.
    names: Vec<&'static str>,
    /// Description and example.
    doc: String,
}

impl Finding {
    /// Converts findings about a script.
    pub fn all(findings: &[Diagnostic], script: &str) -> Vec<Finding> {
        let places = Places::of(script);
        findings.iter().map(|finding| Finding::of(finding, &places)).collect()
    }

    fn of(finding: &Diagnostic, places: &Places<'_>) -> Finding {
        let (line, column) = places.at(finding.span.start);
        let (end_line, end_column) = places.at(finding.span.end);
        Finding {
            severity: match finding.severity {
                Severity::Error => "error",
                Severity::Notice => "notice",
            },
            message: finding.message.clone(),
            detail: finding.detail.clone(),
            hint: finding.hint.clone(),
            start: finding.span.start,
            end: finding.span.end,
            line,
            column,
            end_line,
            end_column,
        }
    }
}

/// Maximum number of findings in an answer.
const FINDINGS_MAX: usize = 200;

pub(super) async fn check(parts: &Arc<Parts>, request: Request) -> Result<Response, Refusal> {
    let (script, Checked { plan, mut findings, has_insert, has_query, objects }) =
        checked(parts, request).await?;
    let ok = plan.is_some();
    findings.truncate(FINDINGS_MAX);
    let findings = Finding::all(&findings, &script);
    let objects = objects.into_iter().map(ObjectView::of).collect();
    Ok(json(StatusCode::OK, &ScriptChecked { ok, has_insert, has_query, findings, objects }))
}

pub(super) async fn explain(parts: &Arc<Parts>, request: Request) -> Result<Response, Refusal> {
    let (script, Checked { plan, findings, has_insert, has_query, .. }) = checked(parts, request).await?;
    let Some(plan) = plan else {
        if !has_insert && !has_query {
            return Err(bad("there is nothing to explain: the script has neither an INSERT nor a SELECT"));
        }
        let errors: Vec<Diagnostic> = findings.into_iter().filter(Diagnostic::is_error).collect();
        let drawn = errors
            .iter()
            .take(FINDINGS_MAX)
            .map(|error| sql::error::render(std::slice::from_ref(error), &script, "script", false));
        return Err(Refusal::Own { status: StatusCode::BAD_REQUEST, errors: drawn.collect() });
    };

    let (nodes, edges) = explain::graph(&plan);
    let node = |node: explain::PlanNode| NodeView { id: node.id, name: node.name, lines: node.lines };
    let edge = |edge: explain::PlanEdge| EdgeView { from: edge.from, to: edge.to, changes: edge.changes };
    ok(&Explained {
        text: explain::explain(&plan),
        nodes: nodes.into_iter().map(node).collect(),
        edges: edges.into_iter().map(edge).collect(),
    })
}

pub(super) fn functions() -> Result<Response, Refusal> {
    let functions = sql::functions::manual().into_iter();
    ok(&functions.map(|entry| FunctionView { names: entry.names, doc: entry.doc }).collect::<Vec<_>>())
}

/// Checks the script of a request, on a blocking thread: compiling takes long.
async fn checked(parts: &Arc<Parts>, request: Request) -> Result<(String, Checked), Refusal> {
    let body = body(parts, request).await?;
    let ScriptWanted { script, variables } = crate::jackson::object(&body)
        .map_err(|error| bad(format!("the body is not {{\"script\", \"variables\"}}: {error}")))?;
    let parts = Arc::clone(parts);

    let work = tokio::task::spawn_blocking(move || {
        let given = &parts.services.variables;
        let variables = |name: &str| variables.get(name).cloned().or_else(|| given(name));
        let mut checked = sql::check::check(&script, &variables);
        let wrong_options = checked.plan.as_ref().map(|plan| wrong_options(plan, checked.has_query));
        let wrong_options = wrong_options.unwrap_or_default();
        if !wrong_options.is_empty() {
            checked.plan = None;
            checked.findings.extend(wrong_options);
        }
        (script, checked)
    });
    work.await.map_err(|error| Refusal::Internal { message: error.to_string() })
}

/// Returns what is wrong with the options of a plan's tables. The sink of a fetched query has no options.
fn wrong_options(plan: &Plan, is_query: bool) -> Vec<Diagnostic> {
    if !is_query {
        return jobs::check_options(plan);
    }
    jobs::check_options(&Plan { sinks: Vec::new(), ..plan.clone() })
}

/// Passes a request of a session on to the SQL gateway.
pub(super) async fn pass(parts: &Arc<Parts>, mut request: Request) -> Result<Response, Refusal> {
    let path = plain_path(request.uri().path()).into_owned();
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{}{query}", session_path(&path)).parse::<Uri>();
    *request.uri_mut() = target.map_err(|_| Refusal::NoFile { path })?;
    Ok(parts.services.sql.answer(request).await)
}

/// Returns `/weir/sql/sessions/…` as the gateway's path: `/sessions/…`.
pub(crate) fn session_path(path: &str) -> &str {
    let own = path.strip_prefix("/v1").unwrap_or(path);
    own.strip_prefix("/weir/sql").unwrap_or(path)
}

impl ObjectView {
    fn of(object: Declared) -> ObjectView {
        let columns = object.columns.into_iter();
        let column = |(name, column_type): (String, types::ColumnType)| ColumnOfObject {
            name,
            data_type: column_type.data_type.to_string(),
        };
        ObjectView { name: object.name, is_view: object.is_view, columns: columns.map(column).collect() }
    }
}
