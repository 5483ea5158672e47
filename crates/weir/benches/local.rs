//! Measures a complete `weir local` over two million generated events with all forms of times: CPU seconds,
//! events per CPU second, and resident memory. Prints the median of several runs, with minimum and maximum.
//!
//! `cargo bench -p weir --bench local [-- COUNT]`; the files of events are kept in the target directory.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const WEIR: &str = env!("CARGO_BIN_EXE_weir");
const RUNS: usize = 5;
const EVENTS: u64 = 2_000_000;

fn main() {
    let count = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(EVENTS);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../jobs/analytics.sql");

    for texts in [2_000, 100_000] {
        let events = generated(count, texts);
        for parallelism in [1, 2] {
            // The first run brings the file into the page cache.
            run(&script, &events, parallelism);
            let mut runs: Vec<Run> = (0..RUNS).map(|_| run(&script, &events, parallelism)).collect();
            runs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
            let median = &runs[RUNS / 2];
            println!(
                "{texts:>6} texts, parallelism {parallelism}: {:>9.0} events/CPU s  ({:.2} CPU s of {:.2} to {:.2}, {} MB)",
                count as f64 / median.cpu,
                median.cpu,
                runs[0].cpu,
                runs[RUNS - 1].cpu,
                median.memory_mb,
            );
        }
    }
}

/// Returns a file of events, which is generated once.
fn generated(count: u64, texts: u64) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("events-{count}-{texts}.jsonl"));
    if !path.exists() {
        let part = path.with_extension("part");
        let made = Command::new(WEIR)
            .args(["generate", "--mixed-times", "--seed", "11", "--count", &count.to_string()])
            .args(["--texts", &texts.to_string(), "--output"])
            .arg(&part)
            .stderr(Stdio::null())
            .status()
            .expect("weir runs");
        assert!(made.success(), "events could not be generated");
        std::fs::rename(&part, &path).expect("the file was just written");
    }
    path
}

struct Run {
    cpu: f64,
    memory_mb: i64,
}

#[expect(clippy::zombie_processes, reason = "it is waited for below, in the way that tells its usage")]
fn run(script: &Path, events: &Path, parallelism: u32) -> Run {
    let mut input = std::ffi::OsString::from("user_queries=");
    input.push(events);
    let child = Command::new(WEIR)
        .arg("local")
        .arg(script)
        .arg("--input")
        .arg(input)
        .args(["--output", "/dev/null", "--parallelism", &parallelism.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("weir runs");
    // SAFETY: a usage is numbers only, for which zero is a value.
    let (mut status, mut usage) = (0, unsafe { std::mem::zeroed::<libc::rusage>() });
    // SAFETY: the child is ours and waited for once; both pointers are to live values.
    let waited = unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) };
    assert!(waited > 0 && status == 0, "weir local failed");
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Run { cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime), memory_mb: usage.ru_maxrss / 1024 }
}
