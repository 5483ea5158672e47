//! Snapshots that are restored into a changed script.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::connector::Reads;
use engine::snapshot::{Fate, RestoreReport, Snapshot};
use serde_json::Value;
use sql::plan::Plan;

use crate::stage::{Stage, TOPIC, compile};

const SOURCE: &str = "CREATE TABLE q (k STRING, v INT, seen TIMESTAMP_LTZ(3),
    WATERMARK FOR seen AS seen - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'format' = 'json',
        'json.timestamp-format.standard' = 'ISO-8601', 'json.ignore-parse-errors' = 'true');";

/// Declares a table and a query that writes to it: count and sum by key and minute of the rows that meet the
/// condition.
fn query(name: &str, what: &str, condition: &str, seconds: u32) -> String {
    format!(
        "CREATE TABLE {name} (k STRING, n BIGINT, x BIGINT, window_end TIMESTAMP(3), PRIMARY KEY (k, window_end) NOT ENFORCED)
         WITH ('connector' = 'redis', 'key' = 'analytics:{name}:{{k}}:{{window_end}}', 'ttl' = '86400');
         INSERT INTO {name} SELECT k, COUNT(*), {what}, window_end
         FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '{seconds}' SECOND)) WHERE {condition}
         GROUP BY window_start, window_end, k;\n"
    )
}

/// Returns one event per second for ten minutes, with five keys.
fn events() -> Vec<String> {
    (0..600)
        .map(|n| {
            let (minute, second) = (n / 60, n % 60);
            format!("{{\"k\":\"k{}\",\"v\":{n},\"seen\":\"2025-12-09T12:{minute:02}:{second:02}Z\"}}", n % 5)
        })
        .collect()
}

/// Reads 330 events with one script, and continues with another from a snapshot. Returns the rows and the
/// report.
fn change(before: &str, after: &str, parallelism: u32) -> (BTreeMap<String, Value>, RestoreReport) {
    let (stage, snapshot) = halfway(before);
    let plan = compile(&format!("{SOURCE}{after}"));
    let report = report(&plan, &snapshot);
    let job = stage.start(&plan, parallelism, 100, Some(&snapshot));
    job.read_up_to(&[600]);
    job.finish();
    (stage.rows(), report)
}

fn halfway(script: &str) -> (Stage, Snapshot) {
    let stage = Stage::new(vec![events()]);
    let job = stage.start(&compile(&format!("{SOURCE}{script}")), 1, 100, None);
    job.read_up_to(&[330]);
    let snapshot = job.snapshot();
    job.crash();
    (stage, snapshot)
}

fn report(plan: &Plan, snapshot: &Snapshot) -> RestoreReport {
    RestoreReport::of(plan, snapshot, &[reads(TOPIC)]).expect("the plan can be laid out")
}

fn reads(topic: &'static str) -> Reads {
    let includes = Arc::new(move |name: &str| name == topic);
    Reads { system: "memory".to_owned(), what: format!("topic `{topic}`"), includes }
}

fn fate<'a>(report: &'a RestoreReport, query: &str) -> &'a Fate {
    let found = report.queries.iter().find(|(name, _)| name == query);
    &found.unwrap_or_else(|| panic!("nothing is said of {query}: {report}")).1
}

/// Returns the counts of a table by key and time.
fn counts(rows: &BTreeMap<String, Value>, table: &str) -> BTreeMap<String, i64> {
    let prefix = format!("analytics:{table}:");
    let of = rows.iter().filter_map(|(key, row)| Some((key.strip_prefix(&prefix)?, row)));
    of.map(|(key, row)| (key.to_owned(), row["n"].as_i64().expect("a count"))).collect()
}

/// Returns the final counts of a table that contains all events by minute.
fn whole() -> BTreeMap<String, i64> {
    (0..10)
        .flat_map(|minute| (0..5).map(move |k| (format!("k{k}:2025-12-09 12:{:02}:00", minute + 1), 12)))
        .collect()
}

#[test]
fn a_query_that_stays_keeps_its_state_when_others_come_and_go() {
    let (stays, goes) = (query("stays", "SUM(v)", "TRUE", 60), query("goes", "MAX(v)", "v > 3", 60));
    let comes = query("comes", "MIN(v)", "v >= 0", 60);
    for parallelism in [1, 3] {
        let (rows, report) = change(&format!("{stays}{goes}"), &format!("{comes}{stays}"), parallelism);
        assert_eq!(fate(&report, "stays"), &Fate::Kept);
        assert_eq!(fate(&report, "comes"), &Fate::Empty("it is new".to_owned()));
        assert_eq!(report.dropped, ["goes"]);
        assert_eq!(report.resumed, ["q"]);
        assert_eq!(counts(&rows, "stays"), whole());
        // The new query counts only the events after the snapshot, which was taken in the middle of the sixth
        // minute.
        let mut expected = whole();
        expected.retain(|key, _| &key[14..] > "12:05:00");
        expected.iter_mut().filter(|(key, _)| key.ends_with("12:06:00")).for_each(|(_, n)| *n = 6);
        assert_eq!(counts(&rows, "comes"), expected);
    }
}

#[test]
fn a_renamed_query_takes_its_state_along() {
    let (rows, report) =
        change(&query("old_name", "SUM(v)", "v >= 0", 60), &query("new_name", "SUM(v)", "v >= 0", 60), 2);
    assert_eq!(fate(&report, "new_name"), &Fate::TakenFrom("old_name".to_owned()));
    assert!(report.dropped.is_empty() && report.is_complete(), "{report}");
    let minute = "k1:2025-12-09 12:06:00";
    assert_eq!(counts(&rows, "new_name")[minute], 12);
}

#[test]
fn state_that_no_longer_fits_is_not_used() {
    let before = query("a", "SUM(v)", "TRUE", 60) + &query("b", "SUM(v)", "TRUE", 60);
    let (rows, report) =
        change(&before, &(query("a", "SUM(v)", "TRUE", 30) + &query("b", "MIN(v)", "TRUE", 60)), 1);
    let changed = "its window, conditions or keys have changed".to_owned();
    assert_eq!(fate(&report, "a"), &Fate::Empty(changed));
    assert_eq!(
        fate(&report, "b"),
        &Fate::Empty("it computes an aggregate that it did not compute before".to_owned())
    );
    assert_eq!(counts(&rows, "b")["k1:2025-12-09 12:06:00"], 6);
    assert_eq!(counts(&rows, "b")["k1:2025-12-09 12:07:00"], 12);
}

#[test]
fn a_new_query_does_not_share_the_state_of_an_old_one_of_its_shape() {
    // Both count and sum by minute and key. Only the summed expression is new to the state that they would
    // share.
    let old = query("older", "SUM(v)", "TRUE", 60);
    let new = query("newer", "SUM(v + 1)", "TRUE", 60);
    let (rows, report) = change(&old, &format!("{old}{new}"), 1);
    assert_eq!(fate(&report, "older"), &Fate::Kept);
    assert_eq!(fate(&report, "newer"), &Fate::Empty("it is new".to_owned()));
    assert_eq!(counts(&rows, "older"), whole());
    assert_eq!(counts(&rows, "newer")["k1:2025-12-09 12:06:00"], 6);
    let sum = |table: &str| rows[&format!("analytics:{table}:k1:2025-12-09 12:06:00")]["x"].as_i64();
    let values = |from: i64| (from..360).filter(|n| n % 5 == 1).collect::<Vec<i64>>();
    assert_eq!(sum("older"), Some(values(300).iter().sum()));
    assert_eq!(sum("newer"), Some(values(330).iter().map(|v| v + 1).sum()));
}

#[test]
fn another_topic_starts_anew() {
    let (_, snapshot) = halfway(&query("a", "SUM(v)", "TRUE", 60));
    let plan = compile(&format!("{SOURCE}{}", query("a", "SUM(v)", "TRUE", 60)));
    let report = RestoreReport::of(&plan, &snapshot, &[reads("other")]).unwrap();
    let why =
        "it reads topic `other` of memory now, and the positions are those of topic `user-queries` of memory";
    assert_eq!(report.started, [("q".to_owned(), why.to_owned())]);
    assert_eq!(report.dropped, ["a"]);
    assert!(!report.is_complete());
    assert_eq!(
        report.to_string(),
        format!(
            "source `q` starts where the options of its table say: {why}\n\
             query `a` starts empty: its source does not continue at the positions of the snapshot\n\
             the state of `a` is dropped: nothing in the script uses it\n"
        )
    );
}

/// Declares a table of counts by key that change with every event, with further operators after them.
fn updating(name: &str, filter: &str) -> String {
    format!(
        "CREATE TABLE {name} (k STRING, n BIGINT) WITH ('connector' = 'blackhole');
         INSERT INTO {name} SELECT k, n FROM (
           SELECT k, n, ROW_NUMBER() OVER (ORDER BY n DESC, k) AS place
           FROM (SELECT k, COUNT(*) AS n FROM q WHERE {filter} GROUP BY k)
         ) WHERE place <= 3;\n"
    )
}

fn fates(report: &RestoreReport) -> Vec<(&str, bool)> {
    report.operators.iter().map(|(name, fate)| (name.as_str(), *fate == Fate::Kept)).collect()
}

#[test]
fn operators_keep_their_state_whatever_else_the_script_holds() {
    let before = [updating("a", "v > 0"), updating("b", "v > 1")].concat();
    let (_, snapshot) = halfway(&before);
    let others = query("other", "SUM(v * 3)", "v > 7", 60);
    let after = [others, updating("b", "v > 2"), updating("a", "v > 0"), updating("c", "v > 0")].concat();
    let report = report(&compile(&format!("{SOURCE}{after}")), &snapshot);

    let kept: Vec<&str> = fates(&report).iter().filter(|(_, kept)| *kept).map(|(name, _)| *name).collect();
    assert_eq!(kept.len(), 2, "{report}");
    assert!(kept.iter().all(|name| name.starts_with("a: ")), "{report}");
    assert!(!report.is_complete() && report.to_string().contains("`b: Rank"), "{report}");
    assert_eq!(report.dropped, ["b: GroupAggregate", "b: Rank"], "{report}");
}

#[test]
fn operators_start_empty_where_their_source_starts_anew() {
    let script = updating("a", "v > 0");
    let (_, snapshot) = halfway(&script);
    let plan = compile(&format!("{SOURCE}{script}"));
    let report = RestoreReport::of(&plan, &snapshot, &[reads("other")]).unwrap();
    assert!(fates(&report).iter().all(|(_, kept)| !kept) && !report.operators.is_empty(), "{report}");
    assert!(
        report
            .to_string()
            .contains("starts empty: its source does not continue at the positions of the snapshot"),
        "{report}"
    );
    assert_eq!(report.dropped, ["a: GroupAggregate", "a: Rank"]);
}
