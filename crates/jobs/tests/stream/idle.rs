//! Partitions that are silent, slow or unreachable.

use types::Interval;

use crate::random::Random;
use crate::script::{NOON, counts, event, query, row, source, tumble};
use crate::stage::{Stage, TOPIC, compile};

const HOUR: Interval = Interval(3_600_000);
const SECOND: i64 = 1_000;

fn script() -> std::sync::Arc<sql::plan::Plan> {
    compile(&(source(&[]) + &query("t", &tumble(10))))
}

/// Creates one event per second with one key, from second `from` after noon until before `to`.
fn seconds(k: &str, from: i64, to: i64) -> Vec<String> {
    (from..to).map(|second| event(k, second, NOON + second * SECOND)).collect()
}

#[test]
fn a_partition_that_is_read_slowly_is_never_idle() {
    for parallelism in [1, 2] {
        let stage = Stage::new(vec![seconds("fast", 0, 100), seconds("slow", 0, 100)]);
        stage.log.hold(TOPIC, 1, Some(5));
        let job = stage.start(&script(), parallelism, 100, None);
        stage.log.show(TOPIC, &[100, 100]);
        crate::stage::until("all but what is held is read", || job.ledger().accepted == 105);
        // Any amount of time may pass, because the log says that there are more events.
        for _ in 0..3 {
            stage.clock.advance(HOUR);
            job.settle();
        }
        assert_eq!(counts(&stage, "t").len(), 0, "parallelism {parallelism}");
        stage.log.hold(TOPIC, 1, None);
        job.read_up_to(&[100, 100]);
        let ledger = job.finish();
        assert_eq!((ledger.counted, ledger.late), (200, 0), "parallelism {parallelism}");
        assert!(counts(&stage, "t").values().all(|&n| n == 10));
    }
}

#[test]
fn a_partition_that_has_nothing_more_holds_back_for_the_timeout_only() {
    for parallelism in [1, 2] {
        let stage = Stage::new(vec![seconds("a", 0, 5), seconds("b", 0, 5)]);
        let job = stage.start(&script(), parallelism, 100, None);
        job.read_up_to(&[5, 5]);
        job.settle();
        stage.clock.advance(Interval(4_000));
        stage.log.add(TOPIC, 0, seconds("a", 5, 30));
        crate::stage::until("a is read", || job.ledger().accepted == 35);
        job.settle();
        assert_eq!(counts(&stage, "t").len(), 0, "b is silent for 4 s only");
        stage.clock.advance(Interval(2_000));
        job.settle();
        // Partition b no longer counts: the watermark is that of a, 28 s, and two windows of a and one of b
        // have closed.
        assert_eq!(counts(&stage, "t").len(), 3, "parallelism {parallelism}");
        job.crash();
    }
}

#[test]
fn a_partition_that_has_nothing_more_does_not_wait_until_the_others_have_nothing_more() {
    const EVENTS: i64 = 30_000;
    for parallelism in [1, 2] {
        let stage = Stage::new(vec![seconds("a", 0, 5), seconds("b", 0, 5)]);
        let job = stage.start(&script(), parallelism, 100, None);
        job.read_up_to(&[5, 5]);
        job.settle();
        stage.log.give_at_once(1);
        stage.log.add(TOPIC, 0, seconds("a", 5, EVENTS));
        crate::stage::until("a is being read", || job.ledger().accepted > 10);
        // From now on, only a request would show the state of b.
        stage.clock.advance(Interval(6_000));
        crate::stage::until("windows have closed", || counts(&stage, "t").len() > 3);
        let accepted = job.ledger().accepted;
        assert!(
            accepted < EVENTS.unsigned_abs(),
            "they closed only when all was read (parallelism {parallelism})"
        );
        job.crash();
    }
}

#[test]
fn the_last_window_closes_by_the_clock() {
    for parallelism in [1, 3] {
        let stage = Stage::new(vec![seconds("a", 0, 13)]);
        let job = stage.start(&script(), parallelism, 100, None);
        job.read_up_to(&[13]);
        job.settle();
        // Event time is at 11 s; the window that ends at 20 s may close 9 s after the last event.
        stage.clock.advance(Interval(8_998));
        job.settle();
        assert_eq!(counts(&stage, "t").len(), 1, "parallelism {parallelism}");
        stage.clock.advance(Interval(2));
        job.settle();
        assert_eq!(counts(&stage, "t")["a:2025-12-09 12:00:20"], 3, "parallelism {parallelism}");
        job.crash();
    }
}

#[test]
fn a_log_that_does_not_answer_is_not_silent() {
    let stage = Stage::new(vec![seconds("a", 0, 13)]);
    let job = stage.start(&script(), 1, 100, None);
    job.read_up_to(&[13]);
    job.settle();
    stage.log.be_out_of_reach(true);
    job.settle();
    for _ in 0..3 {
        stage.clock.advance(HOUR);
        job.settle();
    }
    assert_eq!(counts(&stage, "t").len(), 1);
    // The log answers again, so the silence starts here.
    stage.log.be_out_of_reach(false);
    job.settle();
    stage.clock.advance(Interval(20_000));
    job.settle();
    assert_eq!(counts(&stage, "t").len(), 2);
    job.crash();
}

/// Partitions become silent and active again in any order. Every event that counts as counted is in the
/// results once.
#[test]
fn nothing_is_lost_between_partitions_that_come_and_go() {
    for seed in 1..=6 {
        for parallelism in [1, 3] {
            let mut random = Random(seed);
            let stage = Stage::new(vec![Vec::new(), Vec::new(), Vec::new()]);
            let job = stage.start(&script(), parallelism, *random.pick(&[1, 10, 100]), None);

            let mut clock = 0;
            let mut total = 0;
            for _ in 0..60 {
                for partition in 0..3 {
                    if random.once_in(3) {
                        let lines: Vec<String> = (0..1 + random.below(20))
                            .map(|_| event("k", 1, NOON + clock - random.below(4_000) as i64))
                            .collect();
                        total += lines.len() as u64;
                        stage.log.add(TOPIC, partition, lines);
                    }
                }
                let passed = random.below(5_000) as i64;
                clock += passed;
                stage.clock.advance(Interval(passed));
                if random.once_in(4) {
                    job.settle();
                }
            }

            crate::stage::until("all is read", || job.ledger().accepted == total);
            let ledger = job.finish();
            let written: i64 = counts(&stage, "t").values().sum();
            let at = format!("seed {seed}, parallelism {parallelism}: {ledger:?}");
            assert!(ledger.balances() && ledger.accepted == total, "{at}");
            assert_eq!(written as u64, ledger.counted, "{at}");
            assert_eq!(row(&stage, "t:k:2025-12-09 11:00:00"), None);
        }
    }
}
