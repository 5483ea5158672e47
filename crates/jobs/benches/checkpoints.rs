//! Benchmark of checkpoints: CPU time, elapsed time, written bytes and memory of each, for the built-in
//! analytics and for an operator with a large state that does not change.
//!
//! Run `cargo bench -p jobs --bench checkpoints`; it takes half a minute. CPU time is that of the process, in
//! steps of 10 ms.
#![allow(clippy::disallowed_methods, reason = "a benchmark takes the time")]

#[path = "../tests/support/memory.rs"]
#[expect(dead_code, reason = "tests ask more of the log and the store")]
mod memory;
#[path = "../tests/support/stage.rs"]
#[expect(dead_code, reason = "tests ask more of the stage")]
mod stage;

use std::fs;
use std::path::Path;
use std::time::Instant;

use engine::snapshot::encode_sized;
use jobs::checkpoint::{
    CheckpointDirectory, CheckpointKind, EarlierParts, INLINE_BELOW, Manifest, PartTotals, PartWriter,
    StateFile,
};
use stage::{Running, Stage, TOPIC, compile};

const ANALYTICS: &str = include_str!("../../../jobs/analytics.sql");
const SUMS: &str = "
CREATE TABLE events (k STRING, v INT)
  WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE sums (k STRING, n BIGINT, total INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'blackhole');
INSERT INTO sums SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k;
";

fn main() {
    let event = |n: usize| {
        format!(
            r#"{{"query_id": "q-{n}", "timestamp": "2025-12-09T14:{:02}:{:02}Z", "query_text": "text {}",
                "user": {{"user_id": {}, "user_type": "kind {}", "department_id": {}, "years": {}}},
                "rag_metrics": {{"response_time_ms": {}, "success": true}}}}"#,
            n / 1_000,
            n / 17 % 60,
            n % 2_000,
            n % 900,
            n % 4,
            n % 20,
            n % 5,
            n % 1_789
        )
    };
    take("the fifteen analytics", ANALYTICS, (0..20_000).map(event).collect(), 100);

    let large = |n: usize| format!(r#"{{"k": "key-{n:0200}", "v": {n}}}"#);
    take("1,000,000 keys of 204 bytes", SUMS, (0..1_000_000).map(large).collect(), 1);
}

/// Takes four rounds of checkpoints of a job that has read these events.
fn take(name: &str, script: &str, events: Vec<String>, each: u64) {
    let count = events.len();
    let stage = Stage::new(vec![events]);
    stage.log.show(TOPIC, &[count]);
    let job = stage.start(&compile(script), 1, 4_096, None);
    job.read_up_to(&[count]);
    let files = tempfile::tempdir().expect("a directory");
    let directory = CheckpointDirectory::open(files.path().to_str().expect("a path")).expect("it opens");

    let mut earlier = EarlierParts::default();
    for round in 0..4 {
        // Reset the peak, so that it shows what this round needs.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let resident = figure("status", "VmRSS:");
        let (began, cpu) = (Instant::now(), cpu_ms());
        let mut totals = (0, 0);
        for id in round * each..(round + 1) * each {
            totals = checkpoint(&job, &directory, id, &mut earlier);
        }

        let of = each as f64;
        report(&format!(
            "{name}: {:.2} ms of CPU, {:.1} ms; {} KB of state, {} KB written; {} MB beside the {} MB before",
            (cpu_ms() - cpu) / of,
            began.elapsed().as_secs_f64() * 1e3 / of,
            totals.0 >> 10,
            totals.1 >> 10,
            figure("status", "VmHWM:").saturating_sub(resident) >> 10,
            resident >> 10,
        ));
    }
    job.crash();
}

/// Takes and writes a checkpoint; returns its bytes and the bytes that were written.
fn checkpoint(
    job: &Running<'_>,
    directory: &CheckpointDirectory,
    id: u64,
    earlier: &mut EarlierParts,
) -> (u64, u64) {
    let place = format!("job/chk-{id}");
    let mut parts = PartWriter::new(directory, &place, earlier, (INLINE_BELOW, 0));
    let snapshot = job.snapshot_kept(&mut parts);
    let mut manifest = Manifest {
        format: 0,
        kind: CheckpointKind::Checkpoint,
        id,
        job_id: String::new(),
        job_name: String::new(),
        taken: 0,
        parallelism: 1,
        records: 0,
        state: StateFile { name: String::new(), bytes: 0, crc32: 0 },
        parts: PartTotals::default(),
    };
    let (envelope, _) = encode_sized(&snapshot);
    directory.write(&place, &mut manifest, envelope, &parts).expect("it is written");

    *earlier = EarlierParts::of(&Path::new(directory.location()).join(&place), &snapshot);
    if let Some(old) = id.checked_sub(1) {
        directory.remove(&format!("job/chk-{old}")).expect("it is removed");
    }
    (manifest.state_bytes(), manifest.state_bytes() - manifest.parts.reused)
}

/// Returns a figure of the process from Linux, in KB.
fn figure(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn cpu_ms() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default();
    // The fields are ticks of 10 ms in user and in system mode.
    fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
        * 10.0
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn report(line: &str) {
    println!("{line}");
}
