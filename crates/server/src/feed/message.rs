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
