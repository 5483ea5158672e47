//! The process as Flink's pages show it: the one task manager, and the job manager. Figures come from `/proc`; where there
//! is none they are 0.

use std::fs;

use jobs::JobView;
use types::Timestamp;

use super::metrics::Measures;
use super::model::{
    AllocatedSlot, Environment, Hardware, Machine, MemoryConfiguration, Nothing, ProcessMetrics, Resource,
    TaskManager, TaskManagerDetails, ThreadDump, ThreadInfo,
};

/// The task manager's id, and where it is said to listen: nowhere, since nothing goes over a wire.
pub(super) const TASK_MANAGER: &str = "weir";
pub(super) const ENDPOINT: &str = "localhost:0";

const MIB: u64 = 1 << 20;

/// As Java names them.
const ARCH: &str = match () {
    () if cfg!(target_arch = "x86_64") => "amd64",
    () if cfg!(target_arch = "aarch64") => "aarch64",
    () => "unknown",
};

/// What the operating system tells of this process. Memory is in bytes.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Process {
    pub(super) resident: u64,
    pub(super) peak: u64,
    pub(super) physical: u64,
    pub(super) free: u64,
    pub(super) threads: u64,
    pub(super) files: u64,
    pub(super) files_max: u64,
    /// Nanoseconds of processor time.
    pub(super) cpu_ns: u64,
    /// Processes that wanted to run during the last minute, on all processors.
    pub(super) load: f64,
    pub(super) processors: u32,
}

impl Process {
    pub(super) fn read() -> Process {
        let status = read("/proc/self/status");
        let memory = read("/proc/meminfo");
        let limits = read("/proc/self/limits");
        let of_open_files =
            limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
        let load = read("/proc/loadavg");
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Process {
            resident: kib(&status, "VmRSS:") * 1024,
            peak: kib(&status, "VmHWM:") * 1024,
            physical: kib(&memory, "MemTotal:") * 1024,
            free: kib(&memory, "MemAvailable:") * 1024,
            threads: kib(&status, "Threads:"),
            files: fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
            files_max: of_open_files
                .split_whitespace()
                .nth(3)
                .and_then(|most| most.parse().ok())
                .unwrap_or(0),
            cpu_ns: cpu_ns(&read("/proc/self/stat")),
            load: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
            processors: u32::try_from(processors).unwrap_or(u32::MAX),
        }
    }

    /// By Flink's names, as far as they mean something here.
    pub(super) fn measures(&self) -> Measures {
        let measures = [
            ("Status.JVM.CPU.Load", (self.load / f64::from(self.processors)).min(1.0)),
            ("Status.JVM.CPU.Time", self.cpu_ns as f64),
            ("Status.JVM.Memory.Heap.Used", self.resident as f64),
            ("Status.JVM.Memory.Heap.Committed", self.resident as f64),
            ("Status.JVM.Memory.Heap.Max", self.physical as f64),
            ("Status.JVM.Threads.Count", self.threads as f64),
            ("Status.JVM.FileDescriptor.Open", self.files as f64),
            ("Status.JVM.FileDescriptor.Max", self.files_max as f64),
        ];
        measures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The number behind a name: `VmRSS:    1234 kB`.
fn kib(text: &str, name: &str) -> u64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(name));
    rest.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// User and system time of all threads: fields 14 and 15 of `stat`, in ticks of 10 ms. The name, the second field, may
/// hold anything.
fn cpu_ns(stat: &str) -> u64 {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let times = after_name.split_whitespace().skip(11).take(2);
    times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10_000_000
}

/// `slots`: how many there are, and how many are free; `tasks`: how many subtasks run.
pub(super) fn task_manager(
    process: &Process,
    (slots, free): (u32, u32),
    tasks: usize,
    address: &str,
    now: Timestamp,
) -> TaskManager {
    let resource = |slots: u32| Resource {
        cpu_cores: f64::from(slots),
        task_heap_memory: process.physical / MIB,
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
            cpu_cores: process.processors,
            physical_memory: process.physical,
            free_memory: process.free,
            managed_memory: 0,
        },
        memory_configuration: MemoryConfiguration {
            task_heap: process.physical,
            total_flink_memory: process.physical,
            total_process_memory: process.physical,
            ..MemoryConfiguration::default()
        },
    }
}

/// A slot for each of a running job's subtasks side by side.
pub(super) fn details(process: &Process, running: &[JobView], manager: TaskManager) -> TaskManagerDetails {
    let slot = |view: &JobView, number: u32| AllocatedSlot {
        job_id: view.id.to_string(),
        resource: Resource { cpu_cores: 1.0, ..Resource::default() },
        assigned_tasks: view.tasks.iter().filter(|task| task.subtask == number as usize).count(),
    };
    TaskManagerDetails {
        manager,
        allocated_slots: running
            .iter()
            .flat_map(|view| (0..view.parallelism).map(|number| slot(view, number)))
            .collect(),
        metrics: ProcessMetrics {
            heap_used: process.resident,
            heap_committed: process.peak.max(process.resident),
            heap_max: process.physical,
            ..ProcessMetrics::default()
        },
    }
}

/// All threads by their names, and whether they run or wait.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_where_they_stand() {
        assert_eq!(kib("Name:\tx\nVmRSS:\t  1234 kB\nThreads:\t5\n", "VmRSS:"), 1234);
        assert_eq!(kib("", "VmRSS:"), 0);
        let stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 200 30 0 0";
        assert_eq!(cpu_ns(stat), 2_300_000_000);
        assert_eq!(cpu_ns(""), 0);
    }
}
