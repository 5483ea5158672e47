//! Jobs that are interrupted at random points.

use std::collections::BTreeSet;

use connectors::dead_letter::DEAD_LETTER_TOPIC;

use crate::lines::lines;
use crate::random::Random;
use crate::stage::{Running, Stage, compile};

/// Returns a script with all analytics, further windows, and aggregates with every kind of state.
pub fn script() -> String {
    let more = [
        "HOP(TABLE user_queries, DESCRIPTOR(event_time), INTERVAL '10' SECOND, INTERVAL '40' SECOND)",
        "CUMULATE(TABLE user_queries, DESCRIPTOR(event_time), INTERVAL '30' SECOND, INTERVAL '2' MINUTE)",
        "TUMBLE(TABLE user_queries, DESCRIPTOR(event_time), INTERVAL '1' MINUTE, INTERVAL '7' SECOND)",
    ];

    let mut script = include_str!("../../../../jobs/analytics.sql").to_owned();
    for (n, window) in more.iter().enumerate() {
        script += &format!(
            "CREATE TABLE more_{n} (
               kind STRING, department INT, rewritten BOOLEAN, window_start TIMESTAMP(3), window_end TIMESTAMP(3),
               n BIGINT, texts BIGINT, users BIGINT, slow DOUBLE, total DOUBLE, money DECIMAL(38, 4), least STRING,
               greatest STRING, fastest DOUBLE, years INT, halves DOUBLE, good BIGINT
             ) WITH ('connector' = 'redis',
                     'key' = 'analytics:more{n}:{{kind}}:{{department}}:{{rewritten}}:{{window_end}}', 'ttl' = '86400');
             INSERT INTO more_{n}
             SELECT `user`.user_type, `user`.department_id, metadata.query_rewritten, window_start, window_end,
                    COUNT(*), COUNT(DISTINCT query_text), COUNT(DISTINCT `user`.user_id),
                    PERCENTILE(rag_metrics.response_time_ms, 0.9),
                    SUM(rag_metrics.response_time_ms), SUM(CAST(rag_metrics.response_time_ms AS DECIMAL(20, 4))),
                    MIN(query_text), MAX(query_text), MIN(rag_metrics.response_time_ms), MAX(`user`.`years`),
                    SUM(DISTINCT rag_metrics.response_time_ms / 1e-30),
                    COUNT(*) FILTER (WHERE rag_metrics.success)
             FROM TABLE({window})
             GROUP BY window_start, window_end, `user`.user_type, `user`.department_id, metadata.query_rewritten;\n"
        );
    }
    script
}

/// Returns the rows and the ledger of a job without interruptions.
fn truth(partitions: &[Vec<String>]) -> (Stage, engine::operator::LedgerCounts) {
    let stage = Stage::new(partitions.to_vec());
    let job = stage.start(&compile(&script()), 1, 1_000, None);
    job.read_up_to(&lengths(partitions));
    let counts = job.finish();
    (stage, counts)
}

fn lengths(partitions: &[Vec<String>]) -> Vec<usize> {
    partitions.iter().map(Vec::len).collect()
}

/// Reads everything with random interruptions, with these parallelisms in turn.
fn check(seed: u64, partitions: Vec<Vec<String>>, parallelisms: &[u32]) {
    let (untouched, counts) = truth(&partitions);
    assert!(counts.balances(), "{counts:?}");
    let mut random = Random(seed);
    let stage = Stage::new(partitions.clone());
    let plan = compile(&script());
    let all = lengths(&partitions);

    let mut shown = vec![0; all.len()];
    let mut snapshot = None;
    let more = |random: &mut Random, shown: &[usize]| -> Vec<usize> {
        let left = shown.iter().zip(&all);
        left.map(|(&shown, &all)| shown + random.below((all - shown) as u64 / 2 + 1) as usize).collect()
    };

    for &parallelism in parallelisms {
        let batch_rows = *random.pick(&[1, 7, 300]);
        let job = stage.start(&plan, parallelism, batch_rows, snapshot.as_ref());
        let at_least = more(&mut random, &shown);
        job.read_up_to(&at_least);
        // More events are read while the snapshot is taken; it may or may not contain them.
        shown = more(&mut random, &at_least);
        stage.log.show(crate::stage::TOPIC, &shown);
        snapshot = Some(job.snapshot());
        // Everything after the snapshot is read and written again.
        job.read_up_to(&shown);
        job.crash();
    }

    let last: Running<'_> = stage.start(&plan, 2, 300, snapshot.as_ref());
    last.read_up_to(&all);
    let found = last.finish();
    let at = format!("seed {seed}, parallelisms {parallelisms:?}");
    assert_eq!(found, counts, "{at}");
    let (expected, rows) = (untouched.rows(), stage.rows());
    for (key, value) in &expected {
        assert_eq!(Some(value), rows.get(key), "{at}: {key}");
    }
    // Dead letters after a snapshot are written again, for the same records.
    assert_eq!(dead_letters(&stage), dead_letters(&untouched), "{at}");
    let extra: Vec<&String> = rows.keys().filter(|key| !expected.contains_key(*key)).collect();
    assert!(extra.is_empty(), "{at}: not expected: {extra:?}");
}

/// Returns the records that became dead letters, and the reasons.
fn dead_letters(stage: &Stage) -> BTreeSet<(u64, u64, String)> {
    let dead_letters = stage.log.dead_letters(DEAD_LETTER_TOPIC).into_iter().map(|dead_letter| {
        let number = |name: &str| dead_letter[name].as_u64().expect("a number");
        (number("partition"), number("offset"), dead_letter["reason"].as_str().expect("a reason").to_owned())
    });
    dead_letters.collect()
}

#[test]
fn an_interrupted_job_has_the_rows_of_one_that_was_not() {
    for seed in 1..=3 {
        let events = lines(&mut Random(seed), 1_200);
        check(seed, vec![events], &[1, 4, 2, 1, 3]);
    }
}

#[test]
fn several_partitions_go_on_where_each_stood() {
    let partitions = (0..3).map(|n| in_order(lines(&mut Random(50 + n), 500))).collect();
    check(7, partitions, &[2, 1, 4, 3, 1]);
}

/// Sorts lines by time, so that none is late in whatever order the partitions are read.
fn in_order(mut lines: Vec<String>) -> Vec<String> {
    let time = |line: &String| crate::event::read(line).and_then(|(time, ..)| time);
    lines.retain(|line| time(line).is_some());
    lines.sort_by_key(|line| time(line));
    lines
}
