//! The windows that rows are assigned to.

use sql::plan::Window;
use sql::plan::operator::{Changes as Mode, Distribution, Field};
use types::{DataType, Interval, Value};

use super::*;
use crate::operator::harness::{Event, Harness, Row, change, insert, row, watermark};

const GAP: Interval = Interval(10);

fn field(name: &str, data_type: DataType) -> Field {
    Field { name: name.into(), column_type: data_type.nullable() }
}

struct Case {
    windowing: Windowing,
    zone: TimeZone,
    is_instant: bool,
    partition: Vec<usize>,
}

impl Case {
    fn new(windowing: Windowing) -> Case {
        Case { windowing, zone: TimeZone::UTC, is_instant: false, partition: vec![0] }
    }

    fn session() -> Case {
        Case::new(Windowing::Session { gap: GAP, time: Time::Event(1) })
    }

    fn with<T>(&self, run: impl FnOnce(&Harness<'_>) -> T) -> T {
        let spec = WindowAssign {
            windowing: self.windowing,
            is_instant: self.is_instant,
            partition: self.partition.clone(),
        };
        let distribution = if self.partition.is_empty() {
            Distribution::Single
        } else {
            Distribution::Hash(self.partition.clone())
        };
        let fields = vec![field("k", DataType::STRING), field("ts", DataType::Timestamp(3))];
        let inputs = vec![Input { fields, distribution, changes: Mode::Retract }];
        let build = || -> Box<dyn Operator> {
            Box::new(WindowAssignOperator::new("assign".into(), &spec, &inputs, &self.zone).unwrap())
        };
        let harness = Harness::new(&build, vec![vec![Repr::Text, Repr::Int]]);
        run(&if self.partition.is_empty() { harness } else { harness.keyed(vec![self.partition.clone()]) })
    }

    fn gives(&self, events: &[Event], expected: &[Row]) {
        self.with(|harness| harness.gives(events, expected));
    }
}

fn at(key: &str, time: i64) -> Event {
    insert(0, [Value::Text(key.into()), Value::Int(time)])
}

fn given(code: &str, key: &str, times: [i64; 4]) -> Row {
    let values = [Value::Text(key.into())].into_iter().chain(times.map(Value::Int));
    row(code, values.collect::<Vec<_>>())
}

#[test]
fn a_row_is_given_for_each_of_its_windows_with_its_kind_also_when_they_are_closed() {
    let window = Window::Hop { size: Interval(30), slide: Interval(10), offset: Interval::ZERO };
    let case = Case::new(Windowing::Sliced { window, time: Time::Event(1) });
    let events = [
        watermark(0, 1_000),
        change(0, "-U", [Value::Text("a".into()), Value::Int(25)]),
        insert(0, [Value::Text("a".into()), Value::Null]),
    ];
    let expected = [[25, 0, 30, 29], [25, 10, 40, 39], [25, 20, 50, 49]];
    case.gives(&events, &expected.map(|times| given("-U", "a", times)));
}

#[test]
fn windows_of_instants_are_cut_on_the_wall_clock() {
    let day = Interval(86_400_000);
    let window = Window::Tumble { size: day, offset: Interval::ZERO };
    let mut case = Case::new(Windowing::Sliced { window, time: Time::Event(1) });
    case.zone = TimeZone::get("Asia/Bangkok").unwrap();
    case.is_instant = true;
    let (hour, evening) = (3_600_000, 18 * 3_600_000);
    // 18:00Z is 01:00 of the next day; the window's time is an instant again.
    case.gives(
        &[at("a", evening)],
        &[given("+I", "a", [evening, day.0, 2 * day.0, 2 * day.0 - 7 * hour - 1])],
    );
}

#[test]
fn rows_of_a_session_come_when_it_closes() {
    let events = [
        at("a", 5),
        at("b", 6),
        at("a", 15),
        at("a", 40),
        watermark(0, 23),
        at("a", 24),
        watermark(0, 33),
        watermark(0, 49),
    ];
    let expected = [
        given("+I", "b", [6, 6, 16, 15]),
        given("+I", "a", [5, 5, 34, 33]),
        given("+I", "a", [15, 5, 34, 33]),
        given("+I", "a", [24, 5, 34, 33]),
        given("+I", "a", [40, 40, 50, 49]),
    ];
    Case::session().gives(&events, &expected);
}

#[test]
fn a_row_between_two_sessions_joins_them_and_lateness_is_judged_after_that() {
    let events = [
        at("a", 0),
        at("a", 20),
        watermark(0, 8),
        // Touches both.
        at("a", 10),
        watermark(0, 28),
        // Alone it would be late.
        at("a", 12),
        watermark(0, 29),
        at("a", 19),
        at("a", 20),
        at("a", 21),
    ];

    let expected = [
        given("+I", "a", [0, 0, 30, 29]),
        given("+I", "a", [20, 0, 30, 29]),
        given("+I", "a", [10, 0, 30, 29]),
        given("+I", "a", [12, 0, 30, 29]),
        given("+I", "a", [21, 21, 31, 30]),
    ];
    Case::session().gives(&events, &expected);
}

#[test]
fn without_a_partition_a_session_spans_all_rows() {
    let mut case = Case::session();
    case.partition = Vec::new();
    let expected = [given("+I", "a", [0, 0, 17, 16]), given("+I", "b", [7, 0, 17, 16])];
    case.gives(&[at("a", 0), at("b", 7)], &expected);
}

#[test]
fn sessions_by_processing_time_close_by_the_clock() {
    let case = Case::new(Windowing::Session { gap: GAP, time: Time::Processing });
    let events = [
        Event::Clock(100),
        at("a", 0),
        Event::Clock(109),
        at("a", 1),
        Event::Clock(118),
        at("b", 2),
        Event::Clock(119),
        at("b", 3),
        Event::Clock(140),
    ];

    let expected = [
        given("+I", "a", [0, 100, 119, 118]),
        given("+I", "a", [1, 100, 119, 118]),
        given("+I", "b", [2, 118, 129, 128]),
        given("+I", "b", [3, 118, 129, 128]),
    ];
    for batch in [1, 10] {
        assert_eq!(case.with(|harness| harness.run(&events, batch, 1, None)).unwrap(), expected);
    }
}

#[test]
fn late_rows_are_counted() {
    let case = Case::session();
    let spec = WindowAssign { windowing: case.windowing, is_instant: false, partition: Vec::new() };
    let fields = vec![field("ts", DataType::Timestamp(3))];
    let inputs = vec![Input { fields, distribution: Distribution::Single, changes: Mode::Append }];
    let spec = WindowAssign { windowing: Windowing::Session { gap: GAP, time: Time::Event(0) }, ..spec };
    let mut operator = WindowAssignOperator::new("assign".into(), &spec, &inputs, &case.zone).unwrap();
    operator.moment.advance(15);
    let mut buffer = ChangeBuffer::new(&[Repr::Int]);
    for time in [5, 6, 7] {
        buffer.push(crate::operator::changes::RowKind::Insert, 15, [Scalar::Int(time)]);
    }
    buffer.lend(|rows| (0..3).try_for_each(|row| operator.take(rows, row, 0))).unwrap();
    assert_eq!((operator.take_late(), operator.take_late()), (2, 0));
}
