//! `GET /analytics/…`: the routes that readers of the running gateway know (contract: "HTTP out").
//!
//! While the rows of the store are being loaded, all routes but `health` wait for a moment and then answer
//! 503: an answer from half of the rows would look like a true one.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::answer::{self, Faculty, HeatmapCell, HourlyCell, ResponseTime, StudentYear, Year};
use super::reply::{
    Condition, Departments, Health, Latest, Overall, Popular, PopularByYear, Rows, Status, Success,
    Timeseries, UserTypes,
};
use super::{Analytics, Invalid, Kind, Moment, Parameters};
use crate::analytics::index::Index;
use crate::error::{Detail, Failure};

/// Time that a request waits for the rows to be loaded.
const LOAD_PATIENCE: Duration = Duration::from_secs(2);

/// Passes a request on once all rows are loaded.
pub(crate) async fn when_loaded(State(analytics): Gateway, request: Request, next: Next) -> Response {
    if tokio::time::timeout(LOAD_PATIENCE, analytics.wait_until_loaded()).await.is_ok() {
        return next.run(request).await;
    }
    let detail = "the results are being loaded: retry in a moment";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
        .into_response()
}

type Gateway = State<Arc<Analytics>>;

/// State of the gateway and of its store. The status is always 200.
#[utoipa::path(get, path = "/analytics/health", tag = "analytics", responses((status = 200, body = Health)))]
pub(crate) async fn health(State(analytics): Gateway) -> Json<Health> {
    let answer = analytics.ask_store().await;
    let (redis_host, redis_port) = analytics.store.address();
    let latest_update = analytics.latest();
    let (status, message) = match (answer, &latest_update) {
        (Err(reason), _) => (Condition::Unhealthy, reason),
        _ if !analytics.loaded() => (Condition::Degraded, "the results are being loaded".to_owned()),
        (Ok(()), None) => {
            (Condition::Degraded, "the result store answers, but has no results yet".to_owned())
        }
        (Ok(()), Some(_)) => (Condition::Healthy, "the result store answers".to_owned()),
    };
    Json(Health { status, redis_host, redis_port, latest_update, message })
}

/// Time of the newest results.
#[utoipa::path(get, path = "/analytics/redis/latest", tag = "analytics", responses((status = 200, body = Latest), (status = 503, body = Detail)))]
pub(crate) async fn latest(State(analytics): Gateway) -> Json<Latest> {
    Json(Latest { status: Status::Success, latest_update: analytics.latest() })
}

/// Answers a route whose only parameter is `days`.
fn rows<T: Serialize>(
    analytics: &Analytics,
    mut parameters: Parameters,
    default_days: i64,
    compute: impl FnOnce(&Index, Moment) -> Vec<T>,
) -> Result<Json<Rows<T>>, Invalid> {
    let days = parameters.days(default_days);
    parameters.check()?;
    let data = compute(&analytics.read(), analytics.cutoff(days.get()));
    Ok(Json(Rows::new(data, days)))
}

/// Queries by faculty (the type of the user).
#[utoipa::path(get, path = "/analytics/redis/faculty", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 30)")),
    responses((status = 200, body = Rows<Faculty>), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn faculty(
    State(analytics): Gateway,
    parameters: Parameters,
) -> Result<Json<Rows<Faculty>>, Invalid> {
    rows(&analytics, parameters, 30, answer::faculties)
}

/// Queries by year of study.
#[utoipa::path(get, path = "/analytics/redis/year", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 30)")),
    responses((status = 200, body = Rows<Year>), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn year(
    State(analytics): Gateway,
    parameters: Parameters,
) -> Result<Json<Rows<Year>>, Invalid> {
    rows(&analytics, parameters, 30, answer::years)
}

/// Queries by faculty and year.
#[utoipa::path(get, path = "/analytics/redis/heatmap", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 30)")),
    responses((status = 200, body = Rows<HeatmapCell>), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn heatmap(
    State(analytics): Gateway,
    parameters: Parameters,
) -> Result<Json<Rows<HeatmapCell>>, Invalid> {
    rows(&analytics, parameters, 30, answer::heatmap)
}

/// Students' queries by year of study.
#[utoipa::path(get, path = "/analytics/redis/student-year", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 30)")),
    responses((status = 200, body = Rows<StudentYear>), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn student_year(
    State(analytics): Gateway,
    parameters: Parameters,
) -> Result<Json<Rows<StudentYear>>, Invalid> {
    rows(&analytics, parameters, 30, answer::student_years)
}

/// Response times by user type.
#[utoipa::path(get, path = "/analytics/redis/response-time", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 7)")),
    responses((status = 200, body = Rows<ResponseTime>), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn response_time(
    State(analytics): Gateway,
    parameters: Parameters,
) -> Result<Json<Rows<ResponseTime>>, Invalid> {
    rows(&analytics, parameters, 7, answer::response_times)
}

/// Queries by hour of the day.
#[utoipa::path(get, path = "/analytics/redis/hourly-heatmap", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 7)")),
    responses((status = 200, body = Rows<HourlyCell>), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn hourly_heatmap(
    State(analytics): Gateway,
    parameters: Parameters,
) -> Result<Json<Rows<HourlyCell>>, Invalid> {
    rows(&analytics, parameters, 7, answer::hourly)
}

/// Most frequent questions.
#[utoipa::path(get, path = "/analytics/redis/popular-questions", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 30)"),
        ("limit" = Option<i64>, Query, minimum = 0, description = "maximum number of rows (default 10)")),
    responses((status = 200, body = Popular), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn popular_questions(
    State(analytics): Gateway,
    mut parameters: Parameters,
) -> Result<Json<Popular>, Invalid> {
    let (days, limit) = (parameters.days(30), parameters.limit(10));
    parameters.check()?;
    let data = answer::popular(&analytics.read(), analytics.cutoff(days.get()), size(limit.get()));
    Ok(Json(Popular::new(data, days, limit)))
}

/// Queries by department.
#[utoipa::path(get, path = "/analytics/redis/department", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 30)")),
    responses((status = 200, body = Departments), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn department(
    State(analytics): Gateway,
    mut parameters: Parameters,
) -> Result<Json<Departments>, Invalid> {
    let days = parameters.days(30);
    parameters.check()?;
    let answer = answer::departments(&analytics.read(), analytics.cutoff(days.get()));
    Ok(Json(Departments::new(answer, days)))
}

/// Most frequent questions of the students of each year.
#[utoipa::path(get, path = "/analytics/redis/popular-by-year", tag = "analytics",
    params(("year" = Option<i64>, Query, description = "a single year; 0 means all (default all)"),
        ("days" = Option<i64>, Query, description = "days back from now (default 30)"),
        ("limit" = Option<i64>, Query, minimum = 0, description = "maximum number of rows per year (default 10)")),
    responses((status = 200, body = PopularByYear), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn popular_by_year(
    State(analytics): Gateway,
    mut parameters: Parameters,
) -> Result<Json<PopularByYear>, Invalid> {
    let (year, days, limit) = (parameters.year(), parameters.days(30), parameters.limit(10));
    parameters.check()?;
    let cutoff = analytics.cutoff(days.get());
    let year = year.map(|year| year.get());
    let data = answer::popular_by_year(&analytics.read(), cutoff, year, size(limit.get()));
    Ok(Json(PopularByYear::new(data, days, limit)))
}

/// Queries by type of user.
#[utoipa::path(get, path = "/analytics/redis/user-type", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 30)")),
    responses((status = 200, body = UserTypes), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn user_type(
    State(analytics): Gateway,
    mut parameters: Parameters,
) -> Result<Json<UserTypes>, Invalid> {
    let days = parameters.days(30);
    parameters.check()?;
    let answer = answer::user_types(&analytics.read(), analytics.cutoff(days.get()));
    Ok(Json(UserTypes::new(answer, days)))
}

/// Share of successful queries.
#[utoipa::path(get, path = "/analytics/redis/success-rate", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 7)")),
    responses((status = 200, body = Success), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn success_rate(
    State(analytics): Gateway,
    mut parameters: Parameters,
) -> Result<Json<Success>, Invalid> {
    let days = parameters.days(7);
    parameters.check()?;
    Ok(Json(Success::of(&analytics, days)))
}

/// Totals over all queries.
#[utoipa::path(get, path = "/analytics/redis/overall-summary", tag = "analytics",
    params(("days" = Option<i64>, Query, description = "days back from now (default 30)")),
    responses((status = 200, body = Overall), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn overall_summary(
    State(analytics): Gateway,
    mut parameters: Parameters,
) -> Result<Json<Overall>, Invalid> {
    let days = parameters.days(30);
    parameters.check()?;
    Ok(Json(Overall::of(&analytics, days)))
}

/// Number of queries over time, oldest first.
#[utoipa::path(get, path = "/analytics/redis/timeseries", tag = "analytics",
    params(("granularity" = Option<String>, Query, description = "`minute`, `hour` or `day` (default `hour`)"),
        ("days" = Option<i64>, Query, description = "days back from now (default 7)")),
    responses((status = 200, body = Timeseries), (status = 400, body = Detail), (status = 422, body = Invalid), (status = 503, body = Detail)))]
pub(crate) async fn timeseries(State(analytics): Gateway, mut parameters: Parameters) -> Response {
    let days = parameters.days(7);
    let granularity = parameters.text("granularity").unwrap_or("hour").to_owned();
    if let Err(invalid) = parameters.check() {
        return invalid.into_response();
    }
    let (kind, granularity) = match granularity.as_str() {
        "minute" => (Kind::TimeseriesMinute, "minute"),
        "hour" => (Kind::TimeseriesHour, "hour"),
        "day" => (Kind::TimeseriesDay, "day"),
        _ => {
            let detail = "granularity must be one of: minute, hour, day";
            return Failure::new(StatusCode::BAD_REQUEST, detail).into_response();
        }
    };
    let data = answer::series(&analytics.read(), kind, analytics.cutoff(days.get()));
    Json(Timeseries::new(data, granularity, days)).into_response()
}

fn size(limit: i64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
