//! A key space larger than the memory: the job waits and reports it, nothing is dropped, and the job
//! continues with more memory.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use support::{BY_ID, Up, event, run, weir};

const MIB: u64 = 1 << 20;
/// Memory of jobs at first.
const MEMORY: u64 = 32 * MIB;
/// Other memory of a loaded Weir: the log, the store, requests and threads.
const BESIDES: u64 = 128 * MIB;
const BATCH: u64 = 2_000;
const BATCHES: u64 = 60;

/// Returns the peak of a process's resident memory.
fn peak(up: &Up) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", up.id())).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak is known");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
}

/// Returns events with long, unique keys.
fn batch(number: u64) -> Vec<String> {
    let ids = number * BATCH..(number + 1) * BATCH;
    let key = format!("\"query_id\":\"{}", "k".repeat(500));
    ids.map(|id| event(id, 0).replace("\"query_id\":\"", &key)).collect()
}

#[test]
fn a_key_space_beyond_the_memory_stops_its_job_and_is_counted_when_there_is_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, script) = (directory.path().join("data"), directory.path().join("by-id.sql"));
    std::fs::create_dir(&data).expect("a directory");
    std::fs::write(&script, BY_ID.replace("SET 'weir.early-fire' = '0 s';", "")).expect("a script");
    let script = script.to_str().expect("a path of this test");
    let memory = format!("{MEMORY} B");
    let start = |memory: &str| {
        let environment = [
            ("WEIR_JOBS_MEMORY", memory),
            ("WEIR_INGEST_MEMORY", "16 MiB"),
            ("WEIR_CHECKPOINTS_INTERVAL", "200 ms"),
            ("WEIR_LOG", "error"),
        ];
        Up::start_in(&data, &[script], &environment)
    };
    let up = start(&memory);
    let job = up.wait_for_jobs(1).remove(0);
    (0..BATCHES)
        .for_each(|number| assert_eq!(up.post(&batch(number)), 202, "the log takes what the job cannot"));
    let stuck = up.wait_for_job(&job, |job| job["memory"]["stuck"] == true);
    let accepted = stuck["ledger"]["accepted"].as_u64().expect("a count");
    assert!(accepted < BATCH * BATCHES, "{stuck}");
    let by_query = &stuck["memory"]["by_query"]["by_id"];
    assert!(by_query.as_u64() > Some(MEMORY / 8), "{stuck}");
    let why = stuck["memory"]["held_back"].as_str().expect("a reason");
    assert!(why.contains("by_id"), "{why}");
    // Checkpoints complete all the while.
    let taken = |job: &Value| job["checkpoints"]["completed"].as_u64();
    let before = taken(&stuck);
    up.wait_for_job(&job, |job| taken(job) > before.map(|count| count + 2));
    let list = run(weir().args(["jobs", "list", "--jobs-url", &up.jobs_http]));
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("waits for memory: "), "{list}");
    let metrics = up.text("/metrics");
    assert!(
        metrics.lines().any(|line| line.starts_with("weir_job_waits_for_memory{") && !line.ends_with(" 0.0"))
    );
    let peak = peak(&up);
    assert!(peak < MEMORY + BESIDES, "{} MiB were taken", peak / MIB);
    assert!(up.stop().success());

    let up = start("1 GiB");
    let figures = up.wait_for_job(&job, |job| job["ledger"]["counted"].as_u64() == Some(BATCH * BATCHES));
    assert_eq!((&figures["ledger"]["late"], &figures["memory"]["stuck"]), (&0.into(), &false.into()));
    assert!(up.stop().success());
}
