//! Measurements of this process by the operating system, for Flink's pages and for `/metrics`. They come from
//! `/proc`; without it they are 0.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Ticks per second in which Linux reports times to programs, on every architecture.
const TICKS: f64 = 100.0;

/// Measurements of the process. Memory is in bytes.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Process {
    pub(crate) resident: u64,
    /// The peak of resident memory.
    pub(crate) peak: u64,
    pub(crate) virtual_memory: u64,
    /// Memory of the machine, in bytes.
    pub(crate) physical: u64,
    pub(crate) threads: u64,
    pub(crate) files: u64,
    pub(crate) files_max: u64,
    /// Nanoseconds of processor time.
    pub(crate) cpu_ns: u64,
    /// Seconds since 1970.
    pub(crate) started: f64,
    pub(crate) processors: u32,
}

impl Process {
    pub(crate) fn read() -> Process {
        let status = read("/proc/self/status");
        let limits = read("/proc/self/limits");
        let of_open_files =
            limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let stat = read("/proc/self/stat");

        Process {
            resident: number(&status, "VmRSS:") * 1024,
            peak: number(&status, "VmHWM:") * 1024,
            virtual_memory: number(&status, "VmSize:") * 1024,
            physical: number(&read("/proc/meminfo"), "MemTotal:") * 1024,
            threads: number(&status, "Threads:"),
            files: fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
            files_max: of_open_files
                .split_whitespace()
                .nth(3)
                .and_then(|most| most.parse().ok())
                .unwrap_or(0),
            cpu_ns: cpu_ns(&stat),
            started: started(&stat, &read("/proc/stat")),
            processors: u32::try_from(processors).unwrap_or(u32::MAX),
        }
    }
}

/// Returns the nanoseconds of processor time that this process has used.
pub(crate) fn cpu_time_ns() -> u64 {
    cpu_ns(&read("/proc/self/stat"))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Returns the number behind a name: `VmRSS:    1234 kB`.
fn number(text: &str, name: &str) -> u64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(name));
    rest.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Returns a field of `/proc/self/stat`, counted from 1 as in its manual. The name, field 2, may contain
/// anything.
fn field(stat: &str, number: usize) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(number - 3)?.parse().ok()
}

/// Returns user and system time of all threads.
fn cpu_ns(stat: &str) -> u64 {
    let ticks: u64 = [14, 15].into_iter().filter_map(|number| field(stat, number)).sum();
    ticks * 10_000_000
}

/// Returns the process's start: its start since boot, plus the time of the boot since 1970.
fn started(stat: &str, machine: &str) -> f64 {
    let since_boot = field(stat, 22).unwrap_or(0) as f64 / TICKS;
    number(machine, "btime ") as f64 + since_boot
}

/// The `process_*` metrics that every Prometheus client library exports.
#[derive(Debug)]
pub(crate) struct ProcessMetrics;

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let process = Process::read();
        let help = "Processor time of this process";
        let cpu = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
        ConstCounter::new(process.cpu_ns as f64 / 1e9).encode(cpu)?;

        for (name, help, value) in [
            (
                "process_resident_memory_bytes",
                "Memory of this process that is in RAM",
                process.resident as f64,
            ),
            ("process_virtual_memory_bytes", "Address space of this process", process.virtual_memory as f64),
            ("process_start_time_seconds", "When this process started, since 1970", process.started),
            ("process_open_fds", "Open file handles", process.files as f64),
            ("process_max_fds", "File handles that may be open", process.files_max as f64),
            ("process_threads", "Threads", process.threads as f64),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_where_they_stand() {
        assert_eq!(number("Name:\tx\nVmRSS:\t  1234 kB\nThreads:\t5\n", "VmRSS:"), 1234);
        assert_eq!(number("", "VmRSS:"), 0);
        let stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 200 30 0 0 20 0 4 0 1250";
        assert_eq!(
            (cpu_ns(stat), started(stat, "cpu 1\nbtime 1700000000\n")),
            (2_300_000_000, 1_700_000_012.5)
        );
        assert_eq!((cpu_ns(""), started("", "")), (0, 0.0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_figures() {
        let process = Process::read();
        assert!(process.resident > 0 && process.virtual_memory >= process.resident && process.threads > 0);
        assert!(process.files > 0 && process.files_max > 0 && process.started > 1.6e9);
    }
}
