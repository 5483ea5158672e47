//! Changing rows: writing them to tables with a key, and reading them from topics.

use std::collections::BTreeMap;

use storage::log::NewRecord;

use crate::script::{NOON, event, source};
use crate::stage::{Running, Stage, TOPIC, compile, until};

/// Declares a table with a primary key and an upsert topic.
fn upserts(table: &str, columns: &str, key: &str, more: &str) -> String {
    format!(
        "CREATE TABLE {table} ({columns}, PRIMARY KEY ({key}) NOT ENFORCED) WITH ('connector' = 'upsert-kafka',
           'topic' = '{table}', 'key.format' = 'json', 'value.format' = 'json'{more});\n"
    )
}

/// Counts by `k`, and retracts counts above two.
fn few() -> String {
    upserts("few", "k STRING, n BIGINT", "k", "")
        + "INSERT INTO few SELECT k, COUNT(*) FROM q GROUP BY k HAVING COUNT(*) < 3;\n"
}

/// Adds each event as a separate batch, so that each produces a change.
fn give(stage: &Stage, job: &Running<'_>, keys: &str) {
    for key in keys.chars() {
        let total = job.ledger().accepted + 1;
        stage.log.add(TOPIC, 0, vec![event(&key.to_string(), 1, NOON)]);
        until("the event is read", || job.ledger().accepted == total);
        job.settle();
    }
}

/// Returns the key and body of each record of a topic, in order; a tombstone's body is `-`.
fn records(stage: &Stage, topic: &str) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let records = stage.log.records(topic).into_iter();
    records
        .map(|NewRecord { key, body, .. }| {
            let body = if body.is_empty() { "-".to_owned() } else { text(&body) };
            format!("{} {body}", key.map_or_else(|| "none".to_owned(), |key| text(&key)))
        })
        .collect()
}

fn record(key: Option<&str>, body: &str) -> NewRecord {
    NewRecord { key: key.map(Into::into), body: body.to_owned().into(), ..NewRecord::default() }
}

/// Returns the rows of the store by key.
fn rows(stage: &Stage) -> BTreeMap<String, String> {
    let text = |value: Vec<u8>| String::from_utf8(value).expect("text");
    stage.store.rows().into_iter().map(|(key, value)| (key, text(value))).collect()
}

fn of(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_topic_of_upserts_gets_a_tombstone_for_a_row_that_is_gone_and_none_for_one_that_is_replaced() {
    let stage = Stage::new(vec![Vec::new()]);
    let job = stage.start(&compile(&(source(&[]) + &few())), 1, 100, None);
    give(&stage, &job, "aabaa");
    let expected = [
        r#"{"k":"a"} {"k":"a","n":1}"#,
        r#"{"k":"a"} {"k":"a","n":2}"#,
        r#"{"k":"b"} {"k":"b","n":1}"#,
        r#"{"k":"a"} -"#,
    ];
    assert_eq!(records(&stage, "few"), expected);
    job.crash();
}

#[test]
fn a_topic_of_changes_holds_each_as_flink_writes_it() {
    let stage = Stage::new(vec![Vec::new()]);
    let table = |name: &str, format: &str| {
        format!(
            "CREATE TABLE {name} (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = '{name}',
               'value.format' = '{format}', 'key.format' = 'raw', 'key.fields' = 'k');
             INSERT INTO {name} SELECT k, COUNT(*) FROM q GROUP BY k;\n"
        )
    };

    let script = source(&[]) + &table("debezium", "debezium-json") + &table("canal", "canal-json");
    let job = stage.start(&compile(&script), 1, 100, None);
    give(&stage, &job, "aa");
    let expected = [
        r#"a {"before":null,"after":{"k":"a","n":1},"op":"c"}"#,
        r#"a {"before":{"k":"a","n":1},"after":null,"op":"d"}"#,
        r#"a {"before":null,"after":{"k":"a","n":2},"op":"c"}"#,
    ];
    assert_eq!(records(&stage, "debezium"), expected);

    let expected = [
        r#"a {"data":[{"k":"a","n":1}],"type":"INSERT"}"#,
        r#"a {"data":[{"k":"a","n":1}],"type":"DELETE"}"#,
        r#"a {"data":[{"k":"a","n":2}],"type":"INSERT"}"#,
    ];
    assert_eq!(records(&stage, "canal"), expected);
    job.crash();
}

#[test]
fn the_store_holds_what_stands_and_nothing_else() {
    let table = |name: &str, columns: &str, key: &str| {
        let options = format!("'connector' = 'redis', 'key' = '{key}', 'channel' = 'told'");
        format!("CREATE TABLE {name} ({columns}) WITH ({options});\n")
    };
    let script = source(&[])
        + "CREATE VIEW counts AS SELECT k, COUNT(*) AS n FROM q GROUP BY k;
           CREATE VIEW ranked AS SELECT k, n, place FROM (
             SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, k) AS place FROM counts) WHERE place <= 2;\n"
        + &table("few", "k STRING, n BIGINT", "few:{k}")
        + &table("top", "place BIGINT, k STRING, n BIGINT", "top:{place}")
        + &table("leaders", "k STRING, n BIGINT", "leader:{k}")
        + &table("places", "place BIGINT, k STRING", "place:{place}:{k}")
        + &table("one", "n BIGINT", "all")
        + "INSERT INTO few SELECT k, n FROM counts WHERE n < 3;
           INSERT INTO top SELECT place, k, n FROM ranked;
           INSERT INTO leaders SELECT k, n FROM (
             SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, k) AS place FROM counts) WHERE place <= 2;
           INSERT INTO places SELECT place, k FROM ranked;
           INSERT INTO one SELECT COUNT(*) FROM q;";
    for (batch, parallelism) in [(1, 1), (100, 1), (3, 3)] {
        let stage = Stage::new(vec![Vec::new()]);
        let job = stage.start(&compile(&script), parallelism, batch, None);
        give(&stage, &job, "aab");
        let expected = [
            ("all", r#"{"n":3}"#),
            ("few:a", r#"{"k":"a","n":2}"#),
            ("few:b", r#"{"k":"b","n":1}"#),
            ("leader:a", r#"{"k":"a","n":2}"#),
            ("leader:b", r#"{"k":"b","n":1}"#),
            ("place:1:a", r#"{"place":1,"k":"a"}"#),
            ("place:2:b", r#"{"place":2,"k":"b"}"#),
            ("top:1", r#"{"place":1,"k":"a","n":2}"#),
            ("top:2", r#"{"place":2,"k":"b","n":1}"#),
        ];
        assert_eq!(rows(&stage), of(&expected), "batches of {batch}");

        // From here on, a job continues from the snapshot; later results are computed again.
        let snapshot = job.snapshot();
        give(&stage, &job, "ccc");
        job.crash();
        let job = stage.start(&compile(&script), 2, batch, Some(&snapshot));
        until("the events are read", || job.ledger().accepted == 6);
        // The counts of different keys are computed concurrently, so the temporary leader depends on their
        // order.
        job.settle();
        give(&stage, &job, "a");
        let expected = [
            ("all", r#"{"n":7}"#),
            ("few:b", r#"{"k":"b","n":1}"#),
            ("leader:a", r#"{"k":"a","n":3}"#),
            ("leader:c", r#"{"k":"c","n":3}"#),
            ("place:1:a", r#"{"place":1,"k":"a"}"#),
            ("place:2:c", r#"{"place":2,"k":"c"}"#),
            ("top:1", r#"{"place":1,"k":"a","n":3}"#),
            ("top:2", r#"{"place":2,"k":"c","n":3}"#),
        ];
        assert_eq!(rows(&stage), of(&expected), "batches of {batch}");
        job.crash();
    }
}

#[test]
fn of_rows_with_the_same_key_of_the_table_an_older_one_comes_back() {
    let stage = Stage::new(vec![Vec::new()]);
    let script = source(&[])
        + "CREATE TABLE by_count (n BIGINT, k STRING) WITH ('connector' = 'redis', 'key' = 'n:{n}');
           INSERT INTO by_count SELECT COUNT(*), k FROM q GROUP BY k ON CONFLICT DO DEDUPLICATE;";
    let job = stage.start(&compile(&script), 1, 100, None);
    give(&stage, &job, "ab");
    assert_eq!(rows(&stage), of(&[("n:1", r#"{"n":1,"k":"b"}"#)]));
    give(&stage, &job, "b");
    assert_eq!(rows(&stage), of(&[("n:1", r#"{"n":1,"k":"a"}"#), ("n:2", r#"{"n":2,"k":"b"}"#)]));
    job.crash();
}

#[test]
fn a_null_for_a_column_that_takes_none_leaves_no_older_row_behind() {
    let stage = Stage::new(vec![Vec::new()]);
    let script = source(&[("table.exec.sink.not-null-enforcer", "DROP")])
        + "CREATE TABLE even (k STRING, n BIGINT NOT NULL) WITH ('connector' = 'redis', 'key' = 'even:{k}');
           INSERT INTO even SELECT k, CASE WHEN MOD(COUNT(*), 2) = 0 THEN COUNT(*) END FROM q GROUP BY k;";
    let job = stage.start(&compile(&script), 1, 100, None);
    give(&stage, &job, "aab");
    assert_eq!(rows(&stage), of(&[("even:a", r#"{"k":"a","n":2}"#)]));
    give(&stage, &job, "a");
    assert_eq!(rows(&stage), of(&[]));
    job.crash();
}

#[test]
fn the_topic_of_one_job_is_the_source_of_another() {
    let stage = Stage::new(vec![Vec::new()]);
    let counting = stage.start(&compile(&(source(&[]) + &few())), 1, 100, None);
    let script = upserts("few", "k STRING, n BIGINT", "k", "")
        + "CREATE TABLE sizes (n BIGINT, names BIGINT) WITH ('connector' = 'redis', 'key' = 'size:{n}');
           INSERT INTO sizes SELECT n, COUNT(*) FROM few GROUP BY n;";
    let plan = compile(&script);
    let reading = stage.start(&plan, 1, 100, None);
    give(&stage, &counting, "aabc");
    until("the records are read", || reading.ledger().accepted == 4);
    reading.settle();
    let expected = [("size:1", r#"{"n":1,"names":2}"#), ("size:2", r#"{"n":2,"names":1}"#)];
    assert_eq!(rows(&stage), of(&expected));

    // A restored job knows the rows that it had read from the topic, and repeated rows change nothing.
    let snapshot = reading.snapshot();
    reading.crash();
    stage.log.add_records("few", 0, vec![record(Some(r#"{"k":"b"}"#), r#"{"k":"b","n":1}"#)]);
    give(&stage, &counting, "a");
    let reading = stage.start(&plan, 2, 100, Some(&snapshot));
    until("the records are read", || reading.ledger().accepted == 6);
    reading.settle();
    assert_eq!(rows(&stage), of(&expected[..1]));
    reading.crash();
    counting.crash();
}

#[test]
fn the_columns_of_a_key_are_read_from_it() {
    for (include, value) in [("ALL", r#"{"k":"a","n":1,"s":"x"}"#), ("EXCEPT_KEY", r#"{"s":"x"}"#)] {
        let stage = Stage::new(vec![Vec::new()]);
        stage.log.create("t", 1);
        let more = format!(", 'value.fields-include' = '{include}'");
        let script = upserts("t", "k STRING, s STRING, n INT", "n, k", &more)
            + "CREATE TABLE o (k STRING, n INT, s STRING) WITH ('connector' = 'redis', 'key' = '{k}:{n}');
               INSERT INTO o SELECT k, n, s FROM t;";
        let job = stage.start(&compile(&script), 1, 100, None);
        let key = Some(r#"{"n":1,"k":"a"}"#);
        stage.log.add_records("t", 0, vec![record(key, value)]);
        until("the record is read", || job.ledger().accepted == 1);
        job.settle();
        assert_eq!(rows(&stage), of(&[("a:1", r#"{"k":"a","n":1,"s":"x"}"#)]), "{include}");

        // A tombstone of an unknown key has no effect; a record without a key or with an invalid key belongs
        // to no row.
        let records = vec![
            record(Some(r#"{"n":2,"k":"a"}"#), ""),
            record(None, value),
            record(None, ""),
            record(key, ""),
        ];
        stage.log.add_records("t", 0, records);
        until("the records are read", || job.ledger().accepted == 5);
        job.settle();
        assert_eq!(rows(&stage), of(&[]), "{include}");
        let ledger = job.ledger();
        assert_eq!((ledger.dead_lettered, ledger.empty), (2, 0), "{ledger:?}");
        job.crash();
    }
}

#[test]
fn a_tombstone_moves_no_watermark_and_is_not_late() {
    let stage = Stage::new(vec![Vec::new()]);
    stage.log.create("t", 1);
    let script = upserts(
        "t",
        "k STRING, v INT, at_ms BIGINT, seen AS TO_TIMESTAMP_LTZ(at_ms, 3), WATERMARK FOR seen AS seen",
        "k",
        "",
    ) + "CREATE TABLE o (total INT, window_end TIMESTAMP(3)) WITH ('connector' = 'redis', 'key' = '{window_end}');
         INSERT INTO o SELECT SUM(v), window_end
         FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(seen), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;";
    let job = stage.start(&compile(&script), 1, 100, None);
    let row = |k: &str, v: i64, second: i64| {
        let body = format!(r#"{{"k":"{k}","v":{v},"at_ms":{}}}"#, NOON + second * 1_000);
        record(Some(&format!(r#"{{"k":"{k}"}}"#)), &body)
    };
    let gone = |k: &str| record(Some(&format!(r#"{{"k":"{k}"}}"#)), "");
    let give = |records: Vec<NewRecord>| {
        let total = job.ledger().accepted + records.len() as u64;
        stage.log.add_records("t", 0, records);
        until("the records are read", || job.ledger().accepted == total);
        job.settle();
    };

    give(vec![row("a", 1, 1), row("b", 2, 2), gone("a"), gone("c")]);
    assert_eq!(rows(&stage), of(&[]), "no window has closed");
    give(vec![row("d", 4, 9), row("e", 8, 11)]);
    assert_eq!(
        rows(&stage),
        of(&[("2025-12-09 12:00:10", r#"{"total":6,"window_end":"2025-12-09 12:00:10"}"#)])
    );
    let ledger = job.ledger();
    assert_eq!((ledger.late, ledger.dead_lettered), (0, 0), "{ledger:?}");
    job.crash();
}
