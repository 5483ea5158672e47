//! What a process uses, as Linux reports it in `/proc`.

use std::fs;

/// Returns the CPU seconds that a process has used.
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux tells");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: f64 = fields[11..=12].iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    // SAFETY: sysconf accesses no memory.
    ticks / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
}

/// Returns the resident memory of a process in MB.
pub fn memory_mb(process: u32) -> u64 {
    megabytes(process, "VmRSS:")
}

/// Returns the peak of a process's resident memory in MB.
pub fn peak_mb(process: u32) -> u64 {
    megabytes(process, "VmHWM:")
}

fn megabytes(process: u32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the key is there");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("kB") / 1024
}
