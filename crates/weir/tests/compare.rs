//! `weir compare` finds the rows of Weir equal to those of the system before it, whose keys look different, and tells
//! each difference.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::process::Output;

use serde_json::Value;
use servers::redis::RedisServer;
use servers::wait_until;
use support::{Up, run, weir};

/// Posts three minutes of events, and waits until their minutes are closed and in Redis. Their hour and their day stay
/// open.
fn fill(redis: &RedisServer) {
    let directory = tempfile::tempdir().expect("a directory");
    let port = redis.port().to_string();
    let environment = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", port.as_str()), ("WEIR_LOG", "error")];
    let up = Up::start_in(directory.path(), &[], &environment);

    let line = |second: u32| {
        format!(
            r#"{{"query_id": "q-{second}", "timestamp": "2025-12-09T10:{:02}:{:02}", "user": {{"user_id": {}, "user_type": "Sinh viên", "years": {}, "department_id": 7, "department_name": "CNTT"}}, "query_text": "Học phí {}?", "rag_metrics": {{"response_time_ms": {}.25, "success": true}}}}"#,
            second / 60,
            second % 60,
            second % 9,
            second % 4 + 1,
            second % 3,
            200 + second
        )
    };
    let body = (0..180).map(line).collect::<Vec<String>>().join("\n");
    ureq::post(format!("{}/events", up.http)).send(body.as_bytes()).expect("an answer");

    let count =
        |pattern: &str| redis.ask(&["--raw", "KEYS", pattern]).lines().filter(|key| !key.is_empty()).count();
    let is_final = |key: &str| redis.ask(&["--raw", "GET", key]).contains(r#""is_final":true"#);
    wait_until("the last minute is closed", || {
        count("analytics:overall:*") == 9 && is_final("analytics:overall:2025-12-09T10:03:00")
    });
}

/// Copies the rows to another Redis, with the keys that the old jobs wrote.
fn copy(from: &RedisServer, to: &RedisServer) {
    for key in from.ask(&["--raw", "KEYS", "analytics:*"]).lines().filter(|key| *key != "analytics:latest") {
        let value = from.ask(&["--raw", "GET", key]);
        let mut parts: Vec<&str> = key.splitn(3, ':').collect();
        let old = match parts.as_mut_slice() {
            [_, "popular_queries", rest] => {
                let (hash, time) = rest.split_once(':').expect("a hash and a time");
                format!("analytics:popular_queries:{}:{time}.204518", &hash[..8])
            }
            _ => format!("{key}.204518"),
        };
        assert_eq!(to.ask(&["SETEX", &old, "2592000", &value]), "OK");
    }
}

fn compare(old: &RedisServer, new: &RedisServer, more: &[&str]) -> (Output, Vec<Value>) {
    let output = run(weir().arg("compare").args([old.url(), new.url()]).args(more));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let differences = lines.lines().map(|line| serde_json::from_str(line).expect("JSON lines"));
    let differences = differences.collect();
    (output, differences)
}

#[test]
fn two_systems_are_compared_row_by_row_and_nothing_is_written() {
    let (Some(new), Some(old)) = (RedisServer::start(&[]), RedisServer::start(&[])) else { return };
    fill(&new);
    copy(&new, &old);
    let sizes = || (old.ask(&["DBSIZE"]), new.ask(&["DBSIZE"]));
    let before = sizes();

    let (output, differences) = compare(&old, &new, &[]);
    assert_eq!((output.status.code(), differences), (Some(0), vec![]), "{}", support::stderr(&output));
    let summary = support::stderr(&output);
    let all = summary.lines().find(|line| line.starts_with("all")).expect("a line of all");
    let numbers: Vec<u64> =
        all.split_whitespace().skip(1).map(|number| number.parse().expect("a number")).collect();
    assert!(numbers[0] > 60 && numbers[1..4] == [0, 0, 0], "{summary}");

    // One value, one row of each side, and a field that is not compared.
    let changed = "analytics:overall:2025-12-09T10:00:20.204518";
    let value = old.ask(&["--raw", "GET", changed]).replace(r#""total_queries":20"#, r#""total_queries":19"#);
    old.ask(&["SETEX", changed, "60", &value]);
    old.ask(&["DEL", "analytics:timeseries:minute:2025-12-09T10:01:00.204518"]);
    new.ask(&["DEL", "analytics:timeseries:minute:2025-12-09T10:02:00"]);

    let (output, differences) = compare(&old, &new, &[]);
    assert_eq!(output.status.code(), Some(1));
    let told: Vec<(&str, &str, &str)> = differences
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().expect("a text");
            (text("type"), text("difference"), text("window_end"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("overall", "different", "2025-12-09T10:00:20"),
            ("timeseries_minute", "only_new", "2025-12-09T10:01:00"),
            ("timeseries_minute", "only_old", "2025-12-09T10:02:00"),
        ]
    );
    assert_eq!(differences[0]["fields"], serde_json::json!({"total_queries": [19, 20]}));
    assert_eq!(differences[0]["key_old"], changed);

    let narrowed = ["--type", "overall", "--since", "2025-12-09T10:00:40"];
    assert_eq!(compare(&old, &new, &narrowed).0.status.code(), Some(0));
    let ignoring = ["--type", "overall", "--ignore", "total_queries"];
    assert_eq!(compare(&old, &new, &ignoring).0.status.code(), Some(0));

    // One key less on each side, and nothing of Weir's own.
    let after = sizes();
    let less = |size: &str| (size.parse::<u64>().expect("a number") - 1).to_string();
    assert_eq!(after, (less(&before.0), less(&before.1)));
    assert_eq!(old.ask(&["KEYS", "weir:*"]), "");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let (output, _) = compare(&redis, &redis, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(support::stderr(&output).contains("neither store has rows"), "{}", support::stderr(&output));

    for (arguments, code, message) in [
        (vec!["--type", "facculty"], 2, "there is no analytic `facculty`; there are faculty, year"),
        (vec!["--since", "yesterday"], 2, "--since is a time such as"),
        (vec!["--tolerance", "-1"], 2, "0, or more"),
    ] {
        let (output, _) = compare(&redis, &redis, &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(support::stderr(&output).contains(message), "{}", support::stderr(&output));
    }

    let away = run(weir().args(["compare", "redis://127.0.0.1:1", &redis.url()]));
    assert_eq!(away.status.code(), Some(3), "{}", support::stderr(&away));
    let no_url = run(weir().args(["compare", "localhost", &redis.url()]));
    assert_eq!(no_url.status.code(), Some(2), "{}", support::stderr(&no_url));
}
