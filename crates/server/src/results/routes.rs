//! `GET /results`, `/results/{table}` and `/results/{table}/{key}`.
//!
//! While rows are being loaded, a request waits for a moment and is then answered 503: an answer from half of
//! the rows would look like a true one.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{RowScratch, answer, row_names};
use super::describe::Tables;
use super::format::{Answer, Format, Writer, json_names, write_object};
use super::request::{Parameters, Request};
use super::{Results, Slot};
use crate::error::{Detail, Failure};

type Service = State<Arc<Results>>;

/// Rows of a table.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "rows are written past it, see `format.rs`")]
pub(crate) struct ResultRows {
    #[schema(example = "models")]
    table: String,
    /// The columns of each row by name, or with `group_by` those of the groups, and what is known about the
    /// row: `_key`, `_time`, `_is_final` (false while its window is open) and `_revision` (how often a late
    /// event has corrected it).
    rows: Vec<BTreeMap<String, serde_json::Value>>,
    count: usize,
    /// False if `limit`, or the greatest size of an answer, has cut rows off.
    is_complete: bool,
}

/// Tables that jobs have declared, with their columns, keys and freshness.
#[utoipa::path(get, path = "/results", tag = "results",
    responses((status = 200, body = Tables), (status = 503, body = Detail)))]
pub(crate) async fn tables(State(results): Service, uri: Uri) -> Result<Json<Tables>, Failure> {
    Parameters(&pairs(&uri)?).check(&[]).map_err(wrong)?;
    loaded(&results).await?;
    Ok(Json(results.describe()))
}

/// Rows of a table, newest first, or groups of them.
#[utoipa::path(get, path = "/results/{table}", tag = "results",
    params(("table" = String, Path, description = "name of the table"),
        ("from" = Option<String>, Query, description = "first time of rows: a time, a day, `now`, or back from now as `-15m`, `-2h`, `-7d`"),
        ("to" = Option<String>, Query, description = "time before which rows lie, as `from`"),
        ("where" = Option<String>, Query, description = "conditions on columns, combined with AND: `model = 'gpt' AND query_count > 10`"),
        ("group_by" = Option<String>, Query, description = "columns, or periods of a time: `model,hour(window_start)`; second, minute, hour, day, week"),
        ("aggregate" = Option<String>, Query, description = "`count(*),sum(n),min(n),max(n),avg(n)` (default with `group_by`: the count and all sums)"),
        ("order" = Option<String>, Query, description = "columns of the answer, with `-` for descending (default `-_time`, or the columns of `group_by`)"),
        ("limit" = Option<u32>, Query, maximum = 100_000, description = "maximum number of rows (default 1,000)"),
        ("fill" = Option<String>, Query, description = "`null`, `zero` or `previous` for periods of `group_by` without rows"),
        ("format" = Option<String>, Query, description = "`json`, `csv` or `ndjson`; wins over `Accept`")),
    responses((status = 200, description = "rows of the table", content(
            (ResultRows = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")),
            headers(("X-Weir-Complete" = bool, description = "as `is_complete`: false if rows were cut off"))),
        (status = 400, body = Detail), (status = 404, body = Detail), (status = 503, body = Detail)))]
pub(crate) async fn rows(
    State(results): Service,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let slot = find(&results, &name).await?;
    let pairs = pairs(&uri)?;
    let format = Format::wanted(&Parameters(&pairs), &headers).map_err(wrong)?;
    let declared = Arc::clone(&slot.table.read().declared);
    let request = Request::parse(&pairs, &declared, results.now(), &results.zone).map_err(wrong)?;

    // Going through very many rows takes long enough to keep other requests waiting.
    let reader = Arc::clone(&results.readers).acquire_owned().await;
    let reading = tokio::task::spawn_blocking(move || {
        let _reader = reader;
        answer(&name, &slot.view(), &request, format)
    });
    let answer = reading.await.map_err(|_| broken())?.map_err(wrong)?;
    Ok(answer.into_response())
}

/// A row by its key.
#[utoipa::path(get, path = "/results/{table}/{key}", tag = "results",
    params(("table" = String, Path, description = "name of the table"),
        ("key" = String, Path, description = "key of the row in the result store, as `_key` has it"),
        ("format" = Option<String>, Query, description = "`json`, `csv` or `ndjson`; wins over `Accept`")),
    responses((status = 200, description = "the row", content(
            (BTreeMap<String, serde_json::Value> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = 400, body = Detail), (status = 404, body = Detail), (status = 503, body = Detail)))]
pub(crate) async fn row(
    State(results): Service,
    Path((name, key)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let slot = find(&results, &name).await?;
    let pairs = pairs(&uri)?;
    Parameters(&pairs).check(&["format"]).map_err(wrong)?;
    let format = Format::wanted(&Parameters(&pairs), &headers).map_err(wrong)?;

    let found = {
        let table = slot.table.read();
        table.find(&key).map(|place| (table.view(), place))
    };
    let Some((table, place)) = found else {
        let detail = format!("table `{name}` has no row with the key `{key}`");
        return Err(Failure::new(StatusCode::NOT_FOUND, detail));
    };
    let names = row_names(&table.declared);
    let mut scratch = RowScratch::default();
    let answer = scratch.with(&table, place, |fields| match format {
        Format::Json => {
            let mut object = Vec::new();
            write_object(&json_names(&names), fields, &table.texts, &mut object);
            Answer { format, body: object, is_complete: true }
        }
        Format::Csv | Format::Ndjson => {
            let mut writer = Writer::new(format, &name, &names);
            writer.row(fields, &table.texts);
            writer.finish(true)
        }
    });
    Ok(answer.into_response())
}

/// Returns a table once its rows are loaded.
pub(super) async fn find(results: &Results, name: &str) -> Result<Arc<Slot>, Failure> {
    loaded(results).await?;
    results.slot(name).ok_or_else(|| {
        let shown = results.shown();
        let names = || shown.by_name.keys().map(String::as_str);
        let hint = match sql::error::closest(name, names()) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None => "; GET /results lists the tables".to_owned(),
        };
        Failure::new(StatusCode::NOT_FOUND, format!("there is no result table `{name}`{hint}"))
    })
}

async fn loaded(results: &Results) -> Result<(), Failure> {
    if results.are_loaded().await {
        return Ok(());
    }
    let detail = "the results are being loaded: retry in a moment";
    Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        .with(header::RETRY_AFTER, HeaderValue::from_static("1")))
}

/// Returns the parameters of a request.
pub(super) fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Failure> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
    query.map(|query| query.0).map_err(|_| wrong("the parameters are not UTF-8".to_owned()))
}

pub(super) fn wrong(mistake: String) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, mistake)
}

pub(super) fn broken() -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be made; Weir's log has the reason")
}
