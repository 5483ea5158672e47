//! Metadata of records as columns: position, time, headers and key.

use serde_json::{Value, json};
use storage::log::NewRecord;
use types::Timestamp;

use crate::script::NOON;
use crate::stage::{Stage, TOPIC, compile, until};

fn record(key: Option<&str>, body: &str, headers: &[(&str, Option<&str>)], time: i64) -> NewRecord {
    let headers =
        headers.iter().map(|&(name, value)| (name.to_owned(), value.map(|v| v.as_bytes().to_vec())));
    NewRecord {
        key: key.map(|key| key.as_bytes().to_vec()),
        body: body.as_bytes().to_vec().into(),
        headers: headers.collect(),
        time: Some(Timestamp(time)),
    }
}

/// Runs a script over the records of two partitions. Returns the sorted bodies written to the topic `out`.
fn written(script: &str, partitions: [Vec<NewRecord>; 2], batch_rows: usize) -> (Vec<Value>, u64) {
    let stage = Stage::new(vec![Vec::new(), Vec::new()]);
    let total: usize = partitions.iter().map(Vec::len).sum();
    for (partition, records) in partitions.into_iter().enumerate() {
        stage.log.add_records(TOPIC, partition, records);
    }
    let job = stage.start(&compile(script), 1, batch_rows, None);
    until("the records are read", || job.ledger().accepted >= total as u64);
    let ledger = job.finish();
    assert!(ledger.balances());
    let mut bodies = stage.log.bodies("out");
    bodies.sort();
    let rows = bodies.iter().map(|body| serde_json::from_slice(body).expect("JSON"));
    (rows.collect(), ledger.dead_lettered)
}

fn table(columns: &str, options: &str) -> String {
    format!(
        "CREATE TABLE q ({columns}) WITH ('connector' = 'kafka', 'topic' = 'user-queries', {options});
         CREATE TABLE o (line STRING) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');\n"
    )
}

const JSON: &str = "'format' = 'json', 'json.ignore-parse-errors' = 'true'";

#[test]
fn every_record_tells_where_it_stands_and_what_it_carries() {
    let columns = "v INT, topic STRING NOT NULL METADATA VIRTUAL, p INT METADATA FROM 'partition' VIRTUAL,
        headers MAP<STRING, BYTES> METADATA VIRTUAL, place BIGINT METADATA FROM 'offset' VIRTUAL,
        ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL, kind STRING METADATA FROM 'timestamp-type' VIRTUAL";
    let script = table(columns, JSON)
        + "CREATE VIEW named AS SELECT *, CAST(headers['trace'] AS STRING) AS trace FROM q;
           INSERT INTO o SELECT CONCAT_WS('|', topic, CAST(p AS STRING), CAST(place AS STRING), CAST(ts AS STRING), kind,
             COALESCE(trace, 'none'), IF(n.headers['x'] IS NULL, 'no x', 'x'), CAST(v AS STRING)) FROM named n;";

    let array = "[{\"v\":4},{\"v\":5}]";
    for batch_rows in [1, 2, 100] {
        let first = vec![
            record(None, "{\"v\":1}", &[("trace", Some("a")), ("x", Some("")), ("trace", Some("b"))], NOON),
            record(None, "nonsense", &[("trace", Some("of nobody"))], NOON),
            record(None, "{\"v\":2}", &[("x", None)], NOON + 1_500),
        ];
        let second = vec![
            record(None, "{\"v\":3}", &[], NOON),
            record(None, array, &[("trace", Some("of two rows"))], NOON),
            record(None, "{\"v\":6}", &[("trace", Some("c"))], NOON),
        ];

        let (rows, dead) = written(&script, [first, second], batch_rows);
        let lines: Vec<&str> = rows.iter().map(|row| row["line"].as_str().expect("a text")).collect();
        let noon = "2025-12-09 12:00:00.000|CreateTime";
        assert_eq!(
            lines,
            [
                format!("user-queries|0|0|{noon}|b|x|1"),
                "user-queries|0|2|2025-12-09 12:00:01.500|CreateTime|none|no x|2".to_owned(),
                format!("user-queries|1|0|{noon}|none|no x|3"),
                format!("user-queries|1|1|{noon}|of two rows|no x|4"),
                format!("user-queries|1|1|{noon}|of two rows|no x|5"),
                format!("user-queries|1|2|{noon}|c|no x|6"),
            ],
            "{batch_rows}"
        );
        assert_eq!(dead, 1);
    }
}

#[test]
fn windows_go_by_the_time_of_the_record_and_group_by_its_headers() {
    let columns = "v INT, headers MAP<STRING, BYTES> METADATA VIRTUAL,
        ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', WATERMARK FOR ts AS ts - INTERVAL '1' SECOND";
    let script = table(columns, JSON)
        + "CREATE VIEW tenants AS SELECT v, ts, CAST(headers['tenant'] AS STRING) AS tenant FROM q;
           INSERT INTO o SELECT CONCAT_WS('|', CAST(window_end AS STRING), tenant, CAST(SUM(v) AS STRING))
           FROM TABLE(TUMBLE(TABLE tenants, DESCRIPTOR(ts), INTERVAL '10' SECOND))
           GROUP BY window_start, window_end, tenant;";
    let of = |tenant: &str, v: i64, at: i64| {
        record(None, &format!("{{\"v\":{v}}}"), &[("tenant", Some(tenant))], NOON + at * 1_000)
    };
    let first = vec![of("a", 1, 1), of("b", 2, 2), of("a", 3, 9), of("a", 4, 12)];
    let (rows, _) = written(&script, [first, vec![]], 100);
    let lines: Vec<&str> = rows.iter().map(|row| row["line"].as_str().expect("a text")).collect();
    assert_eq!(
        lines,
        ["2025-12-09 12:00:10.000|a|4", "2025-12-09 12:00:10.000|b|2", "2025-12-09 12:00:20.000|a|4"]
    );
}

#[test]
fn columns_of_the_key_are_read_from_it() {
    let options = format!(
        "{}, 'key.format' = 'json', 'key.json.ignore-parse-errors' = 'true', 'key.fields' = 'k_id;k_who',
         'key.fields-prefix' = 'k_', 'value.fields-include' = 'EXCEPT_KEY'",
        "'value.format' = 'json', 'value.json.ignore-parse-errors' = 'true'"
    );
    let script = table("k_id INT, k_who ROW<name STRING>, id INT, k STRING", &options)
        + "INSERT INTO o SELECT CONCAT_WS('|', COALESCE(CAST(k_id AS STRING), '-'), COALESCE(k_who.name, '-'),
             CAST(id AS STRING), COALESCE(k, '-')) FROM q;";

    for batch_rows in [1, 100] {
        let first = vec![
            record(Some("{\"id\":1,\"who\":{\"name\":\"An\"}}"), "{\"id\":10,\"k_id\":9}", &[], NOON),
            record(None, "{\"id\":20,\"k_who\":{\"name\":\"nobody\"}}", &[], NOON),
            record(Some("{\"id\":3"), "{\"id\":30}", &[], NOON),
            record(Some("{\"id\":\"x\"}"), "{\"id\":40,\"k\":\"v\"}", &[], NOON),
            record(Some("{\"id\":5}"), "[{\"id\":50},{\"id\":51}]", &[], NOON),
        ];

        let (rows, dead) = written(&script, [first, vec![]], batch_rows);
        let lines: Vec<&str> = rows.iter().map(|row| row["line"].as_str().expect("a text")).collect();
        assert_eq!(lines, ["-|-|20|-", "-|-|40|v", "1|An|10|-", "5|-|50|-", "5|-|51|-"]);
        assert_eq!(dead, 1, "the key of the third is cut off");
    }
}

#[test]
fn a_raw_key_is_a_text_and_stands_in_the_value_too_unless_told_otherwise() {
    let options = |include: &str| {
        format!("{JSON}, 'key.format' = 'raw', 'key.fields' = 'who', 'value.fields-include' = '{include}'")
    };
    let insert = "INSERT INTO o SELECT CONCAT_WS('|', COALESCE(who, '-'), CAST(v AS STRING)) FROM q;";
    let records = || {
        vec![
            record(Some("An"), "{\"v\":1,\"who\":\"Binh\"}", &[], NOON),
            record(None, "{\"v\":2,\"who\":\"Chi\"}", &[], NOON),
        ]
    };
    for (include, expected) in [("EXCEPT_KEY", ["-|2", "An|1"]), ("ALL", ["Binh|1", "Chi|2"])] {
        let script = table("who STRING, v INT", &options(include)) + insert;
        let (rows, _) = written(&script, [records(), vec![]], 100);
        assert_eq!(rows, expected.map(|line| json!({ "line": line })), "{include}");
    }
}
