//! A stream of always new texts: only those of open windows are kept, and the results remain correct.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use engine::window::Limits;

use crate::random::Random;
use crate::script::{NOON, event_with, query, source, tumble};
use crate::stage::{Stage, compile};

const EVENTS: usize = 40_000;

/// Creates lines in which each text occurs a few times within seconds, and then never again.
fn lines() -> Vec<(String, String, i64)> {
    let mut random = Random(9);
    (0..EVENTS as u64)
        .map(|n| {
            let number = n / 3 - random.below(20).min(n / 3);
            let text = format!("question number {number} {}", "which is a long one ".repeat(8));
            (format!("k{}", random.below(50)), text, NOON + n as i64 * 20)
        })
        .collect()
}

#[test]
fn memory_follows_the_open_windows_and_not_the_stream() {
    let lines = lines();
    let mut expected: BTreeMap<(String, i64), BTreeSet<&str>> = BTreeMap::new();
    for (k, text, at) in &lines {
        expected.entry((k.clone(), at / 10_000)).or_default().insert(text);
    }
    let events: Vec<String> = lines.iter().map(|(k, text, at)| event_with(k, 1, text, *at)).collect();
    // Also group by text, so that texts are keys as well as counted values.
    let script = source(&[])
        + &query("t", &tumble(10))
        + "CREATE TABLE w (words STRING, n BIGINT, window_end TIMESTAMP(3))
             WITH ('connector' = 'redis', 'key' = 'w:{words}:{window_end}', 'ttl' = '86400');
           INSERT INTO w SELECT words, COUNT(*), window_end
           FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '10' SECOND))
           GROUP BY window_start, window_end, words;";

    for parallelism in [1, 3] {
        let mut stage = Stage::new(vec![events.clone()]);
        stage.options.limits = Limits { front_bytes: 100_000, local_bytes: 100_000, codes: 1_000 };
        let job = stage.start(&compile(&script), parallelism, 200, None);
        let mut most = 0;
        for read in (1..=20).map(|n| n * EVENTS / 20) {
            job.read_up_to(&[read]);
            job.settle();
            let state = job.tasks().iter().map(|task| task.metrics.state_bytes.load(Ordering::Relaxed)).sum();
            most = u64::max(most, state);
        }
        // All texts would take four megabytes in each subtask; those of a few windows take less.
        let bound = 1_500_000 * u64::from(parallelism);
        assert!(most > 0 && most < bound, "parallelism {parallelism}: {most} bytes");

        let ledger = job.finish();
        assert_eq!(ledger.counted, EVENTS as u64);
        let rows = stage.store.rows();
        for ((k, window), texts) in &expected {
            let end = jiff::Timestamp::from_second((window + 1) * 10).expect("a time of this century");
            let key = format!("t:{k}:{}", end.strftime("%Y-%m-%d %H:%M:%S"));
            let row: serde_json::Value = serde_json::from_slice(&rows[&key]).expect("a row is JSON");
            assert_eq!(row["texts"], texts.len(), "parallelism {parallelism}: {key}");
        }
        let by_text: i64 = crate::script::counts(&stage, "w").values().sum();
        assert_eq!(by_text, EVENTS as i64, "parallelism {parallelism}");
    }
}
