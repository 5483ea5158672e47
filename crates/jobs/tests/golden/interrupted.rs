//! Runs each golden case as a live job that takes snapshots, is killed, and continues with another
//! parallelism.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use types::{Interval, ManualClock, Timestamp};

use crate::memory::MemoryLog;
use crate::stage::{Stage, compile};
use crate::{cases, script, write_ledger};

/// The topic that every case reads.
const TOPIC: &str = "t";
const CLOCK: Timestamp = Timestamp(1_765_281_600_000);
const A_YEAR: Interval = Interval(366 * 24 * 3_600_000);
/// Interrupted in the middle, and at every quarter.
const PARALLELISMS: [&[u32]; 3] = [&[1, 3], &[4, 1], &[2, 1, 3, 2]];

/// The values written for each key; several queries may write to the same one.
type Answers = BTreeMap<String, Vec<Value>>;

/// Returns the rows of a golden file, and its counts of records.
fn expected(golden: &str) -> (Answers, String) {
    let (rows, ledger) = golden.rsplit_once("\n\n").unwrap_or(("", golden.trim_start()));
    let mut answers = Answers::new();
    for line in rows.lines() {
        let mut parts = serde_json::Deserializer::from_str(line).into_iter::<Value>();
        let mut next = || parts.next().expect("a part").expect("a part is JSON");
        let (_table, key, value) = (next(), next(), next());
        // Rows of queries without a sink have no key.
        if let Some(key) = key.as_str() {
            answers.entry(key.to_owned()).or_default().push(value);
        }
    }
    (answers, ledger.to_owned())
}

/// Returns the results of a case that is interrupted and runs with these parallelisms in turn.
fn answer(case: &Path, lines: &[String], parallelisms: &[u32], batch_rows: usize) -> (Stage, String) {
    let mut stage = Stage::new(Vec::new());
    stage.log = MemoryLog::with(TOPIC, vec![lines.to_vec()]);
    stage.clock = Arc::new(ManualClock::at(CLOCK));
    let plan = compile(&script(case));
    let mut snapshot = None;
    let (last, others) = parallelisms.split_last().expect("a parallelism");

    for (turn, &parallelism) in others.iter().enumerate() {
        let job = stage.start(&plan, parallelism, batch_rows, snapshot.as_ref());
        // With a single line, the second attempt reads as much as the first.
        let until = (lines.len() * (turn + 1) / parallelisms.len()).max(turn.min(lines.len()));
        snapshot = Some(job.snapshot_of(TOPIC, until));
        // Events after the snapshot are read and written again.
        job.snapshot_of(TOPIC, (until + 1).min(lines.len()));
        job.crash();
    }

    let job = stage.start(&plan, *last, batch_rows, snapshot.as_ref());
    job.snapshot_of(TOPIC, lines.len());
    let mut ledger = String::new();
    write_ledger(&mut ledger, &job.finish_after(A_YEAR));
    (stage, ledger)
}

#[test]
fn every_case_answers_as_written_down_though_it_is_killed_and_restored_at_another_parallelism() {
    for case in cases() {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        // The position of a line in a file differs from the position of a record in a log.
        if script(&case).contains(" METADATA ") {
            continue;
        }
        let golden = std::fs::read_to_string(case.join("expected.golden")).expect("a case has a golden");
        let (answers, accounts) = expected(&golden);
        let input = std::fs::read_dir(&case).expect("a case is a directory");
        let mut inputs = input.map(|entry| entry.expect("a file").path());
        let input = inputs.find(|path| path.extension().is_some_and(|of| of == "jsonl")).expect("an input");
        let lines = std::fs::read_to_string(input).expect("the input is text");
        let lines: Vec<String> = lines.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();

        for (parallelisms, batch_rows) in PARALLELISMS.into_iter().zip([4096, 1, 2]) {
            let at = format!("{name}, parallelisms {parallelisms:?}, batches of {batch_rows}");
            let (stage, ledger) = answer(&case, &lines, parallelisms, batch_rows);
            assert_eq!(ledger.trim(), accounts.trim(), "{at}");
            let rows = stage.rows();
            for (key, wanted) in &answers {
                let mut row = rows.get(key).unwrap_or_else(|| panic!("{at}: {key} is missing")).clone();
                row.as_object_mut().expect("a row is an object").remove("is_final");
                assert!(wanted.contains(&row), "{at}: {key} is {row}, not {wanted:?}");
            }
            assert_eq!(rows.keys().collect::<Vec<_>>(), answers.keys().collect::<Vec<_>>(), "{at}");
        }
    }
}
