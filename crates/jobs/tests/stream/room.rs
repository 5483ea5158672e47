//! Event time and memory: which sources may read on when memory is scarce.

use engine::memory::MemoryPressure;

use crate::script::{NOON, counts, event, query, source, tumble};
use crate::stage::{Running, Stage, TOPIC, compile, until};
use types::Interval;

const SECOND: i64 = 1_000;
/// The memory of jobs.
const LITTLE: usize = 4 << 20;
const SOME: usize = 32 << 20;

/// Creates events with this many different keys in the ten seconds from second `from` after noon.
fn keys(of: &str, from: i64, count: usize) -> Vec<String> {
    let at = NOON + from * SECOND;
    (0..count).map(|n| event(&format!("{of}-{from}-{n:040}"), 1, at)).collect()
}

fn script() -> std::sync::Arc<sql::plan::Plan> {
    // Without sets of distinct values, which allocate in advance.
    compile(&(source(&[]) + &query("t", &tumble(10)).replace("COUNT(DISTINCT words)", "COUNT(words)")))
}

fn stage(memory: usize, partitions: Vec<Vec<String>>) -> Stage {
    let mut stage = Stage::new(partitions);
    stage.options.memory = Some(memory);
    stage
}

/// Shows more of the first partition until the job has no room, and returns how much that was. The last steps
/// are small, because everything that is shown is read at once.
fn fill(job: &Running<'_>) -> usize {
    let mut shown = 0;
    while job.memory_pressure() != MemoryPressure::Full {
        shown += if job.memory_pressure() == MemoryPressure::Low { 500 } else { 20 };
        job.read_up_to(&[shown, 0]);
        drop(job.snapshot());
    }
    shown
}

#[test]
fn a_log_that_has_nothing_more_lets_windows_close_though_there_is_no_room() {
    for parallelism in [1, 2] {
        let stage = stage(LITTLE, vec![[keys("a", 0, 15_000), keys("b", 20, 10)].concat(), Vec::new()]);
        let job = stage.start(&script(), parallelism, 500, None);
        let shown = fill(&job);
        assert_eq!((counts(&stage, "t").len(), job.memory().is_held_back()), (0, false));
        stage.clock.advance(Interval(20_000));
        job.settle();
        assert_eq!(counts(&stage, "t").len(), shown, "parallelism {parallelism}");
        assert_ne!(job.memory_pressure(), MemoryPressure::Full, "{:?}", job.memory());
        // The later events are late now, and are read.
        stage.log.show(TOPIC, &[shown + 500, 0]);
        until("it reads on", || job.ledger().late == 500);
        job.crash();
    }
}

#[test]
fn a_log_that_has_more_holds_event_time_where_it_stands() {
    for parallelism in [1, 2] {
        let events = keys("a", 0, 15_000);
        let all = events.len();
        let stage = stage(LITTLE, vec![events, Vec::new()]);
        let job = stage.start(&script(), parallelism, 500, None);
        stage.log.show(TOPIC, &[all, 0]);
        until("it waits", || job.memory().is_held_back());
        stage.clock.advance(Interval(20_000));
        until("it is stuck", || job.memory().is_stuck());
        job.settle();
        // If the clock closed the window, the unread events would be lost.
        assert_eq!((counts(&stage, "t").len(), job.ledger().late), (0, 0), "parallelism {parallelism}");
        // The events that were set aside are read again.
        let (snapshot, accepted) = (job.snapshot(), job.ledger().accepted);
        assert!(accepted < all as u64);
        assert_eq!(snapshot.pipelines[0].splits().map(|split| split.offset).max(), Some(accepted));
        job.crash();
    }
}

#[test]
fn what_holds_event_time_back_is_read_on_when_room_is_scarce() {
    let windows = |of: &str, count| (0..12).flat_map(|n| keys(of, n * 10, count)).collect::<Vec<String>>();
    let (fast, slow) = (windows("fast", 2_000), windows("slow", 100));
    let lengths = [fast.len(), slow.len()];
    let stage = stage(SOME, vec![fast, slow]);
    stage.log.hold(TOPIC, 1, Some(0));
    let job = stage.start(&script(), 2, 500, None);
    stage.log.show(TOPIC, &lengths);
    until("the one ahead waits", || job.memory().waiting == 1);
    assert!(job.ledger().accepted < lengths[0] as u64 && !job.memory().is_stuck());
    stage.log.hold(TOPIC, 1, None);
    job.read_up_to(&lengths);
    let ledger = job.finish();
    assert_eq!((ledger.counted, ledger.late), ((lengths[0] + lengths[1]) as u64, 0));
    let counts = counts(&stage, "t");
    assert!(counts.len() == lengths[0] + lengths[1] && counts.values().all(|&n| n == 1));
}

/// Counts by key without windows, so that the state only grows.
const COUNTS: &str = "CREATE TABLE sunk (k STRING, n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO sunk SELECT k, COUNT(*) FROM q GROUP BY k;";

#[test]
fn state_of_operators_counts_and_holds_the_sources_back() {
    for parallelism in [1, 2] {
        let stage = stage(LITTLE, vec![keys("a", 0, 60_000), Vec::new()]);
        let job = stage.start(&compile(&(source(&[]) + COUNTS)), parallelism, 500, None);
        let shown = fill(&job);
        assert!(shown < 60_000, "parallelism {parallelism}: {:?}", job.memory());

        stage.log.show(TOPIC, &[60_000, 0]);
        until("the sources wait", || job.memory().is_held_back());
        let (most, bytes) = job.memory().by_query[0].clone();
        assert!(most == "GroupAggregate[0]" && bytes > LITTLE / 8, "{:?}", job.memory());
        assert!(job.ledger().accepted < 60_000);
        job.crash();
    }
}
