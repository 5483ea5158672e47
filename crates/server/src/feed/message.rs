//! The feed's messages as the API's description shows them. Other modules write them, once for all clients.

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::frame;
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
    /// The zone in which all times of results are.
    #[schema(example = "Asia/Ho_Chi_Minh")]
    time_zone: String,
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

/// Only the field of the analytic that changed is there. Time series hold the points that changed, oldest first: each takes
/// the place of the one with the same `timestamp`. All others are complete.
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
/// wrong; while the results are being loaded it comes before `Initial`. A client that does not know the message ignores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FeedStatus {
    #[schema(pattern = "^status$")]
    pub(crate) r#type: &'static str,
    /// The result store: it takes results, or they wait and nothing new is sent.
    pub(crate) store: Standing,
    /// The event log: it takes events, or whoever sends them has to send them again.
    pub(crate) log: Standing,
    /// The results that the store held at the start: they are loaded, or nothing is known yet.
    pub(crate) results: Standing,
    /// The jobs that write the results: they run and can use what they read, or figures stand still.
    pub(crate) jobs: Standing,
}

/// How one of them stands.
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

impl Standing {
    /// Returns the standing of a part that does not do its work.
    pub(crate) fn trouble(since: Option<String>, message: impl Into<String>) -> Standing {
        Standing { ok: false, since, message: Some(message.into()) }
    }
}

impl Default for FeedStatus {
    fn default() -> FeedStatus {
        let [store, log, results, jobs] = [(); 4].map(|()| Standing::default());
        FeedStatus { r#type: "status", store, log, results, jobs }
    }
}

impl FeedStatus {
    /// Returns whether there is nothing to report.
    pub(crate) fn is_well(&self) -> bool {
        [&self.store, &self.log, &self.results, &self.jobs].iter().all(|standing| standing.message.is_none())
    }

    /// Returns the message as a frame.
    pub(super) fn frame(&self) -> Bytes {
        frame::text(&serde_json::to_vec(self).expect("texts can be written as JSON"))
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
