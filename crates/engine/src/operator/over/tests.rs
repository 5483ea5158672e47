//! The results of `OVER` are those of Flink, and agree with a naive model.

mod model;

use sql::plan::operator::{AggregateCall, Changes as Mode, Distribution, Field, Function, SortKey};
use types::{DataType, Repr, Value};

use super::*;
use crate::operator::chain::{Chain, ChainTarget, Link, StreamTime};
use crate::operator::changes::RowKind;
use crate::operator::harness::{Event, Harness, Row, change, row, watermark};

const RANGE: Frame = Frame::Range(Interval(10));
const BY_TIME: OverOrder = OverOrder::Event(1);
const BY_COLUMN: OverOrder = OverOrder::Field(SortKey { field: 1, descending: false, nulls_first: true });

/// An `OVER` query. Rows are a key, a time or another order, and a value; calls are over the value.
struct Case {
    order: OverOrder,
    frame: Frame,
    calls: Vec<AggregateCall>,
    changes: Mode,
    emits_before: bool,
    ttl: Option<Interval>,
}

impl Case {
    /// Builds a case that calls `SUM(value)`.
    fn new(order: OverOrder, frame: Frame) -> Case {
        let changes = match order {
            OverOrder::Field(_) => Mode::Retract,
            _ => Mode::Append,
        };
        Case { order, frame, calls: vec![call(Function::Sum, &[2])], changes, emits_before: true, ttl: None }
    }

    fn calls(self, calls: Vec<AggregateCall>) -> Case {
        Case { calls, ..self }
    }

    fn build(&self) -> Result<OverOperator, String> {
        let field = |data_type: DataType| Field { name: "f".into(), column_type: data_type.nullable() };
        let fields = [DataType::STRING, DataType::Timestamp(3), DataType::BigInt].map(field);
        let input = Input {
            fields: fields.into(),
            distribution: Distribution::Hash(vec![0]),
            changes: self.changes.clone(),
        };
        let spec = Over {
            partition: vec![0],
            order: self.order,
            frame: self.frame,
            calls: self.calls.clone(),
            emits_before: self.emits_before,
        };
        OverOperator::new("over".into(), &spec, &[input], self.ttl)
    }

    fn with<T>(&self, run: impl FnOnce(&Harness<'_>) -> T) -> T {
        let build = || -> Box<dyn Operator> { Box::new(self.build().unwrap()) };
        run(&Harness::new(&build, vec![vec![Repr::Text, Repr::Int, Repr::Int]]).keyed(vec![vec![0]]))
    }

    fn gives(&self, events: &[Event], expected: &[Row]) {
        self.with(|harness| harness.gives(events, expected));
    }

    /// Runs in one subtask without an interruption, because other runs see another clock.
    fn gives_by_clock(&self, events: &[Event], expected: &[Row]) {
        for batch in [1, 10] {
            assert_eq!(self.with(|harness| harness.run(events, batch, 1, None)).unwrap(), expected);
        }
    }
}

fn call(function: Function, args: &[usize]) -> AggregateCall {
    AggregateCall {
        function,
        args: args.to_vec(),
        distinct: false,
        filter: None,
        arg_types: args.iter().map(|_| DataType::BigInt.nullable()).collect(),
        column_type: DataType::BigInt.nullable(),
        name: "CALL".into(),
    }
}

fn values(key: &str, numbers: &[i64]) -> Vec<Value> {
    [Value::Text(key.into())].into_iter().chain(numbers.iter().copied().map(Value::Int)).collect()
}

fn at(key: &str, time: i64, value: i64) -> Event {
    event("+I", key, time, value)
}

fn event(code: &str, key: &str, order: i64, value: i64) -> Event {
    change(0, code, values(key, &[order, value]))
}

fn given(key: &str, numbers: &[i64]) -> Row {
    row("+I", values(key, numbers))
}

fn all<const N: usize>(rows: &[[i64; N]]) -> Vec<Row> {
    rows.iter().map(|numbers| given("a", numbers)).collect()
}

#[test]
fn rows_wait_for_the_watermark_and_come_in_order_of_time() {
    let events = [
        at("a", 5, 1),
        at("a", 3, 2),
        at("b", 4, 4),
        watermark(0, 4),
        // Peers of 5.
        at("a", 5, 8),
        at("a", 4, 16),
        watermark(0, 9),
        at("a", 20, 32),
    ];
    let rows = [[3, 2, 2], [4, 4, 4], [5, 1, 3], [5, 8, 11], [20, 32, 43]];
    let keys = ["a", "b", "a", "a", "a"];
    let rows: Vec<Row> = keys.into_iter().zip(&rows).map(|(key, numbers)| given(key, numbers)).collect();
    Case::new(BY_TIME, Frame::UnboundedRows).gives(&events, &rows);

    // `RANGE` includes the peers.
    let mut peers = rows;
    peers[2] = given("a", &[5, 1, 11]);
    Case::new(BY_TIME, Frame::UnboundedRange).gives(&events, &peers);
}

#[test]
fn rows_leave_a_bounded_frame() {
    let events =
        [at("a", 0, 1), at("a", 1, 2), at("a", 10, 4), at("a", 11, 8), at("a", 11, 16), at("a", 40, 32)];
    let range = [[0, 1, 1], [1, 2, 3], [10, 4, 7], [11, 8, 30], [11, 16, 30], [40, 32, 32]];
    Case::new(BY_TIME, RANGE).gives(&events, &all(&range));
    let rows = [[0, 1, 1], [1, 2, 3], [10, 4, 7], [11, 8, 14], [11, 16, 28], [40, 32, 56]];
    Case::new(BY_TIME, Frame::Rows(2)).gives(&events, &all(&rows));
    let own = [[0, 1, 1], [1, 2, 2], [10, 4, 4], [11, 8, 8], [11, 16, 16], [40, 32, 32]];
    Case::new(BY_TIME, Frame::Rows(0)).gives(&events, &all(&own));

    // The same with aggregates that store values.
    let greatest = Case::new(BY_TIME, Frame::Rows(1)).calls(vec![call(Function::Max, &[2])]);
    let events = [at("a", 0, 7), at("a", 1, 2), at("a", 2, 3)];
    greatest.gives(&events, &all(&[[0, 7, 7], [1, 2, 7], [2, 3, 3]]));
}

#[test]
fn an_unbounded_frame_takes_no_row_at_or_before_the_watermark() {
    let events = [at("a", 5, 1), watermark(0, 8), at("a", 8, 2), at("b", 7, 4), at("a", 9, 8)];
    for frame in [Frame::UnboundedRange, Frame::UnboundedRows] {
        Case::new(BY_TIME, frame).gives(&events, &all(&[[5, 1, 1], [9, 8, 9]]));
    }
}

#[test]
fn a_bounded_frame_takes_late_rows_behind_the_newest_of_their_key() {
    let events = [
        at("a", 5, 1),
        watermark(0, 8),
        at("a", 5, 2),
        at("a", 6, 4),
        // Unknown keys have no newest row.
        at("b", 2, 8),
        watermark(0, 9),
        at("b", 2, 16),
    ];
    let expected = [given("a", &[5, 1, 1]), given("b", &[2, 8, 8]), given("a", &[6, 4, 5])];
    for frame in [RANGE, Frame::Rows(9)] {
        Case::new(BY_TIME, frame).gives(&events, &expected);
    }
}

#[test]
fn a_range_that_is_over_is_forgotten_and_its_late_rows_count_alone() {
    let over = |until: i64| {
        let events = [at("a", 5, 1), watermark(0, 5), watermark(0, until), at("b", 100, 2), at("a", 4, 4)];
        Case::new(BY_TIME, RANGE).with(|harness| harness.run(&events, 1, 1, None)).unwrap().len()
    };
    // One and a half intervals and one millisecond after the row.
    assert_eq!((over(20), over(21)), (2, 3));

    let mut chain = chain(Case::new(BY_TIME, RANGE));
    push(&mut chain, 0, [5, 6]);
    let holds = |chain: &Chain| chain.memory_bytes().map(|(_, bytes)| bytes).sum::<usize>();
    let full = holds(&chain);
    chain.advance(INPUT, StreamTime { watermark: 22, is_idle: false }).unwrap();
    assert!(holds(&chain) < full, "{} of {full}", holds(&chain));
}

const INPUT: ChainTarget = ChainTarget::Operator { place: 0, input: 0, producer: 0 };

fn chain(case: Case) -> Chain {
    let operator = Box::new(case.build().unwrap());
    let link = Link {
        identity: "over".into(),
        kind: "over".into(),
        operator,
        producers: vec![vec![1]],
        targets: Vec::new(),
    };
    Chain::new(vec![link], Vec::new())
}

/// Pushes rows of one key with these times.
fn push(chain: &mut Chain, watermark: i64, times: [i64; 2]) {
    let mut rows = ChangeBuffer::new(&[Repr::Text, Repr::Int, Repr::Int]);
    for time in times {
        let values = values("a", &[time, 1]);
        rows.push(RowKind::Insert, watermark, values.iter().map(Value::as_scalar));
    }
    rows.lend(|rows| chain.push(INPUT, rows)).unwrap();
}

#[test]
fn late_rows_are_counted() {
    for (frame, expected) in [(Frame::UnboundedRows, 3), (RANGE, 2)] {
        let mut chain = chain(Case::new(BY_TIME, frame));
        push(&mut chain, 0, [5, 6]);
        push(&mut chain, 8, [6, 8]);
        push(&mut chain, 8, [4, 9]);
        assert_eq!(chain.take_late().collect::<Vec<_>>(), [("over", expected)]);
        assert_eq!(chain.take_late().collect::<Vec<_>>(), [("over", 0)]);
    }
}

#[test]
fn rows_by_processing_time_come_at_once() {
    let events = [
        Event::Clock(100),
        at("a", 0, 1),
        at("a", 0, 2),
        Event::Clock(110),
        at("a", 0, 4),
        Event::Clock(121),
        at("a", 0, 8),
    ];
    let by = |frame| Case::new(OverOrder::Processing, frame);
    let sums = |sums: [i64; 4]| {
        let rows = [1, 2, 4, 8].into_iter().zip(sums).map(|(value, sum)| given("a", &[0, value, sum]));
        rows.collect::<Vec<_>>()
    };
    by(Frame::UnboundedRange).gives_by_clock(&events, &sums([1, 3, 7, 15]));
    by(Frame::UnboundedRows).gives_by_clock(&events, &sums([1, 3, 7, 15]));
    by(RANGE).gives_by_clock(&events, &sums([1, 3, 7, 8]));
    by(Frame::Rows(1)).gives_by_clock(&events, &sums([1, 3, 6, 12]));
}

#[test]
fn numbers_ranks_and_values_before_a_row_follow_the_order() {
    let calls = vec![
        call(Function::RowNumber, &[]),
        call(Function::Rank, &[]),
        call(Function::Sum, &[2]),
        call(Function::DenseRank, &[]),
        call(Function::Lag { offset: 2 }, &[2, 1]),
    ];
    let events = [at("a", 5, 1), at("a", 7, 2), at("a", 5, 4), at("a", 6, 8)];
    let rows = [[5, 1, 1, 1, 1, 1, 5], [5, 4, 2, 1, 5, 1, 5], [6, 8, 3, 3, 13, 2, 1], [7, 2, 4, 4, 15, 3, 4]];
    Case::new(BY_TIME, Frame::UnboundedRows).calls(calls).gives(&events, &all(&rows));
}

#[test]
fn lag_takes_nulls_as_they_are() {
    let null = change(0, "+I", [Value::Text("a".into()), Value::Int(2), Value::Null]);
    let case = Case::new(BY_TIME, Frame::UnboundedRows).calls(vec![call(Function::Lag { offset: 1 }, &[2])]);
    let nulls = |values: [Option<i64>; 3]| {
        let values = values.map(|value| value.map_or(Value::Null, Value::Int));
        row("+I", [Value::Text("a".into())].into_iter().chain(values).collect::<Vec<_>>())
    };
    let expected =
        [nulls([Some(1), Some(7), None]), nulls([Some(2), None, Some(7)]), nulls([Some(3), Some(8), None])];
    case.gives(&[at("a", 1, 7), null, at("a", 3, 8)], &expected);
}

#[test]
fn by_another_column_later_rows_are_updated() {
    let events =
        [at("a", 10, 1), at("a", 30, 2), at("a", 20, 4), event("-D", "a", 10, 1), event("-D", "a", 11, 9)];
    let change = |code: &str, numbers: [i64; 3]| row(code, values("a", &numbers));
    let expected = [
        change("+I", [10, 1, 1]),
        change("+I", [30, 2, 3]),
        change("+I", [20, 4, 5]),
        change("-U", [30, 2, 3]),
        change("+U", [30, 2, 7]),
        change("-D", [10, 1, 1]),
        change("-U", [20, 4, 5]),
        change("+U", [20, 4, 4]),
        change("-U", [30, 2, 7]),
        change("+U", [30, 2, 6]),
    ];
    for frame in [Frame::UnboundedRange, Frame::UnboundedRows] {
        let mut case = Case::new(BY_COLUMN, frame);
        case.gives(&events, &expected);

        case.emits_before = false;
        let after: Vec<Row> = expected.iter().filter(|row| row.kind.code() != "-U").cloned().collect();
        let given = case.with(|harness| harness.run(&events, 3, 1, None)).unwrap();
        assert_eq!(given, after);
    }
}

#[test]
fn peers_by_another_column_share_a_range_and_unchanged_rows_are_not_given() {
    let events = [at("a", 10, 5), at("a", 10, 3), at("a", 5, 1)];
    let change = |code: &str, numbers: [i64; 3]| row(code, values("a", &numbers));
    let sums = [
        change("+I", [10, 5, 5]),
        change("-U", [10, 5, 5]),
        change("+U", [10, 5, 8]),
        change("+I", [10, 3, 8]),
        change("+I", [5, 1, 1]),
        change("-U", [10, 5, 8]),
        change("+U", [10, 5, 9]),
        change("-U", [10, 3, 8]),
        change("+U", [10, 3, 9]),
    ];
    Case::new(BY_COLUMN, Frame::UnboundedRange).gives(&events, &sums);
    let greatest = [change("+I", [10, 5, 5]), change("+I", [10, 3, 5]), change("+I", [5, 1, 1])];
    Case::new(BY_COLUMN, Frame::UnboundedRange)
        .calls(vec![call(Function::Max, &[2])])
        .gives(&events, &greatest);
}

#[test]
fn what_cannot_be_computed_is_refused() {
    let refused = |case: Case| case.build().err().unwrap();
    let bounded = "Non-time attribute sort is not supported for bounded OVER window.";
    assert_eq!(refused(Case::new(BY_COLUMN, RANGE)), bounded);
    let mut case = Case::new(BY_TIME, RANGE);
    case.changes = Mode::Retract;
    assert_eq!(refused(case), "`over` cannot take rows back");
}
