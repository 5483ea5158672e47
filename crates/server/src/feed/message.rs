//! The feed's messages as the API's description shows them. They are written elsewhere, once for all clients.

use serde::Serialize;
use utoipa::ToSchema;

use crate::analytics::answer::{
    ByYear, Department, Faculty, HeatmapCell, HourlyCell, Point, PopularQuery, ResponseTime, StudentYear,
    UserType, Year,
};
use crate::analytics::reply::{Overall, Success};

/// The first message: the newest state, each as its route answers by default.
#[derive(Serialize, ToSchema)]
pub(crate) struct Initial {
    #[schema(pattern = "^initial$")]
    r#type: String,
    data: InitialData,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitialData {
    faculty: Vec<Faculty>,
    year: Vec<Year>,
    heatmap: Vec<HeatmapCell>,
    popular_questions: Vec<PopularQuery>,
    departments: Vec<Department>,
    overall: Overall,
    student_year: Vec<StudentYear>,
    popular_by_year: ByYear,
    user_type: Vec<UserType>,
    success_rate: Success,
    response_time: Vec<ResponseTime>,
}

/// An analytic changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Update {
    #[schema(pattern = "^update$")]
    r#type: String,
    #[schema(example = "faculty")]
    analytics_type: String,
    data: UpdateData,
    /// The time of the newest change.
    timestamp: String,
}

/// Only the field of the analytic that changed is there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateData {
    faculty: Option<Vec<Faculty>>,
    year: Option<Vec<Year>>,
    heatmap: Option<Vec<HeatmapCell>>,
    popular_questions: Option<Vec<PopularQuery>>,
    departments: Option<Vec<Department>>,
    overall: Option<Overall>,
    student_year: Option<Vec<StudentYear>>,
    popular_by_year: Option<ByYear>,
    user_type: Option<Vec<UserType>>,
    success_rate: Option<Success>,
    response_time: Option<Vec<ResponseTime>>,
    timeseries_minute: Option<Vec<Point>>,
    timeseries_hour: Option<Vec<Point>>,
    timeseries_day: Option<Vec<Point>>,
    hourly_heatmap: Option<Vec<HourlyCell>>,
}

/// Whether results and events get where they belong. Sent when that changes, and behind `Initial` where something is
/// wrong; a client that does not know the message ignores it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedStatus {
    #[schema(pattern = "^status$")]
    r#type: &'static str,
    /// The result store: it takes results, or they wait and nothing new is sent.
    store: Standing,
    /// The event log: it takes events, or whoever sends them has to send them again.
    log: Standing,
}

/// How the store or the log stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Standing {
    /// Whether it does its work.
    pub(crate) ok: bool,
    /// Since when there is something to say, in UTC.
    #[schema(example = "2025-12-09T14:03:00Z")]
    pub(crate) since: Option<String>,
    /// Why it does not; or what should be known though it does.
    pub(crate) message: Option<String>,
}

impl Default for Standing {
    fn default() -> Standing {
        Standing { ok: true, since: None, message: None }
    }
}

impl FeedStatus {
    pub(crate) fn new(store: Standing, log: Standing) -> FeedStatus {
        FeedStatus { r#type: "status", store, log }
    }

    /// Whether there is nothing to say.
    pub(crate) fn is_well(&self) -> bool {
        [&self.store, &self.log].iter().all(|standing| standing.message.is_none())
    }
}

/// The answer to a ping.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pong {
    #[schema(pattern = "^pong$")]
    r#type: String,
}

/// Nothing else was sent for 30 s.
#[derive(Serialize, ToSchema)]
pub(crate) struct Heartbeat {
    #[schema(pattern = "^heartbeat$")]
    r#type: String,
}

/// A frame was not understood; the connection goes on.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedError {
    #[schema(pattern = "^error$")]
    r#type: String,
    message: String,
}

/// What a client may send.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ping {
    #[schema(pattern = "^ping$")]
    r#type: String,
}
