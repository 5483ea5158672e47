//! The process as Flink's pages show it: the only task manager, and the job manager.

use std::fs;

use jobs::JobView;
use types::Timestamp;

use super::metrics::Measures;
use super::model::{
    AllocatedSlot, Environment, Hardware, Machine, MemoryConfiguration, Nothing, ProcessMetrics, Resource,
    TaskManager, TaskManagerDetails, ThreadDump, ThreadInfo,
};
use crate::process::Process;

/// The task manager's id and address. The address is a placeholder, since nothing goes over a network.
pub(super) const TASK_MANAGER: &str = "weir";
pub(super) const ENDPOINT: &str = "localhost:0";

const MIB: u64 = 1 << 20;

/// The architecture under Java's name.
const ARCH: &str = match () {
    () if cfg!(target_arch = "x86_64") => "amd64",
    () if cfg!(target_arch = "aarch64") => "aarch64",
    () => "unknown",
};

/// Measurements of the process. Memory is in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) process: Process,
    /// Limit of the process's memory: the machine's memory, or the limit of its control group.
    pub(super) memory_max: u64,
    /// Recent share of all processors that the process has used, from 0 to 1.
    pub(super) cpu_load: f64,
}

impl Seen {
    /// Returns the measurements that have a counterpart in Flink, under Flink's names.
    pub(super) fn measures(&self) -> Measures {
        let Seen { process, memory_max, cpu_load } = *self;
        let measures = [
            ("Status.JVM.CPU.Load", cpu_load),
            ("Status.JVM.CPU.Time", process.cpu_ns as f64),
            ("Status.JVM.Memory.Heap.Used", process.resident as f64),
            ("Status.JVM.Memory.Heap.Committed", process.resident as f64),
            ("Status.JVM.Memory.Heap.Max", memory_max as f64),
            ("Status.JVM.Threads.Count", process.threads as f64),
            ("Status.JVM.FileDescriptor.Open", process.files as f64),
            ("Status.JVM.FileDescriptor.Max", process.files_max as f64),
        ];
        measures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// `slots` are the number of slots and of free slots; `tasks` is the number of running subtasks.
pub(super) fn task_manager(
    seen: &Seen,
    (slots, free): (u32, u32),
    tasks: usize,
    address: &str,
    now: Timestamp,
) -> TaskManager {
    let resource = |slots: u32| Resource {
        cpu_cores: f64::from(slots),
        task_heap_memory: seen.memory_max / MIB,
        extended_resources: Nothing {},
        ..Resource::default()
    };

    TaskManager {
        id: TASK_MANAGER,
        path: format!("weir://{address}/"),
        data_port: 0,
        jmx_port: -1,
        time_since_last_heartbeat: now.0,
        slots_number: slots,
        free_slots: free,
        assigned_tasks: tasks,
        total_resource: resource(slots),
        free_resource: resource(free),
        hardware: Hardware {
            cpu_cores: seen.process.processors,
            physical_memory: seen.process.physical,
            // Flink calls the maximum of the heap so, used or not.
            free_memory: seen.memory_max,
            managed_memory: 0,
        },
        memory_configuration: MemoryConfiguration {
            task_heap: seen.memory_max,
            total_flink_memory: seen.memory_max,
            total_process_memory: seen.memory_max,
            ..MemoryConfiguration::default()
        },
    }
}

/// Returns the task manager with one slot for each parallel subtask of a running job.
pub(super) fn details(seen: &Seen, running: &[JobView], manager: TaskManager) -> TaskManagerDetails {
    let slot = |view: &JobView, number: u32| AllocatedSlot {
        job_id: view.id.to_string(),
        resource: Resource { cpu_cores: 1.0, ..Resource::default() },
        assigned_tasks: view
            .tasks
            .iter()
            .filter(|task| task.subtask == number as usize && task.finished.is_none())
            .count(),
    };

    TaskManagerDetails {
        manager,
        allocated_slots: running
            .iter()
            .flat_map(|view| (0..view.parallelism).map(|number| slot(view, number)))
            .collect(),
        metrics: ProcessMetrics {
            heap_used: seen.process.resident,
            heap_committed: seen.process.peak.max(seen.process.resident),
            heap_max: seen.memory_max,
            ..ProcessMetrics::default()
        },
    }
}

/// Returns all threads by name, and whether each runs or waits.
pub(super) fn thread_dump() -> ThreadDump {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut threads: Vec<(u64, ThreadInfo)> = tasks
        .filter_map(|task| {
            let id = task.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(task.path().join("stat")).ok()?;
            let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
            let state = match rest.trim_start().chars().next()? {
                'R' => "RUNNABLE",
                'D' => "BLOCKED",
                _ => "WAITING",
            };
            let text = format!("\"{name}\" Id={id} {state}\n\n");
            Some((id, ThreadInfo { thread_name: name.to_owned(), stringified_thread_info: text }))
        })
        .collect();
    threads.sort_by_key(|(id, _)| *id);
    ThreadDump { thread_infos: threads.into_iter().map(|(_, info)| info).collect() }
}

pub(super) fn environment() -> Environment {
    Environment {
        jvm: Machine {
            version: concat!("Weir ", env!("CARGO_PKG_VERSION"), ", no JVM").to_owned(),
            arch: ARCH,
            options: [],
        },
        classpath: [],
    }
}
