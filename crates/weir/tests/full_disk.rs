//! A disk that fills up: events are refused, jobs wait, and all continues when there is room again.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use storage::store::{EmbeddedStore, ResultStore as _};
use support::{BY_ID, Up, event};
use types::SystemClock;

/// Size of the file that is removed from the disk in the end.
const BALLAST: usize = 64 << 20;
/// Room that Weir has before that.
const ROOM: u64 = 16 << 20;
const BATCH: u64 = 500;

/// Returns a directory on a disk in memory where there is one, since other processes write little there.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a directory")
}

fn batch(number: u64) -> Vec<String> {
    (number * BATCH..(number + 1) * BATCH).map(|id| event(id, 1_000)).collect()
}

#[test]
fn a_full_disk_refuses_events_holds_jobs_and_loses_nothing() {
    let directory = directory();
    let (data, script) = (directory.path().join("data"), directory.path().join("by-id.sql"));
    std::fs::create_dir(&data).expect("a directory");
    std::fs::write(&script, BY_ID).expect("a script");
    let ballast = directory.path().join("ballast");
    std::fs::write(&ballast, vec![1; BALLAST]).expect("room for the ballast");
    let keep_free = storage::free_bytes(&data).expect("it is known what is free") - ROOM;
    let keep_free = format!("{keep_free} B");
    let environment = [
        ("WEIR_RESULT_STORE_KEEP_FREE", keep_free.as_str()),
        ("WEIR_CHECKPOINTS_INTERVAL", "100 ms"),
        ("WEIR_CHECKPOINTS_TIMEOUT", "1 s"),
        ("WEIR_LOG", "off"),
    ];
    let up = Up::start_in(&data, &[script.to_str().expect("a path of this test")], &environment);
    let job = up.wait_for_jobs(1).remove(0);

    let mut batches = 0;
    let refused = loop {
        match up.post(&batch(batches)) {
            202 => batches += 1,
            status => break status,
        }
        assert!(batches < 1_000, "the disk does not fill up");
    };
    assert_eq!((refused, batches > 5), (507, true), "after {batches} batches");
    let held = up.wait_for_job(&job, |job| job["checkpoints"]["failed"].as_u64() > Some(0));
    assert_eq!(held["status"], "RUNNING", "{held}");
    assert_eq!(up.post(&batch(batches)), 507);
    let (is_ready, readiness) = up.readiness();
    let log = &readiness["checks"][0];
    assert!(!is_ready && log["name"] == "log" && log["ok"] == false, "{readiness}");
    assert!(log["message"].as_str().is_some_and(|text| text.contains("no space left")), "{readiness}");
    let message = &up.get("/status")["jobs"][0]["message"];
    assert!(message.as_str().is_some_and(|text| text.contains("no space left")), "{message}");

    std::fs::remove_file(&ballast).expect("the ballast is there");
    assert_eq!(up.post(&batch(batches)), 202, "what was refused is taken when there is room");
    batches += 1;
    let events = batches * BATCH;
    up.wait_for_job(&job, |job| job["ledger"]["counted"].as_u64() == Some(events));
    let completed = |job: &Value| job["checkpoints"]["completed"].as_u64();
    let before = completed(&up.figures(&job));
    up.wait_for_job(&job, |job| completed(job) > before.map(|count| count + 1));
    assert!(up.stop().success());

    let clock = Arc::new(SystemClock::new());
    let store = EmbeddedStore::open(&data.join("results"), Default::default(), clock).expect("the store");
    let mut counted = BTreeMap::new();
    let scanned = store.scan("by-id:", &mut |entry| {
        let row: Value = serde_json::from_slice(&entry.value).expect("a row");
        counted.insert(row["query_id"].to_string(), row["n"].as_u64());
        true
    });
    scanned.expect("the store can be read");
    assert_eq!(counted.len() as u64, events);
    assert!(counted.values().all(|n| *n == Some(1)), "each event is counted once");
}
