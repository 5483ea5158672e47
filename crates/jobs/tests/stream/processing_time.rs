//! Windows over the processing time: also the first rows that a job reads have the time of the clock.

use crate::stage::{Stage, TOPIC, compile};

/// The rows of windows over the processing time: how many rows each window counted, by its key.
fn counted(window: &str, parallelism: u32) -> Vec<(String, i64)> {
    let script = format!(
        "CREATE TABLE q (k STRING, pt AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = '{TOPIC}',
           'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
         CREATE TABLE windows (window_start TIMESTAMP(3), n BIGINT) WITH ('connector' = 'redis',
           'key' = 'windows:{{window_start}}', 'ttl' = '3600');
         INSERT INTO windows SELECT window_start, COUNT(*) FROM TABLE({window}) GROUP BY window_start, window_end;"
    );
    let stage = Stage::new(vec![vec![r#"{"k":"a"}"#.to_owned(), r#"{"k":"b"}"#.to_owned()]]);
    let job = stage.start(&compile(&script), parallelism, 100, None);
    job.read_up_to(&[2]);
    job.settle();
    job.finish();

    let rows = stage.rows().into_iter();
    rows.map(|(key, row)| (key, row["n"].as_i64().expect("a count"))).collect()
}

#[test]
fn the_first_rows_have_the_time_of_the_clock() {
    let tumble = "TUMBLE(TABLE q, DESCRIPTOR(pt), INTERVAL '10' MINUTE)";
    let session = "SESSION(TABLE q, DESCRIPTOR(pt), INTERVAL '10' MINUTE)";
    for parallelism in [1, 2] {
        for window in [tumble, session] {
            let expected = [("windows:2025-12-09 14:20:00".to_owned(), 2)];
            assert_eq!(counted(window, parallelism), expected, "{window}, {parallelism} subtasks");
        }
    }
}
