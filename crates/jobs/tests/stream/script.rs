//! Scripts over one table of events with a key, a number, a text and a time.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::stage::Stage;

/// 2025-12-09T12:00:00Z.
pub const NOON: i64 = 1_765_281_600_000;

/// Returns the settings and the source table, with a watermark delay of one second.
pub fn source(settings: &[(&str, &str)]) -> String {
    let mut script: String =
        settings.iter().map(|(key, value)| format!("SET '{key}' = '{value}';\n")).collect();
    script += "CREATE TABLE q (k STRING, v INT, words STRING, seen TIMESTAMP_LTZ(3),
         WATERMARK FOR seen AS seen - INTERVAL '1' SECOND)
       WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'format' = 'json',
             'json.timestamp-format.standard' = 'ISO-8601', 'json.ignore-parse-errors' = 'true');\n";
    script
}

/// Declares a table, and a query that counts rows, sums and distinct texts by key and window.
pub fn query(name: &str, window: &str) -> String {
    format!(
        "CREATE TABLE {name} (k STRING, n BIGINT, total BIGINT, texts BIGINT, window_start TIMESTAMP(3),
                              window_end TIMESTAMP(3), PRIMARY KEY (k, window_end) NOT ENFORCED)
         WITH ('connector' = 'redis', 'key' = '{name}:{{k}}:{{window_end}}', 'ttl' = '86400');
         INSERT INTO {name} SELECT k, COUNT(*), SUM(v), COUNT(DISTINCT words), window_start, window_end
         FROM TABLE({window}) GROUP BY window_start, window_end, k;\n"
    )
}

/// Returns `TUMBLE` with this many seconds.
pub fn tumble(seconds: u32) -> String {
    format!("TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '{seconds}' SECOND)")
}

/// Returns an event with a time in ms.
pub fn event(k: &str, v: i64, at: i64) -> String {
    event_with(k, v, "", at)
}

pub fn event_with(k: &str, v: i64, words: &str, at: i64) -> String {
    format!("{{\"k\":\"{k}\",\"v\":{v},\"words\":\"{words}\",\"seen\":\"{}\"}}", iso(at))
}

fn iso(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at)
        .expect("a time of this century")
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

/// Returns a row of the store by its key.
pub fn row(stage: &Stage, key: &str) -> Option<Value> {
    stage.store.rows().get(key).map(|row| serde_json::from_slice(row).expect("a row is JSON"))
}

/// Returns all writes with a key: the count, whether it is final, and the number of corrections.
pub fn writes(stage: &Stage, key: &str) -> Vec<(i64, bool, i64)> {
    let history = stage.store.history();
    let of = history.iter().filter(|(of, _)| of == key);
    of.map(|(_, row)| {
        let row: Value = serde_json::from_slice(row).expect("a row is JSON");
        let number = |name: &str| row[name].as_i64();
        (
            number("n").expect("a count"),
            row["is_final"] != Value::Bool(false),
            number("revision").unwrap_or(0),
        )
    })
    .collect()
}

/// Returns the counts of a table by the part of the key after its name.
pub fn counts(stage: &Stage, table: &str) -> BTreeMap<String, i64> {
    let prefix = format!("{table}:");
    let rows = stage.store.rows();
    let of = rows.iter().filter_map(|(key, row)| Some((key.strip_prefix(&prefix)?, row)));
    of.map(|(key, row)| {
        let row: Value = serde_json::from_slice(row).expect("a row is JSON");
        (key.to_owned(), row["n"].as_i64().expect("a count"))
    })
    .collect()
}
