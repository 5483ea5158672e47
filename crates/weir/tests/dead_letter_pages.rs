//! Dead letters through the job manager's routes, as its pages ask for them: page by page, counted by reason, and
//! replayed after a dry run.

mod support;

use serde_json::{Value, json};
use support::Up;

/// Starts a Weir whose built-in job dead-letters this many events.
fn with_letters(directory: &std::path::Path, count: usize) -> (Up, String) {
    let up = Up::start(directory, &[]);
    let job = up.wait_for_jobs(1).remove(0);
    let wrong = |number| format!(r#"{{"query_id":"{number}","timestamp":"no time {number}"}}"#);
    assert_eq!(up.post(&(0..count).map(wrong).collect::<Vec<String>>()), 202);
    up.wait_for_job(&job, |figures| figures["ledger"]["dead_lettered"] == count);
    (up, job)
}

fn bodies(page: &Value) -> Vec<String> {
    let letters = page["letters"].as_array().into_iter().flatten();
    letters.filter_map(|letter| letter["body"].as_str().map(str::to_owned)).collect()
}

fn replay(up: &Up, body: Value) -> Value {
    let answer = ureq::post(format!("{}/weir/dead-letters/replay", up.jobs_http)).send_json(body);
    answer.expect("an answer").body_mut().read_json().expect("JSON")
}

#[test]
fn pages_go_back_to_the_oldest_letter() {
    let directory = tempfile::tempdir().expect("a directory");
    let (up, _) = with_letters(directory.path(), 5);

    let mut seen = Vec::new();
    let mut before = String::new();
    for size in [2, 2, 1] {
        let page = up.get_job(&format!("/weir/dead-letters?limit=2{before}"));
        assert_eq!(page["letters"].as_array().map(Vec::len), Some(size), "{page}");
        seen.extend(bodies(&page).into_iter().rev());
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => assert_eq!(size, 1, "the last page is the only one without a next"),
        }
    }
    let numbers: Vec<&str> =
        seen.iter().filter_map(|body| body.strip_suffix("\"}")?.split("no time ").nth(1)).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 5, "each once: {seen:?}");

    let cut = up.get_job("/weir/dead-letters?limit=1&body_bytes=3");
    assert_eq!((bodies(&cut), &cut["letters"][0]["body_bytes"]), (vec!["{\"q".to_owned()], &json!(40)));
    up.stop();
}

#[test]
fn counts_and_a_dry_run_say_what_a_replay_would_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let (up, job) = with_letters(directory.path(), 3);
    let counts = || up.get_job("/weir/dead-letters/counts");
    let told = counts();
    assert_eq!(told["reasons"], json!([{"reason": "bad timestamp", "count": 3, "open": 3}]));
    assert_eq!(told["jobs"], json!([{"job": "Query Analytics Streaming", "count": 3, "open": 3}]));
    let buckets = told["buckets"].as_array().into_iter().flatten();
    assert_eq!(buckets.filter_map(|bucket| bucket["count"].as_u64()).sum::<u64>(), 3, "{told}");
    assert_eq!(up.get_job("/weir/dead-letters/counts?reason=late")["total"], 0);

    let would = replay(&up, json!({"reason": "bad timestamp", "dry_run": true}));
    assert_eq!(would["replayed"].as_array().map(Vec::len), Some(3), "{would}");
    assert_eq!(counts()["open"], 3, "nothing was replayed");

    // The events are as wrong as before, and become dead letters once more.
    let chosen = would["replayed"][0].clone();
    assert_eq!(replay(&up, json!({"ids": [chosen]}))["replayed"], json!([chosen]));
    up.wait_for_job(&job, |figures| figures["ledger"]["dead_lettered"] == 4);
    assert_eq!((&counts()["total"], &counts()["open"]), (&json!(4), &json!(3)));
    let again = replay(&up, json!({"ids": [chosen], "dry_run": true}));
    assert_eq!(again["left"], json!([{"id": chosen, "reason": "it was replayed before"}]));
    let replayed = up.get_job("/weir/dead-letters?replayed=true");
    assert_eq!(replayed["letters"].as_array().map(Vec::len), Some(1), "{replayed}");
    up.stop();
}
