//! The regular join: nanoseconds of CPU time a row, and memory of a million keys.
//!
//! `cargo bench -p engine --bench join`

use engine::operator::chain::{Chain, ChainTarget, Link};
use engine::operator::changes::{ChangeBuffer, RowKind};
use engine::operator::join::JoinOperator;
use jiff::tz::TimeZone;
use sql::expr::{Comparison, Expr, ExprGraph, InputColumn};
use sql::plan::operator::{Changes, Distribution, Field, Input, Join, JoinKey, JoinKind, Predicate};
use types::{ColumnType, DataType, Repr, Scalar};

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
}

/// A million keys: all left rows, a partner for each, then all right rows are taken back.
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

fn chain(kind: JoinKind, unique: [bool; 2], with_condition: bool) -> Chain {
    let input =
        Input { fields: fields(), distribution: Distribution::Hash(vec![0]), changes: Changes::Retract };
    let join = Join {
        kind,
        keys: vec![JoinKey { left: 0, right: 0, nulls_match: false }],
        condition: with_condition.then(condition),
        null_aware: false,
        unique,
    };
    let join = JoinOperator::new("join".into(), &join, &[input.clone(), input], None, &TimeZone::UTC);
    let operator = Box::new(join.expect("the plan is valid"));
    let link = Link { identity: "join".into(), operator, producers: vec![1, 1], targets: vec![] };
    Chain::new(vec![link], vec![])
}

/// `left.v < right.v`.
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

/// Pushes rows; gives the nanoseconds of a row, without making it.
fn push(chain: &mut Chain, input: usize, kind: RowKind, rows: impl Iterator<Item = (i64, i64)>) -> f64 {
    let target = ChainTarget::Operator { place: 0, input, producer: 0 };
    let text = "x".repeat(88);
    let mut buffer = ChangeBuffer::new(&FORMS);
    let (mut spent, mut count) = (0, 0);
    let mut rows = rows.peekable();

    while let Some((key, value)) = rows.next() {
        // Keys in no order, as they would come.
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

/// Memory of this process that is in use, by the system's account.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}

/// CPU time of this thread.
fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec, which is ours.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "this system has no clock of a thread's CPU time");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to people")]
fn report(what: &str, figures: &str) {
    println!("{what:40} {figures}");
}
