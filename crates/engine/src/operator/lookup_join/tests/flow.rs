//! When rows are emitted: order, event time, snapshots, failures, and the keys that are requested.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Select;
use parking_lot::Mutex;
use sql::functions::Env;
use sql::plan::operator::{LookupHint, RetryMisses};
use types::{Interval, Value};

use super::table::{Failure, Join, LEFT, Names, inner, left, order};
use crate::connector::CachePolicy;
use crate::operator::chain::{Chain, ChainTarget, InFlight, Link, OperatorError, Outlet, StreamTime};
use crate::operator::changes::{ChangeBuffer, Changes, RowKind};
use crate::state::StatePart;

/// The output of the operator: `12 an` is a row, `time 5` a watermark.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Outlet for Seen {
    fn write(&mut self, rows: &Changes<'_>, _env: &Env) -> Result<(), OperatorError> {
        for at in rows.places() {
            let Value::Int(id) = rows.get(0, at).to_value() else { panic!("an id is a number") };
            let name = match rows.get(3, at).to_value() {
                Value::Text(name) => name.to_string(),
                _ => "-".to_owned(),
            };
            self.0.lock().push(format!("{}{id} {name}", rows.kind(at).code()));
        }
        Ok(())
    }

    fn advance(&mut self, time: StreamTime) -> Result<(), OperatorError> {
        let idle = if time.is_idle { " idle" } else { "" };
        self.0.lock().push(format!("time {}{idle}", time.watermark));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OperatorError> {
        Ok(())
    }
}

const INPUT: ChainTarget = ChainTarget::Operator { place: 0, input: 0, producer: 0 };

struct Run {
    chain: Chain,
    seen: Seen,
}

impl Run {
    fn new(join: &Join, names: &Arc<Names>) -> Run {
        let seen = Seen::default();
        let link = Link {
            identity: "lookup".to_owned(),
            kind: "LookupJoin".to_owned(),
            operator: join.operator(names),
            producers: vec![vec![1]],
            targets: vec![ChainTarget::Outlet(0)],
        };
        Run { chain: Chain::new(vec![link], vec![Box::new(seen.clone())]), seen }
    }

    fn push(&mut self, rows: &[(RowKind, [Value; 2])]) {
        let mut buffer = ChangeBuffer::new(&LEFT);
        for (kind, values) in rows {
            buffer.push(*kind, 0, values.iter().map(Value::as_scalar));
        }
        buffer.lend(|rows| self.chain.push(INPUT, rows)).expect("the operator takes all rows");
    }

    fn insert(&mut self, rows: &[[Value; 2]]) {
        let rows: Vec<_> = rows.iter().map(|row| (RowKind::Insert, row.clone())).collect();
        self.push(&rows);
    }

    fn advance(&mut self, watermark: i64, is_idle: bool) {
        self.chain.advance(INPUT, StreamTime { watermark, is_idle }).expect("time goes on");
    }

    fn tick(&mut self, now_ms: i64) -> Result<(), OperatorError> {
        self.chain.set_now(now_ms);
        self.chain.tick()
    }

    /// Ticks until no row waits.
    fn settle(&mut self) {
        self.until("no row waits", |run| run.chain.in_flight() == InFlight::None);
    }

    /// Waits for an answer.
    fn wait(&self, most: Duration) {
        let mut select = Select::new();
        self.chain.watch(&mut select);
        let _ = select.ready_timeout(most);
    }

    /// Ticks often enough for all pending answers to arrive.
    fn ticks(&mut self, now_ms: i64) {
        for _ in 0..100 {
            self.tick(now_ms).expect("the operator goes on");
            self.wait(Duration::from_micros(500));
        }
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Run) -> bool) {
        for _ in 0..2_000 {
            if holds(self) {
                return;
            }
            self.chain.tick().expect("the operator goes on");
            self.wait(Duration::from_millis(10));
        }
        panic!("waited in vain until {what}");
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.0.lock())
    }
}

fn names() -> Names {
    Names::of(&[(1, "an"), (2, "binh"), (3, "chi")])
}

#[test]
fn event_time_and_idleness_do_not_overtake_rows() {
    let names = Arc::new(names());
    names.close();
    let mut run = Run::new(&inner(), &names);
    run.insert(&[order(10, 1)]);
    run.advance(5, false);
    run.insert(&[order(11, None), order(12, 2)]);
    run.advance(7, false);
    run.advance(9, true);
    run.tick(0).unwrap();
    assert!(run.seen().is_empty(), "nothing overtakes the row that waits");

    names.open();
    run.settle();
    let seen = run.seen();
    let rows: Vec<&String> = seen.iter().filter(|seen| !seen.starts_with("time")).collect();
    assert_eq!(rows, ["+I10 an", "+I12 binh"]);
    assert_eq!(seen.last().map(String::as_str), Some("time 9 idle"));
    let place = |of: &str| seen.iter().position(|seen| seen == of);
    assert!(
        place("time 5").is_none_or(|five| Some(five) > place("+I10 an") && Some(five) < place("+I12 binh"))
    );
}

#[test]
fn more_rows_than_may_wait_are_not_taken() {
    let names = Arc::new(names());
    names.close();
    let hint = LookupHint { capacity: Some(3), ..LookupHint::default() };
    let mut run = Run::new(&Join { hint, ..inner() }, &names);
    assert_eq!(run.chain.in_flight(), InFlight::None);
    run.insert(&[order(10, 1), order(11, 2)]);
    assert_eq!(run.chain.in_flight(), InFlight::Some);
    run.insert(&[order(12, 3)]);
    assert_eq!(run.chain.in_flight(), InFlight::Full);
    names.open();
    run.settle();
    assert_eq!(run.seen(), ["+I10 an", "+I11 binh", "+I12 chi"]);
}

#[test]
fn rows_in_flight_are_part_of_a_snapshot_and_come_once() {
    let names = Arc::new(names());
    names.close();
    let mut run = Run::new(&left(), &names);
    run.insert(&[order(10, None), order(11, 1), order(12, 2), order(13, 1), order(14, 9)]);
    run.tick(0).unwrap();
    assert_eq!(run.seen(), ["+I10 -"], "what waits for nothing is given");
    let parts: Vec<StatePart> = run.chain.snapshot().into_iter().flat_map(|image| image.parts).collect();
    drop(run);

    names.open();
    let mut again = Run::new(&left(), &names);
    parts.iter().for_each(|part| again.chain.restore("lookup", part).unwrap());
    again.advance(20, false);
    again.insert(&[order(15, 3)]);
    again.settle();
    let mut seen = again.seen();
    assert_eq!(seen.pop().as_deref(), Some("time 20"), "event time waits for restored rows too");
    let of_key_1: Vec<&String> = seen.iter().filter(|seen| seen.ends_with("an")).collect();
    assert_eq!(of_key_1, ["+I11 an", "+I13 an"], "rows of a key keep their order");
    seen.sort();
    assert_eq!(seen, ["+I11 an", "+I12 binh", "+I13 an", "+I14 -", "+I15 chi"]);
    assert!(again.chain.snapshot().iter().all(|image| image.parts.is_empty()));
}

#[test]
fn a_snapshot_that_is_something_else_is_refused() {
    let mut run = Run::new(&inner(), &Arc::new(names()));
    for bytes in [vec![7], vec![0, 9], vec![0, 0, 1], vec![1, 0]] {
        assert!(run.chain.restore("lookup", &StatePart { key_group: 0, bytes }).is_err());
    }
}

#[test]
fn what_is_taken_back_after_a_restore_is_what_was_given_before() {
    let names = Arc::new(names());
    let join = Join { kept_by: Some(vec![0]), ..inner() };
    let mut run = Run::new(&join, &names);
    run.insert(&[order(10, 1), order(11, 2)]);
    run.settle();
    names.close();
    run.push(&[(RowKind::UpdateBefore, order(10, 1)), (RowKind::UpdateAfter, order(10, 3))]);
    run.tick(0).unwrap();
    assert_eq!(run.seen(), ["+I10 an", "+I11 binh", "-D10 an"]);
    let parts: Vec<StatePart> = run.chain.snapshot().into_iter().flat_map(|image| image.parts).collect();
    drop(run);

    names.open();
    names.replace(2, "bao");
    let mut again = Run::new(&join, &names);
    parts.iter().for_each(|part| again.chain.restore("lookup", part).unwrap());
    again.push(&[(RowKind::Delete, order(11, 2)), (RowKind::Delete, order(10, 3))]);
    again.settle();
    let mut seen = again.seen();
    seen.sort();
    assert_eq!(seen, ["+I10 chi", "-D10 chi", "-D11 binh"]);
}

#[test]
fn a_kept_row_is_forgotten_after_its_time_to_live() {
    let names = Arc::new(names());
    let join = Join { kept_by: Some(vec![0]), ttl: Some(Interval(100)), ..inner() };
    let mut run = Run::new(&join, &names);
    run.tick(0).unwrap();
    run.insert(&[order(10, 1), order(11, 1), order(12, 1)]);
    run.settle();
    run.tick(99).unwrap();
    run.push(&[(RowKind::Delete, order(10, 1))]);
    run.tick(100).unwrap();
    run.push(&[(RowKind::Delete, order(11, 1))]);
    assert_eq!(run.seen(), ["+I10 an", "+I11 an", "+I12 an", "-D10 an"]);
    run.tick(200).unwrap();
    assert!(run.chain.snapshot().iter().all(|image| image.parts.is_empty()), "nothing is kept");
}

#[test]
fn rows_of_a_batch_share_a_lookup_and_later_rows_see_the_table_as_it_is() {
    let names = Arc::new(names());
    let mut run = Run::new(&inner(), &names);
    run.insert(&[order(10, 1), order(11, 1), order(12, 1)]);
    run.settle();
    names.replace(1, "anh");
    run.insert(&[order(13, 1)]);
    run.settle();
    assert_eq!(*names.asked.lock(), [1, 1]);
    assert_eq!(run.seen(), ["+I10 an", "+I11 an", "+I12 an", "+I13 anh"]);
}

#[test]
fn rows_in_the_cache_are_not_asked_for() {
    let policy = CachePolicy {
        max_rows: 100,
        expire_after_write: Some(Interval(1_000)),
        expire_after_access: None,
        missing_keys: false,
    };
    let names = Arc::new(Names { cache: Some(policy), ..names() });
    let mut run = Run::new(&left(), &names);
    for (id, now_ms) in [(10, 0), (11, 999), (12, 1_000)] {
        run.tick(now_ms).unwrap();
        run.insert(&[order(id, 1), order(id, 9)]);
        run.settle();
        names.replace(1, "anh");
    }
    let seen = run.seen();
    assert_eq!(seen, ["+I10 an", "+I10 -", "+I11 an", "+I11 -", "+I12 anh", "+I12 -"]);
    assert_eq!(*names.asked.lock(), [1, 9, 9, 1, 9]);
}

#[test]
fn a_key_without_rows_is_asked_for_again() {
    let names = Arc::new(names());
    let retry = Some(RetryMisses { attempts: 2, delay: Interval(1_000) });
    let hint = LookupHint { retry, ..LookupHint::default() };
    let mut run = Run::new(&Join { hint, ..left() }, &names);
    run.tick(0).unwrap();
    run.insert(&[order(10, 8), order(11, 9), order(12, 1)]);
    let count = |key: i64| names.asked.lock().iter().filter(|&&asked| asked == key).count();
    run.ticks(0);
    run.ticks(999);
    assert_eq!((count(8), count(9), count(1)), (1, 1, 1));
    run.ticks(1_000);
    assert_eq!((count(8), count(9), count(1)), (2, 2, 1));
    assert!(run.seen().is_empty(), "rows behind wait too");

    names.put(8, "ha");
    run.ticks(2_000);
    run.ticks(3_000);
    run.settle();
    assert_eq!(run.seen(), ["+I10 ha", "+I11 -", "+I12 an"]);
    assert_eq!((count(8), count(9), count(1)), (3, 3, 1));
}

#[test]
fn a_lookup_that_fails_or_panics_ends_the_job() {
    for (failure, why) in [(Failure::Error, "it is gone"), (Failure::Panic, "no such shelf")] {
        let names = Arc::new(names());
        *names.fails.lock() = Some(failure);
        let mut run = Run::new(&inner(), &names);
        run.insert(&[order(10, 1)]);
        let error = (0..2_000).find_map(|_| {
            run.wait(Duration::from_millis(10));
            run.tick(0).err()
        });
        let error = error.expect("the failure is told");
        let causes = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(causes.contains(why), "{causes}");
        assert!(run.seen().is_empty());
    }
}

#[test]
fn a_lookup_that_takes_longer_than_its_timeout_ends_the_job() {
    let names = Arc::new(names());
    names.close();
    let hint = LookupHint { timeout: Some(Interval(500)), ..LookupHint::default() };
    let mut run = Run::new(&Join { hint, ..inner() }, &names);
    run.tick(1_000).unwrap();
    run.insert(&[order(10, 1)]);
    run.tick(1_500).unwrap();
    let error = run.tick(1_501).expect_err("it takes too long");
    assert_eq!(error.to_string(), "`LookupJoin`: a lookup took longer than its timeout of 500 ms");
    names.open();
}
