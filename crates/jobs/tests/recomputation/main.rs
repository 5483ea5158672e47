//! Recomputes the fifteen analytics in a simple way. The engine must produce exactly the same keys and
//! values, with any parallelism and batch size. Other queries give the rows that can be counted by hand.

mod analytics;
#[path = "../support/event.rs"]
mod event;
#[path = "../support/lines.rs"]
mod lines;
mod naive;
#[path = "../support/random.rs"]
mod random;
mod self_join;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lines::lines;
use naive::{Tally, recompute};
use random::Random;
use serde_json::{Value, json};
use support::run;

const SCRIPT: &str = include_str!("../../../../jobs/analytics.sql");

/// Returns whether two values are equal except for the last bits of averages, which are added in another
/// order here.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().expect("a number"), b.as_f64().expect("a number"));
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

fn write(directory: &Path, name: &str, lines: &[String]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, lines.join("\n")).expect("the directory is there");
    path
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn parse_output(output: &str) -> BTreeMap<(String, String), Value> {
    let mut rows = BTreeMap::new();
    for line in output.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(line["ttl"], json!(2_592_000));
        let value = line["value"].as_object_mut().expect("a value is an object");
        assert!(value.remove("created_at").is_some());
        let key = (text_of(&line["table"]), text_of(&line["key"]));
        assert!(rows.insert(key.clone(), line["value"].clone()).is_none(), "written twice: {key:?}");
    }
    rows
}

fn script(lateness: &str) -> String {
    let script = SCRIPT
        .replace("'weir.allowed-lateness' = '1 min'", &format!("'weir.allowed-lateness' = '{lateness}'"));
    assert!(script.contains(&format!("= '{lateness}'")), "the script sets the lateness");
    script
}

fn check(seed: u64, count: usize, files: usize, lateness: (&str, i64), runs: &[(u32, usize)]) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut random = Random(seed);
    let contents: Vec<Vec<String>> = (0..files).map(|_| lines(&mut random, count)).collect();
    let paths: Vec<PathBuf> = contents
        .iter()
        .enumerate()
        .map(|(i, lines)| write(directory.path(), &format!("{i}.jsonl"), lines))
        .collect();
    let paths: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
    let (expected, tally) = recompute(&contents, lateness.1);
    assert!(lateness.1 > 0 || tally.late > 0, "seed {seed} has no late rows");

    let mut first_output: Option<String> = None;
    for &(parallelism, batch_rows) in runs {
        let at = format!("seed {seed}, parallelism {parallelism}, batches of {batch_rows}");
        let (output, summary) =
            run(&script(lateness.0), &[("user_queries", &paths)], parallelism, batch_rows);
        let rows = parse_output(&output);
        for (key, value) in &expected {
            let found = rows.get(key).unwrap_or_else(|| panic!("{at}: {key:?} is missing; expected {value}"));
            assert!(same(value, found), "{at}: {key:?}\nexpected {value}\n   found {found}");
        }
        let extra: Vec<_> = rows.keys().filter(|key| !expected.contains_key(*key)).collect();
        assert!(extra.is_empty(), "{at}: not expected: {extra:?}");

        let ledger = summary.ledger;
        assert!(ledger.balances(), "{at}: {ledger:?}");
        let ours = Tally { lines: ledger.accepted, unusable: ledger.dead_lettered, late: ledger.late };
        assert_eq!(ours, tally, "{at}");
        match &first_output {
            None => first_output = Some(output),
            Some(first) => assert!(*first == output, "{at}: the bytes differ from those of the first run"),
        }
    }
}

const EVERY_WAY: [(u32, usize); 7] = [(1, 4096), (1, 1), (1, 7), (1, 100), (2, 64), (3, 4096), (4, 1)];

#[test]
fn every_row_is_right_when_late_rows_are_left_out() {
    for seed in 1..=4 {
        check(seed, 1_500, 1, ("0 s", 0), &EVERY_WAY);
    }
}

#[test]
fn every_row_is_right_when_late_rows_are_waited_for() {
    check(11, 3_000, 1, ("1 min", 60_000), &EVERY_WAY);
}

#[test]
fn several_files_give_the_same_answer_whoever_reads_them() {
    check(21, 1_000, 3, ("0 s", 0), &EVERY_WAY);
}
