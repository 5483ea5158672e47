//! What is wrong with a job is named wherever somebody looks: `weir jobs list`, `/readyz`, `/status`.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{BY_ID, Up, event, run, stderr, weir};

/// What `weir jobs list` prints.
fn listed(up: &Up, arguments: &[&str]) -> String {
    let output = run(weir().args(["jobs", "--jobs-url", &up.jobs_http, "list"]).args(arguments));
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// The message of the check `jobs` of `/readyz`, where it fails.
fn not_ready(readiness: &Value) -> Option<&str> {
    let checks = readiness["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == "jobs")?["message"].as_str()
}

fn script(directory: &Path, text: &str) -> String {
    let path = directory.join("by-id.sql");
    std::fs::write(&path, text).expect("a script");
    path.display().to_string()
}

#[test]
fn checkpoints_that_fail_in_a_row_are_named_until_one_succeeds() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = script(directory.path(), BY_ID);
    let environment = [("WEIR_CHECKPOINTS_INTERVAL", "50 ms"), ("WEIR_LOG", "off")];
    let up = Up::start_in(directory.path(), &[&script], &environment);
    let job = up.wait_for_jobs(1).remove(0);
    up.wait_for_job(&job, |job| job["checkpoints"]["completed"].as_u64() > Some(0));
    assert!(up.readiness().0);

    // A file stands where the next ones would go.
    let checkpoints = directory.path().join("checkpoints");
    let (place, aside) = (checkpoints.join(&job), directory.path().join("aside"));
    std::fs::rename(&place, &aside).expect("checkpoints of the job");
    std::fs::write(&place, "").expect("a file");
    up.wait_for_job(&job, |job| job["problem"].is_string());

    let (is_ready, readiness) = up.readiness();
    let told = not_ready(&readiness).unwrap_or_default();
    assert!(!is_ready && told.contains("cannot complete a checkpoint since"), "{readiness}");
    let list = listed(&up, &[]);
    assert!(list.contains("RUNNING") && list.contains("\n  cannot complete a checkpoint since"), "{list}");
    let message = &up.get("/status")["jobs"][0]["message"];
    assert!(message.as_str().is_some_and(|text| text.contains("checkpoint")), "{message}");
    let metrics = up.text("/metrics");
    let blocked = metrics.lines().find(|line| line.starts_with("weir_job_blocked{"));
    let blocked = blocked.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    assert_eq!(blocked, Some(0.0), "it counts on");
    assert_eq!(up.post(&[event(1, 1)]), 202);
    up.wait_for_job(&job, |job| job["ledger"]["counted"].as_u64() == Some(1));

    std::fs::remove_file(&place).expect("it is there");
    std::fs::rename(&aside, &place).expect("it is there");
    up.wait_for_job(&job, |job| job["problem"].is_null());
    assert!(up.readiness().0);
    assert!(up.stop().success());
}
