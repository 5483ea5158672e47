//! Late rows, rows that are just in time, rows from the future, and results that are not final.

use connectors::dead_letter::DEAD_LETTER_TOPIC;
use serde_json::{Value, json};
use types::{Clock as _, Interval};

use crate::random::Random;
use crate::script::{NOON, event, query, row, source, tumble, writes};
use crate::stage::{NOW, Running, Stage, TOPIC, compile, until};

/// Adds events, and waits until they are read and their results are written.
fn give(stage: &Stage, job: &Running<'_>, lines: &[String]) {
    let total = job.ledger().accepted + lines.len() as u64;
    stage.log.add(TOPIC, 0, lines.to_vec());
    until("the events are read", || job.ledger().accepted == total);
    job.settle();
}

fn at(seconds: i64) -> i64 {
    NOON + seconds * 1_000
}

fn dead_letters(stage: &Stage) -> Vec<Value> {
    stage.log.dead_letters(DEAD_LETTER_TOPIC)
}

const FIRST: &str = "t:a:2025-12-09 12:00:10";

#[test]
fn late_rows_correct_what_was_written_until_they_are_too_late() {
    for parallelism in [1, 3] {
        let stage = Stage::new(vec![Vec::new()]);
        let script = source(&[("weir.allowed-lateness", "30 s")]) + &query("t", &tumble(10));
        let job = stage.start(&compile(&script), parallelism, 100, None);
        give(&stage, &job, &[event("a", 1, at(1)), event("a", 1, at(2)), event("b", 1, at(12))]);
        assert_eq!(writes(&stage, FIRST), [(2, true, 0)], "closed at 11 s");
        give(&stage, &job, &[event("a", 1, at(3))]);
        assert_eq!(writes(&stage, FIRST)[1..], [(3, true, 1)]);
        give(&stage, &job, &[event("b", 1, at(39)), event("a", 1, at(4))]);
        assert_eq!(writes(&stage, FIRST)[2..], [(4, true, 2)], "the watermark is 38 s: just in time");
        give(&stage, &job, &[event("b", 1, at(41)), event("a", 7, at(5))]);
        assert_eq!(writes(&stage, FIRST).len(), 3, "the watermark is 40 s: too late");
        assert_eq!(row(&stage, FIRST).unwrap()["total"], json!(4));

        let dead_letters = dead_letters(&stage);
        assert_eq!(dead_letters.len(), 1);
        assert_eq!((&dead_letters[0]["reason"], &dead_letters[0]["offset"]), (&json!("late"), &json!(7)));
        assert_eq!(dead_letters[0]["queries"], json!(["t"]));

        let ledger = job.finish();
        assert_eq!((ledger.accepted, ledger.counted, ledger.late), (8, 7, 1));
        assert_eq!(ledger.late_by_query["t"], 1);
        assert!(ledger.balances());
    }
}

/// Sums over the results of windows: an operator after windows, which receives corrections as changes.
const TOTALS: &str = "CREATE TABLE totals (k STRING, total BIGINT)
      WITH ('connector' = 'redis', 'key' = 'totals:{k}', 'ttl' = '86400');
    INSERT INTO totals SELECT k, SUM(n) FROM (
      SELECT k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '10' SECOND))
      GROUP BY window_start, window_end, k HAVING COUNT(*) <> 3
    ) GROUP BY k;\n";

#[test]
fn an_operator_takes_back_the_result_that_a_late_row_corrects() {
    for parallelism in [1, 3] {
        let stage = Stage::new(vec![Vec::new()]);
        let script = source(&[("weir.allowed-lateness", "30 s")]) + TOTALS;
        let job = stage.start(&compile(&script), parallelism, 100, None);
        let total = || row(&stage, "totals:a").map(|row| row["total"].as_i64());
        give(&stage, &job, &[event("a", 1, at(1)), event("a", 1, at(2)), event("a", 1, at(12))]);
        until("the first window is summed", || total() == Some(Some(2)));

        // With three rows the condition fails, so the row is removed; with four it holds again.
        give(&stage, &job, &[event("a", 1, at(3))]);
        until("the window is taken back", || total().is_none());
        give(&stage, &job, &[event("a", 1, at(4)), event("b", 1, at(24))]);
        until("both windows are summed", || total() == Some(Some(5)));

        // The watermark is 40 s: the first window is final.
        give(&stage, &job, &[event("b", 1, at(41)), event("a", 1, at(5))]);
        assert_eq!(job.finish().late, 1);
        assert_eq!(total(), Some(Some(5)), "parallelism {parallelism}");
    }
}

#[test]
fn a_row_is_late_for_one_query_and_not_for_another() {
    let stage = Stage::new(vec![Vec::new()]);
    let script = source(&[]) + &query("short", &tumble(20)) + &query("long", &tumble(300));
    let job = stage.start(&compile(&script), 1, 100, None);
    give(&stage, &job, &[event("a", 1, at(5)), event("a", 1, at(30)), event("a", 1, at(6))]);
    let dead_letters = dead_letters(&stage);
    assert_eq!(dead_letters[0]["queries"], json!(["short"]));
    let ledger = job.finish();
    assert_eq!((ledger.counted, ledger.late, ledger.late_by_query.len()), (2, 1, 1));
    assert_eq!(row(&stage, "short:a:2025-12-09 12:00:20").unwrap()["n"], json!(1));
    assert_eq!(row(&stage, "long:a:2025-12-09 12:05:00").unwrap()["n"], json!(3));
}

#[test]
fn an_event_from_the_future_moves_no_clock() {
    let mut stage = Stage::new(vec![Vec::new()]);
    stage.options.max_future = Interval(60_000);
    let job = stage.start(&compile(&(source(&[]) + &query("t", &tumble(10)))), 1, 100, None);
    let now = NOW.0;
    give(&stage, &job, &[event("a", 1, now), event("a", 1, now + 60_000), event("a", 1, now + 60_001)]);
    give(&stage, &job, &[event("a", 1, now + 58_999)]);
    let dead_letters = dead_letters(&stage);
    assert_eq!(dead_letters.len(), 1);
    assert!(dead_letters[0]["reason"].as_str().unwrap().starts_with("future"), "{dead_letters:?}");
    assert_eq!(dead_letters[0]["offset"], json!(2));
    let ledger = job.finish();
    assert_eq!((ledger.counted, ledger.dead_lettered, ledger.late), (3, 1, 0));
}

#[test]
fn a_client_whose_clock_is_fast_makes_nobody_late_and_counts_in_windows_to_come() {
    for (parallelism, skew) in [(1, 60_000_i64), (1, 240_000), (3, 240_000), (1, 299_000)] {
        let mut stage = Stage::new(vec![Vec::new()]);
        stage.options.max_future = Interval(300_000);
        let job = stage.start(&compile(&(source(&[]) + &query("t", &tumble(10)))), parallelism, 100, None);
        let mut random = Random(skew.unsigned_abs());
        // Events of correct clients and of one whose clock is ahead, while the clock moves on.
        for _ in 0..30 {
            let now = stage.clock.now().0;
            let mut lines: Vec<String> =
                (0..5).map(|_| event("right", 1, now - random.below(900) as i64)).collect();
            lines.push(event("fast", 1, now + skew));
            give(&stage, &job, &lines);
            stage.clock.advance(Interval(1_000));
        }

        let ledger = job.finish();
        assert_eq!((ledger.counted, ledger.late, ledger.dead_lettered), (180, 0, 0), "{skew} ms ahead");
        let rows = stage.rows();
        let sum = |k: &str| -> i64 {
            let of = rows.iter().filter(|(key, _)| key.starts_with(&format!("t:{k}:")));
            of.map(|(_, row)| row["n"].as_i64().unwrap()).sum()
        };
        assert_eq!((sum("right"), sum("fast")), (150, 30));
    }
}

#[test]
fn early_results_are_of_groups_that_changed_and_say_that_they_are_not_final() {
    for parallelism in [1, 3] {
        let stage = Stage::new(vec![Vec::new()]);
        let script = source(&[("weir.early-fire", "2 s")]) + &query("t", &tumble(10));
        let job = stage.start(&compile(&script), parallelism, 100, None);
        let b = "t:b:2025-12-09 12:00:10";
        give(&stage, &job, &[event("a", 1, at(1)), event("b", 1, at(2))]);
        until("the first early results are there at once", || !writes(&stage, b).is_empty());
        assert_eq!((writes(&stage, FIRST), writes(&stage, b)), (vec![(1, false, 0)], vec![(1, false, 0)]));

        give(&stage, &job, &[event("a", 1, at(3))]);
        assert_eq!(writes(&stage, FIRST).len(), 1, "the pause is not over");
        stage.clock.advance(Interval(2_000));
        job.settle();
        until("the change is there", || writes(&stage, FIRST).len() == 2);
        assert_eq!(writes(&stage, FIRST)[1], (2, false, 0));
        assert_eq!(writes(&stage, b).len(), 1, "nothing changed there");

        give(&stage, &job, &[event("c", 1, at(12))]);
        assert_eq!(writes(&stage, FIRST)[2..], [(2, true, 0)]);
        assert_eq!(
            writes(&stage, b)[1..],
            [(1, true, 0)],
            "the closing row is written whether it changed or not"
        );
        job.crash();
    }
}

#[test]
fn early_results_that_a_snapshot_came_before_are_written_after_it() {
    for parallelism in [1, 3] {
        let stage = Stage::new(vec![Vec::new()]);
        let plan = compile(&(source(&[("weir.early-fire", "2 s")]) + &query("t", &tumble(10))));
        let job = stage.start(&plan, parallelism, 100, None);
        give(&stage, &job, &[event("a", 1, at(1))]);
        until("the first early result is there", || !writes(&stage, FIRST).is_empty());
        give(&stage, &job, &[event("a", 1, at(2))]);
        assert_eq!(writes(&stage, FIRST).len(), 1, "the pause is not over");
        let snapshot = job.snapshot();
        job.crash();
        let job = stage.start(&plan, parallelism, 100, Some(&snapshot));
        until("the second is there", || writes(&stage, FIRST).len() == 2);
        assert_eq!(writes(&stage, FIRST)[1], (2, false, 0));
        job.crash();
    }
}

#[test]
fn a_single_event_goes_straight_through() {
    for parallelism in [1, 2] {
        let stage = Stage::new(vec![Vec::new()]);
        let script = source(&[("weir.early-fire", "0 s")]) + &query("t", &tumble(10));
        let job = stage.start(&compile(&script), parallelism, 4096, None);
        for n in 1..=5 {
            stage.log.add(TOPIC, 0, vec![event("a", 1, at(n))]);
            // The clock stands still: nothing waits for more events.
            until("the row is there", || writes(&stage, FIRST).len() as i64 == n);
            assert_eq!(writes(&stage, FIRST)[n as usize - 1], (n, false, 0));
        }
        job.crash();
    }
}
