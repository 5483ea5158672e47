//! The metrics for monitoring: `/metrics` for Prometheus, and Flink's metrics under the names that dashboards
//! use.

mod support;

use std::time::Duration;

use serde_json::Value;
use support::{Up, event, pause_for};

/// Polls for a condition, and the time between two.
const LOOKS: u32 = 1_200;
const LOOK: Duration = Duration::from_millis(50);

/// Returns the metrics once they meet a condition.
fn metrics(up: &Up, what: &str, has: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for _ in 0..LOOKS {
        text = up.text("/metrics");
        if has(&text) {
            return text;
        }
        pause_for(LOOK);
    }
    panic!("never: {what}\n{text}");
}

/// Returns the values of a metric, whatever its labels.
fn values(text: &str, name: &str) -> Vec<f64> {
    let of = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        (series.split('{').next() == Some(name)).then(|| value.parse().expect("a number"))
    };
    text.lines().filter_map(of).collect()
}

#[test]
fn prometheus_reads_lags_latencies_and_only_jobs_that_are_not_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    let job = up.wait_for_jobs(1).remove(0);
    let events: Vec<String> = (0..200).map(|id| event(id, 0)).collect();
    assert_eq!(up.post(&events), 202);

    let is_shown =
        |text: &str| values(text, "weir_result_latency_seconds_count").iter().any(|count| *count > 0.0);
    let text = metrics(&up, "rows were written", is_shown);
    let bucket = r#"weir_result_latency_seconds_bucket{le="+Inf"}"#;
    assert!(text.contains(bucket) && text.contains("# TYPE weir_result_latency_seconds histogram"), "{text}");
    assert!(values(&text, "weir_result_latency_seconds_sum")[0] >= 0.0);

    let of_job = format!(r#"{{job_id="{job}",job_name="Query Analytics Streaming""#);
    let is_read = |text: &str| {
        let lags = values(text, "weir_job_consumer_lag_records");
        !lags.is_empty() && lags.iter().all(|lag| *lag == 0.0)
    };
    let text = metrics(&up, "everything is read", is_read);
    assert!(
        text.contains(&format!(
            r#"weir_job_consumer_lag_records{of_job},topic="user-queries",partition="0"}}"#
        )),
        "{text}"
    );
    assert!(text.contains(&format!("weir_job_running{of_job}}} 1")), "{text}");
    assert!(text.contains(&format!("weir_job_watermark_timestamp_seconds{of_job}")), "{text}");
    assert!(!text.contains("job=\""), "the label is Prometheus' own: {text}");
    assert!(text.contains(r#"weir_jobs{status="RUNNING"} 1"#), "{text}");

    let cancelled = ureq::patch(format!("{}/jobs/{job}?mode=cancel", up.jobs_http)).send_empty();
    assert_eq!(cancelled.expect("an answer").status(), 202);
    let text = metrics(&up, "it is over", |text| text.contains(r#"weir_jobs{status="CANCELED"} 1"#));
    assert!(!text.contains(&job), "a job that is over has no series: {text}");
}

#[test]
fn flinks_metrics_go_by_flinks_names() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &["--set", "jobs.parallelism=1"]);
    let job = up.wait_for_jobs(1).remove(0);
    let events: Vec<String> = (0..200).map(|id| event(id, 0)).collect();
    assert_eq!(up.post(&events), 202);
    up.wait_for_job(&job, |figures| figures["ledger"]["counted"] == 200);

    let details = up.get_job(&format!("/jobs/{job}"));
    let vertices = details["vertices"].as_array().expect("vertices");
    assert_eq!(vertices.len(), 1, "one chain at a parallelism of 1: {details}");
    let vertex = format!("/jobs/{job}/vertices/{}", vertices[0]["id"].as_str().expect("an id"));
    let value = |id: &str| {
        let metrics = up.get_job(&format!("{vertex}/metrics?get={id}"));
        metrics[0]["value"].as_str().map(str::to_owned)
    };
    let wait = |id: &str, is_wanted: &dyn Fn(&str) -> bool| {
        for _ in 0..LOOKS {
            if value(id).is_some_and(|value| is_wanted(&value)) {
                return;
            }
            pause_for(LOOK);
        }
        panic!("{id} is {:?} in {}", value(id), up.get_job(&format!("{vertex}/metrics")));
    };
    for id in ["pendingRecords", "records-lag-max", "Source__user_queries.pendingRecords"] {
        wait(&format!("0.{id}"), &|value| value == "0");
    }
    let is_number = |value: &str| value.parse::<f64>().is_ok();
    for id in ["currentEmitEventTimeLag", "watermarkLag", "split.user-queries-0.watermark.currentWatermark"] {
        wait(&format!("0.{id}"), &is_number);
        wait(&format!("0.Source__user_queries.{id}"), &is_number);
    }
    wait("0.numLateRecordsDropped", &|value| value == "0");
    wait("0.isBackPressured", &|value| value == "false");
    wait("0.numBytesOut", &|value| value.parse::<f64>().is_ok_and(|bytes| bytes > 0.0));

    let watermarks = up.get_job(&format!("{vertex}/watermarks"));
    assert_eq!(watermarks[0]["id"], "0.currentInputWatermark", "{watermarks}");
    let details = up.get_job(&format!("/jobs/{job}"));
    assert!(details["vertices"][0]["metrics"]["write-bytes"].as_u64() > Some(0), "{details}");
}

#[test]
fn the_process_is_shown_within_its_own_limits() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    up.wait_for_jobs(1);
    let overview = up.get_job("/overview");
    assert_eq!(overview["flink-version"], "2.3.0");
    let (total, free) = (overview["slots-total"].as_u64(), overview["slots-available"].as_u64());
    assert!(free < total, "a job takes slots: {overview}");

    let manager = &up.get_job("/taskmanagers")["taskmanagers"][0];
    let (limit, machine) =
        (manager["hardware"]["freeMemory"].as_u64(), manager["hardware"]["physicalMemory"].as_u64());
    assert!(limit > Some(0) && limit <= machine, "{manager}");
    let metric = |id: &str| -> f64 {
        let metrics: Value = up.get_job(&format!("/taskmanagers/weir/metrics?get={id}"));
        metrics[0]["value"].as_str().expect("a value").parse().expect("a number")
    };
    assert_eq!(Some(metric("Status.JVM.Memory.Heap.Max")), limit.map(|limit| limit as f64));
    assert!(metric("Status.JVM.Memory.Heap.Used") <= metric("Status.JVM.Memory.Heap.Max"));
    assert!((0.0..=1.0).contains(&metric("Status.JVM.CPU.Load")));
}
