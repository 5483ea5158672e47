//! Windows and `OVER`: nanoseconds of CPU time per row, and memory of a million keys.
//!
//! `cargo bench -p engine --bench window`

mod cpu_time;

use engine::operator::chain::{Chain, ChainTarget, Link, Operator, StreamTime};
use engine::operator::changes::{ChangeBuffer, RowKind};
use engine::operator::over::OverOperator;
use engine::operator::window_aggregate::WindowAggregateOperator;
use engine::operator::window_assign::WindowAssignOperator;
use jiff::tz::TimeZone;
use sql::plan::Window;
use sql::plan::operator::{
    AggregateCall, Changes, Distribution, Field, Frame, Function, Input, Over, OverOrder, SortKey, Time,
    WindowAggregate, WindowAssign, WindowProperty, Windowing,
};
use types::{DataType, Interval, Repr, Scalar};

use self::cpu_time::thread_cpu_ns;

const ROWS: i64 = 1_000_000;
const BATCH: usize = 4_096;
const SECOND: Interval = Interval(1_000);
const MINUTE: Interval = Interval(60_000);
const OFFSET: Interval = Interval::ZERO;
const TIME: Time = Time::Event(1);

const TUMBLE: Window = Window::Tumble { size: MINUTE, offset: OFFSET };
const HOP: Window = Window::Hop { size: MINUTE, slide: Interval(10_000), offset: OFFSET };
const CUMULATE: Window = Window::Cumulate { size: MINUTE, step: Interval(10_000), offset: OFFSET };

fn main() {
    let sliced = |window| Windowing::Sliced { window, time: TIME };
    let session = Windowing::Session { gap: SECOND, time: TIME };

    for (name, windowing) in [
        ("tumble", sliced(TUMBLE)),
        ("hop of 6", sliced(HOP)),
        ("cumulate", sliced(CUMULATE)),
        ("session", session),
    ] {
        for keys in [1_000, ROWS] {
            measure(&format!("aggregate, {name}, {keys} keys"), aggregate(windowing), keys);
        }
    }

    for (name, windowing) in [("tumble", sliced(TUMBLE)), ("session", session)] {
        measure(&format!("assign, {name}"), assign(windowing), 1_000);
    }

    for (name, frame) in [
        ("unbounded", Frame::UnboundedRange),
        ("range of 1 s", Frame::Range(SECOND)),
        ("10 rows", Frame::Rows(10)),
    ] {
        measure(&format!("over, {name}"), over(OverOrder::Event(1), frame), 1_000);
        measure(&format!("over, {name}, processing time"), over(OverOrder::Processing, frame), 1_000);
    }

    let order = SortKey { field: 1, descending: false, nulls_first: true };
    measure("over, by a column that grows", over(OverOrder::Field(order), Frame::UnboundedRows), 1_000);
}

fn input() -> Input {
    let field = |data_type: DataType| Field { name: "f".to_owned(), column_type: data_type.nullable() };
    Input {
        fields: [DataType::BigInt, DataType::Timestamp(3), DataType::BigInt].map(field).into(),
        distribution: Distribution::Hash(vec![0]),
        changes: Changes::Append,
    }
}

/// Builds `COUNT(*)` and `SUM(v)`.
fn calls() -> Vec<AggregateCall> {
    let call = |function, args: &[usize]| AggregateCall {
        function,
        args: args.to_vec(),
        distinct: false,
        filter: None,
        arg_types: args.iter().map(|_| DataType::BigInt.nullable()).collect(),
        column_type: DataType::BigInt.nullable(),
        name: "CALL".to_owned(),
    };
    vec![call(Function::Count, &[]), call(Function::Sum, &[2])]
}

fn aggregate(windowing: Windowing) -> Box<dyn Operator> {
    let properties = vec![WindowProperty::Start, WindowProperty::End];
    let spec = WindowAggregate { windowing, is_instant: false, keys: vec![0], calls: calls(), properties };
    let operator = WindowAggregateOperator::new("window".into(), &spec, &[input()], &TimeZone::UTC);
    Box::new(operator.expect("the plan is valid"))
}

fn assign(windowing: Windowing) -> Box<dyn Operator> {
    let spec = WindowAssign { windowing, is_instant: false, partition: vec![0] };
    let operator = WindowAssignOperator::new("assign".into(), &spec, &[input()], &TimeZone::UTC);
    Box::new(operator.expect("the plan is valid"))
}

fn over(order: OverOrder, frame: Frame) -> Box<dyn Operator> {
    let spec = Over { partition: vec![0], order, frame, calls: calls(), emits_before: true };
    let operator = OverOperator::new("over".into(), &spec, &[input()], None);
    Box::new(operator.expect("the plan is valid"))
}

/// Runs a million rows within ten minutes, with a watermark a second behind; then the end.
fn measure(name: &str, operator: Box<dyn Operator>, keys: i64) {
    let link = Link {
        identity: "operator".into(),
        kind: "Operator".into(),
        operator,
        producers: vec![vec![1]],
        targets: vec![],
    };
    let mut chain = Chain::new(vec![link], vec![]);
    let target = ChainTarget::Operator { place: 0, input: 0, producer: 0 };
    let mut buffer = ChangeBuffer::new(&[Repr::Int; 3]);
    let (mut spent, mut most) = (0, 0);

    for row in 0..ROWS {
        // Keys come in no order.
        let key = (row % keys).wrapping_mul(0x9e37_79b9) & 0xffff_ffff;
        let time = row * 600_000 / ROWS;
        buffer.push(RowKind::Insert, time - 1_000, [key, time, row].map(Scalar::Int));
        if buffer.len() == BATCH || row + 1 == ROWS {
            chain.set_now(time);
            let start = thread_cpu_ns();
            buffer.lend(|rows| chain.push(target, rows)).expect("the operator takes all rows");
            chain
                .advance(target, StreamTime { watermark: time - 1_000, is_idle: false })
                .expect("time goes on");
            spent += thread_cpu_ns() - start;
            most = most.max(chain.memory_bytes().map(|(_, bytes)| bytes).sum());
            buffer.clear();
        }
    }
    let start = thread_cpu_ns();
    chain.advance(target, StreamTime::END).expect("time ends");
    spent += thread_cpu_ns() - start;
    report(name, &format!("{:4.0} ns a row, {:4} MB", spent as f64 / ROWS as f64, most / 1_000_000));
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to people")]
fn report(what: &str, figures: &str) {
    println!("{what:40} {figures}");
}
