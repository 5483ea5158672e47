//! Operators with state: nanoseconds of CPU time per row, and bytes held, over few and many keys; then
//! Nexmark's queries.
//!
//! `cargo bench -p engine --bench operators [-- QUERY…]`, where a QUERY is `q4`, `q18` and the like: then
//! only those run.

mod cpu_time;
mod nexmark;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::operator::chain::{Chain, ChainTarget, Link, Operator, OperatorError, Outlet, StreamTime};
use engine::operator::changes::{ChangeBuffer, Changes, RowKind};
use engine::operator::group_aggregate::GroupAggregateOperator;
use sql::functions::Env;
use sql::plan::Updates;
use sql::plan::operator::{
    AggregateCall, Changes as Mode, Distribution, Field, Function, GroupAggregate, Input,
};
use types::{DataType, Repr, Scalar};

use self::cpu_time::thread_cpu_ns;

const BATCH: u64 = 1_000;
const ROWS: u64 = 2_000_000;
const RUNS: usize = 3;
const KEYS: [u64; 3] = [1, 1_000, 1_000_000];
const TARGET: ChainTarget = ChainTarget::Operator { place: 0, input: 0, producer: 0 };

fn main() {
    let queries: Vec<String> = std::env::args().skip(1).filter(|arg| arg.starts_with('q')).collect();
    if queries.is_empty() {
        by_keys();
    }
    nexmark::measure(&queries);
}

fn by_keys() {
    let whole = DataType::BigInt;
    let calls = |names: &[(Function, &[usize], DataType)]| -> Vec<AggregateCall> {
        names.iter().map(|(function, args, column_type)| call(function, args, column_type)).collect()
    };
    let counts = calls(&[(Function::Count, &[], whole.clone()), (Function::Sum, &[1], whole.clone())]);

    for (title, mode, kinds) in [
        ("COUNT(*), SUM(v) over inserts", Mode::Append, &[RowKind::Insert][..]),
        ("COUNT(*), SUM(v) over updates", Mode::Retract, &[RowKind::UpdateBefore, RowKind::UpdateAfter]),
    ] {
        report(title, "keys        ns/row   MB held");
        for keys in KEYS {
            measure(keys, kinds, &|| group(&counts, mode.clone()));
        }
    }
    report("SELECT DISTINCT", "keys        ns/row   MB held");
    for keys in KEYS {
        measure(keys, &[RowKind::Insert], &|| group(&[], Mode::Append));
    }
}

fn call(function: &Function, args: &[usize], column_type: &DataType) -> AggregateCall {
    AggregateCall {
        function: function.clone(),
        args: args.to_vec(),
        distinct: false,
        filter: None,
        arg_types: args.iter().map(|_| DataType::BigInt.nullable()).collect(),
        column_type: column_type.clone().nullable(),
        name: format!("{function:?}"),
    }
}

fn group(calls: &[AggregateCall], changes: Mode) -> Box<dyn Operator> {
    let fields = [("k", DataType::BigInt), ("v", DataType::BigInt)]
        .map(|(name, data_type)| Field { name: name.into(), column_type: data_type.nullable() });
    let input = Input { fields: fields.to_vec(), distribution: Distribution::Hash(vec![0]), changes };
    let spec = GroupAggregate { keys: vec![0], calls: calls.to_vec(), emits_before: true };
    let operator = GroupAggregateOperator::new("group".into(), &spec, &[input], None, Updates::PerBatch);
    Box::new(operator.expect("the calls are known"))
}

/// Counts its rows and drops them.
struct Nowhere(Arc<AtomicU64>);

impl Outlet for Nowhere {
    fn write(&mut self, rows: &Changes<'_>, _env: &Env) -> Result<(), OperatorError> {
        let count = black_box(rows.places().count());
        self.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(())
    }

    fn advance(&mut self, _time: StreamTime) -> Result<(), OperatorError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OperatorError> {
        Ok(())
    }
}

/// Runs rows `(key, value)` through an operator: first every key once as an insert, then rows of `kinds` in
/// turn over random keys, which are measured.
fn measure(keys: u64, kinds: &[RowKind], build: &dyn Fn() -> Box<dyn Operator>) {
    let batches: Vec<ChangeBuffer> = (0..ROWS / BATCH).map(|batch| rows(batch, keys, kinds)).collect();
    let mut best = f64::INFINITY;
    let mut held = 0;

    for _ in 0..RUNS {
        let link = Link {
            identity: "operator".into(),
            kind: "Operator".into(),
            operator: build(),
            producers: vec![vec![1]],
            targets: vec![ChainTarget::Outlet(0)],
        };
        let mut chain = Chain::new(vec![link], vec![Box::new(Nowhere(Arc::default()))]);
        for batch in 0..keys.div_ceil(BATCH) {
            let mut first = ChangeBuffer::new(&[Repr::Int; 2]);
            for key in batch * BATCH..((batch + 1) * BATCH).min(keys) {
                first.push(RowKind::Insert, 0, [Scalar::Int(mix(key) as i64), Scalar::Int(1)]);
            }
            push(&mut chain, &first);
        }

        let start = thread_cpu_ns();
        batches.iter().for_each(|batch| push(&mut chain, batch));
        best = best.min((thread_cpu_ns() - start) as f64 / ROWS as f64);
        held = chain.memory_bytes().map(|(_, bytes)| bytes).sum();
    }
    report("", &format!("{keys:<9}  {best:>7.0}   {:>7.1}", held as f64 / 1e6));
}

/// Builds the rows of one batch; an update is a removed row and an added row of the same key.
fn rows(batch: u64, keys: u64, kinds: &[RowKind]) -> ChangeBuffer {
    let mut rows = ChangeBuffer::new(&[Repr::Int; 2]);
    for row in batch * BATCH..(batch + 1) * BATCH {
        let key = mix(row / kinds.len() as u64) % keys;
        let kind = kinds[row as usize % kinds.len()];
        rows.push(kind, 0, [Scalar::Int(mix(key) as i64), Scalar::Int((row % 97) as i64)]);
    }
    rows
}

fn push(chain: &mut Chain, rows: &ChangeBuffer) {
    rows.lend(|rows| chain.push(TARGET, rows)).expect("the rows fit");
}

/// Mixes numbers: keys are not small, and not in order.
fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 31).wrapping_mul(0x7fb5_d329_728e_a185);
    (value ^ value >> 27) >> 16
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to people")]
fn report(what: &str, figures: &str) {
    println!("{what:36} {figures}");
}
