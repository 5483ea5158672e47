//! The memory of the machine for this process: on Linux the kernel's total, or less where a control group
//! limits it, as in containers.

use std::fs;

/// Assumed where the memory is unknown.
const UNKNOWN: u64 = 1 << 30;

/// Returns the bytes of memory that this process may use.
pub(crate) fn memory_bytes() -> u64 {
    memory_of(&|path| fs::read_to_string(path).ok()).unwrap_or(UNKNOWN)
}

/// Returns the minimum of the kernel's memory and of the limits of the control groups.
fn memory_of(read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    groups.lines().flat_map(|line| limits(line, read)).chain(total(read)).min()
}

/// Parses `MemTotal:       24601852 kB`.
fn total(read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let text = read("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Returns the limits of a group and of all groups around it. A line is `0::/path` (version 2) or
/// `7:memory:/path` (version 1); inside a container the path may exist only outside.
fn limits(line: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { return Vec::new() };

    let (root, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        of if of.split(',').any(|name| name == "memory") => {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };

    let mut limits = Vec::new();
    let mut path = path.trim_end_matches('/');

    loop {
        // `max` is no number, and no limit.
        limits.extend(read(&format!("{root}{path}/{file}")).and_then(|text| text.trim().parse::<u64>().ok()));
        match path.rfind('/') {
            Some(end) => path = &path[..end],
            None => return limits,
        }
    }
}

/// Returns the bytes of files that this process has in memory, mostly its own program.
pub(crate) fn program_bytes() -> usize {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    file_bytes(&read("/proc/self/status"))
}

/// Parses `RssFile:    20800 kB`.
fn file_bytes(status: &str) -> usize {
    let line = status.lines().find_map(|line| line.strip_prefix("RssFile:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(files: &[(&str, &str)]) -> Option<u64> {
        memory_of(&|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned()))
    }

    const MEMINFO: (&str, &str) = ("/proc/meminfo", "MemTotal:       8000 kB\nMemFree:  10 kB\n");

    #[test]
    fn the_programs_pages_are_those_of_files() {
        assert_eq!(file_bytes("VmRSS:\t 9 kB\nRssAnon:\t 7 kB\nRssFile:\t   2 kB\n"), 2048);
        assert_eq!(file_bytes(""), 0);
    }

    #[test]
    fn without_groups_it_is_what_the_kernel_has() {
        assert_eq!(memory(&[MEMINFO]), Some(8_192_000));
        assert_eq!(memory(&[]), None);
    }

    #[test]
    fn the_least_limit_of_all_groups_around_holds() {
        let group = ("/proc/self/cgroup", "0::/a/b\n");
        let (inner, outer) = ("/sys/fs/cgroup/a/b/memory.max", "/sys/fs/cgroup/a/memory.max");
        assert_eq!(memory(&[MEMINFO, group, (inner, "max\n"), (outer, "4096\n")]), Some(4096));
        assert_eq!(memory(&[MEMINFO, group, (inner, "1024\n"), (outer, "4096\n")]), Some(1024));
        assert_eq!(memory(&[MEMINFO, group, (inner, "max\n")]), Some(8_192_000));
    }

    #[test]
    fn groups_of_both_versions_and_of_containers_are_read() {
        let first = ("/proc/self/cgroup", "11:cpu,cpuacct:/x\n7:memory:/docker/12ab\n");
        let limit = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2048\n");
        assert_eq!(memory(&[MEMINFO, first, limit]), Some(2048));
        let container = [MEMINFO, ("/proc/self/cgroup", "0::/\n"), ("/sys/fs/cgroup/memory.max", "512\n")];
        assert_eq!(memory(&container), Some(512));
    }
}
