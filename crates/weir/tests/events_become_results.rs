//! Every accepted event is counted in the results, and the results survive a restart.

mod support;

use serde_json::Value;
use support::{Up, run, stderr, weir};

/// Posts generated events and returns how many were accepted.
fn generate(up: &Up, arguments: &[&str]) -> u64 {
    let url = format!("{}/events", up.http);
    let output =
        run(weir().args(["generate", "--url", &url, "--start", "2025-12-09T11:30:00"]).args(arguments));
    assert!(output.status.success(), "{}", stderr(&output));
    // `1000 events sent in 0.2 s, 5000 events/s: 980 accepted, 20 rejected`
    let words = stderr(&output);
    let accepted =
        words.split_whitespace().zip(words.split_whitespace().skip(1)).find(|(_, word)| *word == "accepted,");
    accepted.and_then(|(count, _)| count.parse().ok()).unwrap_or_else(|| panic!("{words}"))
}

fn total(answer: &Value) -> u64 {
    answer["total_queries"].as_u64().unwrap_or_default()
}

const OVERALL: &str = "/analytics/redis/overall-summary?days=36500";

#[test]
fn every_accepted_event_is_counted_and_the_results_outlive_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    let accepted = generate(&up, &["--count", "3000", "--rate", "20", "--awkward", "--mixed-times"]);
    assert_eq!(accepted, 3000);
    up.wait_for(OVERALL, |answer| total(answer) == accepted);
    let by_type = up.get("/analytics/redis/user-type?days=36500");
    assert!(by_type["distribution"].as_array().is_some_and(|rows| rows.len() >= 4), "{by_type}");
    let metrics = up.text("/metrics");
    let accepted_records = metrics
        .lines()
        .find(|line| line.starts_with("weir_job_records_total") && line.contains(r#"outcome="accepted""#));
    assert!(
        accepted_records.is_some_and(|line| line.ends_with(" 3000") || line.ends_with(" 3000.0")),
        "{metrics}"
    );
    assert!(up.stop().success());

    let up = Up::start(directory.path(), &[]);
    up.wait_for(OVERALL, |answer| total(answer) == accepted);
    assert!(up.stop().success());
}

#[test]
fn a_job_is_submitted_listed_and_cancelled_while_it_runs() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/models.sql");
    let submitted = run(weir().args(["run", script, "--jobs-url", &up.jobs_http]));
    assert!(submitted.status.success(), "{}", stderr(&submitted));
    let job = String::from_utf8_lossy(&submitted.stdout).trim().to_owned();
    let list = || {
        let output = run(weir().args(["jobs", "list", "--jobs-url", &up.jobs_http]));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(list().lines().count(), 2, "{}", list());
    let cancelled = run(weir().args(["jobs", "cancel", &job, "--jobs-url", &up.jobs_http]));
    assert!(cancelled.status.success(), "{}", stderr(&cancelled));
    up.wait_for("/status", |status| {
        let jobs = status["jobs"].as_array().into_iter().flatten();
        jobs.clone().any(|found| found["id"] == job.as_str() && found["state"] == "CANCELED")
    });

    let wrong = directory.path().join("wrong.sql");
    std::fs::write(&wrong, "INSERT INTO nowhere SELECT 1 FROM nothing;").expect("a script");
    let refused = run(weir().arg("run").arg(&wrong).args(["--jobs-url", &up.jobs_http]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("nowhere"), "{}", stderr(&refused));
}

#[test]
fn a_directory_in_use_is_refused_with_a_word_about_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    let second = run(weir().args(["up", "--http", "127.0.0.1:0", "--data-dir"]).arg(directory.path()));
    assert_eq!(second.status.code(), Some(1), "{}", stderr(&second));
    assert!(stderr(&second).contains("another process uses the data directory"), "{}", stderr(&second));
    assert!(up.stop().success());
}
