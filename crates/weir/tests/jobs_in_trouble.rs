//! The trouble of a job is reported in `weir jobs list`, `/readyz` and `/status`.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{BY_ID, Up, event, run, stderr, weir};

/// Returns the output of `weir jobs list`.
fn listed(up: &Up, arguments: &[&str]) -> String {
    let output = run(weir().args(["jobs", "--jobs-url", &up.jobs_http, "list"]).args(arguments));
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Returns the message of the check `jobs` of `/readyz`, where it fails.
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

    // A file is in the place of the next checkpoints.
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

#[test]
fn a_job_that_could_not_be_started_again_is_listed_with_its_reason_until_it_is_cancelled() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, script) = (directory.path(), script(directory.path(), BY_ID));
    let up = Up::start_in(data, &[], &[("WEIR_LOG", "off")]);
    let submitted = run(weir().args(["run", "--jobs-url", &up.jobs_http, &script]));
    assert!(submitted.status.success(), "{}", stderr(&submitted));
    let job = String::from_utf8(submitted.stdout).expect("an id").trim().to_owned();
    assert!(up.stop().success());

    let record = data.join("jobs").join(format!("{job}.json"));
    let text = std::fs::read_to_string(&record).expect("a record");
    std::fs::write(&record, text.replace("COUNT(*)", "CUONT(*)")).expect("it can be written");
    let up = Up::start_in(data, &[], &[("WEIR_LOG", "off")]);
    let list = listed(&up, &[]);
    let at = list.find(&job).unwrap_or_else(|| panic!("the job is not in {list}"));
    assert!(list[at..].contains("FAILED") && list[at..].contains("\n  could not be started again"), "{list}");
    assert!(list[at..].contains("CUONT"), "{list}");
    let status = up.get("/status");
    let failed = status["jobs"].as_array().expect("jobs").iter().find(|of| of["id"] == job.as_str());
    let message = failed.and_then(|job| job["message"].as_str());
    assert!(message.is_some_and(|text| text.contains("CUONT")), "{status}");

    // Another job of this name does not replace it.
    let again = run(weir().args(["run", "--jobs-url", &up.jobs_http, &script]));
    assert!(again.status.success(), "{}", stderr(&again));
    let (is_ready, readiness) = up.readiness();
    assert!(!is_ready && not_ready(&readiness).is_some_and(|told| told.contains(&job)), "{readiness}");
    let cancelled = run(weir().args(["jobs", "--jobs-url", &up.jobs_http, "cancel", &job]));
    assert!(cancelled.status.success(), "{}", stderr(&cancelled));
    assert!(!listed(&up, &[]).contains(&job));
    assert!(listed(&up, &["--all"]).contains(&job));
    assert!(up.readiness().0);
    assert!(up.stop().success());
}

#[test]
fn a_job_most_of_whose_events_are_late_says_so_and_takes_it_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = script(directory.path(), BY_ID);
    let up = Up::start_in(directory.path(), &[&script], &[("WEIR_LOG", "off")]);
    let job = up.wait_for_jobs(1).remove(0);
    let at = |hour: u32, count: u64| {
        let event = |id| format!(r#"{{"query_id":"{id}","timestamp":"2025-12-09T{hour:02}:00:00Z"}}"#);
        assert_eq!(up.post(&(0..count).map(event).collect::<Vec<_>>()), 202);
    };
    at(12, 10);
    up.wait_for_job(&job, |job| job["ledger"]["counted"].as_u64() == Some(10));

    at(2, 200);
    let figures = up.wait_for_job(&job, |job| job["mostly_late"].is_string());
    assert_eq!((&figures["mostly_dead"], &figures["problem"]), (&Value::Null, &Value::Null), "{figures}");
    let list = listed(&up, &[]);
    assert!(list.contains("\n  late events: ") && list.contains("`by_id`"), "{list}");
    let message = &up.get("/status")["jobs"][0]["message"];
    assert!(message.as_str().is_some_and(|text| text.starts_with("late events: ")), "{message}");
    assert!(up.readiness().0, "it counts what is in time");

    at(13, 200);
    up.wait_for_job(&job, |job| job["mostly_late"].is_null());
    assert!(up.stop().success());
}
