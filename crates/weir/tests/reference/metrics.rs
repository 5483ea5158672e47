//! The metrics that a running Weir serves: names, types, labels and help.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::support::{Up, event, pause_for, run, stderr, weir};
use crate::{cell, generated_from};

/// A job with an operator and late rows, which have metrics of their own.
const SCRIPT: &str = "CREATE TABLE asked (query_id STRING) WITH ('connector' = 'kafka', 'topic' = 'user-queries',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
    CREATE TABLE counted (query_id STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'counted:{query_id}');
    INSERT INTO counted SELECT query_id, COUNT(*) FROM asked GROUP BY query_id;";
/// A rule that fires, and whose webhook nobody answers.
const ALERT: &str = r#"{"version": 1, "title": "Any", "table": "overall", "number": "total_queries", "above": 0,
    "webhook": {"url": "http://127.0.0.1:1/"}}"#;
/// An event that is a dead letter, and one with a value of another type.
const BAD: [&str; 2] = [
    r#"{"query_id": "bad", "timestamp": "yesterday"}"#,
    r#"{"query_id": "other", "timestamp": "2025-12-09T12:00:00Z", "user": {"user_id": "seven"}}"#,
];
/// Metrics that need a state of Weir which the others exclude, or which is rare.
const LABELS_OF_THE_REST: &[(&str, &str)] = &[
    ("weir_http_request_seconds", "method, route, status"),
    ("weir_http_requests_total", "method, route, status"),
];

struct Metric {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

pub fn page(directory: &Path) -> String {
    let mut page = format!("# Metrics\n\n{}\n", generated_from("the answer of `/metrics`"));
    page.push_str(
        "`GET /metrics` on port 8000 has these metrics, in OpenMetrics or the classic format of Prometheus. A histogram has \
         the series `_bucket` (with the label `le`), `_sum` and `_count`. [Monitoring](../monitoring.md) says which of them \
         to watch, and has the names of Flink's metrics, which port 8081 serves.\n\n\
         | metric | type | labels | meaning |\n| --- | --- | --- | --- |\n",
    );
    for (name, metric) in metrics(directory) {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (kind, labels, help) = (metric.kind, labels.join(", "), cell(&metric.help));
        writeln!(page, "| `{name}` | {kind} | {labels} | {help} |").expect("memory");
    }
    page
}

/// Runs a Weir until all of its metrics have a series.
fn metrics(directory: &Path) -> BTreeMap<String, Metric> {
    let (script, alert) = (directory.join("counted.sql"), directory.join("slow.json"));
    std::fs::write(&script, SCRIPT).expect("a file");
    std::fs::write(&alert, ALERT).expect("a file");
    let data = directory.join("data");
    std::fs::create_dir(&data).expect("a directory");

    let up = Up::start_in(&data, &[], &[("WEIR_LOG", "warn"), ("WEIR_CHECKPOINTS_INTERVAL", "200 ms")]);
    let events: Vec<String> = (0..200).map(|id| event(id, 0)).collect();
    assert_eq!(up.post(&events), 202);
    let submitted = run(weir().arg("run").arg(&script).args(["--jobs-url", &up.jobs_http]));
    assert!(submitted.status.success(), "{}", stderr(&submitted));
    let saved = run(weir().args(["alerts", "put", "slow", "--url", &up.http]).arg(&alert));
    assert!(saved.status.success(), "{}", stderr(&saved));

    // Each metric of the jobs has a series once both have read events, some of them late, and completed a checkpoint.
    let later: Vec<String> = (200..208).map(|id| event(id, 0).replace("T12:00", "T13:00")).collect();
    assert_eq!(up.post(&later), 202);
    assert_eq!(up.post(&BAD.map(str::to_owned)), 202);
    for id in 300..1_500 {
        assert_eq!(up.post(&[event(id, 0)]), 202);
        let found = parsed(&up.text("/metrics"));
        let without: Vec<&String> =
            found.iter().filter(|(_, metric)| metric.help.is_empty()).map(|(name, _)| name).collect();
        assert!(without.is_empty(), "no help for {without:?}");
        let has =
            |name: &str, label: &str| found.get(name).is_some_and(|metric| metric.labels.contains(label));
        if has("weir_job_query_state_bytes", "query")
            && has("weir_job_consumer_lag_records", "partition")
            && has("weir_job_watermark_timestamp_seconds", "vertex")
            && has("weir_job_checkpoint_size_bytes", "job_id")
            && has("weir_job_operator_late_rows_total", "operator")
            && has("weir_job_late_rows_total", "query")
            && has("weir_http_request_seconds", "route")
            && has("weir_alerts_firing", "alert")
            && has("weir_alert_notifications_total", "outcome")
            && has("weir_job_dead_letters_total", "reason")
            && has("weir_job_wrong_types_total", "field")
        {
            return found;
        }
        pause_for(Duration::from_millis(50));
    }
    panic!("some metrics have no series:\n{}", up.text("/metrics"));
}

/// Parses the classic format.
fn parsed(text: &str) -> BTreeMap<String, Metric> {
    let mut found: BTreeMap<String, Metric> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|line| line.split_once(' ')) {
            let help = help.trim_end_matches('.').to_owned();
            found.insert(name.to_owned(), Metric { kind: String::new(), help, labels: BTreeSet::new() });
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' '))
        {
            kind.clone_into(&mut found.get_mut(name).unwrap_or_else(|| panic!("no help for {name}")).kind);
        } else if let Some((name, labels)) = line.split_once('{') {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let metric = match (found.contains_key(name), family) {
                (true, _) => found.get_mut(name),
                (false, Some(family)) => found.get_mut(family),
                (false, None) => None,
            };
            let metric = metric.unwrap_or_else(|| panic!("no help for {name}"));
            metric.labels.extend(names_of(labels).filter(|label| label != "le"));
        }
    }
    for (name, labels) in LABELS_OF_THE_REST {
        if let Some(metric) = found.get_mut(*name) {
            metric.labels.extend(labels.split(", ").map(str::to_owned));
        }
    }
    found
}

/// Returns the names of the labels behind the opening brace of a series.
fn names_of(labels: &str) -> impl Iterator<Item = String> {
    let names = labels.split("=\"").map(|part| part.rsplit([',', '{']).next().unwrap_or_default());
    let names: Vec<String> = names.map(str::to_owned).collect();
    // What follows the last `="` is a value.
    let count = names.len().saturating_sub(1);
    names.into_iter().take(count)
}
