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

/// First message: the current results, each as its route answers with default parameters.
#[derive(Serialize, ToSchema)]
pub(crate) struct Initial {
    #[schema(pattern = "^initial$")]
    r#type: String,
    /// Time zone of all times in results.
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

/// Change of an analytic.
#[derive(Serialize, ToSchema)]
pub(crate) struct Update {
    #[schema(pattern = "^update$")]
    r#type: String,
    #[schema(example = "faculty")]
    analytics_type: String,
    data: UpdateData,
    /// Time of the newest change.
    timestamp: String,
}

/// Has only the field of the changed analytic. A time series has only the changed points, oldest first: each
/// replaces the point with the same `timestamp`. Other analytics are complete.
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

/// State of the store, the log, the results and the jobs. Sent when it changes, and after `Initial` if there
/// is a problem; while results are loading it is sent before `Initial`. Clients that do not know this message
/// ignore it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FeedStatus {
    #[schema(pattern = "^status$")]
    pub(crate) r#type: &'static str,
    /// Result store; while it refuses results, they wait and no updates are sent.
    pub(crate) store: Standing,
    /// Event log; while it refuses events, producers must send them again.
    pub(crate) log: Standing,
    /// Results that are loaded from the store at the start; no results are available before.
    pub(crate) results: Standing,
    /// Jobs that write the results; if they do not run or cannot use their input, the figures do not change.
    pub(crate) jobs: Standing,
}

/// State of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Standing {
    /// Whether the part works.
    pub(crate) ok: bool,
    /// Start of the reported state, in UTC.
    #[schema(example = "2025-12-09T14:03:00Z")]
    pub(crate) since: Option<String>,
    /// Reason why the part does not work, or a remark although it works.
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

/// Answer to a ping.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pong {
    #[schema(pattern = "^pong$")]
    r#type: String,
}

/// Sent after 30 s without another message.
#[derive(Serialize, ToSchema)]
pub(crate) struct Heartbeat {
    #[schema(pattern = "^heartbeat$")]
    r#type: String,
}

/// A frame could not be parsed; the connection stays open.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedError {
    #[schema(pattern = "^error$")]
    r#type: String,
    message: String,
}

/// Message of a client.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ping {
    #[schema(pattern = "^ping$")]
    r#type: String,
}
