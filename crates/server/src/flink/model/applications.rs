//! Applications as in Flink 2.3, one per job under the job's id; and resources that Weir has none of.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{JobLine, Nothing};

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Applications {
    pub(in crate::flink) applications: Vec<ApplicationLine>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct ApplicationLine {
    pub(in crate::flink) id: String,
    pub(in crate::flink) name: String,
    pub(in crate::flink) start_time: i64,
    pub(in crate::flink) end_time: i64,
    pub(in crate::flink) duration: i64,
    pub(in crate::flink) status: &'static str,
    /// Number of jobs in each state.
    #[schema(value_type = BTreeMap<String, u32>)]
    pub(in crate::flink) jobs: BTreeMap<&'static str, u32>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct ApplicationDetails {
    pub(in crate::flink) id: String,
    pub(in crate::flink) name: String,
    pub(in crate::flink) status: &'static str,
    pub(in crate::flink) start_time: i64,
    pub(in crate::flink) end_time: i64,
    pub(in crate::flink) duration: i64,
    #[schema(value_type = BTreeMap<String, i64>)]
    pub(in crate::flink) timestamps: BTreeMap<&'static str, i64>,
    pub(in crate::flink) jobs: Vec<JobLine>,
}

/// `/jars`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Jars {
    /// Address of this server.
    pub(in crate::flink) address: String,
    pub(in crate::flink) files: [Nothing; 0],
}

/// `/datasets`
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::flink) struct Datasets {
    #[serde(rename = "dataSets")]
    data_sets: [Nothing; 0],
}
