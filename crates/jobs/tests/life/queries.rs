//! Queries: their rows wait until they are fetched, and reading waits for the rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jobs::{CollectedRow, Dispatcher, JobOrigin, JobStatus, QueryJob, RowKind};
use types::Value;

use crate::world::{SCRIPT, World, submission, until, until_is};

/// The capacity for the rows of a query, see `connectors::collect`.
const ROOM: usize = 10_000;

/// Starts a query that uses the declarations of the script.
fn start(process: &Dispatcher, query: &str, told: &Arc<AtomicUsize>) -> QueryJob {
    let declarations = SCRIPT.split("INSERT").next().expect("declarations");
    let script = format!("{declarations}{query}");
    let compiled = sql::compile_query(&script, &|_| None).unwrap_or_else(|found| panic!("{found:#?}"));
    let told = told.clone();
    let tell = Arc::new(move || {
        told.fetch_add(1, Ordering::SeqCst);
    });
    process.query(&script, "SELECT", compiled, tell).expect("it starts")
}

fn values(rows: &[CollectedRow]) -> Vec<Value> {
    rows.iter().map(|row| row.values[0].clone()).collect()
}

/// Takes rows until there are this many.
fn take(query: &QueryJob, count: usize) -> Vec<CollectedRow> {
    let mut rows = Vec::new();
    while rows.len() < count {
        until("there are rows", || query.has_rows());
        rows.extend(query.take(count - rows.len()));
    }
    rows
}

#[test]
fn rows_that_nobody_fetches_hold_the_sources_back() {
    let world = World::new(1);
    let process = world.process();
    let told = Arc::default();
    let query = start(&process, "SELECT v FROM events", &told);
    let many: Vec<(&str, u32)> = (0..ROOM as u32 * 2).map(|n| ("a", n % 86_400)).collect();

    world.append(0, &many);
    let written = || query.job().view().ledger.accepted;
    until("the room is full", || query.has_rows());
    assert!(told.load(Ordering::SeqCst) > 0);
    for _ in 0..300 {
        assert!(written() < many.len() as u64, "not all may be read before some are fetched: {}", written());
        std::thread::park_timeout(Duration::from_millis(1));
    }
    assert_eq!(take(&query, many.len()).len(), many.len());
    until("all are read", || written() == many.len() as u64);
    assert!(!query.has_rows() && query.ended().is_none());

    // The query is not recorded, and writes no dead letters.
    assert!(world.dead_letters().is_empty());
    query.close();
    until_is(query.job(), JobStatus::Canceled);
    assert_eq!(query.ended(), Some(JobStatus::Canceled));
}

#[test]
fn a_query_that_waits_for_room_can_be_cancelled_by_others() {
    let world = World::new(1);
    let process = world.process();
    let query = start(&process, "SELECT v FROM events", &Arc::default());
    let many: Vec<(&str, u32)> = (0..ROOM as u32 * 2).map(|n| ("a", n % 86_400)).collect();
    world.append(0, &many);
    until("rows have come", || query.has_rows());
    assert!(query.job().cancel());
    until_is(query.job(), JobStatus::Canceled);
}

#[test]
fn enough_is_enough_at_every_parallelism() {
    for parallelism in [1, 3] {
        let world = World::new(3);
        let process = world.process();
        let query = format!("SELECT k FROM events LIMIT 5; SET 'parallelism.default' = '{parallelism}'");
        let query = start(&process, &query, &Arc::default());
        for partition in 0..3 {
            world.append(partition, &[("a", 1), ("a", 2), ("a", 3), ("a", 4)]);
        }
        assert_eq!(values(&take(&query, 5)), vec![Value::Text("a".to_owned()); 5]);
        until_is(query.job(), JobStatus::Finished);
        assert!(!query.has_rows(), "parallelism {parallelism}");
    }
}

#[test]
fn a_late_event_corrects_a_row() {
    let world = World::new(1);
    let process = world.process();
    let counting = "SET 'weir.allowed-lateness' = '1 h';
        SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' MINUTE))
        GROUP BY window_start, window_end";
    let query = start(&process, counting, &Arc::default());
    world.append(0, &[("a", 1), ("a", 100)]);
    assert_eq!(take(&query, 1), [CollectedRow { kind: RowKind::Insert, values: vec![Value::Int(1)] }]);
    world.append(0, &[("a", 2), ("a", 101)]);
    assert_eq!(take(&query, 1), [CollectedRow { kind: RowKind::UpdateAfter, values: vec![Value::Int(2)] }]);
}

#[test]
fn a_query_is_known_like_any_job_and_forgotten_sooner() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    for _ in 0..15 {
        let query = start(&process, "SELECT 1", &Arc::default());
        assert_eq!(values(&take(&query, 1)), [Value::Int(1)]);
        until_is(query.job(), JobStatus::Finished);
        assert!(process.job(query.job().id()).is_some());
    }

    let known = process.jobs();
    assert!(known.len() <= 12 && known.iter().any(|of| of.id() == job.id()), "{}", known.len());
    let failing = start(&process, "SELECT 1 / (v - 1) FROM events", &Arc::default());
    world.append(0, &[("a", 1)]);
    until_is(failing.job(), JobStatus::Failed);
    assert_eq!(failing.job().view().restarts, 0, "its rows would come twice");
    assert!(process.is_healthy());
    drop((process, job));
    // The next process continues only the job.
    let next = world.process();
    next.resume().expect("records");
    assert_eq!(next.jobs().len(), 1);
}

#[test]
fn rows_that_are_written_out_are_inserted_like_others() {
    let world = World::new(1);
    let process = world.process();
    let script = "CREATE TABLE counts (k STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = '{k}:{n}');
        INSERT INTO counts SELECT UPPER(k), n FROM (VALUES ('a', 1), ('b', 2), (NULL, 3)) AS t (k, n) WHERE n < 3";
    let job = process.submit(submission(script, JobOrigin::Submitted)).expect("it starts");
    until_is(&job, JobStatus::Finished);
    assert_eq!(world.counts().keys().collect::<Vec<_>>(), ["A:1", "B:2"]);
}
