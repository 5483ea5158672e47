//! The bodies of the routes: an answer with its status, and the effective parameters.

use serde::Serialize;
use utoipa::ToSchema;

use super::Analytics;
use super::answer::{self, ByYear, Department, PopularQuery, UserType};
use super::query::Integer;

/// Always `success`; errors have another body.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Success,
}

/// State of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Condition {
    Healthy,
    /// No results have been written yet.
    Degraded,
    /// The store is unreachable or refuses results.
    Unhealthy,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    pub(crate) status: Condition,
    pub(crate) redis_host: String,
    pub(crate) redis_port: String,
    pub(crate) latest_update: Option<String>,
    pub(crate) message: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Latest {
    pub(crate) status: Status,
    pub(crate) latest_update: Option<String>,
}

/// Rows, one per group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rows<T> {
    status: Status,
    data: Vec<T>,
    count: usize,
    days: Integer,
}

impl<T> Rows<T> {
    pub(crate) fn new(data: Vec<T>, days: Integer) -> Rows<T> {
        Rows { status: Status::Success, count: data.len(), data, days }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Popular {
    status: Status,
    data: Vec<PopularQuery>,
    count: usize,
    days: Integer,
    limit: Integer,
}

impl Popular {
    pub(crate) fn new(data: Vec<PopularQuery>, days: Integer, limit: Integer) -> Popular {
        Popular { status: Status::Success, count: data.len(), data, days, limit }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Departments {
    status: Status,
    data: Vec<Department>,
    count: usize,
    days: Integer,
    total_queries: i64,
    /// Chart type in the dashboard: `pie`.
    chart_type: &'static str,
}

impl Departments {
    pub(crate) fn new((data, total_queries): (Vec<Department>, i64), days: Integer) -> Departments {
        let count = data.len();
        Departments { status: Status::Success, data, count, days, total_queries, chart_type: "pie" }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PopularByYear {
    status: Status,
    data: ByYear,
    /// Keys of `data`, ascending, `unknown` last.
    years: Vec<String>,
    days: Integer,
    limit: Integer,
}

impl PopularByYear {
    pub(crate) fn new(data: ByYear, days: Integer, limit: Integer) -> PopularByYear {
        PopularByYear { status: Status::Success, years: data.years(), data, days, limit }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserTypes {
    status: Status,
    distribution: Vec<UserType>,
    total_queries: i64,
    days: Integer,
}

impl UserTypes {
    pub(crate) fn new((distribution, total_queries): (Vec<UserType>, i64), days: Integer) -> UserTypes {
        UserTypes { status: Status::Success, distribution, total_queries, days }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuccessRate)]
pub(crate) struct Success {
    status: Status,
    #[serde(flatten)]
    answer: answer::Success,
    days: Integer,
}

impl Success {
    pub(crate) fn of(analytics: &Analytics, days: Integer) -> Success {
        let answer = answer::success(&analytics.read(), analytics.cutoff(days.get()));
        Success { status: Status::Success, answer, days }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverallSummary)]
pub(crate) struct Overall {
    status: Status,
    #[serde(flatten)]
    answer: answer::Overall,
    days: Integer,
}

impl Overall {
    pub(crate) fn of(analytics: &Analytics, days: Integer) -> Overall {
        let answer = answer::overall(&analytics.read(), analytics.cutoff(days.get()));
        Overall { status: Status::Success, answer, days }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Timeseries {
    status: Status,
    data: Vec<answer::Point>,
    count: usize,
    granularity: &'static str,
    days: Integer,
}

impl Timeseries {
    pub(crate) fn new(data: Vec<answer::Point>, granularity: &'static str, days: Integer) -> Timeseries {
        Timeseries { status: Status::Success, count: data.len(), data, granularity, days }
    }
}
