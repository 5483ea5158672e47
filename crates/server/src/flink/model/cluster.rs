//! The cluster as a whole: `/config` and `/overview`.

use serde::Serialize;
use utoipa::ToSchema;

/// Configuration of Flink's web UI.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct Config {
    /// Refresh interval of the pages in milliseconds.
    pub(in crate::flink) refresh_interval: u32,
    pub(in crate::flink) timezone_name: &'static str,
    pub(in crate::flink) timezone_offset: i32,
    pub(in crate::flink) flink_version: &'static str,
    pub(in crate::flink) flink_revision: &'static str,
    pub(in crate::flink) features: Features,
}

/// Buttons that the pages show.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct Features {
    pub(in crate::flink) web_submit: bool,
    pub(in crate::flink) web_cancel: bool,
    pub(in crate::flink) web_rescale: bool,
    pub(in crate::flink) web_history: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct Overview {
    pub(in crate::flink) taskmanagers: u32,
    pub(in crate::flink) slots_total: u32,
    pub(in crate::flink) slots_available: u32,
    /// All unfinished jobs.
    pub(in crate::flink) jobs_running: usize,
    pub(in crate::flink) jobs_finished: usize,
    pub(in crate::flink) jobs_cancelled: usize,
    pub(in crate::flink) jobs_failed: usize,
    pub(in crate::flink) flink_version: &'static str,
    pub(in crate::flink) flink_commit: &'static str,
}
