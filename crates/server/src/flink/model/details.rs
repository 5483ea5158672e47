//! One job: `/jobs/:id`, its status and its configuration.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::CountsByState;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct JobDetails {
    pub(in crate::flink) jid: String,
    pub(in crate::flink) name: String,
    #[serde(rename = "isStoppable")]
    pub(in crate::flink) is_stoppable: bool,
    pub(in crate::flink) state: &'static str,
    #[serde(rename = "job-type")]
    pub(in crate::flink) job_type: &'static str,
    #[serde(rename = "start-time")]
    pub(in crate::flink) start_time: i64,
    #[serde(rename = "end-time")]
    pub(in crate::flink) end_time: i64,
    pub(in crate::flink) duration: i64,
    #[serde(rename = "maxParallelism")]
    pub(in crate::flink) max_parallelism: i32,
    pub(in crate::flink) now: i64,
    /// Time when the job entered each state; 0 if it never did.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub(in crate::flink) timestamps: BTreeMap<&'static str, i64>,
    pub(in crate::flink) vertices: Vec<Vertex>,
    /// Number of vertices (not subtasks) in each state.
    #[serde(rename = "status-counts")]
    #[schema(value_type = BTreeMap<String, u64>)]
    pub(in crate::flink) status_counts: CountsByState,
    pub(in crate::flink) plan: Plan,
    #[serde(rename = "pending-operators")]
    pub(in crate::flink) pending_operators: u32,
    /// Since Flink 2.3.
    #[serde(rename = "application-id")]
    pub(in crate::flink) application_id: String,
    #[serde(rename = "schedulerType")]
    pub(in crate::flink) scheduler_type: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Vertex {
    pub(in crate::flink) id: String,
    #[serde(rename = "slotSharingGroupId")]
    pub(in crate::flink) slot_sharing_group_id: String,
    pub(in crate::flink) name: String,
    #[serde(rename = "maxParallelism")]
    pub(in crate::flink) max_parallelism: i32,
    pub(in crate::flink) parallelism: usize,
    pub(in crate::flink) status: &'static str,
    #[serde(rename = "start-time")]
    pub(in crate::flink) start_time: i64,
    #[serde(rename = "end-time")]
    pub(in crate::flink) end_time: i64,
    pub(in crate::flink) duration: i64,
    #[schema(value_type = BTreeMap<String, u64>)]
    pub(in crate::flink) tasks: CountsByState,
    pub(in crate::flink) metrics: VertexMetrics,
}

/// Sums over the subtasks; times in milliseconds.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct VertexMetrics {
    pub(in crate::flink) read_bytes: u64,
    pub(in crate::flink) read_bytes_complete: bool,
    pub(in crate::flink) write_bytes: u64,
    pub(in crate::flink) write_bytes_complete: bool,
    pub(in crate::flink) read_records: u64,
    pub(in crate::flink) read_records_complete: bool,
    pub(in crate::flink) write_records: u64,
    pub(in crate::flink) write_records_complete: bool,
    pub(in crate::flink) accumulated_backpressured_time: u64,
    pub(in crate::flink) accumulated_idle_time: u64,
    pub(in crate::flink) accumulated_busy_time: f64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Plan {
    pub(in crate::flink) jid: String,
    pub(in crate::flink) name: String,
    #[serde(rename = "type")]
    pub(in crate::flink) job_type: &'static str,
    pub(in crate::flink) nodes: Vec<PlanNode>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct PlanNode {
    /// Id of the vertex.
    pub(in crate::flink) id: String,
    pub(in crate::flink) parallelism: usize,
    pub(in crate::flink) operator: &'static str,
    pub(in crate::flink) operator_strategy: &'static str,
    /// Description as HTML.
    pub(in crate::flink) description: String,
    pub(in crate::flink) optimizer_properties: Nothing,
    pub(in crate::flink) inputs: Vec<Edge>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Edge {
    pub(in crate::flink) num: usize,
    pub(in crate::flink) id: String,
    pub(in crate::flink) ship_strategy: &'static str,
    pub(in crate::flink) exchange: &'static str,
}

/// `/jobs/:id/plan`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct PlanOfJob {
    pub(in crate::flink) plan: Plan,
}

/// `{}`
#[derive(Debug, Default, Clone, Serialize, ToSchema)]
pub(in crate::flink) struct Nothing {}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct JobStatusInfo {
    pub(in crate::flink) status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct JobConfig {
    pub(in crate::flink) jid: String,
    pub(in crate::flink) name: String,
    pub(in crate::flink) execution_config: ExecutionConfig,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct ExecutionConfig {
    pub(in crate::flink) restart_strategy: String,
    pub(in crate::flink) job_parallelism: u32,
    pub(in crate::flink) object_reuse_mode: bool,
    pub(in crate::flink) user_config: BTreeMap<String, String>,
}
