//! An error names the record that fails a job: the file and the line, or the topic, the partition and the
//! offset; with the value and advice.

mod support;

use std::fs;

use support::{Up, run, stderr, weir};

/// The sink of each script.
const SINK: &str =
    "CREATE TABLE o (a INT NOT NULL, b VARCHAR(3), w TIMESTAMP(3)) WITH ('connector' = 'blackhole');";
const EVENT_TIME: &str = "moment TIMESTAMP_LTZ(3), WATERMARK FOR moment AS moment";
const TIMES: &str = "'json.timestamp-format.standard' = 'ISO-8601'";

fn script(columns: &str, insert: &str) -> String {
    format!(
        "SET 'restart-strategy.type' = 'none';
         CREATE TABLE q ({columns}, {EVENT_TIME})
         WITH ('connector' = 'kafka', 'topic' = 'broken', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json', {TIMES});
         {SINK}
         {insert};"
    )
}

/// Each case has a wrong third record: the script, the record, and parts of the error.
fn cases() -> Vec<(String, &'static str, Vec<&'static str>)> {
    vec![
        (
            script(
                "n INT",
                "INSERT INTO o SELECT n, CAST(NULL AS STRING), CAST(NULL AS TIMESTAMP(3)) FROM q",
            ),
            r#"{"n": "many", "moment": "2025-12-09T12:00:00Z"}"#,
            vec!["cannot be decoded", "field `n` is INT", "\"many\"", "'json.ignore-parse-errors' = 'true'"],
        ),
        (
            script(
                "n INT",
                "INSERT INTO o SELECT n, CAST(NULL AS STRING), CAST(NULL AS TIMESTAMP(3)) FROM q",
            ),
            r#"{"n": 1 "moment": "2025-12-09T12:00:00Z"}"#,
            vec![
                "malformed",
                "expected `,` or `}` at byte 8",
                "near `",
                "'json.ignore-parse-errors' = 'true'",
            ],
        ),
        (
            script("n STRING", "INSERT INTO o SELECT CAST(n AS INT), n, CAST(NULL AS TIMESTAMP(3)) FROM q"),
            r#"{"n": "many", "moment": "2025-12-09T12:00:00Z"}"#,
            vec!["could not be computed", "cannot cast 'many' to INT", "TRY_CAST"],
        ),
        (
            script(
                "n INT",
                "INSERT INTO o SELECT n, CAST(NULL AS STRING), CAST(NULL AS TIMESTAMP(3)) FROM q",
            ),
            r#"{"n": null, "moment": "2025-12-09T12:00:00Z"}"#,
            vec!["could not be computed", "the column `a` of `o` is NOT NULL", "not-null-enforcer' = 'DROP'"],
        ),
        (
            script(
                "n INT",
                "INSERT INTO o SELECT 6 / n, CAST(NULL AS STRING), CAST(NULL AS TIMESTAMP(3)) FROM q",
            ),
            r#"{"n": 0, "moment": "2025-12-09T12:00:00Z"}"#,
            vec!["could not be computed", "/ by zero", "NULLIF"],
        ),
        (
            script(
                "n STRING",
                "INSERT INTO o SELECT CAST(COUNT(*) AS INT), MAX(n), window_end
                 FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(moment), INTERVAL '1' MINUTE))
                 WHERE CAST(n AS INT) > 0 GROUP BY window_start, window_end",
            ),
            r#"{"n": "many", "moment": "2025-12-09T12:00:00Z"}"#,
            vec!["could not be computed", "cannot cast 'many' to INT"],
        ),
    ]
}

/// Returns two correct records and the wrong one.
fn records(wrong: &str) -> [String; 3] {
    let right = r#"{"n": "1", "moment": "2025-12-09T12:00:00Z"}"#;
    [right.to_owned(), right.to_owned(), wrong.to_owned()]
}

#[test]
fn a_wrong_line_of_a_file_is_named_by_its_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let (job, file) = (directory.path().join("job.sql"), directory.path().join("events.json"));
    for (script, wrong, parts) in cases() {
        fs::write(&job, &script).expect("a script");
        fs::write(&file, records(wrong).join("\n") + "\n").expect("events");
        let output = run(weir().arg("local").arg(&job).arg("--input").arg(format!("q={}", file.display())));
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let place = format!("line 3 of {}", file.display());
        for part in parts.iter().copied().chain([place.as_str()]) {
            assert!(told.contains(part), "{part:?} is not in {told}");
        }
    }
}

#[test]
fn a_row_of_a_window_is_named_by_its_query_and_window() {
    let directory = tempfile::tempdir().expect("a directory");
    let (job, file) = (directory.path().join("job.sql"), directory.path().join("events.json"));
    let windows = script(
        "n STRING",
        "INSERT INTO o SELECT CAST(MAX(n) AS INT), 'x', window_end
         FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(moment), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end",
    );
    fs::write(&job, windows).expect("a script");
    fs::write(&file, records(r#"{"n": "many", "moment": "2025-12-09T12:00:00Z"}"#).join("\n"))
        .expect("events");
    let output = run(weir().arg("local").arg(&job).arg("--input").arg(format!("q={}", file.display())));
    let told = stderr(&output);
    let window = "for the window from 2025-12-09T12:00:00 to 2025-12-09T12:01:00";
    for part in ["a row of query `o`", window, "cannot cast 'many' to INT"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}

#[test]
fn a_wrong_record_of_a_topic_is_named_by_its_partition_and_offset() {
    let directory = tempfile::tempdir().expect("a directory");
    let set = [("WEIR_INGEST_CREATE_TOPICS", "true"), ("WEIR_INGEST_PARTITIONS", "1"), ("WEIR_LOG", "off")];
    let up = Up::start_in(directory.path(), &[], &set);
    let jobs = ["--jobs-url", up.jobs_http.as_str()];
    for (number, (script, wrong, parts)) in cases().into_iter().enumerate() {
        let topic = format!("broken-{number}");
        let post = ureq::post(format!("{}/events/{topic}", up.http)).content_type("application/x-ndjson");
        // Ingest accepts only JSON, so it would refuse a malformed record.
        if parts.contains(&"malformed") {
            continue;
        }
        assert_eq!(post.send(records(wrong).join("\n")).expect("an answer").status(), 202);
        let path = directory.path().join("job.sql");
        fs::write(&path, script.replace("'broken'", &format!("'{topic}'"))).expect("a script");
        let output = run(weir().arg("run").arg(&path).args(["--name", &topic]).args(jobs));
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let figures = up.wait_for_job(&id, |figures| figures["status"] == "FAILED");

        let exceptions = up.get_job(&format!("/jobs/{id}/exceptions"));
        let told = exceptions["exceptionHistory"]["entries"][0]["stacktrace"].as_str().expect("a text");
        assert!(figures["failure"].as_str().is_some_and(|failure| told.contains(failure)), "{figures}");
        let place = format!("the record at offset 2 of partition 0 of topic `{topic}`");
        for part in parts.iter().copied().chain([place.as_str()]) {
            assert!(told.contains(part), "{part:?} is not in {told}");
        }
    }
}
