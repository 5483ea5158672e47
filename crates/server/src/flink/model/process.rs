//! The process, which is the job manager and the only task manager. Memory is in bytes unless stated as MiB.

use serde::Serialize;
use utoipa::ToSchema;

use super::Nothing;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct TaskManagers {
    pub(in crate::flink) taskmanagers: Vec<TaskManager>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct TaskManager {
    pub(in crate::flink) id: &'static str,
    pub(in crate::flink) path: String,
    pub(in crate::flink) data_port: u16,
    pub(in crate::flink) jmx_port: i32,
    /// Despite its name, the time of the last heartbeat in milliseconds since 1970.
    pub(in crate::flink) time_since_last_heartbeat: i64,
    pub(in crate::flink) slots_number: u32,
    pub(in crate::flink) free_slots: u32,
    /// Number of subtasks on the task manager, as in Flink 2.3.
    pub(in crate::flink) assigned_tasks: usize,
    pub(in crate::flink) total_resource: Resource,
    pub(in crate::flink) free_resource: Resource,
    pub(in crate::flink) hardware: Hardware,
    pub(in crate::flink) memory_configuration: MemoryConfiguration,
}

/// `/taskmanagers/:id`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct TaskManagerDetails {
    #[serde(flatten)]
    pub(in crate::flink) manager: TaskManager,
    pub(in crate::flink) allocated_slots: Vec<AllocatedSlot>,
    pub(in crate::flink) metrics: ProcessMetrics,
}

/// Memory in MiB.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct Resource {
    pub(in crate::flink) cpu_cores: f64,
    pub(in crate::flink) task_heap_memory: u64,
    pub(in crate::flink) task_off_heap_memory: u64,
    pub(in crate::flink) managed_memory: u64,
    pub(in crate::flink) network_memory: u64,
    pub(in crate::flink) extended_resources: Nothing,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct AllocatedSlot {
    pub(in crate::flink) job_id: String,
    pub(in crate::flink) resource: Resource,
    pub(in crate::flink) assigned_tasks: usize,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct Hardware {
    pub(in crate::flink) cpu_cores: u32,
    pub(in crate::flink) physical_memory: u64,
    pub(in crate::flink) free_memory: u64,
    pub(in crate::flink) managed_memory: u64,
}

/// Memory of a task manager. Weir does not divide it: all of it counts as the tasks' heap.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct MemoryConfiguration {
    pub(in crate::flink) framework_heap: u64,
    pub(in crate::flink) task_heap: u64,
    pub(in crate::flink) framework_off_heap: u64,
    pub(in crate::flink) task_off_heap: u64,
    pub(in crate::flink) network_memory: u64,
    pub(in crate::flink) managed_memory: u64,
    pub(in crate::flink) jvm_metaspace: u64,
    pub(in crate::flink) jvm_overhead: u64,
    pub(in crate::flink) total_flink_memory: u64,
    pub(in crate::flink) total_process_memory: u64,
}

/// Memory of the process. Values without a counterpart in Weir are 0; there is no garbage collection.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct ProcessMetrics {
    pub(in crate::flink) heap_used: u64,
    pub(in crate::flink) heap_committed: u64,
    pub(in crate::flink) heap_max: u64,
    pub(in crate::flink) non_heap_used: u64,
    pub(in crate::flink) non_heap_committed: u64,
    pub(in crate::flink) non_heap_max: u64,
    pub(in crate::flink) direct_count: u64,
    pub(in crate::flink) direct_used: u64,
    pub(in crate::flink) direct_max: u64,
    pub(in crate::flink) mapped_count: u64,
    pub(in crate::flink) mapped_used: u64,
    pub(in crate::flink) mapped_max: u64,
    pub(in crate::flink) netty_shuffle_memory_segments_available: u64,
    pub(in crate::flink) netty_shuffle_memory_segments_used: u64,
    pub(in crate::flink) netty_shuffle_memory_segments_total: u64,
    pub(in crate::flink) netty_shuffle_memory_available: u64,
    pub(in crate::flink) netty_shuffle_memory_used: u64,
    pub(in crate::flink) netty_shuffle_memory_total: u64,
    pub(in crate::flink) garbage_collectors: [Nothing; 0],
}

/// `…/logs`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct LogFiles {
    pub(in crate::flink) logs: Vec<LogFile>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct LogFile {
    pub(in crate::flink) name: &'static str,
    pub(in crate::flink) size: u64,
    pub(in crate::flink) mtime: i64,
}

/// `…/thread-dump`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct ThreadDump {
    pub(in crate::flink) thread_infos: Vec<ThreadInfo>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct ThreadInfo {
    pub(in crate::flink) thread_name: String,
    pub(in crate::flink) stringified_thread_info: String,
}

/// An effective setting: `/jobmanager/config`
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Setting {
    pub key: String,
    pub value: String,
}

/// `/jobmanager/environment`
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Environment {
    pub(in crate::flink) jvm: Machine,
    pub(in crate::flink) classpath: [Nothing; 0],
}

/// Values in place of Flink's JVM.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Machine {
    pub(in crate::flink) version: String,
    pub(in crate::flink) arch: &'static str,
    pub(in crate::flink) options: [Nothing; 0],
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct LogUrl {
    pub(in crate::flink) url: String,
}
