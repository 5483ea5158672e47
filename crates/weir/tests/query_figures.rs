//! The job manager tells of each query what it has written, and what it holds in open windows.

mod support;

use serde_json::{Value, json};
use support::Up;

/// One query of windows over the table, one without windows, one by an operator, and one row by row.
const SCRIPT: &str = "
CREATE TABLE queries (query_id STRING, `timestamp` TIMESTAMP_LTZ(3), query_text STRING,
  WATERMARK FOR `timestamp` AS `timestamp`)
WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset',
      'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
CREATE TABLE by_minute (query_id STRING, n BIGINT, window_end TIMESTAMP(3))
WITH ('connector' = 'redis', 'key' = 'by-minute:{query_id}:{window_end}');
CREATE TABLE totals (query_id STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'totals:{query_id}');
CREATE TABLE each_one (query_id STRING, query_text STRING) WITH ('connector' = 'redis', 'key' = 'each:{query_id}');
INSERT INTO by_minute SELECT query_id, COUNT(*), window_end
FROM TABLE(TUMBLE(TABLE queries, DESCRIPTOR(`timestamp`), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, query_id;
INSERT INTO totals SELECT query_id, COUNT(*) FROM queries GROUP BY query_id;
INSERT INTO each_one SELECT query_id, query_text FROM queries;
";

fn event(id: &str, time: &str) -> String {
    json!({"query_id": id, "timestamp": format!("2025-12-09T{time}Z"), "query_text": "?"}).to_string()
}

fn milliseconds(time: &str) -> i64 {
    let time: jiff::Timestamp = format!("2025-12-09T{time}Z").parse().expect("a time");
    time.as_millisecond()
}

#[test]
fn every_query_tells_what_it_has_written_and_what_it_holds() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("job.sql");
    std::fs::write(&script, SCRIPT).expect("a script");
    // Windows are measured with each checkpoint.
    let environment =
        [("WEIR_CHECKPOINTS_INTERVAL", "200 ms"), ("WEIR_INGEST_PARTITIONS", "1"), ("WEIR_LOG", "error")];
    let up = Up::start_in(directory.path(), &[script.to_str().expect("UTF-8")], &environment);
    let job = up.wait_for_jobs(1).remove(0);

    // Two minutes close, with two groups and one. The third has three, and the one after it one.
    let events = [("a", "12:00:00"), ("b", "12:00:01"), ("a", "12:01:00"), ("a", "12:02:00")];
    let later = [("b", "12:02:01"), ("c", "12:02:02"), ("a", "12:02:03")];
    let lines: Vec<String> = events.iter().chain(&later).map(|(id, time)| event(id, time)).collect();
    assert_eq!(up.post(&lines), 202);

    let query = |figures: &Value, at: usize| figures["queries"][at].clone();
    let figures = up.wait_for_job(&job, |figures| {
        figures["ledger"]["accepted"] == 7
            && query(figures, 0)["groups"] == 3
            && query(figures, 0)["rows_written"] == 3
    });

    let by_minute = query(&figures, 0);
    assert_eq!(by_minute["description"], "TUMBLE 1 min by query_id, into by_minute (redis)");
    assert_eq!((&by_minute["name"], &by_minute["is_windowed"]), (&json!("by_minute"), &json!(true)));
    assert_eq!(by_minute["open_windows"], 1);
    assert_eq!(by_minute["open_until_ms"], milliseconds("12:03:00"));
    assert_eq!(by_minute["last_window_end_ms"], milliseconds("12:02:00"));
    let written = by_minute["last_written_ms"].as_i64().expect("a time");
    assert!((jiff::Timestamp::now().as_millisecond() - written).abs() < 600_000, "{written}");

    // The others follow in the order in which their tables are declared. A total is written once per batch and group, of
    // which there may be more than one.
    let totals = query(&figures, 1);
    assert_eq!(totals["description"], "GroupAggregate, Calc, into totals (redis)", "{totals}");
    assert_eq!((&totals["is_windowed"], &totals["open_windows"]), (&json!(false), &Value::Null));
    assert!(totals["rows_written"].as_u64() >= Some(3), "{totals}");
    assert!(totals["state_bytes"].as_u64() > Some(0), "{totals}");

    let each = query(&figures, 2);
    assert_eq!(each["description"], "row by row, into each_one (redis)");
    assert_eq!((&each["rows_written"], &each["last_window_end_ms"]), (&json!(7), &Value::Null));
    assert!(each["last_written_ms"].is_i64(), "{each}");
}
