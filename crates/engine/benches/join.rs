//! Joins: nanoseconds of CPU time per row, and the memory of a million keys of the regular join.
//!
//! `cargo bench -p engine --bench join`

mod cpu_time;

use engine::operator::chain::{Chain, ChainTarget, Link, Operator, StreamTime};
use engine::operator::changes::{ChangeBuffer, RowKind};
use engine::operator::interval_join::IntervalJoinOperator;
use engine::operator::join::JoinOperator;
use engine::operator::temporal_join::TemporalJoinOperator;
use jiff::tz::TimeZone;
use sql::expr::{Comparison, Expr, ExprGraph, InputColumn};
use sql::plan::operator::{
    Changes, Distribution, Field, Input, IntervalJoin, Join, JoinKey, JoinKind, Predicate, TemporalJoin, Time,
};
use types::{ColumnType, DataType, Interval, Repr, Scalar};

use self::cpu_time::thread_cpu_ns;

const ROWS: i64 = 1_000_000;
const BATCH: usize = 4_096;
const LEFT: usize = 0;
const RIGHT: usize = 1;

fn main() {
    for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::Semi] {
        for (unique, condition) in [([true, true], false), ([false, false], false), ([false, false], true)] {
            by_distinct_keys(kind, unique, condition);
        }
    }
    by_one_key();
    not_in();
    by_time();
}

/// A million keys: all left rows, a partner for each, then all right rows are retracted.
fn by_distinct_keys(kind: JoinKind, unique: [bool; 2], with_condition: bool) {
    let mut chain = chain(kind, unique, with_condition);
    let before = resident_bytes();
    let add = push(&mut chain, LEFT, RowKind::Insert, (0..ROWS).map(|row| (row, row)));
    let account: usize = chain.memory_bytes().map(|(_, bytes)| bytes).sum();
    let resident = resident_bytes() - before;
    let join = push(&mut chain, RIGHT, RowKind::Insert, (0..ROWS).map(|row| (row, row + 1)));
    let remove = push(&mut chain, RIGHT, RowKind::Delete, (0..ROWS).map(|row| (row, row + 1)));
    report(
        &format!("{kind:?}, unique {}, condition {with_condition}", unique[0]),
        &format!(
            "add {add:.0} ns, join {join:.0} ns, remove {remove:.0} ns; one side {} MB, resident {} MB",
            account / 1_000_000,
            resident / 1_000_000,
        ),
    );
}

/// One key with a hundred thousand rows.
fn by_one_key() {
    let mut chain = chain(JoinKind::Inner, [false, false], false);
    let rows = || (0..100_000).map(|row| (7, row));
    let add = push(&mut chain, LEFT, RowKind::Insert, rows());
    let remove = push(&mut chain, LEFT, RowKind::Delete, rows());
    report("one key", &format!("add {add:.0} ns, remove {remove:.0} ns"));
}

/// `NOT IN`: no key beside the compared value.
fn not_in() {
    let mut plan = join_plan(JoinKind::Anti, [false, false], false);
    plan.null_aware = true;
    let mut chain = chain_of(Box::new(
        JoinOperator::new("join".into(), &plan, &inputs(), &[None, None], &TimeZone::UTC)
            .expect("the plan is valid"),
    ));
    let left = push(&mut chain, LEFT, RowKind::Insert, (0..ROWS).map(|row| (row, row)));
    let right = push(&mut chain, RIGHT, RowKind::Insert, (0..ROWS).map(|row| (row, row)));
    report("NOT IN", &format!("left {left:.0} ns, right {right:.0} ns"));
}

/// Joins whose rows have times: a row per millisecond on each side, ten thousand keys.
fn by_time() {
    let keys = || vec![JoinKey { left: 0, right: 0, nulls_match: false }];
    let interval = IntervalJoin {
        kind: JoinKind::Left,
        keys: keys(),
        left_time: Time::Event(1),
        right_time: Time::Event(1),
        lower: Interval(-10_000),
        upper: Interval(10_000),
        condition: None,
    };
    let interval = IntervalJoinOperator::new("join".into(), &interval, &inputs(), &TimeZone::UTC);
    let temporal =
        TemporalJoin { kind: JoinKind::Left, keys: keys(), left_time: 1, right_time: 1, condition: None };
    let temporal = TemporalJoinOperator::new("join".into(), &temporal, &inputs(), None, &TimeZone::UTC);

    let interval = Box::new(interval.expect("the plan is valid"));
    let temporal = Box::new(temporal.expect("the plan is valid"));
    let operators: [(&str, Box<dyn Operator>); 2] =
        [("interval, two pairs a row", interval), ("temporal", temporal)];
    for (name, operator) in operators {
        let mut chain = chain_of(operator);
        let mut spent = 0.0;
        for batch in 0..200 {
            let rows = || (batch * 4_096..(batch + 1) * 4_096).map(|row| (row % 10_000, row));
            for input in [LEFT, RIGHT] {
                spent += push(&mut chain, input, RowKind::Insert, rows());
                let target = ChainTarget::Operator { place: 0, input, producer: 0 };
                let time = StreamTime { watermark: batch * 4_096, is_idle: false };
                let start = thread_cpu_ns();
                chain.advance(target, time).expect("the join goes on");
                spent += (thread_cpu_ns() - start) as f64 / 4_096.0;
            }
        }
        report(name, &format!("{:.0} ns", spent / 400.0));
    }
}

/// Fields: a key, a number and a text. A row has about 100 bytes.
fn fields() -> Vec<Field> {
    let field = |name: &str, column_type: ColumnType| Field { name: name.to_owned(), column_type };
    vec![
        field("k", DataType::BigInt.nullable()),
        field("v", DataType::BigInt.nullable()),
        field("text", DataType::STRING.nullable()),
    ]
}

const FORMS: [Repr; 3] = [Repr::Int, Repr::Int, Repr::Text];

fn inputs() -> [Input; 2] {
    let input =
        Input { fields: fields(), distribution: Distribution::Hash(vec![0]), changes: Changes::Retract };
    [input.clone(), input]
}

fn join_plan(kind: JoinKind, unique: [bool; 2], with_condition: bool) -> Join {
    Join {
        kind,
        keys: vec![JoinKey { left: 0, right: 0, nulls_match: false }],
        condition: with_condition.then(condition),
        null_aware: false,
        unique,
    }
}

fn chain(kind: JoinKind, unique: [bool; 2], with_condition: bool) -> Chain {
    let plan = join_plan(kind, unique, with_condition);
    let join = JoinOperator::new("join".into(), &plan, &inputs(), &[None, None], &TimeZone::UTC);
    chain_of(Box::new(join.expect("the plan is valid")))
}

fn chain_of(operator: Box<dyn Operator>) -> Chain {
    let link = Link {
        identity: "join".into(),
        kind: "Join".into(),
        operator,
        producers: vec![vec![1], vec![1]],
        targets: vec![],
    };
    Chain::new(vec![link], vec![])
}

/// Builds `left.v < right.v`.
fn condition() -> Predicate {
    let scope = fields().into_iter().chain(fields());
    let scope = scope.map(|field| InputColumn { name: field.name, column_type: field.column_type });
    let mut exprs = ExprGraph::new(scope.collect());
    let left = exprs.add(Expr::Column(1), DataType::BigInt.nullable());
    let right = exprs.add(Expr::Column(4), DataType::BigInt.nullable());
    let less = Expr::Compare(Comparison::Less, left, right);
    let less = exprs.add(less, DataType::Boolean.nullable());
    Predicate { exprs, conditions: vec![less] }
}

/// Pushes rows; returns the nanoseconds per row, without those of building it.
fn push(chain: &mut Chain, input: usize, kind: RowKind, rows: impl Iterator<Item = (i64, i64)>) -> f64 {
    let target = ChainTarget::Operator { place: 0, input, producer: 0 };
    let text = "x".repeat(88);
    let mut buffer = ChangeBuffer::new(&FORMS);
    let (mut spent, mut count) = (0, 0);
    let mut rows = rows.peekable();

    while let Some((key, value)) = rows.next() {
        // Keys come in no order.
        let key = key.wrapping_mul(0x9e37_79b9) & 0xffff_ffff;
        buffer.push(kind, 0, [Scalar::Int(key), Scalar::Int(value), Scalar::Text(&text)]);
        count += 1;
        if buffer.len() == BATCH || rows.peek().is_none() {
            let start = thread_cpu_ns();
            buffer.lend(|rows| chain.push(target, rows)).expect("the join takes all rows");
            spent += thread_cpu_ns() - start;
            buffer.clear();
        }
    }
    spent as f64 / f64::from(count)
}

/// Returns the resident memory of this process, as the system accounts it.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to people")]
fn report(what: &str, figures: &str) {
    println!("{what:40} {figures}");
}
